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
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from export.agreement import Batches, held_out_rows
from export.archive import serving_function, signature_specs, write_classifier
from export.batch_safety import check_batch_safety, stranger_for, write_batching_parameters
from export.batches import pad_of
from export.card import model_card
from export.digest import answers_digest
from export.errors import TwinError
from export.evaluated import check_evaluated
from export.goldens import Answer, Array, CheckedGolden, make_goldens
from export.portability import check_portable
from export.reload import check_reload
from export.trained import Trained
from export.twin import write_twin
from export.warm_up import write_warm_up
from processing.request import preprocessing
from store.golden import dump_goldens, write_goldens
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
        ExportError: the weights, the goldens or the reloaded answers are not as they should be.
    """
    model = trained.spec.build(trained.config)
    model.load_weights(trained.weights)
    inputs = _input_spec(model, trained)
    processing = trained.spec.processing(trained.config)
    labels = trained.spec.labels

    def predict(batch: Array) -> NDArray[np.float32]:
        return np.asarray(model(batch, training=False))

    preprocess = preprocessing(processing, trained.tokenizer)
    check_evaluated(trained.examples, labels, trained.metrics, preprocess, predict)
    goldens = make_goldens(trained.examples, labels, processing, trained.tokenizer, predict)
    answer = serving_function(model, inputs)
    batching = check_batch_safety(answer, goldens, pad=pad_of(processing), stranger=stranger_for(processing, goldens))
    manifest = _manifest(trained, model, inputs).model_copy(update={"batching": batching})
    documents = {"manifest": manifest.document(), "golden": dump_goldens([checked.golden for checked in goldens])}
    if trained.tokenizer is not None:
        documents["tokenizer"] = trained.tokenizer.encode()
    for left in target.parent.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=target.parent) as folder:
        staging = Path(folder) / "version"
        write_classifier(staging, model, inputs, documents)
        check_portable(staging)
        _write_extra(VersionDir(staging), manifest, goldens)
        write_warm_up(VersionDir(staging).warm_up, manifest.model, inputs.name, goldens)
        write_batching_parameters(VersionDir(staging).batching_parameters, batching)
        if runtime == "litert":
            held_out = held_out_rows(trained, preprocess)
            _write_twin(VersionDir(staging), answer, goldens, documents, pad=pad_of(processing), held_out=held_out)
        check_reload(staging, Path(folder) / "checks.npz", inputs.name, goldens, documents)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)


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


def _write_extra(version: VersionDir, manifest: Manifest, goldens: Sequence[CheckedGolden]) -> None:
    requests = [checked.golden for checked in goldens]
    version.extra.mkdir()
    version.manifest.write_bytes(manifest.document())
    write_goldens(version.golden, requests)
    version.card.write_text(model_card(manifest, requests))


def _manifest(trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec") -> Manifest:
    spec = trained.spec
    processing = spec.processing(trained.config).model_dump(mode="json")
    return Manifest(
        model=spec.name,
        task=spec.task,
        description=spec.description,
        created=datetime.now(UTC),
        digest=answers_digest(
            serving_function(model, inputs).get_concrete_function(),
            [json.dumps([spec.task, spec.labels, processing]).encode(), (trained.tokenizer or "").encode()],
        ),
        origins=tuple(Origin(**asdict(origin)) for origin in spec.origins),
        data_sha256=trained.data_sha256,
        code_commit=trained.code_commit,
        frameworks={name: version(name) for name in ("keras", "tensorflow")},
        parameters=model.count_params(),
        signatures=signature_specs(inputs, len(spec.labels)),
        processing=processing,
        labels=spec.labels,
        metrics=tuple(trained.metrics),
        run=trained.run,
    )


def _input_spec(model: "keras.Model", trained: Trained) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=trained.spec.processing(trained.config).input)
