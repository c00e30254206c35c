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


def book(server: Server) -> tuple[LabelBook, list[float]]:
    now = [0.0]
    stand_in: Any = server
    return LabelBook(stand_in, lambda: now[0]), now


def stable(labels: LabelBook, model: str) -> int | None:
    return labels.versions(model, {"stable"}, DEADLINE).get("stable")


DEADLINE = Deadline.after(3600)
KNOWN = {"a": {"stable": 1, "canary": 2}, "b": {"canary": 3}}


@pytest.mark.parametrize("lists", [True, False])
def test_a_label_is_known_or_not(lists: bool) -> None:
    labels, _ = book(Server(KNOWN, lists=lists))
    assert [stable(labels, model) for model in ("a", "b", "c")] == [1, None, None]
    assert labels.versions("a", {"stable", "canary", "none"}, DEADLINE) == KNOWN["a"]


def test_one_answer_is_for_all_models_while_it_is_fresh() -> None:
    server = Server(KNOWN, lists=True)
    labels, now = book(server)
    for model in ("a", "b", "a"):
        stable(labels, model)
    assert server.asked == ["all"]
    server.known, now[0] = {"a": {"stable": 2}}, 1.0
    assert stable(labels, "a") == 2


def test_what_is_asked_anew_is_not_what_was_known() -> None:
    server = Server(KNOWN, lists=True)
    labels, now = book(server)
    assert stable(labels, "a") == 1
    server.known, now[0] = {"a": {}}, 0.01
    assert stable(labels, "a") == 1
    assert labels.versions("a", {"stable"}, DEADLINE, anew=True) == {}
    assert server.asked == ["all", "all"]


def test_a_label_on_a_version_that_is_not_loaded_is_a_label_all_the_same() -> None:
    labels, _ = book(Server({"a": {"stable": 404}}, lists=False))
    assert stable(labels, "a") == UNLOADED


def test_a_server_that_is_away_is_no_server_without_labels() -> None:
    server = Server(KNOWN, lists=True)
    labels, now = book(server)
    assert stable(labels, "a") == 1
    server.down, now[0] = True, 1.0
    with pytest.raises(ModelServerDownError):
        stable(labels, "a")


def test_without_a_label_nobody_is_asked() -> None:
    server = Server(KNOWN, lists=True)
    labels, _ = book(server)
    assert labels.versions("a", (), DEADLINE) == {}
    assert server.asked == []
