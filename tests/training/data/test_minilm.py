"""The pretrained encoder's package: all its weights, and its tokenizer."""

import json

from kmaas.config import Config
from training.data import minilm


def test_weights_and_tokenizer_are_there() -> None:
    pretrained = minilm.load(Config().cache)
    assert len(pretrained.weights) == 104
    assert pretrained.weights["embeddings.word_embeddings.weight"].shape == (30_522, 384)
    assert sum(weight.size for name, weight in pretrained.weights.items() if "encoder" in name) == 10_646_784
    assert json.loads(pretrained.tokenizer)["model"]["type"] == "WordPiece"
