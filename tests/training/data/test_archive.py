"""Members of archives are read into memory; hostile names and broken archives are errors."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from training.data.archive import tar_member, zip_member
from training.errors import DataError


def _archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


def test_a_file_is_read() -> None:
    assert tar_member(_archive(data=b"1234"), "data") == b"1234"


@pytest.mark.parametrize(
    ("archive", "name", "message"),
    [
        (_archive(data=b"1"), "other", "no other"),
        (_archive(), "link", "not a file|cannot be read|no link"),
        (b"not an archive", "data", "cannot be read"),
        (_archive(data=bytes(100_000))[:60], "data", "cannot be read"),
    ],
    ids=["another name", "a link", "no archive", "cut short"],
)
def test_what_is_not_there_is_an_error(archive: bytes, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tar_member(archive, name)


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / "some.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("folder/data", bytes(1000) + b"1234")
    return path


def test_a_file_of_a_zip_is_read(zipped: Path) -> None:
    assert zip_member(zipped, "folder/data")[-4:] == b"1234"


def test_what_is_not_in_a_zip_is_an_error(zipped: Path) -> None:
    with pytest.raises(DataError, match="no other"):
        zip_member(zipped, "other")


@pytest.mark.parametrize("damage", [lambda b: b[:-30], lambda b: b[:40] + b"\xff\xff\xff" + b[43:], lambda _: b"none"])
def test_a_damaged_zip_is_an_error(zipped: Path, damage: Callable[[bytes], bytes]) -> None:
    zipped.write_bytes(damage(zipped.read_bytes()))
    with pytest.raises(DataError, match="cannot be read"):
        zip_member(zipped, "folder/data")
