"""The network of `embeddings` with its pretrained weights, beside what PyTorch makes of them.

`data/minilm.json` has token ids and vectors by `transformers` 5.24 with PyTorch 2.14: `BertModel` on the same files,
cut at 256 tokens, masked mean, length 1.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmaas.config import Config
from models.bert import PAD_ID, BertSize, bert, fill_bert
from models.embeddings import SPEC, EmbeddingsConfig, build, processing
from models.errors import UnfitWeightsError
from processing.text import TextEncoder
from tests.support.tiny_bert import shapes_of
from training.config import load_config
from training.data import minilm
from training.data.minilm import MiniLM

SMALL = BertSize(vocabulary=20, layers=2, heads=2, width=6, inner_width=10, positions=16)


@dataclass(frozen=True)
class Expected:
    """Texts, the token ids of each, and a vector of length 1 for each, `[texts, 384]`."""

    texts: list[str]
    token_ids: list[list[int]]
    vectors: Any


def _config() -> EmbeddingsConfig:
    config = load_config(SPEC)
    assert isinstance(config, EmbeddingsConfig)
    return config


@pytest.fixture(scope="module")
def expected() -> Expected:
    rows = json.loads((Path(__file__).parent / "data" / "minilm.json").read_text())
    vectors = [np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in rows]
    return Expected([row["text"] for row in rows], [row["token_ids"] for row in rows], np.array(vectors))


@pytest.fixture(scope="module")
def pretrained() -> MiniLM:
    return minilm.load(Config().cache)


@pytest.fixture(scope="module")
def encoder(pretrained: MiniLM) -> TextEncoder:
    return TextEncoder(pretrained.tokenizer, processing(_config()))


@pytest.fixture(scope="module")
def model(pretrained: MiniLM) -> Any:
    model = build(_config())
    fill_bert(model.get_layer("bert"), pretrained.weights)
    return model


def test_token_ids_are_those_of_hugging_face(encoder: TextEncoder, expected: Expected) -> None:
    found = [encoder.encode([text])[0].tolist() for text in expected.texts]
    assert found == expected.token_ids


def test_vectors_are_those_of_pytorch(model: Any, expected: Expected) -> None:
    alone = [np.asarray(model(np.array([ids], np.int32)))[0] for ids in expected.token_ids]
    np.testing.assert_allclose(alone, expected.vectors, atol=1e-5, rtol=0)


def test_neighbours_and_padding_change_nothing(model: Any, encoder: TextEncoder, expected: Expected) -> None:
    together = encoder.encode(expected.texts)
    assert (together == PAD_ID).any()
    np.testing.assert_allclose(np.asarray(model(together)), expected.vectors, atol=1e-5, rtol=0)


def test_similarities_are_the_published_ones(model: Any, encoder: TextEncoder) -> None:
    """Of the page on which its authors introduce the model, and of their first example of a search."""
    weather = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    eating = ["A man is eating food.", "A man is eating a piece of bread."]
    one, two = (np.asarray(model(encoder.encode(texts))) for texts in (weather, eating))
    similar = one @ one.T
    assert [round(float(similar[pair]), 4) for pair in ((0, 1), (0, 2), (1, 2))] == [0.666, 0.1046, 0.1411]
    assert round(float(two[0] @ two[1]), 4) == 0.7553


def test_every_weight_has_its_place() -> None:
    """Each is given a number of its own, and found again where it belongs."""
    model = bert(SMALL)
    weights = _weights(SMALL)
    fill_bert(model, weights | {"pooler.dense.bias": np.zeros(6), "embeddings.position_ids": np.arange(16)[np.newaxis]})
    assert sum(int(np.prod(variable.shape)) for variable in model.variables) == sum(w.size for w in weights.values())
    kept = {round(float(number), 4) for variable in model.variables for number in np.asarray(variable).ravel()}
    assert kept == {round(float(number), 4) for weight in weights.values() for number in weight.ravel()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"embeddings.LayerNorm.bias": None}, "they lack embeddings.LayerNorm.bias"),
        ({"encoder.layer.2.output.dense.bias": np.zeros(6)}, "no place for encoder.layer.2.output.dense.bias"),
        (
            {"embeddings.word_embeddings.weight": np.zeros((21, 6))},
            r"weight has the shape \(21, 6\), expected \(20, 6\)",
        ),
        (
            {"encoder.layer.0.intermediate.dense.weight": np.zeros((6, 10))},
            r"has the shape \(10, 6\) when transposed, expected \(6, 10\)",
        ),
        ({"encoder.layer.1.attention.self.key.bias": np.zeros(4)}, r"has the shape \(4,\), expected \(2, 3\)"),
    ],
)
def test_weights_of_another_network_are_refused(change: dict[str, Any], told: str) -> None:
    weights = {name: weight for name, weight in (_weights(SMALL) | change).items() if weight is not None}
    with pytest.raises(UnfitWeightsError, match=told):
        fill_bert(bert(SMALL), weights)


def _weights(size: BertSize) -> dict[str, Any]:
    """No two numbers are the same."""
    weights, first = {}, 0
    for name, shape in shapes_of(size).items():
        weights[name] = np.arange(first, first + np.prod(shape), dtype=np.float32).reshape(shape) / 1000
        first += weights[name].size
    return weights
