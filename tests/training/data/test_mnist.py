"""MNIST: complete, verified, and had from the next source when one fails."""

from pathlib import Path

import numpy as np
import pytest

from kmaas.config import Config
from training.data.mnist import MNIST
from training.errors import NoSourceError


def test_it_is_all_of_mnist() -> None:
    data = MNIST.load(Config().cache)
    assert data.train_images.shape == (60_000, 28, 28)
    assert data.test_images.shape == (10_000, 28, 28)
    assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.source in {"keras.datasets.mnist", str(MNIST.package)}


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    folder = Config().cache
    MNIST.load(folder)
    (tmp_path / "packages").symlink_to(folder / "packages") if (folder / "packages").exists() else None
    first = MNIST.load(tmp_path)
    (cached,) = (tmp_path / "data").glob("*.npz")
    cached.write_bytes(b"damaged")
    assert (MNIST.load(tmp_path).test_labels == first.test_labels).all()
    assert len(cached.read_bytes()) > 50_000_000


def test_no_source_says_how_each_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(NoSourceError, match=r"MNIST cannot be had.*keras\.datasets.*npm is not installed"):
        MNIST.load(tmp_path / "cache")
