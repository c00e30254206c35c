"""One version's way in: retries, giving up, changed files."""

import errno
import os
from functools import partial
from pathlib import Path

import pytest

from serving.errors import Code, LoadError
from serving.lifecycle.loader import Loader, fingerprint
from serving.metrics import Metrics
from serving.runtimes.runtime import Runtime
from tests.serving.runtimes import Opener


@pytest.fixture
def opener() -> Opener:
    return Opener()


def loader(path: Path, opener: Opener, retries: int = 2, interval_s: float = 0) -> Loader:
    path.mkdir(exist_ok=True)
    return Loader(path, partial(opener, "m", 1, path), Metrics(), retries=retries, retry_interval_s=interval_s)


def test_a_good_version_loads_at_once(tmp_path: Path, opener: Opener) -> None:
    (tmp_path / "good").touch()
    loader(tmp_path, opener).load()
    assert len(opener.tries) == 1


def test_a_bad_version_is_tried_again_and_then_given_up(tmp_path: Path, opener: Opener) -> None:
    with pytest.raises(LoadError, match="is broken"):
        loader(tmp_path, opener).load()
    assert len(opener.tries) == 3


def test_a_version_that_is_wrong_for_good_is_tried_once(tmp_path: Path) -> None:
    tries = []

    def wrong() -> Runtime:
        tries.append(1)
        raise LoadError(Code.DATA_LOSS, "answers otherwise than recorded", final=True)

    with pytest.raises(LoadError, match="answers otherwise"):
        Loader(tmp_path, wrong, Metrics(), retries=2, retry_interval_s=0).load()
    assert len(tries) == 1


def test_an_unforeseen_failure_is_a_load_error_too(tmp_path: Path, opener: Opener) -> None:
    (tmp_path / "bug").touch()
    with pytest.raises(LoadError, match="ZeroDivisionError: a defect") as caught:
        loader(tmp_path, opener, retries=0).load()
    assert caught.value.code is Code.INTERNAL


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, Code.PERMISSION_DENIED), (errno.ENOENT, Code.NOT_FOUND), (errno.EIO, Code.UNKNOWN)],
)
def test_what_the_disk_refuses_has_its_code(tmp_path: Path, number: int, code: Code) -> None:
    def refused() -> Runtime:
        raise OSError(number, "no", str(tmp_path / "saved_model.pb"))

    with pytest.raises(LoadError, match=r"saved_model\.pb: no") as caught:
        Loader(tmp_path, refused, Metrics(), retries=0, retry_interval_s=0).load()
    assert caught.value.code is code


def test_an_abandoned_version_is_not_tried(tmp_path: Path, opener: Opener) -> None:
    abandoned = loader(tmp_path, opener)
    abandoned.abandon()
    with pytest.raises(LoadError) as caught:
        abandoned.load()
    assert caught.value.code is Code.CANCELLED
    assert opener.tries == []


def test_the_fingerprint_tells_a_changed_file(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    file = tmp_path / "variables" / "data"
    file.write_bytes(b"1234")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    os.utime(file, ns=(1, 1))
    touched = fingerprint(tmp_path)
    file.write_bytes(b"12")
    os.utime(file, ns=(1, 1))
    shorter = fingerprint(tmp_path)
    (tmp_path / "more").touch()
    longer = fingerprint(tmp_path)
    file.chmod(0o600)
    assert len({before, touched, shorter, longer, fingerprint(tmp_path)}) == 5


def test_a_missing_folder_has_an_empty_fingerprint(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "missing") in (None, frozenset())
