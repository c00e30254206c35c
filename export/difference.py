"""How two versions differ: their manifests field by field, their answers row by row. Pure functions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from store.manifest import Manifest
from store.paired import mcnemar, paired_difference

if TYPE_CHECKING:
    from export.promotion import Subject

_SEED = 1  # of the bootstrap: the same answers give the same interval
_OUTSIDE = {"version", "files"}
_NAMED = ("metrics", "robustness")  # lists whose items have names


@dataclass(frozen=True)
class Difference:
    """One value that is not the same; None where there is none."""

    field: str
    before: Any
    after: Any


def differences(before: Manifest, after: Manifest) -> Iterator[Difference]:
    """In the order of the manifest's fields, down to single values. Not of what the copy in the graph cannot have: the
    number, and the digests of files of which it is one."""
    ours, theirs = (_by_name(manifest.model_dump(mode="json", exclude=_OUTSIDE)) for manifest in (before, after))
    yield from _between("", ours, theirs)


def paired(before: "Subject", after: "Subject") -> dict[str, Any] | None:
    """Figures of the answers to the same held-out rows; None where there are no such."""
    old, new = before.held_out, after.held_out
    if old is None or new is None or old.rows != new.rows:
        return None
    won, lost, chance = mcnemar(new.right, old.right)
    accuracy = float(old.right.mean()), float(new.right.mean())
    return {
        "rows": len(old.truth),
        "accuracy": accuracy,
        "difference": accuracy[1] - accuracy[0],
        "interval": paired_difference(new.right, old.right, _SEED),
        "won": won,
        "lost": lost,
        "mcnemar": chance,
    }


def _by_name(document: dict[str, Any]) -> dict[str, Any]:
    """Lists of named items as tables, so that one more in the middle is one difference."""
    named = {field: {item["name"]: item for item in document[field]} for field in _NAMED}
    parity = {" and ".join(item["between"]): item for item in document["parity"]}
    return {**document, **named, "parity": parity}


def _between(field: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _between(f"{field}.{key}".removeprefix("."), before.get(key), after.get(key))
    elif before != after:
        yield Difference(field, before, after)
