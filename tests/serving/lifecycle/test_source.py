"""What the source sees, and what it tells."""

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.source import Source


class Told:
    """Remembers the last thing told of each model."""

    def __init__(self) -> None:
        self.versions: dict[str, list[int]] = {}
        self.unlisted: dict[str, str] = {}

    def aspire(self, model: ModelConfig, versions: Mapping[int, Path]) -> None:
        self.versions[model.name] = list(versions)

    def miss(self, model: ModelConfig, reason: str) -> None:
        self.unlisted[model.name] = reason


@pytest.fixture
def told() -> Told:
    return Told()


def source(root: Path, told: Told, *, interval_s: float = 3600, patience_s: float = 30) -> Source:
    """Watches the models `a` and `b` under `root`."""
    models = [ModelConfig(name, root / name) for name in ("a", "b")]
    return Source(lambda: models, interval_s, told.aspire, told.miss, patience_s=patience_s)


def test_versions_of_every_model_are_told(tmp_path: Path, told: Told) -> None:
    for name in ("a/1", "a/0002", "a/x", "a/-1", "a/9223372036854775808", "b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "7").touch()
    watch = source(tmp_path, told)
    watch.poll()
    assert told.versions == {"a": [1, 2], "b": []}
    (tmp_path / "a" / "0002").rmdir()
    (tmp_path / "b" / "7").mkdir()
    watch.poll()
    assert told.versions == {"a": [1], "b": [7]}
    assert told.unlisted == {}


def test_a_missing_base_path_does_not_stop_the_others_and_is_said_once(
    tmp_path: Path, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "b" / "1").mkdir(parents=True)
    watch = source(tmp_path, told)
    watch.poll()
    watch.poll()
    assert told.versions == {"b": [1]}
    assert told.unlisted == {"a": "No such file or directory"}
    assert [record.getMessage() for record in caplog.records] == [
        f"a cannot be listed ({tmp_path / 'a'}: No such file or directory); what is served of it, if anything, goes on"
    ]
    (tmp_path / "a" / "3").mkdir(parents=True)
    watch.poll()
    assert told.versions == {"a": [3], "b": [1]}


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Listing the base path of `a` lasts until the event is set, as on a network that hangs."""
    answers = threading.Event()
    iterdir = Path.iterdir

    def slow(path: Path) -> Iterator[Path]:
        if path == tmp_path / "a":
            assert answers.wait(30)
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", slow)
    yield answers
    answers.set()
    join_looks()


def join_looks() -> None:
    for thread in threading.enumerate():
        if thread.name == "look":
            thread.join(30)


def test_a_base_path_that_hangs_holds_up_nobody_and_is_told_when_it_answers(
    tmp_path: Path, told: Told, hanging: threading.Event
) -> None:
    for name in ("a/1", "b/1"):
        (tmp_path / name).mkdir(parents=True)
    watch = source(tmp_path, told, patience_s=0.05)
    watch.poll()
    assert told.versions == {"b": [1]}
    assert told.unlisted == {"a": "no answer within 0.05 s"}
    assert watch.polled.is_set()
    (tmp_path / "b" / "2").mkdir()
    watch.poll()
    assert told.versions == {"b": [1, 2]}
    assert sum(thread.name == "look" for thread in threading.enumerate()) == 1, "it is looked at again and again"
    hanging.set()
    join_looks()
    assert told.versions == {"a": [1], "b": [1, 2]}


def test_stopping_does_not_wait_for_a_base_path_that_hangs(
    tmp_path: Path, told: Told, hanging: threading.Event
) -> None:
    watch = source(tmp_path, told, patience_s=3600)
    watch.start()
    watch.stop()
    assert not watch._thread.is_alive()
    assert not hanging.is_set()


def test_models_that_cannot_be_told_are_no_news(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    known: list[ModelConfig] | None = None

    def models() -> list[ModelConfig]:
        if known is None:
            raise PermissionError(13, os.strerror(13), "store")
        return known

    watch = Source(models, 3600, told.aspire, told.miss)
    watch.poll()
    watch.poll()
    assert not watch.polled.is_set()
    assert [record.getMessage() for record in caplog.records] == [
        "the store cannot be listed (store: Permission denied); what is served of it, if anything, goes on"
    ]
    known = []
    watch.poll()
    assert watch.polled.is_set()


def test_nobody_looks_when_the_interval_is_negative(tmp_path: Path, told: Told) -> None:
    (tmp_path / "a" / "1").mkdir(parents=True)
    source(tmp_path, told, interval_s=-1).poll()
    assert told.versions == {}
    assert "file_system_poll_wait_seconds is negative" in told.unlisted["a"]


def test_the_thread_polls_when_poked(tmp_path: Path, told: Told) -> None:
    seen = threading.Semaphore(0)
    models = [ModelConfig("a", tmp_path)]
    watch = Source(lambda: models, 0, lambda _model, _versions: seen.release(), told.miss)
    watch.start()
    assert seen.acquire(timeout=30)
    watch.poke()
    assert seen.acquire(timeout=30)
    watch.stop()


def test_stopping_before_starting_is_fine(tmp_path: Path, told: Told) -> None:
    source(tmp_path, told).stop()


def test_a_base_path_that_can_be_no_folder_is_told(tmp_path: Path, told: Told) -> None:
    (tmp_path / "b" / "1").mkdir(parents=True)
    models = [ModelConfig("a", tmp_path / "a\0"), ModelConfig("b", tmp_path / "b")]
    watch = Source(lambda: models, 3600, told.aspire, told.miss)
    watch.poll()
    assert told.versions == {"b": [1]}
    assert told.unlisted == {"a": "embedded null byte"}


def test_a_base_path_for_which_there_was_no_thread_is_looked_at_next_time(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1", "b/1"):
        (tmp_path / name).mkdir(parents=True)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    watch = source(tmp_path, told)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        watch.poll()
    assert told.unlisted == dict.fromkeys(("a", "b"), "can't start new thread")
    watch.poll()
    assert told.versions == {"a": [1], "b": [1]}


def test_a_glance_that_tells_news_is_a_poll_long_before_the_interval(tmp_path: Path, told: Told) -> None:
    news, seen = [0], threading.Semaphore(0)
    models = [ModelConfig("a", tmp_path)]
    watch = Source(lambda: models, 3600, lambda _m, _v: seen.release(), told.miss, glance=lambda: news[0])
    watch.start()
    assert seen.acquire(timeout=30)
    news[0] += 1
    assert seen.acquire(timeout=30)
    watch.stop()


def test_news_that_come_during_a_poll_are_not_missed(tmp_path: Path, told: Told) -> None:
    news, seen = [0], threading.Semaphore(0)

    def models() -> list[ModelConfig]:
        news[0] += news[0] < 2  # someone publishes while we look, twice
        return [ModelConfig("a", tmp_path)]

    watch = Source(models, 3600, lambda _m, _v: seen.release(), told.miss, glance=lambda: news[0])
    watch.start()
    for _ in range(3):
        assert seen.acquire(timeout=30)
    watch.stop()
