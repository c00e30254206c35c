"""Which version has the label: asked of all at once where the server can tell, else of each model."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.deadline import Deadline
from gateway.errors import ModelServerDownError, VersionGoneError
from gateway.labels import UNLOADED, LabelBook


class Server:
    """Stands in for the gateway's `Backend`: a model server whose labels are at hand."""

    def __init__(self, labels: Mapping[str, Mapping[str, int]], *, lists: bool) -> None:
        self.known, self.lists, self.down = labels, lists, False
        self.asked: list[str] = []

    def labels(self, _deadline: Deadline) -> Mapping[str, Mapping[str, int]] | None:
        self.asked.append("all")
        if self.down:
            raise ModelServerDownError
        return self.known if self.lists else None

    def labelled(self, model: str, label: str, _deadline: Deadline) -> int | None:
        self.asked.append(model)
        version = self.known.get(model, {}).get(label)
        if version == 404:
            raise VersionGoneError(model)
        return version


def book(server: Server, label: str = "stable") -> tuple[LabelBook, list[float]]:
    now = [0.0]
    stand_in: Any = server
    return LabelBook(stand_in, label, lambda: now[0]), now


DEADLINE = Deadline.after(3600)
KNOWN = {"a": {"stable": 1, "canary": 2}, "b": {"canary": 3}}


@pytest.mark.parametrize("lists", [True, False])
def test_a_label_is_known_or_not(lists: bool) -> None:
    labels, _ = book(Server(KNOWN, lists=lists))
    assert [labels.version(model, DEADLINE) for model in ("a", "b", "c")] == [1, None, None]


def test_one_answer_is_for_all_models_while_it_is_fresh() -> None:
    server = Server(KNOWN, lists=True)
    labels, now = book(server)
    for model in ("a", "b", "a"):
        labels.version(model, DEADLINE)
    assert server.asked == ["all"]
    server.known, now[0] = {"a": {"stable": 2}}, 1.0
    assert labels.version("a", DEADLINE) == 2


def test_a_label_on_a_version_that_is_not_loaded_is_a_label_all_the_same() -> None:
    labels, _ = book(Server({"a": {"stable": 404}}, lists=False))
    assert labels.version("a", DEADLINE) == UNLOADED


def test_a_server_that_is_away_is_no_server_without_labels() -> None:
    server = Server(KNOWN, lists=True)
    labels, now = book(server)
    assert labels.version("a", DEADLINE) == 1
    server.down, now[0] = True, 1.0
    with pytest.raises(ModelServerDownError):
        labels.version("a", DEADLINE)


def test_without_a_label_nobody_is_asked() -> None:
    server = Server(KNOWN, lists=True)
    labels, _ = book(server, "")
    assert labels.version("a", DEADLINE) is None
    assert server.asked == []
