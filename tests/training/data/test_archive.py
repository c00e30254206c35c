"""Members of archives are read into memory; hostile names and broken archives are errors."""

import io
import tarfile

import pytest

from training.data.archive import tar_member
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
