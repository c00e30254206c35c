"""Records: every decision about the versions of a model, numbered, chained by hashes and signed."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store.errors import ManifestError
from store.layout import INT64_MAX

FOLDER = "records"  # in the model's folder: not a number, so model servers skip it
LABEL = r"^[a-z][a-z0-9._-]{0,63}$"  # not a number: what names a version is either
NO_RECORD = "0" * 64  # what the first record follows

Number = Annotated[int, Field(ge=0, le=INT64_MAX)]
LabelName = Annotated[str, Field(pattern=LABEL)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Action = Literal["promote", "refuse", "rollback", "unlabel", "gc"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Frozen):
    """One thing that was looked at before a promotion, whether it is as it should be, and the facts in words."""

    name: str
    passed: bool
    fact: str


class Decision(_Frozen):
    """What was decided, by itself.

    Attributes:
        version: the one that has `label` from now on, or that was refused it; None for unlabel and gc.
        digest: of the answers of that version.
        replaced: the version that had the label until then.
        reason: why, where somebody said it: of a promotion, why it was made although a check failed.
        removed: the versions that gc removes.
    """

    action: Action
    label: LabelName | None = None
    version: Number | None = None
    digest: str | None = None
    replaced: Number | None = None
    checks: tuple[Check, ...] = ()
    reason: str | None = None
    removed: tuple[Number, ...] = ()


class Record(Decision):
    """A decision with its place in the chain.

    Attributes:
        labels: all the model's labels after it.
        before: of each label the versions that had it before, after it; None: an older kmaas wrote the record.
        previous: `sha256` of the record before, `NO_RECORD` for the first.
        key: which key signed it, see `store.signing`.
        signature: ed25519, base64, of `body`.
    """

    schema_version: Literal[1] = 1
    number: Annotated[int, Field(ge=1)]
    model: str
    at: datetime
    labels: dict[LabelName, Number]
    before: dict[LabelName, tuple[Number, ...]] | None = None
    previous: Sha256
    key: str
    signature: str = ""

    @property
    def body(self) -> bytes:
        """What is signed: everything but the signature, in the one form that JSON with sorted keys has."""
        return _canonical(self._fields("signature"))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(_canonical(self._fields())).hexdigest()

    def document(self) -> bytes:
        return self.model_dump_json(indent=2).encode()

    def _fields(self, *left_out: str) -> dict[str, Any]:
        """Without `before` where there is none: so it was when that record was signed."""
        unknown = ("before",) if self.before is None else ()
        return self.model_dump(mode="json", exclude={*left_out, *unknown})


def record_path(base: Path, number: int) -> Path:
    """Where the record of this number is in a model's folder."""
    return base / FOLDER / f"{number:08}.json"


def read_record(path: Path) -> Record:
    """Raises `ManifestError` when the document is missing, unreadable or does not fit."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise ManifestError(path, exc.strerror or str(exc)) from exc
    except ValidationError as exc:
        raise ManifestError(path, str(exc)) from exc


def read_records(base: Path, last: Record | None) -> list[Record]:
    """All records of a model, in order. `last` is the one in its labels, whose own file may not be there yet.

    Raises:
        ManifestError: one is missing or damaged, or the labels do not know of it.
    """
    newest = 0 if last is None else last.number
    records = [read_record(record_path(base, number)) for number in range(1, newest)]
    if last is not None:
        records.append(last)
        path = record_path(base, newest)
        if path.exists() and read_record(path) != last:
            raise ManifestError(path, "it is not the record that the model's labels have")
    if beyond := sorted((base / FOLDER).glob("*.json"))[newest:]:
        raise ManifestError(beyond[0], f"the model's labels know of {newest} records only")
    return records


def chain_fault(records: Sequence[Record], model: str) -> tuple[int, str] | None:
    """The number of the first record that does not follow from the one before, and why; None if all do."""
    previous = NO_RECORD
    for number, record in enumerate(records, start=1):
        if record.number != number:
            return number, f"it says that it is number {record.number}"
        if record.model != model:
            return number, f"it is about {record.model}"
        if record.previous != previous:
            return number, f"it follows a record with sha256 {record.previous}, the one before it has {previous}"
        previous = record.sha256
    return None


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
