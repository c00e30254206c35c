"""The routes in force: those of the settings, with what the admin API and the canaries changed since."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.errors import StateError
from gateway.routing.audit import AuditLine
from gateway.routing.route import Route
from gateway.routing.state import Entries, Entry, State
from gateway.settings import GatewaySettings

_log = logging.getLogger(__name__)

Revise = Callable[[Route | None], Route | None]


def effective(
    configured: Mapping[str, Route], entries: Entries, fits: Callable[[str, Route], bool]
) -> Mapping[str, Route]:
    """The route of each model: whatever was said last.

    A change at run time counts until the settings say something else about the model than they did then, or until it
    does not fit the settings any more.
    """
    routes = dict(configured)
    for model, entry in entries.items():
        if entry.configured == configured.get(model) and (entry.route is None or fits(model, entry.route)):
            routes.pop(model, None)
            if entry.route is not None:
                routes[model] = entry.route
    return routes


class Book:
    """Which route a model has. Safe to share between threads; workers share it by its state.

    `start` begins to follow what other workers change; `close` ends that.
    """

    def __init__(self, settings: GatewaySettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._settings = settings
        self._now = now
        self._state = State(settings.state)
        self._changing = threading.Lock()
        self._entries: Entries = {}
        self._routes: Mapping[str, Route] = settings.routes  # replaced, never changed
        self._seen: object = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follow-routes", daemon=True)
        self.refresh()

    def route(self, model: str) -> Route | None:
        """The same object until it changes."""
        return self._routes.get(model)

    def models(self) -> Collection[str]:
        """Those that have a route, or had one."""
        return sorted({*self._routes, *self._entries})

    def configured(self, model: str) -> Route | None:
        """The one of the settings."""
        return self._settings.routes.get(model)

    def entry(self, model: str) -> Entry | None:
        """Who changed the route last, if anybody did and it still counts."""
        entry = self._entries.get(model)
        return entry if entry and entry.route == self.route(model) else None

    def selectors(self, model: str) -> Collection[int | str]:
        """The versions that its route names."""
        route = self.route(model)
        return set(route.selectors.values()) if route else ()

    def change(self, model: str, revise: Revise, who: str, why: str | None = None) -> Route | None:
        """Gives the model the route that `revise` makes of the one it has, and returns it.

        Raises:
            StateError: it could not be kept; nothing has changed.
            Whatever `revise` raises.
        """
        with self._changing, self._state.changing():
            self._take(self._state.read())
            before = self.route(model)
            after = revise(before)
            if after != before:
                at = self._now()
                entry = Entry(route=after, configured=self.configured(model), at=at, who=who)
                line = AuditLine(at=at, who=who, model=model, before=told(before), after=told(after), why=why)
                entries = {**self._entries, model: entry}
                self._state.write(entries, line)
                self._take(entries)
                _log.info("the route of %s was changed by %s: %s", model, who, line.model_dump_json())
        return after

    def force(self, model: str, revise: Revise) -> None:
        """Changes the route in this process alone, where it cannot be kept. It lasts until the next change."""
        with self._changing:
            after = revise(self.route(model))
            rest = {name: route for name, route in self._routes.items() if name != model}
            self._routes = rest if after is None else {**rest, model: after}

    def refresh(self) -> None:
        """Takes over what another worker changed."""
        if self._state.signature != self._seen:
            with self._changing:
                self._read()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._closing.wait(self._settings.refresh_interval_s):
            self.refresh()

    def _read(self) -> None:
        """What cannot be read counts as if nobody had changed anything, and is told once."""
        seen = self._state.signature
        if seen == self._seen:
            return
        self._seen = seen
        try:
            entries = self._state.read()
        except StateError as exc:
            _log.error("%s; the routes are those of the settings", exc)
            entries = {}
        self._take(entries)

    def _take(self, entries: Entries) -> None:
        found = effective(self._settings.routes, entries, lambda model, route: not self._settings.misfits(model, route))
        kept = {model: route for model, route in self._routes.items() if found.get(model) == route}
        self._entries, self._routes = entries, {**found, **kept}  # a route that is as it was stays the same object


def told(route: Route | None) -> dict[str, Any] | None:
    """The route as a document: what is not said is left out."""
    return None if route is None else route.model_dump(mode="json", exclude_defaults=True)
