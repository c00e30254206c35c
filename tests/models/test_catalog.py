"""The catalogue: found by name, `all`, and a message that lists what there is."""

import dataclasses

import pytest

from models import catalog
from models.catalog import CATALOG, find, select
from models.errors import DuplicateModelError, UnknownModelError
from training.recipes import RECIPES


def test_entries_are_found_by_name_in_the_order_asked_for_and_once() -> None:
    assert [spec.name for spec in select(["sentiment", "digits", "sentiment"])] == ["sentiment", "digits"]
    assert find("digits").task == "image-classification"


def test_all_is_the_whole_catalogue() -> None:
    assert [spec.name for spec in select(["all"])] == list(CATALOG)


def test_unknown_names_are_named_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"no 'digit', 'x'; it has digits, sentiment, embeddings"):
        select(["digit", "digits", "x"])


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(DuplicateModelError, match="digits"):
        catalog._table(CATALOG["digits"], dataclasses.replace(CATALOG["sentiment"], name="digits"))


def test_every_entry_has_a_recipe() -> None:
    assert RECIPES.keys() == CATALOG.keys()
