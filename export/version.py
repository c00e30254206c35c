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
from typing import TYPE_CHECKING, Any

import numpy as np

from export.archive import serving_function, signature_specs, write_classifier
from export.card import model_card
from export.digest import answers_digest
from export.errors import TwinError
from export.explain import EXPLAIN_SIGNATURE, check_explanations, explain_function
from export.goldens import CheckedGolden, make_goldens
from export.reload import check_reload
from export.trained import Trained
from export.twin import Answer, write_twin
from export.warm_up import write_warm_up
from models.spec import ModelSpec
from processing.spec import ImageSpec, TextSpec
from store.golden import dump_goldens, write_goldens
from store.layout import VersionDir
from store.manifest import Manifest, Origin

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_log = logging.getLogger(__name__)

_STAGING = ".exporting-"


def export_version(trained: Trained, target: Path) -> None:
    """Makes the folder `target`, which `store.publish` takes. It appears by a rename, after its answers were checked
    in a fresh process; an older export there is replaced. On failure `target` is as it was. One caller at a time:
    what a killed one left beside `target` is cleared away.

    Raises:
        ExportError: the weights, the goldens or the reloaded answers are not as they should be.
    """
    model = trained.spec.build(trained.config)
    model.load_weights(trained.weights)
    inputs = _input_spec(model, trained)
    processing = trained.spec.processing(trained.config)
    goldens = make_goldens(
        trained.examples,
        trained.spec.labels,
        processing,
        trained.tokenizer,
        lambda batch: np.asarray(model(batch, training=False)),
    )
    others = _other_signatures(trained.spec, model, inputs)
    manifest = _manifest(trained, model, inputs, others)
    documents = {"manifest": manifest.document(), "golden": dump_goldens([checked.golden for checked in goldens])}
    if trained.tokenizer is not None:
        documents["tokenizer"] = trained.tokenizer.encode()
    for left in target.parent.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=target.parent) as folder:
        staging = Path(folder) / "version"
        write_classifier(staging, model, inputs, documents, others)
        _write_extra(VersionDir(staging), manifest, goldens)
        write_warm_up(VersionDir(staging).warm_up, manifest.model, inputs.name, goldens)
        _write_twin(VersionDir(staging), serving_function(model, inputs), goldens, documents, processing)
        check_reload(staging, Path(folder) / "checks.npz", inputs.name, goldens, documents)
        if EXPLAIN_SIGNATURE in others:
            check_explanations(others[EXPLAIN_SIGNATURE], goldens)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)


def _other_signatures(spec: ModelSpec, model: "keras.Model", inputs: "tf.TensorSpec") -> dict[str, Any]:
    """A `tf.function` for each signature beside those that every version has."""
    return {} if isinstance(spec.explain, str) else {EXPLAIN_SIGNATURE: explain_function(spec.explain(model), inputs)}


def _write_twin(
    version: VersionDir,
    answer: Answer,
    goldens: Sequence[CheckedGolden],
    documents: Mapping[str, bytes],
    processing: ImageSpec | TextSpec,
) -> None:
    """With a warning where there can be none: model servers then run the SavedModel."""
    pad = processing.pad_id if isinstance(processing, TextSpec) else 0
    try:
        write_twin(version, answer, goldens, documents, pad=pad)
    except TwinError as exc:
        _log.warning("the version goes without a LiteRT twin: %s", exc)


def _write_extra(version: VersionDir, manifest: Manifest, goldens: Sequence[CheckedGolden]) -> None:
    requests = [checked.golden for checked in goldens]
    version.extra.mkdir()
    version.manifest.write_bytes(manifest.document())
    write_goldens(version.golden, requests)
    version.card.write_text(model_card(manifest, requests))


def _manifest(trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec", others: Mapping[str, Any]) -> Manifest:
    spec = trained.spec
    processing = spec.processing(trained.config).model_dump(mode="json")
    return Manifest(
        model=spec.name,
        task=spec.task,
        description=spec.description,
        created=datetime.now(UTC),
        digest=answers_digest(
            [function.get_concrete_function() for function in (serving_function(model, inputs), *others.values())],
            [json.dumps([spec.task, spec.labels, processing]).encode(), (trained.tokenizer or "").encode()],
        ),
        origins=tuple(Origin(**asdict(origin)) for origin in spec.origins),
        data_sha256=trained.data_sha256,
        code_commit=trained.code_commit,
        frameworks={name: version(name) for name in ("keras", "tensorflow")},
        parameters=model.count_params(),
        signatures=signature_specs(inputs, len(spec.labels), others),
        absent={EXPLAIN_SIGNATURE: spec.explain} if isinstance(spec.explain, str) else {},
        processing=processing,
        labels=spec.labels,
        metrics=tuple(trained.metrics),
        run=trained.run,
    )


def _input_spec(model: "keras.Model", trained: Trained) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=trained.spec.processing(trained.config).input)
