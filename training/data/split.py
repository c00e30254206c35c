"""Deals groups of rows out to training, validation and test, each label in its share, no group to two of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


def split(groups: Sequence[int], labels: Sequence[str], shares: Mapping[Part, float], seed: int) -> list[Part]:
    """A part for each row.

    Groups come in an order drawn by `seed`, of each label on its own; one goes to the first part of `shares` that has
    room for all of it, or else to training. A group has the label of its first row.

    Args:
        labels: what a row is counted as.
        shares: of the rows of each label, for validation and test.
    """
    first: dict[int, str] = {}
    sizes: Counter[int] = Counter(groups)
    for group, label in zip(groups, labels, strict=True):
        first.setdefault(group, label)
    rows: Counter[str] = Counter()
    for group, label in first.items():
        rows[label] += sizes[group]
    given: dict[tuple[Part, str], int] = Counter()
    of_group: dict[int, Part] = {}
    ordered = list(first)
    for place in np.random.default_rng(seed).permutation(len(ordered)):
        group = ordered[place]
        label = first[group]
        of_group[group] = next(
            (
                part
                for part, share in shares.items()
                if given[part, label] + sizes[group] <= max(1, round(share * rows[label]))
            ),
            "train",
        )
        given[of_group[group], label] += sizes[group]
    return [of_group[group] for group in groups]
