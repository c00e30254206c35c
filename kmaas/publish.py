"""`kmaas publish`: puts an exported version into the store."""

from pathlib import Path

import click

from kmaas.config import Config


@click.command("publish", short_help="Put an exported version into the store.")
@click.argument("folder", metavar="RUN|EXPORT", type=click.Path(path_type=Path))
@click.option("--version", type=click.IntRange(min=0), help="The number; by default one above the highest there is.")
@click.pass_obj
def publish(config: Config, folder: Path, version: int | None) -> None:
    """Model servers that watch the store take the version up by themselves."""
    from kmaas.stages import exported
    from store.layout import Store
    from store.publish import publish as publish_folder

    with exported(folder) as export:
        published = publish_folder(Store.at(config.store), export, version=version)
    click.echo(published.path)
