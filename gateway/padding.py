"""Rows of tokens that are filled up at the end: how long each is, and which of them are best asked together.

A model server computes what fills a row as well, so rows of unlike lengths cost more together than apart; but each call
costs something too, whatever is in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gateway.tasks.base import SERVING_SIGNATURE, Tensors
from processing.spec import TextSpec, parse_spec
from store.manifest import Manifest
from wire.tensors import Array

_CALL_S = 0.002  # the way there and back
_WEIGHTS = 8.0  # tokens that cost as much as the weights' way through the processor, once a call, be they few or many
_TELLING = 128  # a call with fewer tokens says little about what one costs
_DEAR = 64  # tokens: what costs more than a call with so few is work
_DRIFT = 1.001  # so that a cost which grew is believed in the end
_FULL = 16  # calls' worth of tokens: more together saves next to nothing, and another processor may take them

Lengths = NDArray[np.int64]


@dataclass(frozen=True)
class Padding:
    """Of an input `[rows, tokens]`, the only one: no answer changes with how much of `value` stands behind a row."""

    input: str
    value: int

    @classmethod
    def of(cls, manifest: Manifest) -> Self | None:
        """None where rows have one length, where padding could tell in the outputs, or where nobody has tried it."""
        signature, spec = manifest.signatures.get(SERVING_SIGNATURE), parse_spec(manifest.processing)
        if signature is None or manifest.batching is None or not isinstance(spec, TextSpec):
            return None
        if {name: tuple(tensor.shape) for name, tensor in signature.inputs.items()} != {spec.input: (-1, -1)}:
            return None
        if any(-1 in tensor.shape[1:] for tensor in signature.outputs.values()):
            return None
        return cls(spec.input, spec.pad_id)

    def lengths(self, inputs: Tensors) -> Lengths:
        """Tokens of each row up to the last that is not padding, 1 at least."""
        there = inputs[self.input] != self.value
        return np.asarray(np.where(there, np.arange(1, there.shape[1] + 1), 1).max(axis=1, initial=1))

    def cut(self, inputs: Tensors, rows: Array, length: int) -> Tensors:
        """Those rows, as long as that."""
        return {self.input: inputs[self.input][rows, :length]}

    def filled(self, inputs: Tensors, length: int) -> Tensors:
        """All rows, at least as long as that."""
        given = inputs[self.input]
        missing = max(0, length - given.shape[1])
        return {self.input: np.pad(given, ((0, 0), (0, missing)), constant_values=self.value)} if missing else inputs


class Pace:
    """What a token costs a model server, by the calls that were made. Safe to share between threads."""

    def __init__(self) -> None:
        self._token_s: float | None = None

    def note(self, tokens: int, seconds: float) -> None:
        """A call with so many tokens took so long. The least counts: what is beyond it was waiting."""
        if tokens >= _TELLING:
            known = self._token_s
            self._token_s = seconds / tokens if known is None else min(seconds / tokens, known * _DRIFT)

    @property
    def call_tokens(self) -> float:
        """How many tokens cost as much as a call does by itself; endlessly many until one is known to be dear."""
        return math.inf if self._token_s is None else _WEIGHTS + _CALL_S / max(self._token_s, 1e-9)

    @property
    def tokens_are_dear(self) -> bool:
        """Whether a few texts cost more than a call does by itself."""
        return self.call_tokens < _DEAR


def divided(lengths: Lengths, call_tokens: float) -> list[Array]:
    """The positions of rows in groups, the longest first: a group ends where filling its rows up would cost more than
    another call, or where it is full."""
    groups: list[list[int]] = []
    longest = padding = 0
    for row in np.argsort(-lengths, kind="stable").tolist():
        padding += longest - int(lengths[row])
        if not groups or padding > call_tokens or (len(groups[-1]) + 1) * longest > _FULL * call_tokens:
            groups.append([])
            longest, padding = int(lengths[row]), 0
        groups[-1].append(row)
    return [np.array(group) for group in groups]


def companions(
    first: tuple[int, int], others: Sequence[tuple[int, int]], most_rows: int, call_tokens: float
) -> list[int]:
    """The positions of those who go with the first, each given by rows and length: the nearest in length, as long as
    what it costs to fill up is less than a call."""
    rows, longest = first
    chosen = []
    for position in sorted(range(len(others)), key=lambda position: abs(others[position][1] - first[1])):
        more, length = others[position]
        padding = (longest - length) * more if length <= longest else (length - longest) * rows
        if more and rows + more <= most_rows and padding <= call_tokens:
            chosen.append(position)
            rows, longest = rows + more, max(longest, length)
    return sorted(chosen)
