"""Search spaces: the models' own fit, and what does not is told."""

from pathlib import Path
from typing import Any

import pytest

from models.catalog import NETWORKS, find
from training.config import load_train_config
from training.errors import NotTrainedError, SpaceError, UntunedError
from training.recipes import RECIPES, check_tunable
from training.space import Choices, Range, load_space, with_values

SPEC = find("digits")


def _load(folder: Path, text: str) -> object:
    path = folder / "space.toml"
    path.write_text(text)
    return load_space(SPEC, load_train_config(SPEC), path)


@pytest.mark.parametrize("entry", [entry for entry in NETWORKS if RECIPES[entry].for_trials])
def test_every_network_that_is_trained_has_a_space_of_its_own_around_its_preset(entry: str) -> None:
    spec = NETWORKS[entry]
    base = load_train_config(spec)
    space = load_space(spec, base)
    assert len(space) >= 5
    for key, dimension in space.items():
        value: Any = base.model_dump()
        for part in key.split("."):
            value = value[part]
        if isinstance(dimension, Choices):
            assert value in dimension.choices, key
        else:
            assert dimension.low <= value <= dimension.high, key


def test_what_is_imported_has_nothing_to_search() -> None:
    with pytest.raises(NotTrainedError, match="embeddings is imported with its weights and not trained here"):
        load_train_config(find("embeddings"))


@pytest.mark.parametrize("model", ["en-es", "text-classifier"])
def test_what_has_no_rows_for_trials_is_told_before_anything_else(model: str) -> None:
    with pytest.raises(UntunedError, match=f"{model} cannot be tuned: .*: kmaas train {model} --set KEY=VALUE"):
        check_tunable(find(model))
    check_tunable(find("writer"))


def test_tables_are_reached_into_and_numbers_keep_their_kind(tmp_path: Path) -> None:
    space = _load(
        tmp_path,
        """
        batch_size = { choices = [16, 32] }
        [augment.rotate_degrees]
        low = 0
        high = 20
        [learning_rate]
        adam = { low = 0.001, high = 0.1, scale = "log" }
        """,
    )
    assert space == {
        "batch_size": Choices(choices=(16, 32)),
        "augment.rotate_degrees": Range(low=0, high=20),
        "learning_rate.adam": Range(low=0.001, high=0.1, scale="log"),
    }


def test_values_are_laid_over_a_configuration() -> None:
    base = load_train_config(SPEC)
    config = with_values(base, {"batch_size": 16, "learning_rate.adam": 0.5})
    assert (config.batch_size, config.learning_rate.adam) == (16, 0.5)
    assert config.learning_rate.sgd == base.learning_rate.sgd


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("dropout = [", "it is not TOML"),
        ("dropout = 0.5", "dropout is 0.5; expected a table with low and high, or with choices"),
        ("[drop]\nlow = 0\nhigh = 1", "unknown key 'drop'; those of digits that can be searched are batch_size"),
        ("[dropout]\nlow = 0.1\nhigh = 1.5", "dropout cannot be 1.5: Input should be less than 1"),
        ("[dropout]\nlow = 0.5\nhigh = 0.1", "expected low below high, received 0.5 and 0.1"),
        ("[dropout]\nlow = 0.0\nhigh = 0.1\nscale = 'log'", "a log scale needs a low above 0"),
        ("[dropout]\nlow = 0.1", "dropout: high Field required"),
        ("[dropout]\nlow = 0.1\nhigh = 0.2\nstep = 0.1", "dropout: step Extra inputs are not permitted"),
        ("[optimizer]\nchoices = ['adam']", "optimizer: choices Tuple should have at least 2 items"),
        ("[optimizer]\nchoices = ['adam', 'lion']", "optimizer cannot be 'lion'"),
        ("[epochs]\nlow = 1\nhigh = 5", "epochs cannot be searched: --max-epochs bounds them"),
        ("[seed]\nlow = 1\nhigh = 5", "seed cannot be searched: every trial has the same"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SpaceError) as caught:
        _load(tmp_path, text)
    assert says in str(caught.value)
    assert "space.toml" in str(caught.value)
