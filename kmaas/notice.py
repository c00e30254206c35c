"""What a server's verb says of itself while it starts and stops."""

from contextlib import suppress

import click


def notice(text: str, *, err: bool = False) -> None:
    """On standard output, or with `err` on standard error. A log without room must not stop what is told of."""
    with suppress(OSError):
        click.echo(text, err=err)
