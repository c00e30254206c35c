"""A user's own texts, as the command line says of them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.spec import ModelConfig
    from training.data.findings import DataReport


@dataclass(frozen=True)
class OwnTexts:
    data: Path
    text_column: str
    label_column: str
    separator: str | None
    split_column: str | None
    encoding: str | None
    delimiter: str | None
    name: str
    backbone: str

    @property
    def entry(self) -> str:
        from models.text_classifier import NAME

        return NAME

    def known(self, cache: Path) -> dict[str, Any]:
        """Raises `TrainingError`: no such file, or no such backbone."""
        from training.backbone import load_backbone

        return {
            "name": self.name,
            "data": self._source(),
            "labels": ["not known yet"],
            "multi_label": False,
            "backbone": load_backbone(self.backbone, cache).backbone.model_dump(),
        }

    def looked_at(self, asked: "ModelConfig") -> tuple["DataReport", dict[str, Any]]:
        from models.text_classifier import TextClassifierConfig
        from training.text_classifier import demands_of, read_labelled_texts

        assert isinstance(asked, TextClassifierConfig)
        found = read_labelled_texts(asked.data, demands_of(asked))
        told: dict[str, Any] = {"labels": list(found.labels), "multi_label": found.multi_label}
        if not asked.languages:
            told["languages"] = list(found.report.languages)
        return found.report, told

    def _source(self) -> dict[str, Any]:
        from training.errors import UnreadableTableError

        try:
            with self.data.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            raise UnreadableTableError(self.data, exc.strerror or str(exc)) from exc
        return {
            "file": str(self.data.resolve()),
            "sha256": digest,
            "text_column": self.text_column,
            "label_column": self.label_column,
            "separator": self.separator,
            "split_column": self.split_column,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
        }
