"""Models are configured, labelled, added, removed; and whoever asks gets the version that is meant."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving.errors import Code, RequestError, StartError
from serving.lifecycle.core import Core
from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import Every, Latest, Policy, State
from serving.lifecycle.rules import Rules
from serving.metrics import Metrics
from store.disk import replace_files
from store.labels import LABELS_FILE, Labels
from store.model_server_config import CONFIG_FILE
from tests.serving.runtimes import Opener
from tests.support.processes import until


class Room:
    """Folders of versions, a core over them, and what opens them."""

    def __init__(
        self, root: Path, *, any_labels: bool = False, poll_interval_s: float = 0.02, lazy: bool = False
    ) -> None:
        self.root = root
        self.opener = Opener()
        self.manager = Manager(self.opener, Rules(lazy=lazy), Metrics())
        self.core = Core(self.manager, poll_interval_s=poll_interval_s, any_labels=any_labels)

    def put(self, name: str, *files: str) -> None:
        (self.root / name).mkdir(parents=True)
        for file in files or ("good",):
            (self.root / name / file).touch()

    def config(self, name: str, policy: Policy = Latest(), **labels: int) -> ModelConfig:  # noqa: B008 (frozen)
        return ModelConfig(name, self.root / name, policy, labels)

    def start(self, *models: ModelConfig) -> None:
        self.core.start({model.name: model for model in models})
        self.core.wait_started()

    def reload(self, *models: ModelConfig) -> None:
        self.core.wait_available(self.core.reload({model.name: model for model in models}), 30)

    def served(self, name: str, **what: Any) -> int:
        with self.core.use(name, **what) as servable:
            return servable.version

    def states(self, name: str) -> dict[int, State]:
        assert self.core.polled.wait(30)
        return {line.version: line.state for line in self.core.statuses(name)}


Rooms = Callable[..., Room]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Rooms]:
    rooms: list[Room] = []

    def make(**options: Any) -> Room:
        rooms.append(Room(tmp_path, **options))
        return rooms[-1]

    yield make
    for made in rooms:
        made.opener.release.set()
        made.core.stop()
        made.manager.close(30)


def refused(code: Code, said: str, act: Callable[[], object]) -> None:
    with pytest.raises(RequestError) as caught:
        act()
    assert (caught.value.code, caught.value.message) == (code, said)


UNAVAILABLE = "Request to assign label to version {} of model {}, which is not currently available for inference"


def test_labels_of_the_first_configuration_count_at_once(room: Rooms) -> None:
    here = room()
    for version in ("m/1", "m/2"):
        here.put(version)
    here.start(here.config("m", Every(), stable=1, canary=2))
    assert here.served("m") == here.served("m", label="canary") == here.served("m", version=2) == 2
    assert here.served("m", label="stable") == 1


@pytest.mark.parametrize("model", ["m", "unknown"])
def test_a_label_that_nobody_gave(room: Rooms, model: str) -> None:
    here = room()
    here.put("m/1")
    here.start(here.config("m", stable=1))
    unknown = "Unrecognized servable version label: canary"
    refused(Code.INVALID_ARGUMENT, unknown, lambda: here.served(model, label="canary"))


def test_a_label_on_a_version_that_is_not_served(room: Rooms) -> None:
    here = room()
    here.put("m/1")
    here.start(here.config("m", old=0))
    refused(Code.NOT_FOUND, "Servable not found for request: Specific(m, 0)", lambda: here.served("m", label="old"))


def test_labels_move_as_a_whole_or_not_at_all(room: Rooms) -> None:
    here = room()
    for version in ("m/1", "m/2"):
        here.put(version)
    here.start(here.config("m", Every(), stable=1))
    refused(
        Code.FAILED_PRECONDITION,
        UNAVAILABLE.format(3, "m"),
        lambda: here.reload(here.config("m", Every(), stable=2, canary=3), here.config("new")),
    )
    assert here.served("m", label="stable") == 1
    assert set(here.core.configs()) == {"m"}
    here.reload(here.config("m", Every(), canary=2))
    assert here.served("m", label="canary") == 2
    with pytest.raises(RequestError):
        here.served("m", label="stable")


def test_labels_of_a_new_model_wait_for_it_unless_any_are_allowed(room: Rooms) -> None:
    here = room()
    here.put("m/1")
    here.start()
    refused(Code.FAILED_PRECONDITION, UNAVAILABLE.format(1, "m"), lambda: here.reload(here.config("m", stable=1)))
    assert here.core.configs() == {}
    here.reload(here.config("m"))
    here.reload(here.config("m", stable=1))
    assert here.served("m", label="stable") == 1


def test_with_any_labels_allowed_only_one_that_moves_must_be_available(room: Rooms) -> None:
    here = room(any_labels=True)
    here.put("m/1")
    here.start()
    here.reload(here.config("m", stable=1, next=2))
    assert here.served("m", label="stable") == 1
    refused(
        Code.FAILED_PRECONDITION, UNAVAILABLE.format(2, "m"), lambda: here.reload(here.config("m", stable=2, next=2))
    )
    here.reload(here.config("m", next=2))


def test_on_a_lazy_server_a_label_may_point_to_what_a_request_would_load(room: Rooms) -> None:
    here = room(lazy=True)
    for version in ("m/1", "m/2"):
        here.put(version)
    here.start(here.config("m", Every()))
    here.reload(here.config("m", Every(), stable=1))
    assert here.opener.tries == []
    assert here.served("m", label="stable") == 1
    refused(
        Code.FAILED_PRECONDITION, UNAVAILABLE.format(3, "m"), lambda: here.reload(here.config("m", Every(), stable=3))
    )


def test_a_reload_replaces_the_models(room: Rooms) -> None:
    here = room()
    for version in ("a/1", "b/1", "b/2", "c/4"):
        here.put(version)
    here.start(here.config("a"), here.config("b"))
    here.reload(here.config("b", Every()), here.config("c"))
    assert here.served("c") == 4
    until(lambda: here.states("b") == {2: State.AVAILABLE, 1: State.AVAILABLE}, "the policy of b has changed")
    until(lambda: here.states("a") == {1: State.END}, "a is unloaded")
    refused(Code.NOT_FOUND, "Servable not found for request: Latest(a)", lambda: here.served("a"))


def test_another_base_path_takes_over_once_it_is_listed(room: Rooms) -> None:
    here = room()
    for version in ("m/1", "elsewhere/1", "elsewhere/2"):
        here.put(version)
    here.start(here.config("m"))
    here.reload(ModelConfig("m", here.root / "missing"))
    assert here.served("m") == 1
    here.reload(ModelConfig("m", here.root / "elsewhere", Every()))
    until(lambda: here.states("m") == {2: State.AVAILABLE, 1: State.AVAILABLE}, "both are those of elsewhere")
    assert {runtime.path for runtime in here.opener.opened if not runtime.closed.is_set()} == {
        here.root / "elsewhere" / "1",
        here.root / "elsewhere" / "2",
    }


def test_a_reload_tells_what_did_not_become_available(room: Rooms) -> None:
    here = room()
    here.put("bad/3", "broken")
    here.put("good/1")
    (here.root / "empty").mkdir()
    here.start()
    with pytest.raises(RequestError) as caught:
        here.reload(*(here.config(name) for name in ("bad", "empty", "good", "missing")))
    assert (caught.value.code, caught.value.message) == (
        Code.UNKNOWN,
        "3 model(s) did not become available: {{name: bad version: 3} due to error: DATA_LOSS: 3 is broken}, "
        f"{{name: empty}} due to error: NOT_FOUND: No versions of it found under base path {here.root / 'empty'}}}, "
        f"{{name: missing}} due to error: NOT_FOUND: {here.root / 'missing'} cannot be listed: No such file or "
        "directory}, }",
    )
    assert here.served("good") == 1
    here.put("empty/1")
    until(lambda: here.states("empty") == {1: State.AVAILABLE}, "it is served as soon as it appears")


def test_a_reload_waits_no_longer_than_its_caller(room: Rooms) -> None:
    here = room()
    here.put("m/1", "good", "held")
    here.start()
    fresh = here.core.reload({"m": here.config("m")})
    assert here.opener.loading.wait(30)
    with pytest.raises(RequestError) as caught:
        here.core.wait_available(fresh, 0.01)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(here.core.wait_available, fresh, 30)
        here.opener.release.set()
        waiting.result()
    assert here.served("m") == 1


def test_without_polling_a_reload_looks_once(room: Rooms) -> None:
    here = room(poll_interval_s=0)
    for version in ("a/1", "b/1"):
        here.put(version)
    here.start(here.config("a"))
    here.reload(here.config("a"), here.config("b"))
    assert here.served("b") == 1


def test_nobody_waits_for_models_that_nobody_looks_for(room: Rooms) -> None:
    here = room(poll_interval_s=-1)
    here.put("m/1")
    here.start(here.config("m"))
    assert here.states("m") == {}


def test_a_model_that_does_not_load_stops_the_start(room: Rooms) -> None:
    here = room()
    here.put("good/1")
    here.put("bad/3", "broken")
    expected = (
        "UNKNOWN: 1 servable(s) did not become available: "
        "{{name: bad version: 3} due to error: DATA_LOSS: 3 is broken}, }"
    )
    with pytest.raises(StartError) as caught:
        here.start(*(here.config(name) for name in ("good", "bad", "missing")))
    assert str(caught.value) == expected


def test_a_model_without_versions_does_not_stop_the_start(room: Rooms) -> None:
    here = room()
    (here.root / "empty").mkdir()
    here.start(here.config("empty"), here.config("missing"))
    assert here.core.models() == ["empty", "missing"]


def test_a_store_s_models_come_and_go(room: Rooms) -> None:
    here = room()
    here.put("a/1")
    (here.root / "file").touch()
    here.core.start(here.root)
    until(lambda: here.states("a") == {1: State.AVAILABLE}, "a is loaded")
    assert here.core.models() == ["a"]
    here.put("b/7")
    until(lambda: here.states("b") == {7: State.AVAILABLE}, "b is loaded")
    (here.root / "a").rename(here.root / ".a")
    until(lambda: here.states("a") == {1: State.END}, "a is unloaded")


def labels(root: Path, model: str, **versions: int) -> None:
    """As the verbs do: `models.config` is replaced last."""
    (root / model / LABELS_FILE).write_bytes(Labels(versions=versions).document())
    replace_files((root / CONFIG_FILE, b""))


def test_a_store_s_labels_are_followed_long_before_the_next_poll(room: Rooms) -> None:
    here = room(poll_interval_s=3600)
    for version in ("m/1", "m/2", "m/3"):
        here.put(version)
    labels(here.root, "m", stable=1)
    here.core.start(here.root)
    until(lambda: here.states("m") == {3: State.AVAILABLE, 1: State.AVAILABLE}, "what is labelled, and the newest")
    assert here.opener.tries == ["1", "3"], "traffic waits for what is labelled"
    assert here.served("m", label="stable") == 1
    assert here.served("m") == 3
    labels(here.root, "m", stable=3, canary=2)
    until(lambda: here.served("m", label="stable") == 3, "the label has moved")
    until(lambda: here.states("m") == {3: State.AVAILABLE, 2: State.AVAILABLE, 1: State.END}, "1 is not needed")


def test_a_store_s_label_moves_when_the_version_can_answer(room: Rooms) -> None:
    here = room()
    for version in ("m/1", "m/3"):
        here.put(version)
    here.put("m/2", "good", "held")
    labels(here.root, "m", stable=1)
    here.core.start(here.root)
    until(lambda: here.states("m") == {3: State.AVAILABLE, 1: State.AVAILABLE}, "both are loaded")
    labels(here.root, "m", stable=2, canary=1)
    assert here.opener.loading.wait(30)
    here.core._source.poll()
    assert here.served("m", label="stable") == 1
    assert here.served("m", label="canary") == 1
    here.opener.release.set()
    until(lambda: here.served("m", label="stable") == 2, "2 is loaded")


def test_a_store_that_goes_away_leaves_its_models_served(room: Rooms, tmp_path: Path) -> None:
    here = room(poll_interval_s=3600)
    here.root = tmp_path / "store"
    here.put("a/1")
    here.core.start(here.root)
    until(lambda: here.states("a") == {1: State.AVAILABLE}, "a is loaded")
    here.root.rename(tmp_path / "elsewhere")
    here.core._source.poll()
    assert here.served("a") == 1
    (tmp_path / "elsewhere").rename(here.root)
    here.put("a/2")
    here.core._source.poll()
    until(lambda: here.states("a") == {2: State.AVAILABLE, 1: State.END}, "a is looked at again")


def test_models_are_not_told_before_they_are_known(room: Rooms) -> None:
    here = room()
    with pytest.raises(RequestError) as caught:
        here.core.models()
    assert caught.value.code is Code.UNAVAILABLE
    here.core.start(here.root / "missing")
    assert here.core.polled.wait(30)
    assert here.core.models() == []


def test_one_model_is_added_changed_and_removed(room: Rooms) -> None:
    here = room()
    for version in ("a/1", "b/1", "b/2"):
        here.put(version)
    here.start(here.config("a"))
    here.core.add(here.config("b"))
    here.core.wait_available({"b"}, 30)
    assert (here.served("a"), here.served("b")) == (1, 2)
    here.core.add(here.config("b", stable=2))
    assert here.served("b", label="stable") == 2
    here.core.remove("b")
    until(lambda: here.states("b") == {2: State.END}, "b is unloaded")
    assert here.served("a") == 1
    refused(Code.NOT_FOUND, "Could not find model b in the configuration", lambda: here.core.remove("b"))


def test_a_model_added_to_a_store_stands_before_its_folder(room: Rooms) -> None:
    here = room()
    for version in ("a/1", "a/2", "elsewhere/x/5"):
        here.put(version)
    here.core.start(here.root)
    until(lambda: here.states("a") == {2: State.AVAILABLE}, "a is loaded")
    here.core.add(ModelConfig("x", here.root / "elsewhere" / "x"))
    here.core.add(here.config("a", Every()))
    until(lambda: here.states("a") == {2: State.AVAILABLE, 1: State.AVAILABLE}, "the policy is another")
    here.core.wait_available({"x"}, 30)
    assert here.served("x") == 5
    here.core.remove("a")
    until(lambda: here.states("a") == {2: State.AVAILABLE, 1: State.END}, "a is as the store has it")
    refused(
        Code.FAILED_PRECONDITION,
        f"model a is served because {here.root / 'a'} is in the store; move that folder away, or send a whole "
        "configuration",
        lambda: here.core.remove("a"),
    )
    here.reload(here.config("a"))
    until(lambda: here.states("x") == {5: State.END}, "x is unloaded")
    here.put("late/1")
    here.core._source.poll()
    assert here.core.configs().keys() == {"a"}, "the store is left"


def test_two_at_a_time_change_the_models_one_after_the_other(room: Rooms) -> None:
    here = room()
    names = [f"m{number}" for number in range(16)]
    for name in names:
        here.put(f"{name}/1")
    here.start()
    start = threading.Barrier(len(names))

    def add(name: str) -> None:
        start.wait(30)
        here.core.add(here.config(name))

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(add, names))
    assert here.core.configs().keys() == set(names)
    here.core.wait_available(names, 30)
