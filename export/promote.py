"""Promotion, rollback, removal: a version gets a label once all is proved; the label goes back, or goes, at a word."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from export.errors import NoSuchLabelError, NothingBeforeError
from export.promotion import Seen, Subject, verdict
from export.rules import PromotionRules
from models.catalog import CATALOG
from store.errors import ManifestError, VersionNotFoundError
from store.labels import Labels, check_label
from store.layout import Store, VersionDir
from store.ledger import Ledger, exclusively, opened
from store.manifest import Manifest
from store.records import Check, Decision, Record
from store.signing import Signer, check_labels, labels_fault

STABLE = "stable"  # the label whose version others are compared with


class Live(Protocol):
    """A running model server over the store."""

    def prove(self, model: str, version: VersionDir, digest: str) -> Seen:
        """Waits for the version, asks it every golden, measures how long it takes, and asks it a recorded request of
        every other signature that has one. Never raises for the server's faults: they are what was seen."""
        ...


@dataclass(frozen=True)
class Promotion:
    """What somebody asks for.

    Attributes:
        forced: why the version is to have the label whatever the checks say; None: only if all are passed.
    """

    model: str
    version: int
    label: str = STABLE
    terms_accepted: bool = False
    forced: str | None = None


def promote(store: Store, asked: Promotion, rules: PromotionRules, live: Live, signer: Signer) -> Record | None:
    """Decides, and gives the version its label or leaves all as it is. None: the version has the label already.

    Promotions of one model wait for each other. While it is checked, the version is kept loaded by model servers, and
    from `gc`. A rollback does not wait; the version is compared with what is in its place in the end.

    Raises:
        InvalidLabelError, ReservedLabelError: no version can have such a label.
        UnsignedLabelsError: nobody signed the labels, and it is not forced.
        VersionNotFoundError: the store does not have it.
        ManifestError: the version is damaged.
        StoreUnwritableError, StoreFullError: the disk refuses; all is as it was.
    """
    check_label(asked.label)
    with exclusively(store, asked.model):
        with opened(store, asked.model) as ledger:
            has_it = ledger.labels.versions.get(asked.label) == asked.version
            if _unsigned(ledger, asked, rules) is None and has_it:
                return None
            if asked.version not in ledger.versions:
                raise VersionNotFoundError(asked.model, asked.version)
            ledger.keep(asked.version)
        try:
            return _checked(store, asked, rules, live, signer)
        finally:
            with opened(store, asked.model) as ledger:
                ledger.keep(None)


def rollback(
    store: Store,
    model: str,
    label: str,
    signer: Signer,
    *,
    reason: str | None = None,
    trusted: Collection[str] = (),
) -> Record:
    """The label goes back to the version that had it before. That version is not checked: it is still loaded, and what
    is wrong with the other one is wrong now. `trusted` as in `store.signing.verified`.

    Raises:
        NothingBeforeError: no version that is still there had the label before.
        UnsignedLabelsError: nobody signed the labels, or where they return.
        VersionNotFoundError, ManifestError, StoreUnwritableError, StoreFullError: see `store.ledger.opened`.
    """
    with opened(store, model) as ledger:
        check_labels(ledger.base, ledger.labels, trusted)
        before = ledger.labels.return_of(label, ledger.versions)
        if before is None:
            raise NothingBeforeError(model, label)
        decision = Decision(
            action="rollback",
            label=label,
            version=before,
            digest=_digest(store, model, before),
            replaced=ledger.labels.versions.get(label),
            reason=reason,
        )
        return ledger.decide(ledger.labels.returned(label, before), decision, signer)


def unlabel(
    store: Store,
    model: str,
    label: str,
    signer: Signer,
    *,
    reason: str | None = None,
    trusted: Collection[str] = (),
) -> Record:
    """No version has the label any more, and no rollback brings it back: `gc` may take the versions that had it.

    Raises:
        NoSuchLabelError: no version has it.
        UnsignedLabelsError: nobody signed the labels.
        VersionNotFoundError, ManifestError, StoreUnwritableError, StoreFullError: see `store.ledger.opened`.
    """
    with opened(store, model) as ledger:
        check_labels(ledger.base, ledger.labels, trusted)
        if label not in ledger.labels.versions:
            raise NoSuchLabelError(model, label, sorted(ledger.labels.versions))
        decision = Decision(action="unlabel", label=label, replaced=ledger.labels.versions[label], reason=reason)
        return ledger.decide(ledger.labels.without(label), decision, signer)


def _checked(store: Store, asked: Promotion, rules: PromotionRules, live: Live, signer: Signer) -> Record:
    version = store.version(asked.model, asked.version)
    candidate = Subject.of(version)
    seen = live.prove(asked.model, version, candidate.manifest.digest)
    with opened(store, asked.model) as ledger:  # from here on nobody moves the label that we compare with
        unsigned = _unsigned(ledger, asked, rules)
        others = [] if unsigned is None else [unsigned]
        number = _in_place(ledger.labels, asked.label)
        try:
            current = _subject(store, asked.model, number)
        except ManifestError as exc:  # a way out of it must be left: --force
            current = None
            others.append(Check(name="in place", passed=False, fact=f"no comparison: {exc}"))
        checks = verdict(
            candidate,
            current,
            seen,
            rules,
            terms_unclear=asked.model in CATALOG and CATALOG[asked.model].licence_unclear,
            terms_accepted=asked.terms_accepted,
        )
        return _decide(ledger, asked, candidate, (*checks, *others), signer, forgetting=unsigned is not None)


def _unsigned(ledger: Ledger, asked: Promotion, rules: PromotionRules) -> Check | None:
    """What is wrong with the labels as they are. By force they are passed over, and no other decision is made by them:
    a refusal would sign them, too."""
    if asked.forced is None:
        check_labels(ledger.base, ledger.labels, rules.trusted_keys)
    fault = labels_fault(ledger.base, ledger.labels, rules.trusted_keys)
    return None if fault is None else Check(name="signed", passed=False, fact=fault)


def _decide(
    ledger: Ledger,
    asked: Promotion,
    candidate: Subject,
    checks: tuple[Check, ...],
    signer: Signer,
    *,
    forgetting: bool,
) -> Record:
    """With `forgetting` no rollback returns to what was before: nobody signed it, and this decision does not."""
    promoted = asked.forced is not None or all(check.passed for check in checks)
    decision = Decision(
        action="promote" if promoted else "refuse",
        label=asked.label,
        version=asked.version,
        digest=candidate.manifest.digest,
        replaced=ledger.labels.versions.get(asked.label),
        checks=checks,
        reason=asked.forced,
    )
    labels = ledger.labels.moved(asked.label, asked.version) if promoted else ledger.labels
    before = {} if forgetting else labels.before
    return ledger.decide(labels.model_copy(update={"checked": None, "before": before}), decision, signer)


def _in_place(labels: Labels, label: str) -> int | None:
    """The version to be compared with: the stable one, whatever the label; before there is one, that of the label."""
    return labels.versions.get(STABLE, labels.versions.get(label))


def _subject(store: Store, model: str, number: int | None) -> Subject | None:
    """None for a version that somebody took away by hand: nothing is left to compare with."""
    return Subject.of(store.version(model, number)) if number in store.versions(model) else None


def _digest(store: Store, model: str, version: int) -> str | None:
    """None when it cannot be read: that keeps nobody from going back to a version that is served."""
    try:
        return Manifest.read(store.version(model, version).manifest).digest
    except ManifestError:
        return None
