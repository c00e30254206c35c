"""Fetching pinned packages: verified, cached, atomic, with errors that name client and cause.

The registry clients are stand-ins on the PATH, as another machine's would be; pip is the real one with no index.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from training.data.fetch import Package, fetch
from training.errors import DigestMismatchError, FetchError, MissingClientError, UnwritableError

CONTENT = b"the package"
PACKAGE = Package("npm", "some-data", "1.0.0", hashlib.sha256(CONTENT).hexdigest())

Client = Callable[[str], Path]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Installs a shell script as `npm` and `apt-get`; every call of it adds a line to the file returned."""

    def install(script: str) -> Path:
        calls, programs = tmp_path / "calls", tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("npm", "apt-get"):
            program = programs / name
            program.write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\n{script}\n')
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(programs))
        return calls

    return install


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _kept(cache: Path) -> list[str]:
    return [path.name for path in (cache / "packages").iterdir() if not path.name.endswith(".lock")]


def test_a_second_call_fetches_nothing(client: Client, cache: Path) -> None:
    calls = client(f"printf '{CONTENT.decode()}' > some-data-1.0.0.tgz")
    assert fetch(PACKAGE, cache).read_bytes() == CONTENT
    assert fetch(PACKAGE, cache).read_bytes() == CONTENT
    assert calls.read_text().splitlines() == ["pack --ignore-scripts some-data@1.0.0"]


def test_many_at_once_fetch_once(client: Client, cache: Path) -> None:
    calls = client(f"printf '{CONTENT.decode()}' > some-data-1.0.0.tgz")
    threads = [threading.Thread(target=fetch, args=(PACKAGE, cache)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls.read_text().splitlines()) == 1


def test_other_bytes_are_refused_and_not_kept(client: Client, cache: Path) -> None:
    client("printf 'something else' > some-data-1.0.0.tgz")
    with pytest.raises(DigestMismatchError, match=f"some-data 1.0.0 .*expected {PACKAGE.sha256}; it was not kept"):
        fetch(PACKAGE, cache)
    assert _kept(cache) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(client: Client, cache: Path) -> None:
    calls = client(f"printf '{CONTENT.decode()}' > some-data-1.0.0.tgz")
    fetch(PACKAGE, cache).write_bytes(b"damaged")
    assert fetch(PACKAGE, cache).read_bytes() == CONTENT
    assert len(calls.read_text().splitlines()) == 2


def test_a_failing_client_is_named_with_its_last_words(client: Client, cache: Path) -> None:
    client("echo 'getaddrinfo ENOTFOUND' >&2; exit 7")
    with pytest.raises(FetchError, match=r"npm could not fetch some-data 1\.0\.0 .*code 7: getaddrinfo ENOTFOUND"):
        fetch(PACKAGE, cache)
    assert _kept(cache) == []


def test_a_client_that_brings_nothing_is_an_error(client: Client, cache: Path) -> None:
    client("true")
    with pytest.raises(FetchError, match="expected one file, received 0"):
        fetch(PACKAGE, cache)


def test_a_missing_client_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingClientError, match="npm is not installed"):
        fetch(PACKAGE, cache)


def test_pip_without_network_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("INDEX_URL", "http://127.0.0.1:9/simple"), ("RETRIES", "0"), ("CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(f"PIP_{name}", value)
    with pytest.raises(FetchError, match=r"pip could not fetch some-data 1\.0\.0"):
        fetch(replace(PACKAGE, kind="pypi-sdist"), cache)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"cannot write .*file"):
        fetch(PACKAGE, tmp_path / "file")
