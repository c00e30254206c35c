"""Which English sentences mean nearly the same: the nearest by the vectors of all-MiniLM-L6-v2."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bert import PAD_ID, fill_bert
from models.embeddings import EmbeddingsConfig, build, processing
from processing.text import TextEncoder
from training.batches import predicted
from training.data import minilm

_TOKENS = 64
_CONFIG = EmbeddingsConfig(seed=0, max_tokens=_TOKENS)


def nearest_in_meaning(
    texts: Sequence[str], known: Sequence[str], candidates: NDArray[np.int_], cache: Path
) -> NDArray[np.int_]:
    """For each text the place in `known` of the nearest of its candidates `[texts, candidates]`, places in `known`."""
    pretrained = minilm.load(cache)
    model = build(_CONFIG)
    fill_bert(model.get_layer("bert"), pretrained.weights)
    model.jit_compile = False  # XLA would compile it anew for each length
    encoder = TextEncoder(pretrained.tokenizer, processing(_CONFIG))

    def vectors(sentences: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(predicted(model, encoder.encode(list(sentences)), PAD_ID), np.float32)

    places, which = np.unique(candidates, return_inverse=True)
    theirs = vectors([known[place] for place in places])[which.reshape(candidates.shape)]
    best = np.einsum("tcv,tv->tc", theirs, vectors(texts)).argmax(axis=1)
    return np.asarray(np.take_along_axis(candidates, best[:, np.newaxis], axis=1)[:, 0])
