"""An export: complete, answering as the trained model does, and never half done."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.errors import ReloadError
from export.version import export_version
from kmaas.stages import trained
from processing.classification import softmax
from processing.forms import form_of
from processing.image import decode
from processing.spec import ImageSpec, TextSpec, parse_spec
from processing.text import TextEncoder
from store.contents import contents
from store.evaluation import Classification
from store.golden import difference, parse_goldens, read_goldens
from store.layout import Store, VersionDir
from store.manifest import Manifest
from store.publish import publish
from training.fit import load_model
from training.run import Run


@pytest.fixture(scope="module")
def signatures(exported: Path) -> Any:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 (registers its operations)

    return tf.saved_model.load(str(exported)).signatures


def _section(signatures: Any, name: str) -> bytes:
    import tensorflow as tf

    return bytes(signatures["manifest"](section=tf.constant([name]))["document"][0].numpy())


def _client_inputs(run: Run, manifest: Manifest, body: bytes) -> Any:
    spec = parse_spec(manifest.processing)
    if isinstance(spec, ImageSpec):
        return form_of(spec).tensor(decode(body, max_pixels=10**6))[np.newaxis]
    assert isinstance(spec, TextSpec)
    return TextEncoder(run.tokenizer() or "", spec).encode([json.loads(body)["inputs"]])


def test_the_manifest_is_in_the_graph_and_beside_it(run: Run, exported: Path, signatures: Any) -> None:
    beside = Manifest.read(VersionDir(exported).manifest)
    assert Manifest.parse(_section(signatures, "manifest")) == beside.model_copy(update={"files": {}})
    assert beside.files == contents(VersionDir(exported))
    assert beside.files.keys() >= {"saved_model.pb", "variables/variables.index"}
    assert beside.version is None
    assert parse_spec(beside.processing) == run.spec.processing(run.config)
    assert "resize" not in beside.processing  # which neither has, and a gateway of before would refuse
    assert (beside.model, beside.labels, beside.run) == (run.spec.name, run.spec.labels, run.path.name)
    assert beside.metrics == run.evaluated.evaluation().metrics
    assert beside.data_sha256 == run.environment()["data"]["sha256"]
    assert _section(signatures, "tokenizer").decode() == (run.tokenizer() or "")
    assert _section(signatures, "nothing") == b""


def test_the_manifest_names_the_signatures_as_they_are(exported: Path, signatures: Any) -> None:
    named = Manifest.read(VersionDir(exported).manifest).signatures
    assert named.keys() == signatures.keys()
    for name, spec in named.items():
        function = signatures[name]
        assert _as_named(function.structured_input_signature[1]) == _as_named(spec.inputs)
        assert _as_named(function.structured_outputs) == _as_named(spec.outputs)


def _as_named(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """dtype names and shapes of TensorFlow's tensors or of the manifest's, a free dimension as -1."""
    return {
        name: (getattr(tensor.dtype, "name", tensor.dtype), [-1 if side is None else side for side in tensor.shape])
        for name, tensor in tensors.items()
    }


def test_goldens_are_what_a_client_sends_and_gets(run: Run, exported: Path, signatures: Any) -> None:
    import tensorflow as tf

    manifest = Manifest.read(VersionDir(exported).manifest)
    goldens = read_goldens(VersionDir(exported).golden)
    assert parse_goldens(_section(signatures, "golden")) == goldens
    assert len(goldens) >= 8
    assert all(golden.tolerance <= 1e-4 for golden in goldens)
    serve = signatures["serving_default"]
    for golden in goldens:
        inputs = {str(manifest.processing["input"]): tf.constant(_client_inputs(run, manifest, golden.body))}
        scores = serve(**inputs)["probabilities"][0].numpy()
        ranked = [{"label": manifest.labels[i], "score": float(scores[i])} for i in np.argsort(-scores)]
        answer: Any = ranked[:5] if golden.media_type == "image/png" else [ranked]
        assert difference(golden.expected, answer, golden.tolerance) is None, golden.name


def test_probabilities_have_the_temperature_of_the_evaluation_and_logits_have_none(
    run: Run, exported: Path, signatures: Any, tmp_path: Path
) -> None:
    """With another temperature: goldens, graph, warm-up and twin agree on it, or the export would be refused."""
    import tensorflow as tf

    made = trained(run)
    assert made.evidence is not None
    evaluation = made.evidence.evaluation
    assert isinstance(evaluation, Classification)
    assert Manifest.read(VersionDir(exported).manifest).temperature == evaluation.calibration.temperature
    calibration = evaluation.calibration.model_copy(update={"temperature": 2.5})
    evidence = replace(made.evidence, evaluation=evaluation.model_copy(update={"calibration": calibration}))
    export_version(replace(made, evidence=evidence), tmp_path / "export")
    manifest = Manifest.read(VersionDir(tmp_path / "export").manifest)
    assert manifest.temperature == 2.5
    assert manifest.digest != Manifest.read(VersionDir(exported).manifest).digest
    assert VersionDir(tmp_path / "export").twin.exists()
    hot = tf.saved_model.load(str(tmp_path / "export")).signatures["serving_default"]
    for golden in read_goldens(VersionDir(tmp_path / "export").golden):
        inputs = {str(manifest.processing["input"]): tf.constant(_client_inputs(run, manifest, golden.body))}
        logits = hot(**inputs)["logits"]
        np.testing.assert_allclose(logits, signatures["serving_default"](**inputs)["logits"], rtol=1e-5, atol=1e-5)
        scores = softmax(logits.numpy() / 2.5)[0]
        np.testing.assert_allclose(hot(**inputs)["probabilities"][0], scores, rtol=1e-5)
        expected: Any = golden.expected
        best = expected[0] if golden.media_type == "image/png" else expected[0][0]
        assert best["score"] == pytest.approx(float(scores.max()), abs=golden.tolerance)


def test_every_label_has_a_golden(run: Run, exported: Path) -> None:
    names = {golden.name for golden in read_goldens(VersionDir(exported).golden)}
    of_label = [example.label for example in run.evaluated.examples() if example.name in names]
    assert set(of_label) == set(run.spec.labels)
    assert Manifest.read(VersionDir(exported).manifest).goldens == {
        label: of_label.count(label) for label in run.spec.labels
    }


def test_solo_equals_batch_equals_keras(run: Run, exported: Path, signatures: Any) -> None:
    import tensorflow as tf

    manifest = Manifest.read(VersionDir(exported).manifest)
    rows = [_client_inputs(run, manifest, example.body)[0] for example in run.evaluated.examples()[:9]]
    longest = max(row.shape[0] for row in rows)
    batch = np.stack([np.pad(row, [(0, longest - row.shape[0])] + [(0, 0)] * (row.ndim - 1)) for row in rows])
    name = str(manifest.processing["input"])
    together = signatures["serving_default"](**{name: tf.constant(batch)})["logits"].numpy()
    alone = [signatures["serving_default"](**{name: tf.constant(row[np.newaxis])})["logits"].numpy()[0] for row in rows]
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(together, load_model(run).predict(batch, verbose=0), atol=1e-5, rtol=1e-5)


def test_only_operations_that_a_stock_model_server_has(exported: Path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    operations = {node.op for function in graph.library.function for node in function.node_def}
    assert operations
    assert not {name for name in operations if name.startswith("Xla") or "PyFunc" in name}


def test_weights_are_stored_once(run: Run, exported: Path) -> None:
    stored = sum(path.stat().st_size for path in (exported / "variables").iterdir())
    assert stored < 4 * load_model(run).count_params() + 20_000


@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_a_second_export_replaces_the_first_and_has_the_same_digest_and_another_date(
    run: Run, exported: Path, tmp_path: Path
) -> None:
    """With or without a twin."""
    target = VersionDir(Path(shutil.copytree(exported, tmp_path / "export")))
    before = Manifest.read(target.manifest)
    export_version(trained(run), target.path, runtime="saved_model")
    after = Manifest.read(target.manifest)
    assert after.digest == before.digest
    assert after.created > before.created
    assert VersionDir(exported).twin.exists()
    assert not target.twin.exists()


def test_it_can_be_published(exported: Path, tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    version = publish(store, exported)
    assert Manifest.read(version.manifest).version == 1
    assert "## Measured" in version.card.read_text()


@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_a_graph_that_answers_otherwise_than_keras_is_refused(run: Run, tmp_path: Path) -> None:
    """A layer that adds a thousandth in a graph, and nothing when Keras computes eagerly."""
    import keras
    import tensorflow as tf

    class Astray(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
        def call(self, logits: Any) -> Any:
            return logits if tf.executing_eagerly() else logits + 1e-3

    def build(config: Any) -> Any:
        model = run.spec.build(config)
        (given,), (logits,) = model.inputs, model.outputs
        return keras.Model(given, Astray()(logits))

    as_it_was = trained(run)
    unanswered = [example.model_copy(update={"answer": None}) for example in as_it_was.examples]  # they would tell it
    astray = replace(as_it_was, spec=replace(run.spec, build=build), examples=unanswered)
    with pytest.raises(ReloadError, match=r"serving_default of \w+-[\w-]+: logits differ by 1\.0e-03"):
        export_version(astray, tmp_path / "export", runtime="saved_model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_a_failed_export_leaves_the_old_one_and_nothing_else(
    run: Run, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fresh process finds no Python path, so it cannot confirm the answers."""
    target = tmp_path / "export"
    shutil.copytree(exported, target)
    (tmp_path / ".exporting-killed").mkdir()
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    with pytest.raises(ReloadError, match="nothing was exported"):
        export_version(trained(run), target, runtime="saved_model")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert Manifest.read(VersionDir(target).manifest) == Manifest.read(VersionDir(exported).manifest)
