"""Labels: the movable names of a model's versions, `<root>/<model>/labels.json`."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store.errors import InvalidLabelError, ManifestError, ReservedLabelError
from store.records import LABEL, LabelName, Number, Record

LABELS_FILE = "labels.json"  # in the model's folder: not a number, so model servers skip it

NEWEST = "newest"  # by which people name a version
RESERVED = (NEWEST,)  # no label can be called so

_REMEMBERED = 16  # versions to which one label can be rolled back


def check_label(label: str) -> str:
    """Returns `label` if a version can have it, or raises `InvalidLabelError`, or `ReservedLabelError`."""
    if label in RESERVED:
        raise ReservedLabelError(label, RESERVED)
    if not re.fullmatch(LABEL, label):
        raise InvalidLabelError(label)
    return label


class Labels(BaseModel):
    """Where each label of a model points, and what else its model servers keep loaded.

    The file is replaced by one rename, and holds the record of the decision that made it so: after a crash both are
    there or neither is. The record's own file follows; if it is missing, the next change of the labels makes up for it.

    Attributes:
        versions: of each label.
        before: of each label the versions that had it before, the last one last: where `rollback` returns.
        checked: a promotion is looking at this version, or was killed while it did.
        record: the last decision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    versions: dict[LabelName, Number] = Field(default_factory=dict)
    before: dict[LabelName, tuple[Number, ...]] = Field(default_factory=dict)
    checked: Number | None = None
    record: Record | None = None

    @classmethod
    def read(cls, base: Path) -> Self:
        """The labels of the model in the folder `base`; none if there is no file.

        Raises:
            ManifestError: it cannot be read, or is something else.
        """
        path = base / LABELS_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except OSError as exc:
            raise ManifestError(path, exc.strerror or str(exc)) from exc
        except ValidationError as exc:
            raise ManifestError(path, str(exc)) from exc

    def document(self) -> bytes:
        return self.model_dump_json(indent=2).encode()

    @property
    def kept(self) -> frozenset[int]:
        """What model servers have loaded beside the newest version, and gc never removes.

        A version before is among them, so that a rollback need not wait for a load.
        """
        returning = {versions[-1] for versions in self.before.values() if versions}
        checked = set() if self.checked is None else {self.checked}
        return frozenset({*self.versions.values(), *returning, *checked})

    def served(self, on_disk: Collection[int]) -> frozenset[int]:
        """The versions that model servers have loaded: those kept, and the newest."""
        return (self.kept & frozenset(on_disk)) | frozenset(sorted(on_disk)[-1:])

    def of(self, version: int) -> list[str]:
        """The labels of a version, sorted."""
        return sorted(label for label, labelled in self.versions.items() if labelled == version)

    def return_of(self, label: str, on_disk: Collection[int]) -> int | None:
        """The version to which a rollback returns the label: the last before that is still there."""
        passed = (version for version in reversed(self.before.get(label, ())) if version in on_disk)
        return next((version for version in passed if version != self.versions.get(label)), None)

    def moved(self, label: str, version: int) -> Self:
        """Another version has the label, and a rollback would return it."""
        old = self.versions.get(label)
        passed = (*self.before.get(label, ()), *(() if old is None else (old,)))[-_REMEMBERED:]
        before = {**self.before, label: passed} if passed else self.before
        return self.model_copy(update={"versions": {**self.versions, label: version}, "before": before})

    def returned(self, label: str, version: int) -> Self:
        """The label is back at `version`, and those after it are forgotten."""
        passed = self.before.get(label, ())
        last = max((place for place, number in enumerate(passed) if number == version), default=0)
        before = {**self.before, label: passed[:last]}
        return self.model_copy(update={"versions": {**self.versions, label: version}, "before": before})

    def without(self, label: str) -> Self:
        """No version has the label, and nobody remembers which had it."""
        versions = {name: version for name, version in self.versions.items() if name != label}
        before = {name: passed for name, passed in self.before.items() if name != label}
        return self.model_copy(update={"versions": versions, "before": before})
