"""Pairs of sentences: which are held out, and what a file of them must be."""

import hashlib
import io
import lzma
import struct
import tarfile
from pathlib import Path

import pytest

from models.translation import INTERFACES
from training.data.archive import deb_members
from training.data.fetch import Package
from training.data.interface_texts import LIBREOFFICE, messages, packages_of
from training.data.pairs import Pair, divided, likeness, read_pairs
from training.errors import DataError


def test_pairs_that_are_nearly_the_same_are_on_one_side() -> None:
    """Directly, or through a source or a target that they share."""
    pairs = [
        Pair(f"{greeting} {name}{sign}", f"{other} {number}", "1")
        for number in range(60)
        for greeting, other in ((f"hello {number * 'a'}", f"hola {number * 'b'}"), (f"hi {number * 'c'}", "hola"))
        for name in ("Tom", "Mary")
        for sign in (".", "!")
    ]
    found = divided(pairs, 0.3)
    assert len(found.train) + len(found.held_out) == len({(pair.source, pair.target) for pair in pairs})
    assert found.held_out
    for side in ("source", "target"):
        held_out = {likeness(getattr(pair, side)) for pair in found.held_out}
        assert held_out.isdisjoint(likeness(getattr(pair, side)) for pair in found.train)
    assert divided(reversed(pairs), 0.3) == found, "whatever the order"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I'm here!", "i am here"),
        ("I don't know.", "I do not know"),
        ("Tom is 30.", "Mary is 12"),
        ("~Open file", "Open ~File..."),
        ("ｏｐｅｎ", "Open"),
    ],
)
def test_what_is_nearly_the_same(one: str, other: str) -> None:
    assert likeness(one) == likeness(other)
    assert likeness(one) != likeness("something else")


def test_pairs_whose_placeholders_differ_are_left_out() -> None:
    assert divided([Pair("a %s", "un", "1")], 0.5) == divided([], 0.5)


def test_a_file_of_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("\ufeffa dog\tun perro\tCC-BY\n\n a cat \tun gato\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(pair.source, pair.target) for pair in read_pairs(path, digest)] == [
        ("a dog", "un perro"),
        ("a cat", "un gato"),
    ]
    with pytest.raises(DataError, match="has changed"):
        list(read_pairs(path, "0" * 64))
    for content, says in ((b"one column\n", "line 1"), (b"a\t \n", "line 1"), (b"\xff\t\xfe", "UTF-8")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=says):
            list(read_pairs(path, hashlib.sha256(content).hexdigest()))
    with pytest.raises(DataError, match="No such file"):
        list(read_pairs(tmp_path / "none", digest))


def _catalogue(*entries: tuple[str, str], order: str = "<") -> bytes:
    head, texts = 28, b""
    tables: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    start = head + 16 * len(entries)
    for side, table in enumerate(tables):
        for entry in entries:
            text = entry[side].encode()
            table.append((len(text), start + len(texts)))
            texts += text + b"\0"
    numbers = (0x950412DE, 0, len(entries), head, head + 8 * len(entries), 0, 0)
    places = [number for table in tables for place in table for number in place]
    return struct.pack(f"{order}7I", *numbers) + struct.pack(f"{order}{len(places)}I", *places) + texts


@pytest.mark.parametrize("order", ["<", ">"])
def test_messages_of_a_catalogue(order: str) -> None:
    entries = (("", "Language: fr"), ("menu\x04~File", "~Fichier"), ("%d file\0%d files", "%d fichier\0%d fichiers"))
    assert list(messages(_catalogue(*entries, order=order))) == list(entries[1:])
    for broken in (b"", b"PK" * 40, _catalogue(*entries)[:-12]):
        with pytest.raises(DataError, match="a catalogue of messages cannot be read"):
            list(messages(broken))


def _debian(tar: bytes) -> bytes:
    def member(name: bytes, content: bytes) -> bytes:
        head = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8) + b"%-10d`\n" % len(content)
        return head + content + b"\n" * (len(content) % 2)

    return b"!<arch>\n" + member(b"debian-binary", b"2.0\n") + member(b"odd", b"x") + member(b"data.tar.xz", tar)


def test_members_of_a_debian_package(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("./usr/fr/a.mo", "./usr/de/a.mo"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"abc"))
    path = tmp_path / "package.deb"
    path.write_bytes(_debian(lzma.compress(packed.getvalue())))
    assert deb_members(path, "*/fr/*.mo") == {"./usr/fr/a.mo": b"abc"}
    with pytest.raises(DataError, match=r"the archive has no \*/es/\*\.mo"):
        deb_members(path, "*/es/*.mo")
    for content in (b"no package", _debian(b"no tar")):
        path.write_bytes(content)
        with pytest.raises(DataError, match="the archive cannot be read"):
            deb_members(path, "*")


def test_a_package_of_debian_is_fetched_by_its_own_client() -> None:
    package = Package(kind="debian", name="some-data", version="1:2", sha256="0")
    assert package.client == "apt-get"
    assert package.command() == ["apt-get", "download", "some-data=1:2"]
    assert {of.name for of in packages_of("fr")} == {"libreoffice-l10n-fr", "gimp-data"}
    assert LIBREOFFICE.keys() == INTERFACES.keys()
