"""What several servers tell, as one answer: they are replicas of one store, perhaps not at the same moment."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from wire.client import VersionStatus

# The best first: a version is in the state that it has where it is best off.
_STATES = ("AVAILABLE", "LOADING", "START", "UNLOADING", "END", "UNKNOWN")

_T = TypeVar("_T")


def one_status(told: Collection[Sequence[VersionStatus]]) -> list[VersionStatus]:
    """One line for each version, in the first server's order, then the newest first."""
    lines: dict[int, VersionStatus] = {}
    for line in (line for lines in told for line in lines):
        best = lines.setdefault(line.version, line)
        if _STATES.index(line.state) < _STATES.index(best.state):
            lines[line.version] = line
    return list(lines.values()) if len(told) == 1 else sorted(lines.values(), key=lambda line: -line.version)


def one_listing(told: Sequence[Mapping[str, Mapping[str, int]]]) -> Mapping[str, Mapping[str, int]]:
    """All models of all servers, the labels of each as most of its servers have them."""
    models = sorted({model for models in told for model in models})
    return {model: one_labelling([models[model] for models in told if model in models]) for model in models}


def one_labelling(told: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Each label's version on most of the servers that have the label."""
    labels = {label for versions in told for label in versions}
    return {label: most(versions[label] for versions in told if label in versions) for label in labels}


def most(values: Iterable[_T]) -> _T:
    """The value that comes most often; of equals the first. Raises `ValueError` where there is none."""
    return max(Counter(values).items(), key=lambda pair: pair[1])[0]
