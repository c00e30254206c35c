"""`kmaas card`: the model card of a version in the store."""

import sys
from typing import IO

import click

from kmaas.config import Config
from kmaas.errors import NoCardError


@click.command("card", short_help="Show the model card of a version.")
@click.argument("model")
@click.argument("version", required=False, type=click.IntRange(min=0))
@click.option("--html", type=click.File("w", encoding="utf-8"), help="Write the card there, with its plots.")
@click.pass_obj
def card(config: Config, model: str, version: int | None, html: IO[str] | None) -> None:
    """Prints what a person should know about MODEL: VERSION, or the newest."""
    from store.layout import Store

    found = Store.at(config.store).version(model, version)
    kept = found.card if html is None else found.page
    try:
        text = kept.read_text()
    except FileNotFoundError as exc:
        raise NoCardError(kept) from exc
    if html is not None:
        html.write(text)
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        click.echo(text, nl=False)
