"""A user's own pictures, as the command line says of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmaas.progress import shown_progress

if TYPE_CHECKING:
    from models.spec import ModelConfig
    from training.data.findings import DataReport


@dataclass(frozen=True)
class OwnPictures:
    """`data` is a folder, or a file of rows whose columns are named."""

    data: Path
    image_column: str | None
    label_column: str | None
    split_column: str | None
    encoding: str | None
    delimiter: str | None
    name: str
    backbone: str

    @property
    def entry(self) -> str:
        from models.image_classifier import NAME

        return NAME

    def known(self, cache: Path) -> dict[str, Any]:
        """Raises `TrainingError` for a backbone that there is not."""
        from training.picture_backbone import load_picture_backbone

        return {
            "name": self.name,
            "data": self._source("not known yet"),
            "labels": ["not known yet"],
            "backbone": load_picture_backbone(self.backbone, cache).backbone.model_dump(),
        }

    def looked_at(self, asked: "ModelConfig") -> tuple["DataReport", dict[str, Any]]:
        from models.image_classifier import ImageClassifierConfig
        from training.data.labelled_pictures import labelled_pictures
        from training.image_classifier import demands_of

        assert isinstance(asked, ImageClassifierConfig)
        with shown_progress() as progress:
            found = labelled_pictures(asked.data, demands_of(asked), progress)
        return found.report, {"labels": list(found.labels), "data": self._source(found.report.sha256)}

    def _source(self, sha256: str) -> dict[str, Any]:
        return {
            "path": str(self.data.resolve()),
            "sha256": sha256,
            "image_column": self.image_column,
            "label_column": self.label_column,
            "split_column": self.split_column,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
        }
