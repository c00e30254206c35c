"""The recipe of a user's own classifier of texts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from models.bert_classifier import explain_bert
from models.text_classifier import DataSource, TextClassifierConfig, processing
from processing.cleaning import with_cleaning
from training.adversarial import Embedded
from training.backbone import Pretrained, fill, load_backbone
from training.data.labelled_texts import Demands, LabelledTexts, labelled_texts
from training.data.split import PARTS
from training.data.table import read_table
from training.errors import ChangedDataError, UnfitBackboneError
from training.labelled import LabelledTextsRecipe, Labels
from training.progress import Progress
from training.recipe import DataFacts

if TYPE_CHECKING:
    import keras


def read_labelled_texts(source: DataSource, demands: Demands) -> LabelledTexts:
    """What `source` has now.

    Raises:
        ChangedDataError: the file is another than `source` says.
        DataError: it cannot be read, or there is nothing in it to be learnt.
    """
    table = read_table(source.file, encoding=source.encoding, delimiter=source.delimiter)
    if table.sha256 != source.sha256:
        raise ChangedDataError(source.file)
    return labelled_texts(table, source, demands)


class TextClassifierRecipe(LabelledTextsRecipe):
    def __init__(
        self, config: TextClassifierConfig, data: LabelledTexts, load: Callable[[], Pretrained], tokenizer: str | None
    ) -> None:
        """`load` is asked only where there is no tokenizer yet, or a model begins."""
        self._load, self._layers = load, config.size.layers
        super().__init__(
            config,
            Labels(config.name, config.labels, config.multi_label),
            {part: data.part(part) for part in PARTS},
            processing(config),
            tokenizer or tokenizer_of(config, load()),
            source=config.data.file.name,
        )
        self.facts = DataFacts(
            name=config.data.file.name,
            source="a file of the user",
            sha256=config.data.sha256,
            training_rows=len(self._train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: TextClassifierConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage(f"read {config.data.file.name}", 1)
        data = read_labelled_texts(config.data, demands_of(config))
        return cls(config, data, lambda: load_as_configured(config, cache), tokenizer)

    def prepare(self, model: "keras.Model") -> None:
        fill(self._load(), model.get_layer("bert"), self._layers)

    def embedded(self, model: "keras.Model") -> Embedded:
        opened = explain_bert(model)
        return Embedded(lambda ids: opened.embed(ids)[0], lambda ids, vectors: opened.logits((vectors,), ids))


def tokenizer_of(config: TextClassifierConfig, pretrained: Pretrained) -> str:
    return with_cleaning(pretrained.tokenizer) if config.clean else pretrained.tokenizer


def demands_of(config: TextClassifierConfig) -> Demands:
    return Demands(
        fewest=config.fewest_rows,
        max_tokens=config.length,
        validation=config.validation_share,
        test=config.test_share,
        seed=config.seed,
        clean=config.clean,
    )


def load_as_configured(config: TextClassifierConfig, cache: Path) -> Pretrained:
    """Raises `UnfitBackboneError` where its weights are no longer those that the run was begun with."""
    loaded = load_backbone(config.backbone.given, cache)
    if loaded.backbone != config.backbone:
        raise UnfitBackboneError(
            config.backbone.given, "it is no longer the one that the run was begun with; train anew"
        )
    return loaded
