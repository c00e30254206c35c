"""The recipe of models that translate, of a network that has learnt nothing yet."""

import time
from pathlib import Path

from kmaas.progress import PlainProgress
from models.catalog import find
from models.translation import PAIR, PairConfig, build
from tests.support.tiny_translation import SETTINGS, sentences, translated
from training.config import load_config
from training.data.pairs import Pair, Pairs
from training.translation import TranslationRecipe


def test_rows_that_are_not_learnt_from_are_no_baseline_either(tmp_path: Path) -> None:
    """Of a sentence that is held out, the translation is among the training's pairs, behind those that are kept."""
    *learnt, asked = [Pair(text, translated(text), str(number)) for number, text in enumerate(sentences())][:9]
    settings = [*SETTINGS, "languages=xx-en", "rows=8", "epochs=1", "max_tokens=12"]
    config = load_config(find("translation"), {"data": __file__}, settings)
    assert isinstance(config, PairConfig)
    pairs = Pairs([*learnt, asked], [asked])
    recipe = TranslationRecipe(config, PAIR, pairs, None, source="pairs", sha256="0", cache=tmp_path)
    evaluation = recipe.evaluate(build(config), PlainProgress(lambda _: None, time.monotonic)).evaluation
    [nearest] = [of for of in evaluation.references if of.name.startswith("chrF2 of the translation of the most alike")]
    assert nearest.value < 90, "100 is what the pair itself would have"
