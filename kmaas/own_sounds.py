"""A user's own recordings, as the command line says of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmaas.progress import shown_progress

if TYPE_CHECKING:
    from models.spec import ModelConfig
    from training.data.findings import DataReport


@dataclass(frozen=True)
class OwnSounds:
    """`data` is a folder with a folder for each label."""

    data: Path
    name: str

    @property
    def entry(self) -> str:
        from models.audio_classifier import NAME

        return NAME

    def known(self, _cache: Path) -> dict[str, Any]:
        return {"name": self.name, "data": self._source("not known yet"), "labels": ["not known yet"]}

    def looked_at(self, asked: "ModelConfig") -> tuple["DataReport", dict[str, Any]]:
        from models.audio_classifier import AudioClassifierConfig
        from training.audio_classifier import demands_of
        from training.data.labelled_sounds import labelled_sounds

        assert isinstance(asked, AudioClassifierConfig)
        with shown_progress() as progress:
            found = labelled_sounds(asked.data, demands_of(asked), progress)
        return found.report, {"labels": list(found.labels), "data": self._source(found.report.sha256)}

    def _source(self, sha256: str) -> dict[str, Any]:
        return {"path": str(self.data.resolve()), "sha256": sha256}
