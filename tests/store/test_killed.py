"""A process that is killed at any step of changing a store leaves one that every reader understands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from export.promote import rollback, unlabel
from serving.lifecycle.model_config import read_config
from serving.lifecycle.store_models import StoreModels
from store.gc import collect
from store.labels import Labels
from store.layout import Store
from store.ledger import opened
from store.manifest import Manifest
from store.model_server_config import CONFIG_FILE
from store.publish import publish
from store.records import record_path
from store.signing import Signer, verified
from tests.support.decided import label, published
from tests.support.killed import killed_at_each_step
from tests.support.manifests import export_folder


class Shop:
    """A store with five versions and labels, that can be had again and again."""

    def __init__(self, folder: Path) -> None:
        self.signer = Signer.at(folder / "key.pem")
        self.export = export_folder(folder / "next")
        self._fresh = folder / "fresh"
        made = published(self._fresh, folder / "export", 5)
        label(made, "digits", 1, self.signer)
        label(made, "digits", 2, self.signer)
        label(made, "digits", 4, self.signer, "canary")
        self.store = Store.at(folder / "store")
        self.renew()
        self.files = len(list(self.store.version("digits", 1).path.rglob("*")))

    def renew(self) -> None:
        shutil.rmtree(self.store.root, ignore_errors=True)
        shutil.copytree(self._fresh, self.store.root)

    def check(self) -> Labels:
        """What every reader sees is whole."""
        base = self.store.base("digits")
        versions = self.store.versions("digits")
        assert self.store.models() == ["digits"]
        for number in versions:
            version = self.store.version("digits", number)
            assert Manifest.read(version.manifest).version == number
            assert len(list(version.path.rglob("*"))) == self.files
        labels = Labels.read(base)
        assert set(labels.versions.values()) <= set(versions)
        config = StoreModels(self.store.root).configs({})["digits"]
        assert config.labels == labels.versions
        stock = read_config(self.store.root / CONFIG_FILE)["digits"]
        assert "stable" in stock.labels
        assert set(stock.labels.values()) <= set(versions)
        verified(base, labels)
        return labels


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("killed"))


def promote(shop: Shop, version: int) -> None:
    """As a promotion writes: what it checks, then what it decides."""
    with opened(shop.store, "digits") as ledger:
        ledger.keep(version)
    label(shop.store, "digits", version, shop.signer)


def roll_back(shop: Shop) -> None:
    rollback(shop.store, "digits", "stable", shop.signer)


def take_away(shop: Shop) -> None:
    """The other label, so that readers have one to tell."""
    unlabel(shop.store, "digits", "canary", shop.signer)


@pytest.mark.parametrize(
    ("work", "stable", "most_steps"),
    [
        (lambda shop: publish(shop.store, shop.export), {2}, 100),
        (lambda shop: promote(shop, 3), {2, 3}, 60),
        (roll_back, {2, 1}, 40),
        (take_away, {2}, 40),
        (lambda shop: collect(shop.store, "digits", 1, shop.signer), {2}, 60),
    ],
    ids=["publish", "promote", "rollback", "unlabel", "gc"],
)
def test_killed_at_each_step(shop: Shop, work: Callable[[Shop], object], stable: set[int], most_steps: int) -> None:
    seen: set[int] = set()
    steps = 0
    for step in killed_at_each_step(shop.renew, lambda: work(shop)):
        labels = shop.check()
        seen.add(labels.versions["stable"])
        steps = max(step, steps)
        # Whoever comes next finds nothing in the way, and makes up for what is missing.
        publish(shop.store, shop.export)
        label(shop.store, "digits", shop.store.versions("digits")[-1], shop.signer, "canary")
        collect(shop.store, "digits", 1, shop.signer)
        after = shop.check()
        assert after.record is not None
        assert record_path(shop.store.base("digits"), after.record.number).exists()
        assert {path.name for path in shop.store.root.iterdir()} == {"digits", CONFIG_FILE}
        assert not list(shop.store.base("digits").glob(".removed-*"))
    assert seen == stable
    assert 8 < steps < most_steps
