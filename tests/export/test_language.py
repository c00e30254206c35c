"""A language model as a version: the token that follows, texts as goldens, rows of one length."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from export.draft import draft
from export.errors import BatchSafetyError, NoGoldensError, NotAsEvaluatedError
from export.goldens import make_text_goldens
from export.trained import Trained
from export.version import export_version
from models.example import Example
from models.llama import llama
from processing.spec import LanguageSpec, parse_spec
from serving.runtimes.proof import Recorded
from store.golden import read_goldens
from store.layout import VersionDir
from store.manifest import Cache, Manifest
from tests.support.small_text_models import TEMPLATE
from tests.support.tiny_llama import CONTEXT, NEW_TOKENS, SIZE, SLOTS, TOKENIZER, save, tiny_llama, trained

SPEC = LanguageSpec(context_tokens=16, end_ids=(TOKENIZER.encode("e").ids[0],))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def version(run: Trained, tmp_path_factory: pytest.TempPathFactory) -> VersionDir:
    folder = tmp_path_factory.mktemp("exported") / "export"
    export_version(run, folder)
    return VersionDir(folder)


@pytest.fixture(scope="module")
def manifest(version: VersionDir) -> Manifest:
    return Manifest.read(version.manifest)


@pytest.fixture(scope="module")
def signatures(version: VersionDir) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(str(version.path)).signatures


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_llama()


def test_the_manifest_tells_what_it_is_and_why_it_lacks_what_it_lacks(manifest: Manifest) -> None:
    assert parse_spec(manifest.processing).kind == "language"
    assert manifest.signatures.keys() == {"serving_default", "manifest", "prefill", "decode", "release"}
    assert manifest.cache == Cache(slots=SLOTS, length=CONTEXT, piece=64)
    serving = manifest.signatures["serving_default"]
    assert {name: (of.dtype, of.shape) for name, of in serving.inputs.items()} == {"token_ids": ("int32", (-1, -1))}
    expected = ("float32", (-1, SIZE.vocabulary))
    assert {name: (of.dtype, of.shape) for name, of in serving.outputs.items()} == {"logits": expected}
    assert manifest.absent == {
        "raw": "a text is written token by token, a call for each",
        "explain": "a text that is written has no label that could be explained",
    }
    assert [(parity.inputs, parity.unit, parity.largest) for parity in manifest.parity] == [(64, "token ids", 0.0)]
    assert (manifest.goldens, manifest.recorded, manifest.temperature) == ({"": 8}, 12, 1.0)
    assert manifest.batching is not None
    assert manifest.batching.sizes[-1] == 64


def test_the_template_and_the_tokenizer_are_served_with_it(signatures: Any) -> None:
    import tensorflow as tf

    found = signatures["manifest"](section=tf.constant(["chat_template", "tokenizer"]))["document"].numpy()
    assert [document.decode() for document in found] == [TEMPLATE, TOKENIZER.to_str()]


def test_another_template_is_another_digest(run: Trained, manifest: Manifest) -> None:
    documents = draft(replace(run, chat_template=TEMPLATE + "!")).documents
    assert Manifest.parse(documents["manifest"]).digest != manifest.digest


def test_goldens_are_texts_and_records_their_first_logits(version: VersionDir, model: Any) -> None:
    goldens = read_goldens(version.golden)
    recorded = Recorded(version, {"serving_default", "manifest", "prefill", "decode"})
    samples = [sample for sample in recorded if sample.signature == "serving_default"]
    assert len(goldens) == len(samples) == 8
    for golden, sample in zip(goldens, samples, strict=True):
        prompt = json.loads(golden.body)["inputs"]
        np.testing.assert_array_equal(sample.inputs["token_ids"], [TOKENIZER.encode(prompt).ids])
        logits = np.asarray(model(sample.inputs["token_ids"]))
        np.testing.assert_allclose(sample.outputs["logits"], logits, atol=1e-4, rtol=1e-4)
        expected: Any = golden.expected
        [text] = [entry["generated_text"] for entry in expected]
        assert text == _greedy(model, prompt)
    assert version.warm_up.stat().st_size < 8 * (4 * SIZE.vocabulary + 1000)


def test_it_has_no_twin(version: VersionDir) -> None:
    assert not version.twin.exists()


def test_rows_of_one_length_are_answered_as_alone(signatures: Any, model: Any) -> None:
    import tensorflow as tf

    rows = np.random.default_rng(1).integers(0, SIZE.vocabulary, (5, CONTEXT)).astype(np.int32)
    together = signatures["serving_default"](token_ids=tf.constant(rows))["logits"].numpy()
    np.testing.assert_allclose(together, [np.asarray(model(row[np.newaxis]))[0] for row in rows], atol=1e-4)


@pytest.mark.parametrize("length", [0, CONTEXT + 1])
def test_rows_of_a_length_that_no_prompt_has_are_refused(signatures: Any, length: int) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=f"rows of {length} tokens; expected from 1 to {CONTEXT}"):
        signatures["serving_default"](token_ids=tf.zeros((1, length), tf.int32))


def test_a_model_that_looks_at_its_neighbours_is_not_exported(run: Trained) -> None:
    import keras

    def build(_config: Any) -> Any:
        one = llama(SIZE)
        return keras.Model(one.input, one.output + keras.ops.mean(one.output, axis=0, keepdims=True))

    weights = run.weights.with_name("neighbours.weights.h5")
    save(build(None), weights)
    with pytest.raises(BatchSafetyError, match="logits differ"):
        draft(replace(run, spec=replace(run.spec, build=build), weights=weights))


def test_weights_that_are_not_those_that_were_evaluated_are_refused(run: Trained, model: Any) -> None:
    example = run.examples[0]
    prompt = json.loads(example.body)["inputs"]
    logits = np.asarray(model(np.array([TOKENIZER.encode(prompt).ids], np.int32)))[0]
    kept = example.model_copy(update={"answer": tuple(map(float, logits))})
    draft(replace(run, examples=[kept, *run.examples[1:]]))
    other = kept.model_copy(update={"answer": tuple(map(float, logits + 0.01))})
    with pytest.raises(NotAsEvaluatedError):
        draft(replace(run, examples=[other, *run.examples[1:]]))


def _counting(inputs: Any) -> Any:
    """After a letter comes the next one; after "m" two are as likely, after "y" half a character."""
    logits = np.zeros((1, TOKENIZER.get_vocab_size()), np.float32)
    after = {"m": ("n", "o"), "y": ("ä",)}
    letter = TOKENIZER.decode([int(inputs[0, -1])])
    for follows in after.get(letter, (chr(ord(letter) + 1),)):
        logits[0, TOKENIZER.encode(follows).ids[0]] = 5
    return logits


def _example(text: str, most: int = 2) -> Example:
    body = json.dumps({"inputs": text, "parameters": {"max_new_tokens": most}}).encode()
    return Example.of(text, "application/json", body, label="")


def test_texts_end_as_the_gateway_ends_them_and_doubtful_ones_are_passed_over() -> None:
    prompts = [_example("a"), _example("l"), _example("x"), _example("c", 9), _example("fghijklmnopqrst", 9)]
    goldens = make_text_goldens(prompts, SPEC, TOKENIZER.to_str(), _counting)
    assert [(checked.golden.name, checked.golden.expected) for checked in goldens] == [
        ("a", [{"generated_text": "bc"}]),
        ("c", [{"generated_text": "de"}]),  # the end
        ("fghijklmnopqrst", [{"generated_text": "u"}]),  # no more room
    ]
    assert goldens[0].outputs["logits"].argmax() == TOKENIZER.encode("b").ids[0]
    assert len(make_text_goldens(prompts[:1] * 9, SPEC, TOKENIZER.to_str(), _counting)) == 8
    with pytest.raises(NoGoldensError, match="none of 2 held-out requests"):
        make_text_goldens(prompts[1:3], SPEC, TOKENIZER.to_str(), _counting)


def _greedy(model: Any, prompt: str) -> str:
    ids = TOKENIZER.encode(prompt).ids
    written: list[int] = []
    while len(written) < NEW_TOKENS:
        written.append(int(np.asarray(model(np.array([ids + written], np.int32)))[0].argmax()))
        if TOKENIZER.decode(written[-1:]) == "":
            break
    return str(TOKENIZER.decode(written))
