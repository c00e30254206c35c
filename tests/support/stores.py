"""Stores for tests that publish: a folder of their own, with the versions of another store linked in."""

from pathlib import Path

from store.layout import Store


def linked_copy(store: Path, target: Path) -> Path:
    """`target` with the newest version of every model of `store` as version 1."""
    source = Store.at(store)
    for model in source.models():
        (target / model).mkdir(parents=True)
        (target / model / "1").symlink_to(source.version(model).path, target_is_directory=True)
    return target
