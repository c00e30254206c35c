"""Errors of the store.

StoreError
├── InvalidNameError        a model name that cannot be a folder and a URL part
├── InvalidLabelError       a label that cannot be a name and a URL part
├── ReservedLabelError      a label that means something else already
├── ManifestError           a manifest or golden document that does not fit its schema
├── ContentsError           a file of a version that is not what was exported
├── DamagedExportError      an export of which that is so
├── VersionNotFoundError    no such model or version
├── VersionExistsError      the number is taken; versions are never overwritten
├── VersionNumberError      a number that no version can have
├── StoreUnwritableError    permissions or a read-only disk
├── StoreFullError          the disk filled up while something was written
├── SigningKeyError         the key that signs records cannot be had
├── RecordError             a record that is not what was decided at its place
└── UnsignedLabelsError     labels that are not what was decided last
"""

from collections.abc import Sequence
from pathlib import Path


class StoreError(Exception):
    """Base of every error raised by `store`."""


class InvalidNameError(StoreError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"model name {name!r} is not usable: expected 1 to 64 of a-z, 0-9, '-', '_' and '.', "
            "beginning with a letter or digit"
        )


class InvalidLabelError(StoreError):
    def __init__(self, label: str) -> None:
        super().__init__(
            f"{label!r} is no label: expected 1 to 64 of a-z, 0-9, '-', '_' and '.', beginning with a letter"
        )


class ReservedLabelError(StoreError):
    def __init__(self, label: str, reserved: Sequence[str]) -> None:
        super().__init__(
            f"{label!r} is a reserved word and no label: wherever a version is named it means the newest; reserved: "
            f"{', '.join(reserved)}",
        )


class ManifestError(StoreError):
    def __init__(self, where: object, reason: str) -> None:
        super().__init__(f"{where} does not fit its schema: {reason}")


class ContentsError(StoreError):
    def __init__(self, name: str, found: str, expected: str) -> None:
        super().__init__(f"{name} is not what was exported: it has sha256 {found}, expected {expected}")


class DamagedExportError(StoreError):
    def __init__(self, path: Path, damage: str) -> None:
        super().__init__(f"{path} is not published: {damage}; export it again")


class VersionNotFoundError(StoreError):
    def __init__(self, model: str, version: int | None = None) -> None:
        what = model if version is None else f"{model} version {version}"
        super().__init__(f"the store has no {what}; `kmaas models` lists what there is")


class VersionExistsError(StoreError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already; versions are never overwritten, publish under a new number")


class VersionNumberError(StoreError):
    def __init__(self, number: int) -> None:
        super().__init__(f"version {number} is not usable: expected a number from 0 to 2**63 - 1")


class StoreUnwritableError(StoreError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot write to the store at {path}: {reason}; check its owner and permissions")


class StoreFullError(StoreError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the disk of {path} is full; nothing was published or decided, and the store is as it was: free some "
            "space, then again"
        )


class SigningKeyError(StoreError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is not a usable key: {reason}; expected an ed25519 key in PEM without a password, or no file: "
            "then one is made; promotion.key says where"
        )


class RecordError(StoreError):
    def __init__(self, model: str, number: int, reason: str) -> None:
        super().__init__(f"record {number} of {model} is not to be trusted: {reason}")


class UnsignedLabelsError(StoreError):
    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"the labels of {model} are not what was decided: {reason}; nothing is decided by them until labels.json "
            f"is put right, or a version is promoted in spite of it: `kmaas promote {model} VERSION --force --reason …`"
        )
