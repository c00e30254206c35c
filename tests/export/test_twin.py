"""A twin is exported when it answers as the trained model, else the version goes without."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.errors import TwinError
from export.goldens import Array, CheckedGolden
from export.twin import write_twin
from export.version import export_version
from kmaas.stages import trained
from store.golden import Golden
from store.layout import VersionDir
from store.twin import Twin
from tests.support import twins
from training.run import Run


def test_an_export_has_a_twin_with_the_documents_of_the_manifest_signature(run: Run, exported: Path) -> None:
    version = VersionDir(exported)
    twin = Twin.read(version.twin)
    assert twin.signatures == ("serving_default",)
    assert {path.name for path in version.twin.iterdir()} == {"runtime.json", *twin.sha256}
    for name, digest in twin.sha256.items():
        assert hashlib.sha256((version.twin / name).read_bytes()).hexdigest() == digest
    assert twin.agreement is not None
    assert twin.agreement.rows == len(run.evaluated.examples()) + len(run.evaluated.sample().truth)
    assert twin.agreement.largest <= twin.tolerance
    assert twin.agreement.accuracy == pytest.approx(twin.agreement.accuracy_of_model, abs=0.002)
    assert twin.speed is not None
    assert twin.speed.ratio >= 1.1
    documents = json.loads((version.twin / twin.documents["manifest"]).read_text())
    assert documents.keys() == {"manifest", "golden", "card", "card_html"} | (
        {"tokenizer"} if run.tokenizer() else set()
    )


def _golden(length: int) -> CheckedGolden:
    ids = np.arange(1, length + 1, dtype=np.int32)[np.newaxis]
    return CheckedGolden(Golden.of("g", "application/json", b"{}", [], 1e-4), ids, np.zeros((1, 3), np.float32))


@pytest.mark.parametrize(("differs_from", "sizes"), [(1, "batches of 1 "), (3, "batches of 3 ")])
def test_a_twin_that_answers_otherwise_is_not_kept(tmp_path: Path, differs_from: int, sizes: str) -> None:
    """The model's answer is taken from another twin, and changed for batches of that size."""
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # it ships no types

    version = twins.put(tmp_path / "1")
    run = Interpreter(model_content=(version.twin / "model.tflite").read_bytes()).get_signature_runner()

    def answer(batch: Array) -> Mapping[str, Array]:
        answers: Mapping[str, Array] = run(token_ids=batch)
        return {name: values + np.float32(2e-4 * (len(batch) == differs_from)) for name, values in answers.items()}

    for path in version.twin.iterdir():
        path.unlink()
    version.twin.rmdir()
    with pytest.raises(TwinError, match=rf"in {sizes}its (logits|probabilities) differ by 2\.0e-04, expected at most"):
        write_twin(version, answer, [_golden(length) for length in (1, 4, 2)], twins.DOCUMENTS, pad=0)
    assert not version.twin.exists()


@pytest.mark.parametrize("run", ["sentiment"], indirect=True)
def test_a_model_that_cannot_be_converted_is_exported_without_a_twin(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import keras
    import tensorflow as tf

    class Unconvertible(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
        def call(self, logits: Any) -> Any:
            square = logits[:, :, tf.newaxis] * logits[:, tf.newaxis, :]
            return logits + 0 * tf.linalg.det(square)[:, tf.newaxis]

    def build(config: Any) -> Any:
        model = run.spec.build(config)
        (given,), (logits,) = model.inputs, model.outputs
        return keras.Model(given, Unconvertible()(logits))

    export_version(
        replace(trained(run), spec=replace(run.spec, build=build, explain="no gradient")), tmp_path / "export"
    )
    assert not VersionDir(tmp_path / "export").twin.exists()
    assert "the version goes without a LiteRT twin: it cannot be converted: " in caplog.text
