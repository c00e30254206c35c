"""Promotions and rollbacks that come into each other's way, or fail half-way."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from export.errors import NoSuchLabelError, NothingBeforeError
from export.promote import Promotion, promote, rollback, unlabel
from export.promotion import Seen
from export.rules import PromotionRules
from store.errors import (
    InvalidLabelError,
    ManifestError,
    ReservedLabelError,
    UnsignedLabelsError,
    VersionNotFoundError,
)
from store.gc import collect
from store.held_out import HeldOut
from store.labels import LABELS_FILE, Labels
from store.layout import Store, VersionDir
from store.ledger import exclusively
from store.publish import publish
from store.records import Record
from store.signing import Signer, verified
from tests.support.manifests import export_folder


class Shown:
    """A `Live` that shows what it is told, after it did what it is told."""

    def __init__(self, fault: str | None = None, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._seen = Seen("here", fault, 8, () if fault else (1.0,))
        self._meanwhile = meanwhile
        self.asked: list[tuple[str, int, str]] = []

    def prove(self, model: str, version: VersionDir, digest: str) -> Seen:
        self.asked.append((model, version.number, digest))
        self._meanwhile()
        return self._seen


class Shop:
    """Versions 1 to 4 of which 70, 80, 90 and 85 of 100 rows are right."""

    def __init__(self, folder: Path) -> None:
        self.store, self.signer = Store.at(folder / "store"), Signer.at(folder / "key.pem")
        for right in (70, 80, 90, 85):
            export = export_folder(folder / f"export-{right}")
            predicted = (np.arange(100) >= right).astype(np.int32)
            HeldOut("0" * 64, np.zeros(100, np.int32), predicted).write(VersionDir(export).held_out)
            publish(self.store, export)

    def promote(self, version: int, label: str = "stable", live: Shown | None = None, **asked: str) -> Record | None:
        asking = Promotion("digits", version, label, forced=asked.get("forced"))
        return promote(self.store, asking, PromotionRules(), live or Shown(), self.signer)

    def rollback(self, *trusted: str) -> Record:
        return rollback(self.store, "digits", "stable", self.signer, trusted=trusted)

    def unlabel(self, label: str) -> Record:
        return unlabel(self.store, "digits", label, self.signer, reason="a trial that has ended")

    def edit_labels(self, **fields: object) -> str:
        """What somebody writes into labels.json who signs nothing. Returns what was in it."""
        path = self.store.base("digits") / LABELS_FILE
        before = path.read_text()
        path.write_text(json.dumps({**json.loads(before), **fields}))
        return before

    @property
    def labels(self) -> Labels:
        return Labels.read(self.store.base("digits"))

    def decided(self) -> list[tuple[str, int | None]]:
        return [(record.action, record.version) for record in verified(self.store.base("digits"), self.labels)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_up_and_down(shop: Shop) -> None:
    live = Shown()
    for version in (1, 2, 3):
        shop.promote(version, live=live)
    assert live.asked == [("digits", version, "0" * 64) for version in (1, 2, 3)]
    assert shop.promote(3) is None
    assert [shop.rollback().version for _ in range(2)] == [2, 1]
    with pytest.raises(NothingBeforeError, match="label stable of digits before"):
        shop.rollback()
    assert shop.decided() == [("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2), ("rollback", 1)]


def test_what_is_checked_is_loaded_meanwhile_and_no_longer(shop: Shop) -> None:
    shop.promote(1)
    kept: list[frozenset[int]] = []
    shop.promote(2, live=Shown("golden one is answered wrongly", lambda: kept.append(shop.labels.kept)))
    assert kept == [{1, 2}]
    assert shop.labels.kept == {1}
    assert shop.labels.versions == {"stable": 1}
    assert shop.decided() == [("promote", 1), ("refuse", 2)]


def test_a_promotion_that_is_interrupted_leaves_nothing(shop: Shop) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.promote(1, live=Shown(meanwhile=interrupt))
    assert shop.labels == Labels()


def test_a_rollback_does_not_wait_for_a_promotion_and_that_compares_with_what_it_finds(shop: Shop) -> None:
    """3 is the better one; while 4 is looked at, which is worse than 3 and better than 2, somebody rolls back to 2."""
    for version in (1, 2, 3):
        shop.promote(version)
    refused = shop.promote(4)
    assert refused is not None
    assert refused.action == "refuse"
    record = shop.promote(4, live=Shown(meanwhile=shop.rollback))
    assert record is not None
    assert (record.action, record.replaced) == ("promote", 2)
    assert "version 2 0.8000" in next(check.fact for check in record.checks if check.name == "accuracy")
    assert shop.rollback().version == 2


def test_another_label_is_measured_by_the_stable_version(shop: Shop) -> None:
    shop.promote(3)
    refused = shop.promote(1, "canary")
    assert refused is not None
    assert (refused.action, refused.replaced) == ("refuse", None)
    shop.promote(3, "canary")
    assert shop.labels.versions == {"stable": 3, "canary": 3}


def test_a_reason_promotes_and_is_kept(shop: Shop) -> None:
    shop.promote(3)
    record = shop.promote(1, live=Shown("nobody answers"), forced="the other one leaks")
    assert record is not None
    assert (record.action, record.reason) == ("promote", "the other one leaks")
    assert {check.name for check in record.checks if not check.passed} >= {"goldens", "latency", "accuracy"}


def test_promotions_of_one_model_wait_for_each_other(shop: Shop) -> None:
    def another() -> None:
        with exclusively(shop.store, "digits", wait=False):
            raise AssertionError("two are at it")

    def promote_alone(version: int) -> None:
        with suppress(BlockingIOError):
            shop.promote(version, live=Shown(meanwhile=another))
            raise AssertionError("nobody held the others up")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(promote_alone, (1, 2, 3, 4)))
    assert shop.labels == Labels()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(shop.promote, (1, 2, 3, 4)))
    assert len(shop.decided()) == 4


def test_damage_and_absence_are_told(shop: Shop) -> None:
    with pytest.raises(VersionNotFoundError, match="digits version 9"):
        shop.promote(9)
    with pytest.raises(InvalidLabelError, match="'Stable' is no label"):
        shop.promote(1, "Stable")
    with pytest.raises(ReservedLabelError, match="'newest' is a reserved word"):
        shop.promote(1, "newest")
    shop.store.version("digits", 2).held_out.write_bytes(b"damaged")
    with pytest.raises(ManifestError, match=r"held_out\.npz"):
        shop.promote(2)
    assert shop.labels == Labels()


def test_a_damaged_version_in_place_is_left_by_force_only(shop: Shop) -> None:
    shop.promote(1)
    shop.store.version("digits", 1).held_out.write_bytes(b"damaged")
    refused = shop.promote(3)
    assert refused is not None
    assert [check.name for check in refused.checks if not check.passed] == ["in place"]
    shop.promote(3, forced="1 is damaged")
    assert shop.labels.versions == {"stable": 3}


def test_one_goes_back_to_a_version_whose_manifest_is_damaged(shop: Shop) -> None:
    """It is served, and what is wrong with the other one is wrong now."""
    shop.promote(1)
    shop.promote(2)
    shop.store.version("digits", 1).manifest.write_text("damaged")
    record = shop.rollback()
    assert (record.version, record.digest) == (1, None)


def test_no_label_moves_by_what_nobody_signed(shop: Shop) -> None:
    for version in (1, 2, 3):
        shop.promote(version)
    signed = shop.edit_labels(before={"stable": [1]})
    decisions: tuple[Callable[[], object], ...] = (
        shop.rollback,
        lambda: shop.promote(4),
        lambda: shop.promote(3),
        lambda: shop.unlabel("stable"),
    )
    for work in decisions:
        with pytest.raises(UnsignedLabelsError, match="returns stable to 2, 1, and it would return stable to 1; "):
            work()
    (shop.store.base("digits") / LABELS_FILE).write_text(signed)
    with pytest.raises(UnsignedLabelsError, match=r"record 3 is not to be trusted: its key .* is not one of those"):
        shop.rollback("0" * 16)
    assert shop.rollback(shop.signer.name).version == 2


def test_by_force_a_version_is_promoted_and_what_nobody_signed_is_forgotten(shop: Shop) -> None:
    for version in (1, 2):
        shop.promote(version)
    shop.edit_labels(versions={"stable": 4}, before={"stable": [3]})
    record = shop.promote(2, forced="4 was never promoted")
    assert record is not None
    assert (
        "after record 2 the labels are {'stable': 2}" in {check.name: check.fact for check in record.checks}["signed"]
    )
    assert (record.replaced, shop.labels.versions, shop.labels.before) == (4, {"stable": 2}, {})
    assert shop.decided()[-1] == ("promote", 2)
    with pytest.raises(NothingBeforeError):
        shop.rollback()


def test_an_edit_while_a_promotion_checks_is_seen(shop: Shop) -> None:
    for version in (1, 2):
        shop.promote(version)
    with pytest.raises(UnsignedLabelsError, match="it would return stable to 4"):
        shop.promote(3, live=Shown(meanwhile=lambda: shop.edit_labels(before={"stable": [4]})))
    assert shop.labels.versions == {"stable": 2}


def test_a_label_that_is_taken_away_keeps_no_version(shop: Shop) -> None:
    for version, label in ((1, "stable"), (2, "canary"), (3, "canary")):
        shop.promote(version, label, forced="a trial")
    record = shop.unlabel("canary")
    assert (record.action, record.label, record.version, record.replaced) == ("unlabel", "canary", None, 3)
    assert (record.labels, record.reason) == ({"stable": 1}, "a trial that has ended")
    assert shop.decided()[-1] == ("unlabel", None)
    with pytest.raises(NoSuchLabelError, match="no version of digits has the label 'canary'; its labels: stable"):
        shop.unlabel("canary")
    with pytest.raises(NothingBeforeError):
        rollback(shop.store, "digits", "canary", shop.signer)
    collect(shop.store, "digits", 1, shop.signer)
    assert shop.store.versions("digits") == [1, 4]
    shop.unlabel("stable")
    assert (shop.labels.versions, shop.labels.before) == ({}, {})
