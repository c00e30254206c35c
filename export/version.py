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
from typing import TYPE_CHECKING

import numpy as np

from export.archive import serving_function, signature_specs, write_classifier
from export.card import markdown, page
from export.digest import answers_digest
from export.errors import TwinError
from export.evidence import model_card
from export.goldens import CheckedGolden, make_goldens
from export.reload import check_reload
from export.trained import Evidence, Trained
from export.twin import Answer, write_twin
from export.warm_up import write_warm_up
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
        temperature=trained.temperature,
    )
    manifest = _manifest(trained, model, inputs)
    documents = _documents(trained, manifest, goldens)
    for left in target.parent.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=target.parent) as folder:
        staging = Path(folder) / "version"
        write_classifier(staging, model, inputs, documents, temperature=trained.temperature)
        _write_extra(VersionDir(staging), goldens, documents)
        _write_evidence(VersionDir(staging), trained.evidence)
        write_warm_up(VersionDir(staging).warm_up, manifest.model, inputs.name, goldens)
        answer = serving_function(model, inputs, trained.temperature)
        _write_twin(VersionDir(staging), answer, goldens, documents, processing)
        check_reload(staging, Path(folder) / "checks.npz", inputs.name, goldens, documents)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)


def _documents(trained: Trained, manifest: Manifest, goldens: Sequence[CheckedGolden]) -> dict[str, bytes]:
    """What the `manifest` signature answers, by section."""
    card = model_card(manifest, len(goldens), trained)
    plots = trained.evidence.plots if trained.evidence else {}
    documents = {
        "manifest": manifest.document(),
        "golden": dump_goldens([checked.golden for checked in goldens]),
        "card": markdown(card).encode(),
        "card_html": page(card, {name: path.read_bytes() for name, path in plots.items()}).encode(),
    }
    if trained.tokenizer is not None:
        documents["tokenizer"] = trained.tokenizer.encode()
    return documents


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


def _write_extra(version: VersionDir, goldens: Sequence[CheckedGolden], documents: Mapping[str, bytes]) -> None:
    version.extra.mkdir()
    version.manifest.write_bytes(documents["manifest"])
    write_goldens(version.golden, [checked.golden for checked in goldens])
    version.card.write_bytes(documents["card"])
    version.page.write_bytes(documents["card_html"])


def _write_evidence(version: VersionDir, evidence: Evidence | None) -> None:
    """What the card was made from, so that two versions can be compared."""
    if evidence is None:
        return
    evidence.held_out.write(version.held_out)
    shutil.copyfile(evidence.measured, version.evaluation)
    version.plots.mkdir()
    for name, path in evidence.plots.items():
        shutil.copyfile(path, version.plots / f"{name}.png")


def _manifest(trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec") -> Manifest:
    spec = trained.spec
    processing = spec.processing(trained.config).model_dump(mode="json")
    return Manifest(
        model=spec.name,
        task=spec.task,
        description=spec.description,
        created=datetime.now(UTC),
        digest=answers_digest(
            serving_function(model, inputs, trained.temperature).get_concrete_function(),
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
        robustness=trained.evidence.evaluation.robustness.metrics if trained.evidence else (),
        temperature=trained.temperature,
        run=trained.run,
    )


def _input_spec(model: "keras.Model", trained: Trained) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=trained.spec.processing(trained.config).input)
