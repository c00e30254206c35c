"""`kmaas models`: the catalogue and the store."""

import json
from typing import TYPE_CHECKING, Any

import click

from kmaas.config import Config

if TYPE_CHECKING:
    from store.layout import VersionDir
    from store.manifest import Manifest


@click.command("models", short_help="List the catalogue and the store.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def models(config: Config, as_json: bool) -> None:
    """Lists the models that can be trained or imported, and those that the store has."""
    rows = _rows(config)
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "task", "presets", "versions", "accuracy of rows", "licence")
    for row in rows:
        versions = ", ".join(map(str, row["versions"])) or "–"
        accuracy = "–" if row["accuracy"] is None else f"{row['accuracy']:.4f} of {row['accuracy_rows']:,}"
        presets = ", ".join(row["presets"]) or "–"
        table.add_row(row["name"], row["task"], presets, versions, accuracy, row["licence"])
    Console().print(table)


def _manifest(version: "VersionDir") -> "Manifest | None":
    """None when it cannot be read: one damaged version must not hide the others."""
    from store.errors import ManifestError
    from store.manifest import Manifest

    try:
        return Manifest.read(version.manifest)
    except ManifestError as exc:
        click.echo(f"{version.path}: {exc}", err=True)
        return None


def _rows(config: Config) -> list[dict[str, Any]]:
    """One for each model of the catalogue or the store; facts of the newest version where there is one."""
    from models.catalog import CATALOG
    from store.layout import Store
    from training.config import presets_of

    store = Store.at(config.store)
    rows = []
    for name in [*CATALOG, *(name for name in store.models() if name not in CATALOG)]:
        versions = store.versions(name)
        manifest = _manifest(store.version(name)) if versions else None
        about = manifest or CATALOG.get(name)
        measured = manifest.metrics if manifest else ()
        accuracy = next((metric for metric in measured if metric.name == "accuracy"), None)
        rows.append(
            {
                "name": name,
                "in_catalogue": name in CATALOG,
                "task": about.task if about else "unreadable manifest",
                "presets": list(presets_of(name)),
                "description": about.description if about else None,
                "licence": "; ".join(dict.fromkeys(origin.licence for origin in about.origins)) if about else "",
                "versions": versions,
                "accuracy": accuracy and accuracy.value,
                "accuracy_low": accuracy and accuracy.low,
                "accuracy_high": accuracy and accuracy.high,
                "accuracy_rows": accuracy and accuracy.rows,
            }
        )
    return rows
