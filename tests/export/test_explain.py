"""The signature `explain`: its weights add up to what they explain, alone and in a batch, in a session as a stock
TensorFlow Serving has it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.errors import ExplanationError
from export.explain import TOLERANCE, check_explanations, explain_function, explanation
from export.goldens import CheckedGolden, make_goldens
from export.version import export_version
from kmaas.stages import trained
from models.sentiment import SPEC, SentimentConfig, build, explain
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.saved_model import SavedModel
from store.golden import Golden
from store.layout import VersionDir
from store.manifest import Manifest
from training.config import load_config
from training.fit import load_model
from training.run import Run

TEXTS = [[7], [7, 3], [7, 3, 12, 9, 9, 41, 2], list(range(1, 40))]


def _function(opened: Any) -> Any:
    import tensorflow as tf

    return explain_function(opened, tf.TensorSpec([None, None], tf.int32, name="token_ids"))


@pytest.fixture(scope="module")
def network() -> Any:
    """With random weights everywhere, so that nothing is hidden by zeros."""
    import keras

    keras.utils.set_random_seed(1)
    config = load_config(SPEC, None, ["vocabulary=50", "pair_buckets=64"])
    assert isinstance(config, SentimentConfig)
    model = build(config)
    rng = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


@pytest.fixture(scope="module")
def explained(network: Any) -> Any:
    """Explains it: token ids of texts, a label for each."""
    import tensorflow as tf

    function = _function(explain(network))

    def ask(texts: list[list[int]], labels: list[int]) -> dict[str, Any]:
        length = max(map(len, texts))
        token_ids = np.array([text + [0] * (length - len(text)) for text in texts], np.int32)
        answer = function(tf.constant(token_ids), tf.constant(labels))
        found = {name: values.numpy() for name, values in answer.items()}
        np.testing.assert_allclose(found["logits"], network(token_ids, training=False), atol=1e-5)
        return found

    return ask


@pytest.mark.parametrize("label", [-1, 0, 1])
def test_weights_add_up_to_the_logit_above_its_baseline(explained: Any, label: int) -> None:
    answer = explained(TEXTS, [label] * len(TEXTS))
    difference = answer["logit"] - answer["baseline_logit"]
    assert np.abs(difference).min() > 0.1
    apart = np.abs(answer["weights"].sum(axis=1) - difference)
    assert (apart <= TOLERANCE * np.maximum(1, np.abs(difference))).all(), apart


def test_a_text_alone_is_explained_as_in_a_batch_and_padding_has_no_weight(explained: Any) -> None:
    together = explained(TEXTS, [-1] * len(TEXTS))
    for row, text in enumerate(TEXTS):
        alone = explained([text], [-1])
        np.testing.assert_allclose(together["weights"][row, : len(text)], alone["weights"][0], atol=1e-4)
        assert not together["weights"][row, len(text) :].any()


def test_minus_one_is_the_predicted_label_and_another_is_explained_when_asked(explained: Any) -> None:
    predicted = explained(TEXTS, [-1] * len(TEXTS))
    np.testing.assert_array_equal(predicted["label"], predicted["logits"].argmax(axis=1))
    asked = explained(TEXTS, [0, 1, 0, 1])
    assert asked["label"].tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(asked["logit"], asked["logits"][range(4), [0, 1, 0, 1]])


def test_a_label_that_is_not_there_is_refused(explained: Any) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[0\] = 2 is not in \[0, 2\)"):
        explained([[7]], [2])


def test_what_a_pair_adds_goes_half_to_each_of_its_tokens() -> None:
    """In a network of which nothing else is left."""
    import tensorflow as tf

    config = load_config(SPEC, None, ["vocabulary=50", "pair_buckets=64"])
    assert isinstance(config, SentimentConfig)
    model = build(config)
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape))
    pairs = np.zeros((64, 2))
    pairs[(7 * 31337 + 3 * 7919) % 64] = [0, 8]
    model.get_layer("pair_logits").pairs.assign(pairs)
    function = _function(explain(model))
    answer = function(tf.constant([[7, 3, 12, 9, 0]]), tf.constant([1]))
    np.testing.assert_allclose(answer["logit"], [4])  # 8 / √4 tokens
    np.testing.assert_allclose(answer["weights"], [[2, 2, 0, 0, 0]])


@pytest.fixture(scope="module")
def session(exported: Path) -> Iterator[SavedModel]:
    runtime = SavedModel(exported, RuntimeOptions())
    yield runtime
    runtime.close()


def test_an_export_explains_its_own_answers_in_a_session(run: Run, session: SavedModel) -> None:
    (name,) = session.signatures["serving_default"].inputs
    outputs = list(session.signatures["explain"].outputs)
    processing = run.spec.processing(run.config)
    model = load_model(run)
    for golden in make_goldens(
        run.evaluated.examples(), run.spec.labels, processing, run.tokenizer(), lambda x: np.asarray(model(x))
    ):
        given = {name: golden.inputs, "label": np.array([-1], np.int32)}
        answer = dict(zip(outputs, session.run("explain", given, outputs, None), strict=True))
        np.testing.assert_allclose(answer["logits"], golden.logits, atol=1e-5, rtol=1e-5)
        assert answer["label"].tolist() == [golden.logits[0].argmax()]
        if "heat" in answer:
            assert answer["heat"].shape == golden.inputs.shape[:3]
            assert (answer["heat"].min(), answer["heat"].max()) >= (0, 1 - 1e-6)
            assert answer["heat"].max() <= 1 + 1e-6
        else:
            difference = float(answer["logit"][0] - answer["baseline_logit"][0])
            assert abs(answer["weights"].sum() - difference) <= TOLERANCE * max(1, abs(difference))


@pytest.mark.parametrize("run", ["sentiment"], indirect=True)
def test_the_manifest_says_why_a_version_has_no_explanations(run: Run, tmp_path: Path) -> None:
    unexplained = replace(trained(run), spec=replace(run.spec, explain="it only adds"))
    export_version(unexplained, tmp_path / "export", runtime="saved_model")
    manifest = Manifest.read(VersionDir(tmp_path / "export").manifest)
    assert manifest.absent == {"explain": "it only adds"}
    assert "explain" not in manifest.signatures


@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_an_explanation_of_another_network_is_refused(run: Run, tmp_path: Path) -> None:
    def astray(model: Any) -> Any:
        opened: Any = run.spec.explain(model)  # type: ignore[operator]  # it is not None
        return replace(opened, logits=lambda *given: opened.logits(*given) + 1)

    wrong = replace(trained(run), spec=replace(run.spec, explain=astray))
    with pytest.raises(ExplanationError, match=r"logits that differ from the model's by 1\.0e\+00"):
        export_version(wrong, tmp_path / "export", runtime="saved_model")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_do_not_add_up_are_refused(network: Any) -> None:
    """Of what was looked up the gradients tell only half."""
    import tensorflow as tf

    opened = explain(network)

    def half(embedded: Any, token_ids: Any) -> Any:
        return opened.logits(tuple(part / 2 + tf.stop_gradient(part / 2) for part in embedded), token_ids)

    token_ids = np.array([TEXTS[2]], np.int32)
    golden = Golden.of("seven-words", "application/json", b"{}", [], 0)
    checked = CheckedGolden(golden, token_ids, np.asarray(network(token_ids)))
    answer = explanation(_function(opened), checked)
    assert answer["label"].tolist() == [checked.logits[0].argmax()]
    check_explanations([answer], [checked])
    with pytest.raises(ExplanationError, match=r"golden seven-words is wrong: its weights add up to .* within 0\.01"):
        check_explanations([explanation(_function(replace(opened, logits=half)), checked)], [checked])
