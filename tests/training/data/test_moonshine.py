"""Moonshine tiny as it was published."""

import numpy as np

from kmaas.config import Config
from models.transcribe_moonshine import TINY
from processing.tokens import TokenCodec
from tests.support.moonshine_checkpoints import shapes
from training.data import moonshine

RECORDED = {
    "model.encoder.conv1.weight": [0.0, -0.026695, -0.0934325],
    "model.encoder.layers.0.self_attn.q_proj.weight": [-0.0507718, 0.0888507, -0.304631],
    "model.decoder.layers.5.mlp.fc1.weight": [0.214466, -0.0510633, -0.122552],
    "model.decoder.embed_tokens.weight": [0.125491, 0.114082, 0.0684494],
}
"""Of the fourth row: numbers with which tokens and logits were onnxruntime's."""


def test_its_weights_have_the_names_and_the_values_of_pytorch() -> None:
    pretrained = moonshine.tiny(Config().cache)
    assert pretrained.size == TINY.size
    assert pretrained.weights.keys() == {name for name, _ in shapes(TINY.size.decoder_layers)}
    for name, expected in RECORDED.items():
        values = pretrained.weights[name]
        np.testing.assert_allclose(values.reshape(len(values), -1)[3, [1, 2, 5]], expected, rtol=1e-5)
    codec = TokenCodec(pretrained.tokenizer)
    assert codec.decode([TINY.start, 1126, 3237, 29_889, TINY.end]) == " And Mr."
    assert [codec.name(token) for token in (TINY.start, TINY.end)] == ["<s>", "</s>"]
