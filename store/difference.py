"""How two manifests differ, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from store.manifest import Manifest

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
