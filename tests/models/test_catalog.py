"""The catalogue: found by name, `all`, and a message that lists what there is."""

import dataclasses

import pytest

from models import catalog
from models.catalog import CATALOG, NETWORKS, OWN, find, select, spec_of
from models.checkpoint import NETWORK as CHECKPOINT
from models.errors import DuplicateModelError, NeedsDataError, UnknownModelError, UnknownNetworkError
from models.spec import ModelSpec
from training.config import load_config
from training.recipes import RECIPES


def test_entries_are_found_by_name_in_the_order_asked_for_and_once() -> None:
    assert [spec.name for spec in select(["sentiment", "digits", "sentiment"])] == ["sentiment", "digits"]
    assert find("digits").task == "image-classification"


def test_all_is_what_has_clear_terms_and_others_are_named() -> None:
    clear = [name for name in CATALOG if name != "topics"]
    assert [spec.name for spec in select(["all"])] == clear
    assert [spec.name for spec in select(["topics", "all", "digits"])] == ["topics", *clear]


def test_unknown_names_are_named_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"no 'digit', 'x'; it has digits, fashion-resnet, fashion-vgg, sent"):
        select(["digit", "digits", "x"])


def test_what_translates_says_from_which_language_into_which() -> None:
    told = [
        spec_of(load_config(find("translation"), {"data": __file__}, [f"languages={pair}"])).description
        for pair in ("en-pl", "de-en", "en-ga")
    ]
    assert told == [
        "Translates sentences from English into Polish.",
        "Translates sentences from German into English.",
        "Translates sentences from English into ga.",
    ]


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(DuplicateModelError, match="digits"):
        catalog._table(CATALOG["digits"], dataclasses.replace(CATALOG["sentiment"], name="digits"))


def test_every_entry_has_a_recipe() -> None:
    assert RECIPES.keys() == NETWORKS.keys() | OWN.keys()


def test_what_is_trained_on_own_data_is_found_and_never_taken_by_its_name_alone() -> None:
    assert find("text-classifier") is OWN["text-classifier"]
    assert "text-classifier" not in CATALOG
    with pytest.raises(NeedsDataError, match="kmaas train text-classifier --data FILE"):
        select(["digits", "text-classifier"])


def _is_checkpoint(spec: ModelSpec) -> bool:
    return (spec.network or "").endswith(CHECKPOINT)


def test_a_network_is_found_by_its_name_and_by_its_configuration() -> None:
    assert find("sentiment", "minilm") is NETWORKS["sentiment-minilm"]
    assert find("sentiment") is CATALOG["sentiment"]
    for spec in NETWORKS.values():
        if not _is_checkpoint(spec):  # which says itself what it is: tests/training/test_checkpoint.py
            assert spec_of(load_config(spec)).entry == spec.entry


@pytest.mark.parametrize(
    ("model", "network", "has"),
    [("sentiment", "bert", "it has minilm"), ("sentiment", ["minilm"], "it has minilm"), ("digits", "minilm", "one,")],
)
def test_an_unknown_network_is_named_with_those_there_are(model: str, network: object, has: str) -> None:
    with pytest.raises(UnknownNetworkError) as caught:
        find(model, network)
    assert f"{model} has no network {network!r}" in str(caught.value)
    assert has in str(caught.value)


def test_networks_of_a_model_answer_alike() -> None:
    """One may take the other's place: the same task and labels, told by the same words."""
    for spec in NETWORKS.values():
        own = CATALOG[spec.name]
        assert (spec.task, spec.labels) == (own.task, own.labels)
        assert _is_checkpoint(spec) or spec.description == own.description
