"""Labels moved by hand: decisions without the checks."""

from pathlib import Path

from store.layout import Store
from store.ledger import opened
from store.publish import publish
from store.records import Decision, Record
from store.signing import Signer
from tests.support.manifests import export_folder


def label(store: Store, model: str, version: int, signer: Signer, label: str = "stable") -> Record:
    with opened(store, model) as ledger:
        replaced = ledger.labels.versions.get(label)
        decision = Decision(action="promote", label=label, version=version, replaced=replaced)
        return ledger.decide(ledger.labels.moved(label, version), decision, signer)


def published(root: Path, export: Path, count: int, model: str = "digits") -> Store:
    """A store with versions 1 to `count`, that are no SavedModels; `export` is a folder to be made."""
    store = Store.at(root)
    export_folder(export, model)
    for _ in range(count):
        publish(store, export)
    return store
