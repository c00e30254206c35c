"""What the verbs that change or compare versions share: versions by name, and what they print."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from kmaas.config import Config
from kmaas.errors import UnknownVersionError

if TYPE_CHECKING:
    from kmaas.live import Followed, LiveServers
    from store.layout import Store
    from store.records import Check, Record
    from store.signing import Signer

VERSION_HELP = "VERSION is a number, a label, or `newest`."


def version_named(store: "Store", model: str, name: str) -> int:
    """A version by its number, by a label, or the newest.

    Raises:
        UnknownVersionError: it is none of these; those there are, are named.
        VersionNotFoundError: the store has no such model or version.
    """
    from store.labels import NEWEST, Labels
    from store.layout import parse_version

    number = parse_version(name)
    if number is None and name != NEWEST:
        labels = Labels.read(store.base(model)).versions
        number = labels.get(name)
        if number is None:
            raise UnknownVersionError(model, name, sorted(labels))
    return store.version(model, number).number


def signer(config: Config) -> "Signer":
    from store.signing import Signer

    return Signer.at(config.promotion.key)


def live_server(config: Config, target: str | None) -> "LiveServers":
    """The model server at `target`; else those that the gateway is configured to ask, else that of `kmaas serve`."""
    from kmaas.live import LiveServers
    from kmaas.processes import reachable

    targets: tuple[str, ...] = (target or f"{reachable(config.serve.host)}:{config.serve.port}",)
    if target is None and "model_server" in config.gateway.model_fields_set:
        targets = config.gateway.model_servers
    return LiveServers(targets, config.gateway.limits, config.promotion.patience_s)


def followed(
    config: Config, live: "LiveServers", record: "Record", since: float, *, answering: int
) -> "list[Followed]":
    """Waits for the model server, and for the gateway of this configuration if it runs, to follow what was decided when
    `time.perf_counter()` was `since`. `answering` is the version by which a gateway that follows the label shows it."""
    from kmaas.live import gateway_follows
    from kmaas.processes import reachable

    assert record.label is not None
    found = [live.follows(record.model, record.label, record.version, since)]
    if record.label == config.gateway.label:
        url = f"http://{reachable(config.gateway.host)}:{config.gateway.port}"
        gateway = gateway_follows(url, record.model, answering, since=since, patience_s=config.promotion.patience_s)
        found += [] if gateway is None else [gateway]
    return found


def show_checks(checks: "Iterable[Check]") -> None:
    for check in checks:
        mark = click.style("passed", fg="green") if check.passed else click.style("failed", fg="red")
        click.echo(f"  {check.name:<12}{mark}  {check.fact}")


def show_followed(found: "Iterable[Followed]") -> None:
    """What does not follow is told on standard error: the label has moved all the same."""
    for line in found:
        click.echo(f"  {line}", err=line.fault is not None)
