"""`kmaas unlabel`: a label is taken from its version, and gone."""

import time

import click

from kmaas.config import Config


@click.command("unlabel", short_help="Take a label away from the version that has it.")
@click.argument("model")
@click.argument("label")
@click.option("--model-server", metavar="HOST:PORT", help="Where that is seen.")
@click.option("--reason", help="Why: kept in the record. Needed for `stable`.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.pass_obj
def unlabel(
    config: Config, *, model: str, label: str, model_server: str | None, reason: str | None, as_json: bool
) -> None:
    """Takes LABEL away from the version of MODEL that has it; no rollback brings it back, and `gc` may remove the
    versions that had it. No version is removed by this. Without the label that the gateway follows, `stable`, the
    newest version answers, promoted or not: that needs a --reason."""
    from export.promote import STABLE
    from export.promote import unlabel as decide
    from kmaas.lifecycle import followed, live_server, show_followed, signer
    from store.layout import Store

    is_followed = label == config.gateway.label
    if (is_followed or label == STABLE) and not (reason and reason.strip()):
        raise click.UsageError(f"{label} is taken away with a --reason only: without it the newest version answers")
    store, trusted = Store.at(config.store), config.promotion.trusted_keys
    record = decide(store, model, label, signer(config), reason=reason, trusted=trusted)
    decided_at = time.perf_counter()
    if as_json:
        click.echo(record.document())
    else:
        click.echo(f"{model}: no version is {label}, it was version {record.replaced} (record {record.number})")
    newest = store.versions(model)[-1]
    if is_followed and not as_json:
        click.echo(f"  version {newest}, the newest, answers from now on")
    with live_server(config, model_server) as live:
        found = followed(config, live, record, decided_at, answering=newest)
    show_followed(line for line in found if line.fault or not as_json)
