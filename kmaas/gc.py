"""`kmaas gc`: old versions leave the store."""

import json

import click

from kmaas.config import Config


@click.command("gc", short_help="Remove old versions that nobody needs.")
@click.argument("model")
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest versions stay.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers removed as JSON.")
@click.pass_obj
def gc(config: Config, *, model: str, keep: int, dry_run: bool, as_json: bool) -> None:
    """Removes all versions of MODEL but the newest, those with a label, and those to which a rollback would return.

    Versions whose files are not what was exported are none of the newest: kmaas' model server loads none.
    """
    from kmaas.lifecycle import signer
    from store.errors import VersionNotFoundError
    from store.gc import collect, damaged, superfluous
    from store.labels import Labels
    from store.layout import Store
    from store.signing import check_labels

    store = Store.at(config.store)
    versions = store.versions(model)
    if not versions:
        raise VersionNotFoundError(model)
    if dry_run:
        labels = Labels.read(store.base(model))
        check_labels(store.base(model), labels, config.promotion.trusted_keys)  # without --dry-run it would refuse, too
        left = damaged(store, model, versions, keep)
        removed = superfluous(labels, set(versions) - set(left), keep)
    else:
        record, left = collect(store, model, keep, signer(config), trusted=config.promotion.trusted_keys)
        removed = () if record is None else record.removed
    for version, wrong in left.items():
        click.echo(f"{model} {version} is damaged, is left, and does not count: {wrong}", err=True)
    if as_json:
        click.echo(json.dumps(removed))
    else:
        named = ", ".join(map(str, removed)) or "nothing"
        click.echo(f"{model}: {'would remove' if dry_run else 'removed'} {named}")
