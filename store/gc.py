"""Garbage collection: old versions leave the store, at once or not at all, and never one that is in use."""

import shutil
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from store.contents import damage
from store.disk import sync
from store.labels import Labels
from store.layout import Store, version_folders
from store.ledger import Ledger, exclusively, opened
from store.records import Decision, Record
from store.signing import Signer, check_labels

_REMOVED = ".removed-"  # not a number: model servers skip it


class Collected(NamedTuple):
    """What a gc did.

    Attributes:
        record: None if nothing was removed.
        damaged: versions that were left although they can take nobody's place, each with what is wrong with it.
    """

    record: Record | None
    damaged: Mapping[int, str]


def superfluous(labels: Labels, versions: Collection[int], keep: int) -> tuple[int, ...]:
    """All versions but the newest `keep`, those with a label, those to which a rollback returns, and the one that a
    promotion is checking; ascending."""
    newest = sorted(versions)[-keep:] if keep else []
    return tuple(sorted(set(versions) - set(newest) - labels.kept))


def damaged(store: Store, model: str, versions: Collection[int], keep: int) -> Mapping[int, str]:
    """Those of the newest that kmaas' model server would not load, until `keep` others are found.

    Each with what is wrong with it.
    """
    found, sound = dict[int, str](), 0
    for version in sorted(versions, reverse=True):
        if sound == keep:
            break
        if wrong := damage(store.version(model, version)):
            found[version] = wrong
        else:
            sound += 1
    return found


def collect(store: Store, model: str, keep: int, signer: Signer, *, trusted: Collection[str] = ()) -> Collected:
    """Removes what is `superfluous`. The newest that are `damaged` are left, and count as nothing.

    Of a version a reader sees the whole or nothing. What a killed gc left is cleared away, too.

    Args:
        keep: how many of the newest versions stay; at least 1.
        trusted: see `store.signing.verified`.

    Raises:
        UnsignedLabelsError: nobody signed the labels, by which it would be told what is in use.
        VersionNotFoundError: the store has no such model.
        ManifestError, StoreUnwritableError, StoreFullError: see `store.ledger.opened`.
    """
    record: Record | None = None
    wrong: Mapping[int, str] = {}
    with ExitStack() as held:
        try:
            held.enter_context(exclusively(store, model, wait=False))
        except BlockingIOError:  # a promotion is at work: what it is checking stays
            in_work = True
        else:
            in_work = False
        with opened(store, model) as ledger:
            check_labels(ledger.base, ledger.labels, trusted)
            if not in_work:
                ledger.keep(None)
            wrong = damaged(store, model, ledger.versions, keep)
            if removed := superfluous(ledger.labels, set(ledger.versions) - set(wrong), keep):
                record = ledger.decide(ledger.labels, Decision(action="gc", removed=removed), signer)
                _hide(ledger, removed)
    for left in store.base(model).glob(f"{_REMOVED}*"):
        shutil.rmtree(left, ignore_errors=True)  # another gc may be at it
    return Collected(record, wrong)


def _hide(ledger: Ledger, versions: Collection[int]) -> None:
    folders = version_folders(ledger.base)
    for version in versions:
        folders[version].rename(_free(ledger.base, version))
    sync(ledger.base)


def _free(base: Path, version: int) -> Path:
    """A name for what is removed: one that a killed gc left may not be empty, and is not renamed over."""
    return next(path for n in range(2**31) if not (path := base / f"{_REMOVED}{version}-{n}").exists())
