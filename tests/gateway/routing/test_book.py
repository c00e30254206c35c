"""Which routes are in force: what the settings say, what was changed since, and what other processes changed."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import StateError
from gateway.routing.book import Book, effective
from gateway.routing.route import Part, Route
from gateway.routing.state import Entry
from gateway.settings import GatewaySettings

ONE, TWO, THREE = Route(to=1), Route(to=2), Route(to=3)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(route: Route | None, configured: Route | None) -> Entry:
    return Entry(route=route, configured=configured, at=NOW, who="anna")


@pytest.mark.parametrize(
    ("configured", "changed", "fits", "expected"),
    [
        (ONE, None, True, ONE),
        (ONE, entry(TWO, ONE), True, TWO),
        (ONE, entry(None, ONE), True, None),
        (None, entry(TWO, None), True, TWO),
        (THREE, entry(TWO, ONE), True, THREE),  # the settings were changed later
        (None, entry(TWO, ONE), True, None),
        (THREE, entry(None, ONE), True, THREE),
        (ONE, entry(TWO, ONE), False, ONE),  # the gateway's limits were changed
    ],
)
def test_what_was_said_last_counts(
    configured: Route | None, changed: Entry | None, fits: bool, expected: Route | None
) -> None:
    settings = {"digits": configured} if configured else {}
    entries = {"digits": changed} if changed else {}
    assert effective(settings, entries, lambda _model, _route: fits).get("digits") == expected


def book(folder: Path, **routes: Route) -> Book:
    return Book(GatewaySettings(state=folder, routes=routes), lambda: NOW)


def test_a_process_takes_over_what_another_changes(tmp_path: Path) -> None:
    one, other = book(tmp_path, digits=ONE), book(tmp_path, digits=ONE)
    one.change("sentiment", lambda _before: TWO, "anna")
    other.change("digits", lambda _before: TWO, "ben")
    assert (one.route("digits"), other.route("sentiment")) == (ONE, TWO), "a change begins with a look at the others'"
    one.refresh()
    assert (one.route("digits"), one.route("sentiment")) == (TWO, TWO)
    changed = one.entry("digits")
    assert changed is not None
    assert (changed.who, changed.at, changed.configured) == ("ben", NOW, ONE)
    kept = one.route("sentiment")
    other.change("digits", lambda _before: None, "ben")
    one.refresh()
    assert one.route("digits") is None
    assert one.route("sentiment") is kept, "what is counted of a route goes on while others change"
    assert list(one.models()) == ["digits", "sentiment"]


def test_nothing_changes_that_cannot_be_kept(tmp_path: Path) -> None:
    broken = book(tmp_path / "file", digits=ONE)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StateError, match="cannot be used"):
        broken.change("digits", lambda _before: TWO, "anna")
    assert broken.route("digits") == ONE
    broken.force("digits", lambda _before: TWO)
    broken.force("sentiment", lambda _before: None)
    assert (broken.route("digits"), broken.route("sentiment")) == (TWO, None)


def test_an_audit_that_cannot_be_written_lets_nothing_change(tmp_path: Path) -> None:
    (tmp_path / "routes.audit.jsonl").mkdir()
    kept = book(tmp_path, digits=ONE)
    with pytest.raises(StateError):
        kept.change("digits", lambda _before: TWO, "anna")
    assert (kept.route("digits"), book(tmp_path, digits=ONE).route("digits")) == (ONE, ONE)


@pytest.mark.parametrize("content", [b'{"digits": {"rou', b"\xff", b"[]", b'{"digits": {"route": {"to": -1}}}'])
def test_a_damaged_state_is_logged_and_the_settings_count(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "routes.json").write_bytes(content)
    with caplog.at_level(logging.ERROR):
        damaged = book(tmp_path, digits=ONE)
    assert "routes.json is damaged" in caplog.text
    assert damaged.route("digits") == ONE
    with pytest.raises(StateError):
        damaged.change("digits", lambda _before: TWO, "anna")
    assert (tmp_path / "routes.json").read_bytes() == content


def test_the_versions_a_route_names_are_looked_after(tmp_path: Path) -> None:
    named = book(tmp_path, digits=Route(to="stable", split=(Part(to=4, percent=1),)))
    assert named.selectors("digits") == {"stable", 4}
    assert not named.selectors("sentiment")
