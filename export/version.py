"""Assembles a version from a trained model: SavedModel, manifest, goldens, card; checked before it counts."""

import json
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from export.agreement import Batches, held_out_rows
from export.archive import serving_function, signature_specs, write_classifier
from export.batch_safety import check_batch_safety, stranger_for, write_batching_parameters
from export.batches import pad_of
from export.digest import answers_digest
from export.errors import NotInGraphError, TwinError
from export.evaluated import check_evaluated
from export.explain import EXPLAIN_SIGNATURE, check_explanations, explain_function
from export.extra import documents_of, write_evidence, write_extra
from export.goldens import Answer, Array, CheckedGolden, make_goldens
from export.parity import check_parity
from export.portability import check_portable
from export.raw.signature import RAW_SIGNATURE, Raw
from export.reload import RawCheck, check_reload
from export.trained import Trained
from export.twin import write_twin
from export.warm_up import write_warm_up
from processing.request import preprocessing
from processing.spec import ImageSpec, TextSpec
from store.layout import VersionDir
from store.manifest import Manifest, Origin

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_log = logging.getLogger(__name__)

_STAGING = ".exporting-"

Runtime = Literal["litert", "saved_model"]


def export_version(trained: Trained, target: Path, *, runtime: Runtime = "litert") -> None:
    """Makes the folder `target`, which `store.publish` takes. It appears by a rename, after its answers were checked
    in a fresh process; an older export there is replaced. On failure `target` is as it was. One caller at a time:
    what a killed one left beside `target` is cleared away.

    Args:
        runtime: `litert`: with a twin for CPUs, if it answers alike and faster; `saved_model`: without.

    Raises:
        ExportError: the weights, the preprocessing, the goldens or the reloaded answers are not as they should be.
    """
    model = trained.spec.build(trained.config)
    model.load_weights(trained.weights)
    inputs = _input_spec(model, trained)
    processing = trained.spec.processing(trained.config)
    labels = trained.spec.labels

    def predict(batch: Array) -> NDArray[np.float32]:
        return np.asarray(model(batch, training=False))

    raw, absent = _raw(processing, trained.tokenizer)
    compared = check_parity(trained, processing, raw)
    preprocess = preprocessing(processing, trained.tokenizer)
    check_evaluated(trained.examples, labels, trained.metrics, preprocess, predict)
    goldens = make_goldens(
        trained.examples, labels, processing, trained.tokenizer, predict, temperature=trained.temperature
    )
    answer = serving_function(model, inputs, trained.temperature)
    batching = check_batch_safety(answer, goldens, pad=pad_of(processing), stranger=stranger_for(processing, goldens))
    others, why = _other_signatures(trained, model, inputs, raw)
    manifest = _manifest(trained, model, inputs, others).model_copy(
        update={
            "absent": absent | why,
            "parity": tuple(comparison.parity for comparison in compared),
            "batching": batching,
        }
    )
    documents = documents_of(manifest, goldens, trained)
    for left in target.parent.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=target.parent) as folder:
        staging = Path(folder) / "version"
        tracked = raw.tracked if raw else ()
        write_classifier(staging, model, inputs, documents, others, tracked=tracked, temperature=trained.temperature)
        check_portable(staging)
        write_extra(VersionDir(staging), goldens, documents, compared)
        write_evidence(VersionDir(staging), trained.evidence)
        write_warm_up(VersionDir(staging).warm_up, manifest.model, inputs.name, goldens)
        write_batching_parameters(VersionDir(staging).batching_parameters, batching)
        if runtime == "litert":
            held_out = held_out_rows(trained, preprocess)
            _write_twin(VersionDir(staging), answer, goldens, documents, pad=pad_of(processing), held_out=held_out)
        raw_check = _raw_check(answer, raw, goldens)
        check_reload(staging, Path(folder) / "checks.npz", inputs.name, goldens, documents, raw=raw_check)
        if EXPLAIN_SIGNATURE in others:
            check_explanations(others[EXPLAIN_SIGNATURE], goldens)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)


def _raw(processing: ImageSpec | TextSpec, tokenizer: str | None) -> tuple[Raw | None, dict[str, str]]:
    """The in-graph preprocessing, or why there is none: a version without it still serves."""
    try:
        return Raw(processing, tokenizer), {}
    except NotInGraphError as exc:
        _log.warning("the version goes without the signature %s: %s", RAW_SIGNATURE, exc)
        return None, {RAW_SIGNATURE: str(exc)}


def _raw_check(answer: Answer, raw: Raw | None, goldens: Sequence[CheckedGolden]) -> RawCheck | None:
    """The goldens as requests to `raw`, with the trained model's answers to what the graph makes of them."""
    if raw is None:
        return None
    bodies = [checked.golden.body for checked in goldens]
    return RawCheck(raw.input, raw.given(bodies), answer(raw.preprocess(bodies)))


def _other_signatures(
    trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec", raw: Raw | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """A `tf.function` for each signature beside those that every version has; and why there is no `explain`."""
    others, why = {}, {}
    if raw is not None:
        others[RAW_SIGNATURE] = raw.function(serving_function(model, inputs, trained.temperature))
    explain = trained.spec.explain
    if isinstance(explain, str):
        why[EXPLAIN_SIGNATURE] = explain
    else:
        others[EXPLAIN_SIGNATURE] = explain_function(explain(model), inputs)
    return others, why


def _write_twin(
    version: VersionDir,
    answer: Answer,
    goldens: Sequence[CheckedGolden],
    documents: Mapping[str, bytes],
    *,
    pad: int,
    held_out: Batches,
) -> None:
    """With a warning where there can be none: model servers then run the SavedModel."""
    try:
        write_twin(version, answer, goldens, documents, pad=pad, held_out=held_out, to_win=True)
    except TwinError as exc:
        _log.warning("the version goes without a LiteRT twin: %s", exc)


def _manifest(trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec", others: Mapping[str, Any]) -> Manifest:
    spec = trained.spec
    serve = serving_function(model, inputs, trained.temperature)
    processing = spec.processing(trained.config).model_dump(mode="json")
    return Manifest(
        model=spec.name,
        task=spec.task,
        description=spec.description,
        created=datetime.now(UTC),
        digest=answers_digest(
            [function.get_concrete_function() for function in (serve, *others.values())],
            [json.dumps([spec.task, spec.labels, processing]).encode(), (trained.tokenizer or "").encode()],
        ),
        origins=tuple(Origin(**asdict(origin)) for origin in spec.origins),
        data_sha256=trained.data_sha256,
        code_commit=trained.code_commit,
        frameworks={name: version(name) for name in ("keras", "tensorflow")},
        parameters=model.count_params(),
        signatures=signature_specs(inputs, len(spec.labels), others),
        processing=processing,
        labels=spec.labels,
        metrics=tuple(trained.metrics),
        robustness=trained.evidence.evaluation.robustness.metrics if trained.evidence else (),
        temperature=trained.temperature,
        run=trained.run,
    )


def _input_spec(model: "keras.Model", trained: Trained) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=trained.spec.processing(trained.config).input)
