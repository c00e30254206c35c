"""Fashion-MNIST, all of it: 60,000 training and 10,000 test pictures of garments, in the form of MNIST."""

import gzip
from collections.abc import Mapping
from pathlib import Path

from training.data.archive import deb_members
from training.data.fetch import Package
from training.data.idx import FILES, IdxData
from training.errors import DataError

_FOLDER = "./usr/share/datasets/fashion-mnist"


def _files(package: Path) -> Mapping[str, bytes]:
    members = deb_members(package, f"{_FOLDER}/*.gz")
    try:
        return {name: gzip.decompress(members[f"{_FOLDER}/{name}.gz"]) for name in FILES}
    except (KeyError, gzip.BadGzipFile, EOFError) as exc:
        raise DataError(f"the package is not what was expected: {exc}") from exc


FASHION_MNIST = IdxData(
    name="Fashion-MNIST",
    loader="fashion_mnist",
    package=Package(
        kind="debian",
        name="dataset-fashion-mnist",
        version="0.0~git20200523.55506a9-1",
        sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    ),
    files=_files,
    sha256="ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
)
