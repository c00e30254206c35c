"""`kmaas rollback`: a label goes back to the version before."""

import time

import click

from kmaas.config import Config


@click.command("rollback", short_help="Return a label to the version that had it before.")
@click.argument("model")
@click.option("--label", default="stable", show_default=True, help="The label that goes back.")
@click.option("--model-server", metavar="HOST:PORT", help="Where the goldens are replayed.")
@click.option("--reason", help="Why: kept in the record.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.pass_obj
def rollback(
    config: Config, *, model: str, label: str, model_server: str | None, reason: str | None, as_json: bool
) -> None:
    """Returns the label of MODEL to the version that had it before, at once: model servers still have that one loaded.
    Again, and it goes one further back. Then its goldens are replayed on the model server, a recorded request of each
    other signature, too; exit code 1 if one fails."""
    from export.promote import rollback as decide
    from kmaas.lifecycle import followed, live_server, show_followed, signer
    from store.layout import Store

    trusted = config.promotion.trusted_keys
    store = Store.at(config.store)
    record = decide(store, model, label, signer(config), reason=reason, trusted=trusted)
    decided_at = time.perf_counter()
    assert record.version is not None
    if as_json:
        click.echo(record.document())
    else:
        click.echo(f"{model}: {label} is version {record.version} again (record {record.number})")
    with live_server(config, model_server) as live:
        found = followed(config, live, record, decided_at, answering=record.version)
        show_followed(line for line in found if line.fault or not as_json)
        seen = live.prove(model, store.version(model, record.version), record.digest, measured=False)
    if seen.fault is not None:
        click.echo(f"  it is not proved: {seen.fault}", err=True)
        raise SystemExit(1)
    if not as_json:
        others = f", and a recorded request of {', '.join(seen.signatures)}" if seen.signatures else ""
        click.echo(f"  {seen.goldens} goldens are answered rightly{others}")
