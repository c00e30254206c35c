"""Searches in one process: what is tried, what is kept, and what is not continued."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.catalog import find
from training.config import load_train_config
from training.data.lock import locked
from training.errors import NotASearchError, OutdatedSearchError, SearchBusyError
from training.search import Search, Trial, best_of
from training.space import Choices, Dimension, Range
from training.tune import tune

SPEC = find("digits")
SPACE: Mapping[str, Dimension] = {"dropout": Range(low=0.0, high=0.5), "batch_size": Choices(choices=(16, 32))}


def _search(folder: Path, trials: int = 2, space: Mapping[str, Dimension] = SPACE) -> Search:
    base = load_train_config(SPEC, None, ["rows=100", "epochs=5"])
    return Search.create(folder, SPEC, base, space, method="random", trials=trials, max_epochs=1)


def _tune(search: Search) -> tuple[list[Trial], list[Trial]]:
    """What it returns, and what it told."""
    told: list[Trial] = []
    return tune(search, Config().cache, PlainProgress(lambda _: None, time.monotonic), told.append), told


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, list[Trial]]:
    search = _search(tmp_path_factory.mktemp("searches"))
    trials, told = _tune(search)
    assert told == trials
    return search, trials


def test_a_search_is_repeatable(finished: tuple[Search, list[Trial]], tmp_path: Path) -> None:
    _, trials = finished
    assert [trial.number for trial in trials] == [1, 2]
    again, _ = _tune(_search(tmp_path))
    assert again == trials


def test_a_search_knows_its_network(tmp_path: Path) -> None:
    spec = find("sentiment", "minilm")
    base = load_train_config(spec, None, ["rows=100"])
    space: Mapping[str, Dimension] = {"layers": Choices(choices=(1, 2))}
    search = Search.create(tmp_path, spec, base, space, method="random", trials=1)
    assert Search.open(search.path) == search


def test_a_finished_search_tells_its_trials_and_does_none(finished: tuple[Search, list[Trial]]) -> None:
    search, trials = finished
    preset = search.preset.stat().st_mtime_ns
    again, told = _tune(Search.open(search.path))
    assert again == told == trials
    assert search.preset.stat().st_mtime_ns > preset


def test_the_preset_is_the_best_trials(finished: tuple[Search, list[Trial]]) -> None:
    search, trials = finished
    best = best_of(trials)
    config = load_train_config(SPEC, search.preset)
    assert config == search.base.model_copy(update={**best.settings, "rows": None})
    assert (config.epochs, best.epochs) == (5, 1)
    assert f"accuracy {best.score:.4f}" in search.preset.read_text().replace("\n# ", " ")
    assert "after epoch 1 on 20 training rows kept aside" in search.preset.read_text().replace("\n# ", " ")


def test_a_small_space_ends_before_the_trials(tmp_path: Path) -> None:
    trials, _ = _tune(_search(tmp_path, trials=9, space={"batch_size": Choices(choices=(16, 32))}))
    assert sorted(trial.settings["batch_size"] for trial in trials) == [16, 32]


def test_of_equal_trials_the_first_is_best() -> None:
    trials = [Trial(number, {}, 1, score) for number, score in ((1, 0.5), (2, 0.7), (3, 0.7))]
    assert best_of(trials).number == 2


def test_what_cannot_be_continued_is_told(finished: tuple[Search, list[Trial]], tmp_path: Path) -> None:
    search, _ = finished
    with locked(search.path / "search"), pytest.raises(SearchBusyError, match="another process continues the search"):
        _tune(search)
    other = search.plan.model_copy(update={"fingerprint": search.plan.fingerprint.replace("code ", "code 0")})
    with pytest.raises(OutdatedSearchError, match=r"begun with other code, .* search anew: kmaas tune digits$"):
        _tune(replace(search, plan=other))
    for left, document in (("search.json", None), ("search.json", "{}"), ("search.json", '{"model": "none"}')):
        folder = tmp_path / left
        folder.mkdir(exist_ok=True)
        if document is not None:
            (folder / left).write_text(document)
        with pytest.raises(NotASearchError, match=r"no readable search\.json"):
            Search.open(folder)


@pytest.mark.parametrize("document", ["", "{", "{}", "[]"])
def test_a_damaged_search_is_not_begun_anew(finished: tuple[Search, list[Trial]], document: str) -> None:
    search, _ = finished
    state = search.path / "trials" / "oracle.json"
    whole = state.read_text()
    state.write_text(document)
    with pytest.raises(NotASearchError, match="what keras-tuner wrote in trials cannot be read"):
        _tune(search)
    assert state.read_text() == document
    state.write_text(whole)
