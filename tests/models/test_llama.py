"""A small Llama in Keras beside what PyTorch makes of the same weights.

`EXPECTED` are the logits after the last of `TOKENS` by `transformers` 5.24 with PyTorch 2.14: `LlamaForCausalLM` of the
size `SMALL` with the weights that `_weights` draws.
"""

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.errors import UnfitWeightsError
from models.language import all_logits, backbone_of
from models.llama import LlamaSize, fill_llama, llama

SMALL = LlamaSize(
    vocabulary=50, layers=2, heads=4, key_value_heads=2, width=32, inner_width=48, rope_base=1000.0, epsilon=1e-5
)
TOKENS = [3, 14, 15, 9, 26, 5, 35]
EXPECTED = np.frombuffer(
    base64.b64decode(
        "vGO9vyL9ij5qBbS+bAk7P2IPgT++C7M/MFvbPWRbQz+41py/W6pbv2RwnT+KH4y/SnL0vvXGvj4w67E9A22UPxhCej9Y+Iy/1IAY"
        "PhLEJL5g74K/vhrqv9kAoz8bZhVAtsEEP3NHw7/uMOk+NgWkP3/pEMDyXGy/uuHxvxho1D726u8+5iUCQCcOOz81Fz4/oKrOv/RY"
        "CsA4vDzARR8LwKDIa78dcQlAO22tPnl2az9Qc36+WGacP+HHqb6jihxAWIIWvhjvSj8="
    ),
    "<f4",
)


@pytest.fixture(scope="module")
def model() -> Any:
    model = llama(SMALL)
    fill_llama(model, _weights(SMALL))
    return model


def test_logits_are_those_of_pytorch(model: Any) -> None:
    np.testing.assert_allclose(np.asarray(model(np.array([TOKENS], np.int32)))[0], EXPECTED, atol=1e-5, rtol=0)


@pytest.mark.parametrize("change", [{"rope_base": 10_000.0}, {"epsilon": 1e-2}])
def test_the_numbers_that_no_weight_shows_matter(change: dict[str, float]) -> None:
    other = llama(replace(SMALL, **change))  # type: ignore[arg-type]
    fill_llama(other, _weights(SMALL))
    assert np.abs(np.asarray(other(np.array([TOKENS], np.int32)))[0] - EXPECTED).max() > 1e-3


def test_the_logits_of_all_places_are_those_of_each_beginning_whatever_comes_later(model: Any) -> None:
    found = all_logits(model)(np.array([TOKENS, [*TOKENS[:3], 7, 7, 7, 7]], np.int32))
    assert found.shape == (2, len(TOKENS), SMALL.vocabulary)
    for length in range(2, len(TOKENS) + 1):
        alone = np.asarray(model(np.array([TOKENS[:length]], np.int32)))[0]
        np.testing.assert_allclose(found[0, length - 1], alone, atol=1e-5, rtol=0)
    np.testing.assert_allclose(found[1, 2], found[0, 2], atol=1e-5, rtol=0)


def test_the_backbone_is_keras_hub_s(model: Any) -> None:
    backbone = backbone_of(model)
    assert len(backbone.transformer_layers) == SMALL.layers
    assert backbone.token_embedding.embeddings.shape == (SMALL.vocabulary, SMALL.width)


def test_every_weight_has_its_place_and_is_counted_once(model: Any) -> None:
    weights = _weights(SMALL)
    assert model.count_params() == sum(weight.size for weight in weights.values())
    kept = np.sort(np.concatenate([np.asarray(variable).ravel() for variable in model.variables]))
    np.testing.assert_array_equal(kept, np.sort(np.concatenate([weight.ravel() for weight in weights.values()])))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model.norm.weight": None}, r"they lack model\.norm\.weight"),
        ({"lm_head.weight": np.zeros((50, 32))}, r"the model has no place for lm_head\.weight"),
        (
            {"model.layers.1.self_attn.k_proj.weight": np.zeros((32, 32))},
            r"k_proj\.weight has the shape \(32, 32\) when transposed, expected \(32, 2, 8\)",
        ),
        ({"model.layers.0.mlp.up_proj.weight": np.zeros((32, 48))}, r"\(48, 32\) when transposed, expected \(32, 48\)"),
    ],
)
def test_weights_of_another_network_are_refused(change: dict[str, Any], told: str) -> None:
    weights = {name: weight for name, weight in (_weights(SMALL) | change).items() if weight is not None}
    with pytest.raises(UnfitWeightsError, match=told):
        fill_llama(llama(SMALL), weights)


def _weights(size: LlamaSize) -> dict[str, Any]:
    """As PyTorch has them, drawn in the order of their names."""
    head = size.width // size.heads
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (size.vocabulary, size.width),
        "model.norm.weight": (size.width,),
    }
    for number in range(size.layers):
        layer = f"model.layers.{number}"
        shapes |= {
            f"{layer}.self_attn.q_proj.weight": (size.heads * head, size.width),
            f"{layer}.self_attn.k_proj.weight": (size.key_value_heads * head, size.width),
            f"{layer}.self_attn.v_proj.weight": (size.key_value_heads * head, size.width),
            f"{layer}.self_attn.o_proj.weight": (size.width, size.heads * head),
            f"{layer}.mlp.gate_proj.weight": (size.inner_width, size.width),
            f"{layer}.mlp.up_proj.weight": (size.inner_width, size.width),
            f"{layer}.mlp.down_proj.weight": (size.width, size.inner_width),
            f"{layer}.input_layernorm.weight": (size.width,),
            f"{layer}.post_attention_layernorm.weight": (size.width,),
        }
    rng = np.random.default_rng(7)
    drawn = {name: rng.normal(0, 0.2, shapes[name]).astype(np.float32) for name in sorted(shapes)}
    return {name: weight + np.float32("norm" in name) for name, weight in drawn.items()}
