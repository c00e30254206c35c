"""The table of tasks."""

import pytest

from gateway.errors import UnfitVersionError
from gateway.generation.language_model import LanguageModel
from gateway.settings import Limits
from gateway.tasks.base import AnyTask, limited
from gateway.tasks.table import EXPLANATIONS, TASKS, build_task, table_of
from gateway.tasks.text_classification import TextClassification
from gateway.tasks.text_generation import TextGeneration
from processing.spec import ImageSpec, TextSpec
from tests.support.small_models import manifest_of


def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two tasks are called text-classification"):
        table_of([TextClassification, TextClassification])


KEEPING = [task for task in (*TASKS.values(), *EXPLANATIONS.values(), LanguageModel) if task is not TextGeneration]


@pytest.mark.parametrize("task", KEEPING)
def test_every_task_keeps_its_limits_where_a_route_finds_them(task: type[AnyTask]) -> None:
    assert "_limits" in task.__init__.__code__.co_names
    made = object.__new__(task)
    vars(made).update(dict.fromkeys(("_spec", "_codec", "_vocabulary", "_template", "_cache")), _limits=Limits())
    narrower = limited(made, Limits(items=1))
    assert (vars(narrower)["_limits"].items, vars(made)["_limits"].items) == (1, Limits().items)
    assert limited(made, None) is made


def test_a_language_model_in_other_words_has_its_limits() -> None:
    model = object.__new__(LanguageModel)
    vars(model).update(dict.fromkeys(("_spec", "_codec", "_vocabulary", "_template", "_cache")), _limits=Limits())
    narrower = limited(TextGeneration(model), Limits(items=1))
    assert vars(narrower.model)["_limits"].items == 1  # type: ignore[attr-defined]  # of one task


def test_names_are_hugging_faces() -> None:
    assert set(TASKS) == {
        "text-classification",
        "image-classification",
        "feature-extraction",
        "text-generation",
        "automatic-speech-recognition",
        "audio-classification",
        "translation",
        "object-detection",
        "image-feature-extraction",
    }


@pytest.mark.parametrize(
    ("task", "processing", "says"),
    [
        ("mind-reading", {}, "mind-reading"),
        ("image-classification", {"kind": "smell"}, "processing"),
        ("image-classification", TextSpec(max_tokens=8, pad_id=0).model_dump(), "kind image"),
        ("text-classification", ImageSpec(form="digit", height=28, width=28, channels=1).model_dump(), "kind text"),
        ("text-classification", TextSpec(max_tokens=8, pad_id=0).model_dump(), "tokenizer"),
        ("feature-extraction", ImageSpec(form="digit", height=28, width=28, channels=1).model_dump(), "kind text"),
        ("feature-extraction", TextSpec(max_tokens=8, pad_id=0).model_dump(), "output embedding"),
        ("text-generation", TextSpec(max_tokens=8, pad_id=0).model_dump(), "kind language"),
        ("text-generation", {"kind": "language", "context_tokens": 1}, "context_tokens"),
        ("text-generation", {"kind": "language", "context_tokens": 8}, "tokenizer"),
        ("automatic-speech-recognition", TextSpec(max_tokens=8, pad_id=0).model_dump(), "kind speech"),
        ("audio-classification", TextSpec(max_tokens=8, pad_id=0).model_dump(), "kind audio"),
    ],
)
def test_a_version_without_what_its_task_needs_is_unfit(task: str, processing: dict[str, object], says: str) -> None:
    manifest = manifest_of("m", task, {}, ("a",), digest="", parameters=0, processing=processing)
    with pytest.raises(UnfitVersionError, match=says):
        build_task(manifest, {"tokenizer": ""}, Limits())
