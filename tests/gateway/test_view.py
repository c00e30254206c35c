"""Which version becomes current: the decision, without a server."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from gateway.labels import UNLOADED
from gateway.registry import unready
from gateway.servers.server import Server, Standing
from gateway.tasks.base import AnyTask
from gateway.version import ServedVersion
from gateway.view import ModelView, candidates, told
from store.manifest import Manifest
from wire.client import VersionStatus


def served(number: int) -> ServedVersion:
    """Only its number matters here."""
    nothing: Any = None
    manifest: Manifest = nothing
    task: AnyTask = nothing
    return ServedVersion("m", number, manifest, task, ())


def view(
    current: int | None = None, unfit: tuple[int, ...] = (), *, labelled: int | None = None, **states: str
) -> ModelView:
    """`v3="AVAILABLE"` is a line of the model server's answer."""
    lines = tuple(VersionStatus(int(name[1:]), state, None) for name, state in states.items())
    rejected = MappingProxyType(dict.fromkeys(unfit, "golden one is answered wrongly"))
    return ModelView(None if current is None else served(current), lines, rejected, labelled)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (ModelView(), []),
        (view(v1="LOADING"), []),
        (view(v1="AVAILABLE"), [1]),
        (view(v1="AVAILABLE", v2="AVAILABLE"), [2, 1]),
        (view(v10="AVAILABLE", v9="AVAILABLE"), [10, 9]),
        (view(1, v1="AVAILABLE"), []),
        (view(1, v1="AVAILABLE", v2="LOADING"), []),
        (view(1, v1="AVAILABLE", v2="AVAILABLE", v3="AVAILABLE"), [3, 2]),
        (view(2, v1="AVAILABLE", v2="AVAILABLE"), []),
        (view(2, v1="AVAILABLE", v2="END"), [1]),
        (view(1, (2,), v1="AVAILABLE", v2="AVAILABLE"), []),
        (view(1, (2,), v1="END", v2="AVAILABLE"), []),
        (view(None, (2,), v1="AVAILABLE", v2="AVAILABLE"), [1]),
        (view(labelled=1, v1="AVAILABLE", v2="AVAILABLE"), [1]),
        (view(1, labelled=1, v1="AVAILABLE", v2="AVAILABLE"), []),
        (view(1, labelled=2, v1="AVAILABLE", v2="AVAILABLE"), [2]),
        (view(2, labelled=1, v1="AVAILABLE", v2="AVAILABLE"), [1]),
        (view(1, labelled=2, v1="AVAILABLE", v2="LOADING", v3="AVAILABLE"), []),
        (view(1, labelled=2, v1="END", v2="LOADING", v3="AVAILABLE"), []),
        (view(1, (2,), labelled=2, v1="AVAILABLE", v2="AVAILABLE", v3="AVAILABLE"), []),
        (view(None, (2,), labelled=2, v1="AVAILABLE", v2="AVAILABLE"), []),
        (view(labelled=UNLOADED, v1="AVAILABLE"), []),
    ],
)
def test_candidates(before: ModelView, expected: list[int]) -> None:
    assert candidates(before) == expected


def test_what_is_told_replaces_what_was() -> None:
    before = view(1, (2,), v1="AVAILABLE", v2="AVAILABLE")
    after = told(before, [VersionStatus(2, "AVAILABLE", None)], 2)
    assert (after.labelled, after.unfit, after.current) == (2, {}, before.current)


def test_a_version_that_is_not_promoted_gets_no_traffic_and_is_no_fault() -> None:
    waiting = view(1, (3,), labelled=1, v1="AVAILABLE", v3="AVAILABLE")
    assert (waiting.passed_over(3), waiting.passed_over(1), waiting.fault) == (True, False, None)
    loading = view(labelled=1, v1="LOADING", v3="AVAILABLE")
    assert loading.on_its_way
    assert loading.reason == "version 1 is LOADING, version 3 is not promoted"
    assert not view(labelled=1, v1="END", v3="AVAILABLE").on_its_way
    wrong = view(1, (2,), labelled=2, v1="AVAILABLE", v2="AVAILABLE", v3="AVAILABLE")
    assert wrong.fault == "version 2: golden one is answered wrongly"


def test_what_was_checked_only_on_servers_that_were_away_does_not_hold() -> None:
    one, other = Server("127.0.0.1:1"), Server("127.0.0.1:2")
    placed = {1: (Standing(one, one.era),), 2: (Standing(one, one.era), Standing(other, other.era))}
    checked = replace(
        view(2, v1="AVAILABLE", v2="AVAILABLE"),
        proved=MappingProxyType({1: served(1)}),
        placed=MappingProxyType(placed),
    )
    assert {number for number in (1, 2, 3) if checked.holding().version(number)} == {1, 2}
    one.forget()
    assert {number for number in (1, 2) if checked.holding().version(number)} == {2}
    assert (checked.servers(1), checked.servers(2), checked.servers(3)) == (0, 1, 0)
    other.forget()
    assert not any(checked.holding().version(number) for number in (1, 2))
    gone = told(checked, [VersionStatus(2, "AVAILABLE", None)])
    assert (gone.version(1), gone.version(2)) == (None, checked.current)


FINE = view(1, v1="AVAILABLE")
REJECTED = view(1, (2,), v1="AVAILABLE", v2="AVAILABLE")
LOADING = view(v1="LOADING")
FAILED = view(v1="END")


@pytest.mark.parametrize(
    ("fault", "views", "starting", "reasons"),
    [
        (None, {"a": FINE}, True, set()),
        ("does not answer", {"a": FINE}, False, {"model server"}),
        (None, {}, False, {"models"}),
        (None, {"a": LOADING}, False, {"a"}),
        (None, {"a": FINE, "b": LOADING}, True, {"b"}),
        (None, {"a": FINE, "b": LOADING}, False, set()),
        (None, {"a": FINE, "b": FAILED}, True, set()),
        (None, {"a": FINE, "b": REJECTED}, False, {"b"}),
        (None, {"a": FINE, "b": ModelView()}, True, {"b"}),
    ],
)
def test_readiness(fault: str | None, views: dict[str, ModelView], starting: bool, reasons: set[str]) -> None:
    assert unready(fault, views, starting=starting).keys() == reasons
