"""`kmaas card`: the model card of a version in the store."""

import sys
from typing import IO

import click

from kmaas.config import Config
from kmaas.errors import NoCardError


@click.command("card", short_help="Show the model card of a version.")
@click.argument("model")
@click.argument("version", required=False)
@click.option("--html", type=click.File("w", encoding="utf-8"), help="Write the card there, with its plots.")
@click.pass_obj
def card(config: Config, model: str, version: str | None, html: IO[str] | None) -> None:
    """Prints what a person should know about MODEL: VERSION (a number, a label or `newest`), or else the one with the
    label that the gateway follows, `stable`, or the newest while nothing has that label."""
    from kmaas.lifecycle import version_named
    from store.errors import ManifestError
    from store.labels import NEWEST, Labels
    from store.layout import Store

    store = Store.at(config.store)
    if version is None:
        followed = config.gateway.label
        version = followed if followed in Labels.read(store.base(model)).versions else NEWEST
    found = store.version(model, version_named(store, model, version))
    kept = found.card if html is None else found.page
    try:
        text = kept.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise NoCardError(kept) from exc
    except UnicodeDecodeError as exc:
        raise ManifestError(kept, f"it is not UTF-8: {exc}") from exc
    if html is not None:
        html.write(text)
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        click.echo(text, nl=False)
