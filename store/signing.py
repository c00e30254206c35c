"""Who decided: the ed25519 key that signs records, and the public keys that lie beside them."""

import base64
import binascii
import hashlib
import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from store.errors import ManifestError, RecordError, SigningKeyError, UnsignedLabelsError
from store.labels import Labels
from store.records import FOLDER, Record, chain_fault, read_records

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_NAME_DIGITS = 16  # of the sha256 of the public key: enough to tell keys apart, short enough to read


@dataclass(frozen=True)
class Signer:
    """Signs records. Its `name` is in each of them."""

    _private: "Ed25519PrivateKey"

    @classmethod
    def at(cls, path: Path) -> Self:
        """The key in the file `path`, made there at its first use, readable by its owner only.

        Raises:
            SigningKeyError: it cannot be read or made, or is no ed25519 key.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            if not path.exists():
                _make_key(path)
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as exc:
            raise SigningKeyError(path, exc.strerror or str(exc)) from exc
        except (TypeError, ValueError) as exc:  # with a password; no PEM
            raise SigningKeyError(path, str(exc)) from exc
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningKeyError(path, f"it is a {type(key).__name__}")
        return cls(key)

    @property
    def name(self) -> str:
        return key_name(self._private.public_key())

    @property
    def public(self) -> bytes:
        """PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, record: Record) -> Record:
        """The record, whose `key` is this one's name, with its signature."""
        return record.model_copy(update={"signature": base64.b64encode(self._private.sign(record.body)).decode()})


def key_name(public: "Ed25519PublicKey") -> str:
    """How records name a key."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:_NAME_DIGITS]


def public_key_path(base: Path, name: str) -> Path:
    """Where a public key is in a model's folder."""
    return base / FOLDER / f"{name}.pem"


def verified(base: Path, labels: Labels, trusted: Collection[str] = ()) -> list[Record]:
    """All records of the model in the folder `base`, if each is what somebody signed at its place in the chain, and the
    labels are what the last one says.

    Whoever can write to the store can put a key of his own there: `trusted` names those whose signatures count; if it
    is empty, all do.

    Raises:
        RecordError: the first that is wrong, and why.
        UnsignedLabelsError: the records are as they were written, the labels are not.
        ManifestError: one is missing or damaged.
    """
    records = read_records(base, labels.record)
    faults = [] if (broken := chain_fault(records, base.name)) is None else [broken]
    faults += [(record.number, reason) for record in records if (reason := _signature_fault(base, record, trusted))]
    if faults:
        raise RecordError(base.name, *min(faults))
    check_labels(base, labels, trusted)
    return records


def check_labels(base: Path, labels: Labels, trusted: Collection[str] = ()) -> None:
    """For those who decide something by the labels. Raises `UnsignedLabelsError` for a `labels_fault`."""
    if reason := labels_fault(base, labels, trusted):
        raise UnsignedLabelsError(base.name, reason)


def labels_fault(base: Path, labels: Labels, trusted: Collection[str] = ()) -> str | None:
    """Why the labels, and where a rollback returns them, are not what the last decision says, or that is not what
    somebody signed; None if they are, and it is. What was decided earlier, `verified` looks at."""
    record = labels.record
    if record is not None and (reason := _signature_fault(base, record, trusted)):
        return f"record {record.number} is not to be trusted: {reason}"
    versions, before = ({}, {}) if record is None else (record.labels, record.before)
    after = "without a record" if record is None else f"after record {record.number}"
    if labels.versions != versions:
        return f"{after} the labels are {versions}, and they are {labels.versions}"
    if before is not None and labels.before != before:  # what an older kmaas recorded does not say
        return f"{after} a rollback returns {_returns(before)}, and it would return {_returns(labels.before)}"
    return None


def _returns(before: Mapping[str, Sequence[int]]) -> str:
    """Of each label the versions to which it returns, the next one first."""
    told = (f"{label} to {', '.join(map(str, reversed(passed)))}" for label, passed in before.items() if passed)
    return "; ".join(told) or "nothing"


def _signature_fault(base: Path, record: Record, trusted: Collection[str]) -> str | None:
    from cryptography.exceptions import InvalidSignature

    if trusted and record.key not in trusted:
        return f"its key {record.key} is not one of those trusted: {', '.join(trusted)}"
    try:
        _public_key(public_key_path(base, record.key), record.key).verify(
            base64.b64decode(record.signature, validate=True), record.body
        )
    except ManifestError as exc:
        return str(exc)
    except (InvalidSignature, binascii.Error):
        return f"its signature is not one of the key {record.key}: it was changed since it was written"
    return None


def _public_key(path: Path, name: str) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as exc:
        raise ManifestError(path, exc.strerror or str(exc)) from exc
    except ValueError as exc:
        raise ManifestError(path, str(exc)) from exc
    if not isinstance(key, Ed25519PublicKey) or key_name(key) != name:
        raise ManifestError(path, f"expected the public key {name}")
    return key


def _make_key(path: Path) -> None:
    """Appears by one link, which fails where another process was faster: then that one's key counts."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as made:  # mode 0600
        made.write(pem)
        made.flush()
        os.fsync(made.fileno())
        try:
            os.link(made.name, path)
        except FileExistsError:
            return
