"""`kmaas promote`: a version gets a label, if it proves itself."""

import time

import click

from kmaas.config import Config
from kmaas.lifecycle import VERSION_HELP
from kmaas.progress import shown_progress


@click.command("promote", short_help="Give a version a label, if it proves itself.", epilog=VERSION_HELP)
@click.argument("model")
@click.argument("version")
@click.option("--label", default="stable", show_default=True, help="The gateway follows `stable`.")
@click.option("--model-server", metavar="HOST:PORT", help="Where it must prove itself.")
@click.option("--accept-licence", is_flag=True, help="Accept the terms of a model whose licence is unclear.")
@click.option("--force", is_flag=True, help="Promote whatever the checks say; needs --reason.")
@click.option("--reason", help="Why it is forced: kept in the record.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.pass_obj
def promote(
    config: Config,
    *,
    model: str,
    version: str,
    label: str,
    model_server: str | None,
    accept_licence: bool,
    force: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Gives VERSION of MODEL the label, and waits until the model server and the gateway follow it. Refused, with exit
    code 1, unless on the live model server its goldens are answered rightly and fast enough, and a recorded request of
    each other signature rightly, and unless it is no worse than the stable version, no less robust, and its licence is
    clear. Either way the decision is kept as a signed record: see `kmaas versions`."""
    from export.promote import Promotion
    from export.promote import promote as decide
    from kmaas.lifecycle import followed, live_server, show_checks, show_followed, signer, version_named
    from store.layout import Store

    if force != bool(reason and reason.strip()):
        raise click.UsageError("--force needs a --reason, and --reason is for --force")
    store = Store.at(config.store)
    asked = Promotion(model, version_named(store, model, version), label, accept_licence, reason if force else None)
    with live_server(config, model_server) as live:
        with shown_progress() as progress:  # a version may have to be loaded first
            progress.stage(f"check {model} version {asked.version} on {live.target}", 1)
            record = decide(store, asked, config.promotion, live, signer(config))
            progress.at(1)
        decided_at = time.perf_counter()
        if record is None:
            click.echo("null" if as_json else f"{model}: {label} is version {asked.version} already")
            return
        if as_json:
            click.echo(record.document())
        else:
            before = "new" if record.replaced is None else f"now version {record.replaced}"
            click.echo(f"{model} version {asked.version} for {label} ({before}):")
            show_checks(record.checks)
        if record.action == "refuse":
            click.echo(f"refused; {model} stays as it is (record {record.number})", err=True)
            raise SystemExit(1)
        found = followed(config, live, record, decided_at, answering=asked.version)
    if not as_json:
        click.echo(f"{model}: {label} is version {asked.version} (record {record.number})")
    show_followed(line for line in found if line.fault or not as_json)
