"""Versions come and go; whoever uses one keeps it."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.errors import Code, LoadError, RequestError
from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import Every, Latest, Specific, State
from serving.lifecycle.rules import Rules
from serving.metrics import Metrics
from serving.runtimes.runtime import Runtime
from tests.serving.runtimes import Opened
from tests.serving.shelves import Shelf, shelved
from tests.support.processes import until


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with shelved(tmp_path) as shelf:
        yield shelf


def test_the_newest_version_is_loaded(shelf: Shelf) -> None:
    shelf.put(1, 2, 10)
    assert shelf.settle(1, 2, 10) == {10: State.AVAILABLE}
    assert shelf.served() == shelf.served(10) == 10


def test_what_is_not_loaded_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(RequestError, match=r"^NOT_FOUND: Servable not found for request: Latest\(m\)$") as caught:
        shelf.served()
    assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(RequestError, match=r"Specific\(m, 3\)"):
        shelf.served(3)
    assert shelf.manager.statuses("m") == []


def test_a_new_version_replaces_the_old_one(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1)
    assert shelf.settle(1, 2) == {2: State.AVAILABLE, 1: State.END}
    assert [(runtime.path.name, runtime.closed.is_set()) for runtime in shelf.opener.opened] == [
        ("1", True),
        ("2", False),
    ]


def test_the_old_version_serves_while_the_new_one_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=("good", "held"))
    shelf.settle(1)
    shelf.aspire(1, 2)
    assert shelf.opener.loading.wait(30)
    assert shelf.states() == {2: State.LOADING, 1: State.AVAILABLE}
    assert shelf.served() == 1
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.served() == 2


def test_a_version_in_use_is_closed_by_its_last_user(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1)
    with shelf.manager.use("m") as first, shelf.manager.use("m"):
        shelf.aspire(1, 2)
        until(lambda: shelf.states() == {2: State.AVAILABLE, 1: State.UNLOADING}, "1 is retired")
        facts = [line.facts for line in shelf.manager.statuses("m")]
        assert facts == [{"runtime": "opened"}, {}], "a runtime on its way out is not asked any more"
        assert shelf.served() == 2
        first.runtime.run("", {}, [], None)
        assert not shelf.opener.opened[0].closed.is_set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.states() == {2: State.AVAILABLE, 1: State.END}
    assert shelf.opener.opened[0].closed.is_set()


def test_a_broken_version_leaves_the_old_one_and_its_error(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    shelf.settle(1)
    assert shelf.settle(1, 2) == {2: State.END, 1: State.AVAILABLE}
    error = shelf.manager.statuses("m")[0].error
    assert error is not None
    assert (error.code, error.message) == (Code.DATA_LOSS, "2 is broken")
    assert shelf.served() == 1


def test_what_a_failed_load_held_is_not_kept_with_its_error(tmp_path: Path) -> None:
    class Graph:
        pass

    graphs = []

    def open_version(_model: str, _version: int, path: Path) -> Runtime:
        graph = Graph()
        graphs.append(weakref.ref(graph))
        raise LoadError(Code.DATA_LOSS, f"{path.name} is broken")

    manager = Manager(open_version, Rules(retries=1), Metrics())
    config = ModelConfig("m", tmp_path)
    manager.configure({"m": config})
    manager.aspire(config, {1: tmp_path})
    assert manager.wait_settled(timeout_s=30)
    manager.close(30)
    gc.collect()
    assert manager.statuses("m")[0].error is not None
    assert [graph() for graph in graphs] == [None, None]


def test_a_broken_newest_version_at_the_start_falls_back(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    assert shelf.settle(1, 2) == {2: State.END, 1: State.AVAILABLE}


def test_a_broken_version_is_tried_again_only_when_its_files_change(shelf: Shelf) -> None:
    shelf.put(1, files=())
    shelf.settle(1)
    shelf.settle(1)
    assert shelf.opener.tries == ["1"]
    shelf.put(1)
    assert shelf.settle(1) == {1: State.AVAILABLE}
    assert shelf.manager.statuses("m")[0].error is None


def test_a_broken_version_that_went_away_and_came_back_is_tried_again(shelf: Shelf) -> None:
    shelf.put(1, files=())
    for versions in ((1,), (), (1,)):
        shelf.settle(*versions)
    assert shelf.opener.tries == ["1", "1"]


def test_deleting_the_served_version_falls_back_to_the_next_lower(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1, 2)
    assert shelf.settle(1) == {2: State.END, 1: State.AVAILABLE}


def test_deleting_everything_unloads_and_coming_back_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle(1)
    assert shelf.settle() == {1: State.END}
    assert shelf.manager.models() == ["m"]
    assert shelf.settle(1) == {1: State.AVAILABLE}
    assert shelf.manager.models() == ["m"]


def test_a_model_whose_only_version_is_broken_is_still_a_model(shelf: Shelf) -> None:
    shelf.put(1, files=())
    shelf.settle(1)
    assert shelf.manager.models() == ["m"]


def test_a_version_that_is_overtaken_while_loading_is_not_kept(shelf: Shelf) -> None:
    shelf.put(1, 3)
    shelf.put(2, files=("good", "held"))
    shelf.settle(1)
    shelf.aspire(1, 2)
    assert shelf.opener.loading.wait(30)
    shelf.aspire(1, 2, 3)
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.states() == {3: State.AVAILABLE, 2: State.END, 1: State.END}


def test_one_model_that_loads_slowly_does_not_hold_up_another(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(1, files=("good", "held"))
    shelf.put(5)
    shelf.aspire(1)
    assert shelf.opener.loading.wait(30)
    other = ModelConfig("other", tmp_path)
    shelf.manager.configure({"m": shelf.config, "other": other})
    shelf.manager.aspire(other, {5: tmp_path / "5"})
    until(lambda: shelf.manager.statuses("other")[0].state is State.AVAILABLE, "the other model is loaded")
    assert shelf.states() == {1: State.LOADING}


def test_the_history_is_bounded(shelf: Shelf) -> None:
    versions = range(1, 41)
    shelf.put(*versions)
    for version in versions:
        shelf.settle(version)
    states = shelf.states()
    assert max(states) == 40
    assert 2 <= len(states) <= 20


def test_closing_waits_for_whoever_is_inside(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle(1)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with shelf.manager.use("m") as servable:
            inside.set()
            assert leave.wait(30)
            servable.runtime.run("", {}, [], None)

    guest = threading.Thread(target=stay)
    guest.start()
    assert inside.wait(30)
    closing = threading.Thread(target=shelf.manager.close, args=(30,))
    closing.start()
    until(lambda: shelf.states() == {1: State.UNLOADING}, "the manager lets nobody in any more")
    with pytest.raises(RequestError):
        shelf.served()
    assert not shelf.opener.opened[0].closed.is_set()
    leave.set()
    guest.join()
    closing.join()
    assert shelf.opener.opened[0].closed.is_set()


def test_after_closing_nothing_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.manager.close(30)
    shelf.aspire(1)
    assert shelf.opener.tries == []


def test_users_and_versions_under_stress(shelf: Shelf) -> None:
    versions = range(1, 60)
    shelf.put(*versions)
    shelf.settle(1)
    done = threading.Event()
    seen: list[list[int]] = [[] for _ in range(8)]

    def ask(answers: list[int]) -> None:
        while not done.is_set():
            answers.append(shelf.served())

    askers = [threading.Thread(target=ask, args=(answers,)) for answers in seen]
    for asker in askers:
        asker.start()
    for version in versions[1:]:
        shelf.settle(version - 1, version)
    done.set()
    for asker in askers:
        asker.join()
    assert shelf.served() == versions[-1]
    assert all(answers == sorted(answers) for answers in seen), "an answer came from an older version than before"
    assert all(answers for answers in seen)


def test_every_wanted_version_is_loaded(shelf: Shelf) -> None:
    shelf.put(1, 2, 3)
    shelf.configure(Every())
    assert shelf.settle(1, 2, 3) == dict.fromkeys((3, 2, 1), State.AVAILABLE)
    assert [shelf.served(version) for version in (1, 2, 3, None)] == [1, 2, 3, 3]
    shelf.configure(Latest(2))
    assert shelf.settle(1, 2, 3) == {3: State.AVAILABLE, 2: State.AVAILABLE, 1: State.END}
    shelf.configure(Specific(frozenset({1, 9})))
    assert shelf.settle(1, 2, 3) == {3: State.END, 2: State.END, 1: State.AVAILABLE}


def test_versions_that_are_missing_are_said_once(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.put(1)
    shelf.configure(Specific(frozenset({1, 8, 9})))
    for _ in range(2):
        shelf.settle(1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"versions [8, 9] of model m are not in {shelf.root}"
    ]


def test_a_broken_specific_version_leaves_the_old_one_in_place(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    shelf.configure(Specific(frozenset({1})))
    shelf.settle(1, 2)
    shelf.configure(Specific(frozenset({2})))
    assert shelf.settle(1, 2) == {2: State.END, 1: State.AVAILABLE}


def test_a_model_that_is_configured_no_more_is_unloaded_and_not_looked_at(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1)
    shelf.manager.configure({})
    assert shelf.settle(1, 2) == {1: State.END}
    assert shelf.manager.models() == ["m"]


def test_removed_models_are_not_remembered_for_ever(shelf: Shelf) -> None:
    shelf.put(1)
    for number in range(100):
        config = ModelConfig(f"m{number}", shelf.root)
        shelf.manager.configure({config.name: config})
        shelf.manager.aspire(config, {1: shelf.root / "1"})
        assert shelf.manager.wait_settled(timeout_s=30)
    shelf.manager.configure({})
    assert shelf.manager.wait_settled(timeout_s=30)
    shelf.manager.configure({})
    assert 50 < len(shelf.manager.models()) < 70


def test_a_runtime_that_does_not_close_is_over_all_the_same(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(opened: Opened) -> None:
        opened.closed.set()
        raise OSError("it is broken")

    monkeypatch.setattr(Opened, "close", fail)
    shelf.put(1)
    shelf.settle(1)
    assert shelf.settle() == {1: State.END}


def test_loads_and_states_are_counted(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    shelf.settle(1, 2)
    with shelf.manager.use("m"):
        text = shelf.metrics.text()
    for line in (
        f':tensorflow:cc:saved_model:load_attempt_count{{model_path="{shelf.root / "1"}",status="success"}} 1',
        f':tensorflow:cc:saved_model:load_attempt_count{{model_path="{shelf.root / "2"}",status="fail"}} 1',
        'kmaas_version_state{model="m",version="1"} 30',
        'kmaas_version_state{model="m",version="2"} 50',
        'kmaas_version_requests_in_flight{model="m",version="1"} 1',
    ):
        assert line in text.splitlines()
    assert f':tensorflow:cc:saved_model:load_latency{{model_path="{shelf.root / "1"}"}}' in text


@pytest.mark.parametrize("leak", [False, True])
def test_hundreds_of_versions_leave_nothing_behind(shelf: Shelf, leak: bool) -> None:
    opened: list[weakref.ref[Opened]] = []
    kept: list[Opened] = []
    for version in range(1, 201):
        shelf.put(version)
        shelf.settle(version)
        assert shelf.served() == version
        opened.append(weakref.ref(shelf.opener.opened[0]))
        if leak:
            kept.append(shelf.opener.opened[0])
        shelf.opener.opened.clear()
    gc.collect()
    alive = sum(runtime() is not None for runtime in opened)
    assert alive == (len(kept) if leak else 1)
    assert len(shelf.states()) < 20


def test_versions_that_are_forgotten_are_counted_no_more_one_by_one(shelf: Shelf) -> None:
    versions = range(1, 41)
    shelf.put(*versions)
    other = ModelConfig("other", shelf.root, Specific(frozenset({1})))
    shelf.manager.configure({"m": shelf.config, "other": other})
    shelf.manager.aspire(other, {1: shelf.root / "1"})
    for version in versions:
        shelf.settle(version)
        shelf.metrics.requests.add(("m", str(version), "s", "Predict", "OK"))
        shelf.metrics.request_seconds.add(("m", str(version), "s", "Predict"), 1)
        shelf.metrics.model_warmup_latency.observe(1, model_path=str(shelf.root / str(version)), status="OK")
    text = shelf.metrics.text()
    known = sorted(shelf.states())
    assert len(known) < 20
    lead = 'kmaas_request{}{{model="m",version="{}",signature="s",method="Predict"'
    path = ':tensorflow:cc:saved_model:load_{}{{model_path="{}"'
    warm = ':tensorflow:serving:model_warmup_latency_count{{model_path="{}"'
    for version in versions:
        for form in ("s_total", "_seconds_count"):
            assert (lead.format(form, version) in text) == (version in known), (form, version)
        folder = shelf.root / str(version)
        kept = version in known or version == 1  # the other model's
        for form in ("attempt_count", "latency"):
            assert (path.format(form, folder) in text) == kept, (form, version)
        assert (warm.format(folder) in text) == kept, version
    assert shelf.metrics.total("kmaas_requests_total") == 40
    assert shelf.metrics.total("/tensorflow/cc/saved_model/load_attempt_count") == 41


def test_a_base_path_that_is_left_is_not_counted_for_ever(shelf: Shelf) -> None:
    for name in ("a", "b"):
        (shelf.root / name / "1").mkdir(parents=True)
        (shelf.root / name / "1" / "good").touch()
        config = ModelConfig("m", shelf.root / name)
        shelf.manager.configure({"m": config})
        shelf.manager.aspire(config, {1: shelf.root / name / "1"})
        assert shelf.manager.wait_settled(timeout_s=30)
    text = shelf.metrics.text()
    assert f'model_path="{shelf.root / "b" / "1"}"' in text
    assert f'model_path="{shelf.root / "a" / "1"}"' not in text
