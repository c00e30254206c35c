"""`kmaas diff`: how two versions of a model differ."""

import json
from typing import TYPE_CHECKING, Any

import click

from kmaas.config import Config
from kmaas.lifecycle import VERSION_HELP

if TYPE_CHECKING:
    from store.difference import Difference


@click.command("diff", short_help="Tell how two versions differ.", epilog=VERSION_HELP.replace("VERSION", "A or B"))
@click.argument("model")
@click.argument("a")
@click.argument("b")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def diff(config: Config, *, model: str, a: str, b: str, as_json: bool) -> None:
    """Tells how the manifests of two versions of MODEL differ, and their answers to held-out rows."""
    from export.difference import paired
    from export.promotion import Subject
    from kmaas.lifecycle import version_named
    from store.difference import differences
    from store.layout import Store

    store = Store.at(config.store)
    before, after = (Subject.of(store.version(model, version_named(store, model, name))) for name in (a, b))
    found = list(differences(before.manifest, after.manifest))
    rows = paired(before, after)
    if as_json:
        click.echo(json.dumps(_document(found, rows), indent=2, ensure_ascii=False))
        return
    click.echo(f"{model}: version {before.version} → version {after.version}")
    same = before.manifest.digest == after.manifest.digest
    click.echo("  answers: the same, by their digests" if same else "  answers: of other weights or another processing")
    for difference in found:
        click.echo(f"  {difference.field}: {_short(difference.before)} → {_short(difference.after)}")
    if rows is not None:
        click.echo(
            f"  on the same {rows['rows']:,} held-out rows: accuracy {rows['accuracy'][0]:.4f} → "
            f"{rows['accuracy'][1]:.4f}, {rows['difference']:+.4f} (95 %: {rows['interval'][0]:+.4f} to "
            f"{rows['interval'][1]:+.4f}); right only before {rows['lost']}, right only after {rows['won']}"
        )


def _document(found: "list[Difference]", rows: dict[str, Any] | None) -> dict[str, Any]:
    fields = {difference.field: [difference.before, difference.after] for difference in found}
    return {"fields": fields, "held_out": rows}


def _short(value: Any) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
