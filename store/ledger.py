"""A model's labels and records, opened for a change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from store.disk import disk_errors, locked, make_readable_folder, replace_files
from store.errors import VersionNotFoundError
from store.labels import LABELS_FILE, Labels
from store.layout import Store
from store.model_server_config import CONFIG_FILE, config_of_store
from store.records import FOLDER, NO_RECORD, Decision, Record, record_path
from store.signing import Signer, public_key_path


@dataclass
class Ledger:
    """What is true of a model while the store's lock is held. Readers see each change at once or not at all."""

    store: Store
    model: str
    labels: Labels

    @property
    def base(self) -> Path:
        return self.store.base(self.model)

    @property
    def versions(self) -> list[int]:
        return self.store.versions(self.model)

    def keep(self, checked: int | None) -> None:
        """Has model servers load this version, and gc leave it, or no more. Not a decision: there is no record."""
        if checked != self.labels.checked:
            self._write(self.labels.model_copy(update={"checked": checked}))

    def decide(self, labels: Labels, decision: Decision, signer: Signer) -> Record:
        """Writes a decision and the labels as they are after it.

        Raises:
            VersionNotFoundError: a label that moves points to a version that is not there.
        """
        for label, version in labels.versions.items():
            if self.labels.versions.get(label) != version and version not in self.versions:
                raise VersionNotFoundError(self.model, version)
        last = self.labels.record
        record = signer.sign(
            Record(
                **decision.model_dump(include=set(Decision.model_fields)),
                number=1 if last is None else last.number + 1,
                model=self.model,
                at=datetime.now(UTC),
                labels=labels.versions,
                before=labels.before,
                previous=NO_RECORD if last is None else last.sha256,
                key=signer.name,
            )
        )
        self._write(labels.model_copy(update={"record": record}), signer)
        return record

    def _write(self, labels: Labels, signer: Signer | None = None) -> None:
        """`labels.json` is what counts. Before it comes what nothing refers to yet, behind it what follows from it."""
        files = [(self.base / LABELS_FILE, labels.document())]
        if signer is not None:
            key = public_key_path(self.base, signer.name)
            files = [*(() if key.exists() else ((key, signer.public),)), *files]
        if labels.record is not None and labels.record != self.labels.record:
            files.append((record_path(self.base, labels.record.number), labels.record.document()))
        files.append((self.store.root / CONFIG_FILE, config_of_store(self.store, changed={self.model: labels})))
        make_readable_folder(self.base / FOLDER)
        replace_files(*files)
        self.labels = labels

    def settle(self) -> None:
        """Makes up for what a writer who was killed did not come to: all follows from the labels."""
        files: list[tuple[Path, bytes]] = []
        record, config = self.labels.record, self.store.root / CONFIG_FILE
        if record is not None and not (path := record_path(self.base, record.number)).exists():
            files.append((path, record.document()))
        if (text := config_of_store(self.store)) != (config.read_bytes() if config.exists() else b""):
            files.append((config, text))
        replace_files(*files)


@contextmanager
def opened(store: Store, model: str) -> Iterator[Ledger]:
    """Holds the store's lock: for moments only. What was left undone by others is done first.

    Raises:
        VersionNotFoundError: the store has no such model.
        ManifestError: its labels cannot be read.
        StoreUnwritableError, StoreFullError: the disk refuses.
    """
    base = store.base(model)
    if not store.versions(model):
        raise VersionNotFoundError(model)
    with disk_errors(base), locked(store.root):
        ledger = Ledger(store, model, Labels.read(base))
        ledger.settle()
        yield ledger


@contextmanager
def exclusively(store: Store, model: str, *, wait: bool = True) -> Iterator[None]:
    """Holds the model's lock: one promotion at a time. Who is there first is not held up by the others' length.

    Raises:
        BlockingIOError: another holds it, and `wait` is False.
        VersionNotFoundError: the store has no such model.
    """
    if not store.versions(model):
        raise VersionNotFoundError(model)
    with locked(store.base(model), wait=wait):
        yield
