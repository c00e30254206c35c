"""`kmaas versions`: a model's versions, labels and decisions."""

import json
from typing import TYPE_CHECKING, Any

import click

from kmaas.config import Config

if TYPE_CHECKING:
    from store.labels import Labels
    from store.layout import Store
    from store.records import Record


@click.command("versions", short_help="List a model's versions, labels and decisions.")
@click.argument("model")
@click.option("--records", "show_records", is_flag=True, help="List the decisions instead, first to last.")
@click.option("--verify", is_flag=True, help="Check signatures and chain of the decisions first.")
@click.option("--model-server", metavar="HOST:PORT", help="Whose states are shown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def versions(
    config: Config, *, model: str, show_records: bool, verify: bool, model_server: str | None, as_json: bool
) -> None:
    """Lists the versions of MODEL in the store. State is the model server's, `–` where it does not tell."""
    from kmaas.lifecycle import live_server
    from store.errors import VersionNotFoundError
    from store.labels import Labels
    from store.layout import Store
    from store.records import read_records
    from store.signing import verified

    store = Store.at(config.store)
    if not store.versions(model):
        raise VersionNotFoundError(model)
    labels = Labels.read(store.base(model))
    if verify:
        records = verified(store.base(model), labels, config.promotion.trusted_keys)
        keys = ", ".join(sorted({record.key for record in records})) or "none"
        click.echo(f"{model}: {len(records)} records, each as it was signed and in its place; keys: {keys}", err=True)
    if show_records:
        _show_records(read_records(store.base(model), labels.record), as_json=as_json)
        return
    with live_server(config, model_server) as live:
        rows = _rows(store, model, labels, live.states(model))
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _show(rows)


def _rows(store: "Store", model: str, labels: "Labels", states: dict[int, str]) -> list[dict[str, Any]]:
    """One for each version, the newest first. A damaged one hides no other."""
    from store.errors import ManifestError
    from store.manifest import Manifest

    rows = []
    for number in reversed(store.versions(model)):
        folder = store.version(model, number)
        try:
            manifest = Manifest.read(folder.manifest)
        except ManifestError as exc:
            click.echo(str(exc), err=True)
            manifest = None
        measured = manifest.metrics if manifest else ()
        rows.append(
            {
                "version": number,
                "labels": labels.of(number),
                "returns": sorted(label for label in labels.before if labels.return_of(label, [number]) is not None),
                "state": states.get(number),
                "digest": manifest.digest if manifest else None,
                "accuracy": next((metric.value for metric in measured if metric.name == "accuracy"), None),
                "bytes": sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file()),
                "created": manifest.created.isoformat() if manifest else None,
            }
        )
    return rows


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("version", "labels", "state", "digest", "accuracy", "size", "created")
    for row in rows:
        table.add_row(
            str(row["version"]),
            ", ".join([*row["labels"], *(f"({label} before)" for label in row["returns"])]),
            row["state"] or "–",
            "unreadable manifest" if row["digest"] is None else row["digest"].removeprefix("sha256:")[:12],
            "–" if row["accuracy"] is None else f"{row['accuracy']:.4f}",
            f"{row['bytes'] / 2**20:.1f} MiB",
            (row["created"] or "–")[:10],
        )
    Console().print(table)


def _show_records(records: "list[Record]", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([record.model_dump(mode="json") for record in records], indent=2, ensure_ascii=False))
        return
    for record in records:
        now = "–" if record.version is None else record.version
        what = f"{record.label} → {now}" if record.label else ", ".join(map(str, record.removed))
        failed = ", ".join(check.name for check in record.checks if not check.passed)
        parts = (f"{record.number:>4}  {record.at:%Y-%m-%d %H:%M:%S}  {record.action:<9} {what}", failed, record.reason)
        click.echo("  ".join(filter(None, parts)))
