"""The check that what is kept gives the answers of the whole text, and its records, on a small model of keras-hub."""

from collections.abc import Mapping
from typing import Any

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from export.cached.check import cache_records, check_cache
from export.cached.signatures import CachedDecoding
from export.errors import CacheError
from store.manifest import Cache

CACHE = Cache(slots=2, length=40, piece=8)
TEXTS = {name: np.arange(1, length + 1, dtype=np.int32) for name, length in (("long", 30), ("short", 3), ("one", 1))}


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    keras.utils.set_random_seed(3)
    made = keras_hub.models.GPT2Backbone(
        vocabulary_size=31, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=16, max_sequence_length=48
    )
    for variable in made.trainable_variables:
        variable.assign(variable.value * 5.0)
    return made


@pytest.fixture(scope="module")
def functions(backbone: keras.Model) -> Mapping[str, Any]:
    decoding = CachedDecoding(backbone, lambda states: backbone.token_embedding(states, reverse=True), CACHE)
    return {**decoding.functions(), "_kept": decoding}  # the functions do not keep their resources alive


@pytest.fixture(scope="module")
def answer(backbone: keras.Model) -> Any:
    def answer(batch: Any) -> Mapping[str, Any]:
        states = backbone({"token_ids": batch, "padding_mask": tf.ones_like(batch)}, training=False)
        return {"logits": backbone.token_embedding(states[:, -1], reverse=True)}

    return tf.function(answer, input_signature=[tf.TensorSpec([None, None], tf.int32)])


def test_a_cache_that_is_right(functions: Mapping[str, Any], answer: Any) -> None:
    assert check_cache(functions, answer, TEXTS, CACHE) < 1e-5
    assert check_cache(functions, answer, TEXTS, CACHE) < 1e-5, "every slot was given back"


def test_a_model_that_sees_otherwise_is_refused(functions: Mapping[str, Any], answer: Any) -> None:
    with pytest.raises(CacheError, match=r"golden long.*logits differ by"):
        check_cache(functions, lambda batch: answer(batch[:, 1:] if batch.shape[1] > 29 else batch), TEXTS, CACHE)


@pytest.mark.parametrize("signature", ["prefill", "decode"])
def test_logits_of_another_row_are_refused(functions: Mapping[str, Any], answer: Any, signature: str) -> None:
    right = functions[signature]

    class Shifted:
        input_signature = right.input_signature

        def __call__(self, *inputs: Any) -> dict[str, Any]:
            outputs = right(*inputs)
            return {**outputs, "logits": tf.roll(outputs["logits"], 1, axis=1)}

    with pytest.raises(CacheError, match="golden"):
        check_cache({**functions, signature: Shifted()}, answer, TEXTS, CACHE)


@pytest.mark.parametrize("tokens", [[[7] * 4] * 2, np.zeros((2, 0))])
def test_tokens_found_at_once_that_are_others_are_refused(
    functions: Mapping[str, Any], answer: Any, tokens: Any
) -> None:
    right = functions["decode"]

    class Hasty:
        input_signature = right.input_signature

        def __call__(self, *inputs: Any) -> dict[str, Any]:
            outputs = right(*inputs)
            if int(inputs[3][0]) == 1:
                return dict(outputs)
            told = np.asarray(tokens, np.int32)[: len(inputs[0])]
            return {**outputs, "token_ids": told, "counts": np.full(len(told), told.shape[1])}

    with pytest.raises(CacheError, match="found at once"):
        check_cache({**functions, "decode": Hasty()}, answer, TEXTS, CACHE)


def test_a_slot_that_is_not_held_is_refused(functions: Mapping[str, Any], answer: Any) -> None:
    with pytest.raises(CacheError, match="prefill holds no slot"):
        check_cache(functions, answer, {"endless": np.ones(CACHE.length + 5, np.int32)}, CACHE)


def test_records_keep_nothing(functions: Mapping[str, Any], answer: Any) -> None:
    records = cache_records(functions, TEXTS, CACHE)
    assert [record.signature for record in records] == ["prefill", "decode"] * 2
    assert all(record.inputs["lease"].tolist() == [0] and record.outputs["held"].all() for record in records)
    for record, length in zip(records, (8, 1, 3, 1), strict=True):
        expected = answer(TEXTS["long"][np.newaxis, :length])["logits"]
        np.testing.assert_allclose(record.outputs["logits"], np.asarray(expected), atol=1e-4)
    assert check_cache(functions, answer, TEXTS, CACHE) < 1e-5


def test_a_row_stops_behind_the_token_that_ends_its_text(backbone: keras.Model, functions: Mapping[str, Any]) -> None:
    def written(functions: Mapping[str, Any], steps: int) -> list[list[int]]:
        leases, ones = np.array([1, 2]), np.ones(2, np.int32)
        functions["prefill"](leases, 0 * ones, np.array([[5], [9]], np.int32), ones)
        told = functions["decode"](leases, ones, np.array([5, 9], np.int32), steps * ones)
        functions["release"](leases)
        rows = zip(told["token_ids"].numpy().tolist(), told["counts"].numpy().tolist(), strict=True)
        return [row[:count] for row, count in rows]

    one, other = written(functions, 12)
    assert (len(one), len(other)) == (12, 12)
    end = next(token for token in one if token not in other)
    ending = CachedDecoding(backbone, lambda states: backbone.token_embedding(states, reverse=True), CACHE, [end, 30])
    assert written(ending.functions(), 12) == [one[: one.index(end) + 1], other]
    assert written(ending.functions(), 0) == [one[:1], other[:1]], "one step at least"
