"""Cached decoding as TensorFlow Serving runs it: a SavedModel of signatures, loaded into a session."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from export.archive import write_saved_model
from export.cached.signatures import CachedDecoding
from export.errors import UncachedError
from export.portability import check_portable
from store.manifest import Cache

VOCABULARY = 61
SLOTS, LENGTH = 3, 48
FAMILIES = ("gpt2", "llama3", "mistral", "gemma")

Logits = NDArray[np.float32]
Tokens = NDArray[np.int32]


def _backbone(family: str) -> keras.Model:
    keras.utils.set_random_seed(7)
    size: dict[str, Any] = {"vocabulary_size": VOCABULARY, "num_layers": 2, "hidden_dim": 32, "intermediate_dim": 48}
    grouped: dict[str, Any] = {**size, "num_query_heads": 4, "num_key_value_heads": 2}
    models = keras_hub.models
    match family:
        case "gpt2":
            made = models.GPT2Backbone(**size, num_heads=4, max_sequence_length=LENGTH)
        case "llama3":
            made = models.Llama3Backbone(**grouped)
        case "mistral":  # with a window that the tests' texts are longer than
            made = models.MistralBackbone(**grouped, sliding_window=8)
        case _:
            made = models.GemmaBackbone(**grouped, head_dim=8, attention_logit_soft_cap=5.0)
    for variable in made.trainable_variables:  # untrained ones are so small that nothing would depend on the attention
        variable.assign(variable.value * 4.0)
    return made


class Served:
    """A version in a session, as TensorFlow Serving runs it."""

    def __init__(self, folder: Path) -> None:
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self._signatures = tf.compat.v1.saved_model.load(self._session, ["serve"], str(folder)).signature_def

    def run(self, signature: str, **inputs: Any) -> dict[str, NDArray[Any]]:
        told = self._signatures[signature]
        outputs = {name: info.name for name, info in told.outputs.items()}
        feeds = {told.inputs[name].name: value for name, value in inputs.items()}
        answered: dict[str, NDArray[Any]] = self._session.run(outputs, feeds)
        return answered

    def prefill(
        self, leases: Sequence[int], token_ids: Any, *, start: Sequence[int] | None = None, lengths: Any = None
    ) -> tuple[Logits, list[bool]]:
        token_ids = np.asarray(token_ids)
        found = self.run(
            "prefill",
            lease=leases,
            start=start or [0] * len(leases),
            token_ids=token_ids,
            lengths=[token_ids.shape[1]] * len(leases) if lengths is None else lengths,
        )
        return found["logits"], found["held"].tolist()

    def decode(self, leases: Sequence[int], positions: Sequence[int], tokens: Any) -> tuple[Logits, list[bool]]:
        found = self.write(leases, positions, tokens, [1] * len(leases))
        assert found["counts"].tolist() == found["held"].astype(int).tolist()
        return found["logits"], found["held"].tolist()

    def write(
        self, leases: Sequence[int], positions: Sequence[int], tokens: Any, steps: Sequence[int]
    ) -> dict[str, NDArray[Any]]:
        return self.run("decode", lease=leases, position=positions, token_id=tokens, steps=steps)

    def release(self, *leases: int) -> list[bool]:
        released: list[bool] = self.run("release", lease=leases)["released"].tolist()
        return released

    def close(self) -> None:
        self._session.close()


@pytest.fixture(scope="module", params=FAMILIES)
def backbone(request: pytest.FixtureRequest) -> keras.Model:
    return _backbone(request.param)


@pytest.fixture(scope="module")
def folder(backbone: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cached") / "1"
    _write(folder, backbone)
    return folder


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    served = Served(folder)
    yield served
    served.close()


def _write(folder: Path, backbone: keras.Model) -> None:
    def project(states: Any) -> Any:
        return backbone.token_embedding(states, reverse=True)

    cached = CachedDecoding(backbone, project, Cache(slots=SLOTS, length=LENGTH, piece=16))
    serve = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    write_saved_model(folder, backbone, serve, {}, cached.functions(), tracked=cached.tracked)


def _texts(seed: int, *shape: int) -> Tokens:
    return np.random.default_rng(seed).integers(1, VOCABULARY, shape).astype(np.int32)


def _whole(backbone: keras.Model, token_ids: Any) -> Logits:
    """The logits after each token, by keras-hub's own attention, nothing kept."""
    ids = np.atleast_2d(np.asarray(token_ids))
    states = backbone({"token_ids": ids, "padding_mask": np.ones_like(ids)}, training=False)
    return np.asarray(backbone.token_embedding(states, reverse=True))


def _close(one: Logits, other: Logits) -> None:
    np.testing.assert_allclose(one, other, atol=2e-4 * np.abs(other).max())


def test_what_is_kept_gives_the_logits_of_the_whole_text(backbone: keras.Model, served: Served) -> None:
    texts = _texts(1, 3, 30)
    expected = _whole(backbone, texts)

    logits, held = served.prefill([5, 6, 7], texts[:, :19])
    _close(logits, expected[:, 18])
    assert held == [True] * 3
    for position in range(19, 30):
        logits, held = served.decode([7, 5, 6], [position] * 3, texts[[2, 0, 1], position])
        _close(logits, expected[[2, 0, 1], position])
        assert held == [True] * 3


def test_a_text_may_be_read_in_pieces_of_any_length(backbone: keras.Model, served: Served) -> None:
    [text] = _texts(2, 1, 40)
    expected = _whole(backbone, text)[0]

    for start, end in ((0, 1), (1, 17), (17, 33), (33, 40)):
        logits, held = served.prefill([9], text[np.newaxis, start:end], start=[start])
        assert held == [True]
        _close(logits[0], expected[end - 1])


def test_conversations_of_different_lengths_share_a_run(backbone: keras.Model, served: Served) -> None:
    texts = _texts(3, 3, 20)
    lengths = [20, 3, 11]
    logits, _ = served.prefill([1, 2, 3], texts, lengths=lengths)
    for row, length in enumerate(lengths):
        _close(logits[row], _whole(backbone, texts[row, :length])[0, -1])

    logits, held = served.decode([1, 2, 3], lengths, [4, 5, 6])

    assert held == [True] * 3
    for row, (length, token) in enumerate(zip(lengths, (4, 5, 6), strict=True)):
        _close(logits[row], _whole(backbone, [*texts[row, :length], token])[0, -1])


def test_greedy_text_is_that_of_keras_hub(backbone: keras.Model, served: Served) -> None:
    """Token for token, alone and beside others; keras-hub's own cache, compiled by its own way."""
    causal = getattr(keras_hub.models, type(backbone).__name__.replace("Backbone", "CausalLM"))
    prompts = _texts(4, 2, 9)
    padded = np.zeros((2, 30), np.int32)
    padded[:, :9] = prompts
    model = causal(backbone, preprocessor=None)
    model.compile(sampler="greedy", jit_compile=False)
    written = model.generate({"token_ids": padded, "padding_mask": padded != 0}, stop_token_ids=None)
    expected = np.asarray(written["token_ids"])[:, 9:]

    logits, _ = served.prefill([1, 2], prompts)
    tokens = [logits.argmax(axis=1)]
    for position in range(9, 29):
        logits, _ = served.decode([1, 2], [position] * 2, tokens[-1])
        tokens.append(logits.argmax(axis=1))

    assert np.array_equal(np.stack(tokens, axis=1), expected)

    served.prefill([3], prompts[:1])
    found = served.write([3, 1], [9, 9], tokens[0][[0, 0]], [7, 20])
    assert found["token_ids"].tolist() == [expected[0, 1:8].tolist()] * 2, "who wants fewer bounds all"
    assert found["counts"].tolist() == [7, 7]
    again = served.write([3], [16], expected[0, 7:8], [13])
    assert again["token_ids"].tolist() == [expected[0, 8:21].tolist()], "it goes on where it ended"
    whole = _whole(backbone, [*prompts[0], *expected[0]])[0]
    likely = tf.nn.log_softmax(whole).numpy()[np.arange(16, 29), expected[0, 8:21]]
    np.testing.assert_allclose(again["log_probabilities"][0], likely, atol=1e-4)
    _close(again["logits"][0], whole[28])


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    backbone, folder = _backbone("llama3"), tmp_path_factory.mktemp("llama") / "1"
    _write(folder, backbone)
    return backbone, folder


@pytest.fixture
def slots(llama: tuple[keras.Model, Path]) -> Iterator[Served]:
    served = Served(llama[1])
    yield served
    served.close()


def test_no_more_conversations_than_slots(slots: Served) -> None:
    text = _texts(5, 1, 4)
    assert slots.prefill([1, 2, 3, 4], np.repeat(text, 4, axis=0))[1] == [True, True, True, False]
    logits, held = slots.prefill([4], text)
    assert held == [False]
    assert not logits.any()

    assert slots.release(2, 4, 0) == [True, False, False]
    assert slots.prefill([4], text)[1] == [True]
    assert slots.decode([2], [4], [1])[1] == [False]
    assert slots.decode([1, 3, 4], [4, 4, 4], [1, 1, 1])[1] == [True] * 3


def test_a_row_that_holds_nothing_leaves_the_others_alone(llama: tuple[keras.Model, Path], slots: Served) -> None:
    texts = _texts(6, 2, 12)
    slots.prefill([1, 2], texts)

    logits, held = slots.decode([1, 99, 2, 0], [12, 12, 12, 12], [3, 3, 3, 3])

    assert held == [True, False, True, False]
    assert not logits[[1, 3]].any()
    for row, text in ((0, texts[0]), (2, texts[1])):
        _close(logits[row], _whole(llama[0], [*text, 3])[0, -1])


def test_nobody_begins_behind_what_is_kept(slots: Served) -> None:
    slots.prefill([1], _texts(7, 1, 5))
    assert slots.decode([1], [6], [1])[1] == [False]
    assert slots.decode([1], [5], [1])[1] == [True]


def test_a_conversation_may_go_back(llama: tuple[keras.Model, Path], slots: Served) -> None:
    """Another continuation from a position on, or the same step asked twice: what stood behind is forgotten."""
    [text] = _texts(8, 1, 10)
    slots.prefill([1], text[np.newaxis])
    for _ in range(2):
        logits, _ = slots.decode([1], [4], [33])
        _close(logits[0], _whole(llama[0], [*text[:4], 33])[0, -1])
    assert slots.decode([1], [9], [1])[1] == [False]
    logits, _ = slots.decode([1], [5], [34])
    _close(logits[0], _whole(llama[0], [*text[:4], 33, 34])[0, -1])


def test_no_text_is_longer_than_a_slot(slots: Served) -> None:
    assert slots.prefill([1], _texts(9, 1, LENGTH + 1))[1] == [False]
    assert slots.prefill([1], _texts(9, 1, LENGTH))[1] == [True]
    assert slots.decode([1], [LENGTH], [1])[1] == [False]


@pytest.mark.parametrize(("start", "lengths"), [([-1], [2]), ([0], [0]), ([0], [-2]), ([0], [5]), ([2**31 - 3], [4])])
def test_positions_that_make_no_sense_hold_nothing(slots: Served, start: list[int], lengths: list[int]) -> None:
    assert slots.prefill([1], _texts(10, 1, 4), start=start, lengths=lengths)[1] == [False]


def test_with_lease_0_nothing_is_kept(llama: tuple[keras.Model, Path], slots: Served) -> None:
    texts = _texts(11, 8, 6)  # more rows than slots
    logits, held = slots.prefill([0] * 8, texts)
    _close(logits, _whole(llama[0], texts)[:, -1])
    assert held == [True] * 8
    assert slots.decode([0], [6], [1])[1] == [False]
    assert slots.prefill([1, 2, 3], texts[:3])[1] == [True] * 3


def test_rows_of_one_lease_share_its_slot(slots: Served) -> None:
    """A server that fills up a batch repeats a row of it."""
    text = np.repeat(_texts(12, 1, 4), 3, axis=0)
    assert slots.prefill([1, 1, 1], text)[1] == [True] * 3
    assert slots.prefill([2, 3, 4], text)[1] == [True, True, False]


def test_a_run_that_fails_lets_the_next_one_in(llama: tuple[keras.Model, Path], slots: Served) -> None:
    [text] = _texts(13, 1, 6)
    slots.prefill([1], text[np.newaxis])
    with pytest.raises(tf.errors.InvalidArgumentError):
        slots.decode([1], [6], [VOCABULARY + 7])
    logits, _ = slots.decode([1], [6], [2])
    _close(logits[0], _whole(llama[0], [*text, 2])[0, -1])


def test_two_versions_in_one_process_share_nothing(llama: tuple[keras.Model, Path], slots: Served) -> None:
    other = Served(llama[1])
    slots.prefill([1], _texts(14, 1, 5))
    assert other.decode([1], [5], [1])[1] == [False]
    other.close()


def test_conversations_at_the_same_time_never_see_each_other(llama: tuple[keras.Model, Path], slots: Served) -> None:
    """More threads than slots, each with texts of its own: whoever holds a slot has the logits of his text."""
    backbone, _ = llama

    def converse(number: int) -> list[tuple[Tokens, Logits]]:
        seen = []
        for turn in range(6):
            lease = 1 + number * 100 + turn
            [text] = _texts(lease, 1, 12)
            logits, held = slots.prefill([lease], text[np.newaxis, :5])
            for position in range(5, 12):
                if held != [True]:
                    break
                seen.append((text[:position], logits[0]))
                logits, held = slots.decode([lease], [position], text[position : position + 1])
            slots.release(lease)
        return seen

    with ThreadPoolExecutor(6) as pool:
        seen = [pair for pairs in pool.map(converse, range(6)) for pair in pairs]

    assert len(seen) >= 7 * SLOTS
    for text, logits in seen:
        _close(logits, _whole(backbone, text)[0, -1])


def test_the_cache_is_in_no_file(llama: tuple[keras.Model, Path]) -> None:
    names = [name for name, _ in tf.train.list_variables(str(llama[1] / "variables" / "variables"))]
    assert not [name for name in names if "cache" in name]


def test_stock_tensorflow_serving_can_run_it(folder: Path) -> None:
    check_portable(folder)


def test_other_models_are_refused_in_words() -> None:
    backbone = keras_hub.models.BloomBackbone(
        vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4
    )
    with pytest.raises(UncachedError, match="0 of 1 layers of bloom"):
        CachedDecoding(backbone, lambda states: states, Cache(slots=SLOTS, length=LENGTH, piece=16))
