"""A version before it is written: what it is made of, and every check that needs no files."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from export.archive import embedding_function, serving_function, signature_specs
from export.batch_safety import check_batch_safety, check_records_together, stranger_for
from export.batches import pad_of
from export.digest import answers_digest
from export.errors import NotInGraphError, OtherLabelsError
from export.evaluated import check_evaluated
from export.explain import EXPLAIN_SIGNATURE, explain_function
from export.extra import documents_of
from export.goldens import Array, CheckedRequest, make_goldens, make_vector_goldens
from export.parity import Comparison, check_parity
from export.raw.signature import RAW_SIGNATURE, Raw
from export.records import Record, make_records
from export.trained import Trained
from export.warm_up import warm_up_records
from models.example import Example
from processing.request import preprocessing
from processing.spec import ExportedSpec
from store.manifest import Batching, Manifest, Origin

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """A version that can be written.

    Attributes:
        preprocess: a request's body to that input, one row.
        serve: the `tf.function` behind `serving_default`.
        raw: the in-graph preprocessing, None where there is none.
        others: a `tf.function` for each signature beside those that every version has.
        records: what the trained model answers to the goldens, by signature.
        documents: what the `manifest` signature answers, by section.
        pad: what fills the shorter inputs of a batch of unequal ones.
    """

    model: "keras.Model"
    preprocess: Callable[[bytes], Array]
    serve: Any
    raw: Raw | None
    others: Mapping[str, Any]
    goldens: Sequence[CheckedRequest]
    records: Mapping[str, Sequence[Record]]
    comparisons: Sequence[Comparison]
    batching: Batching
    documents: Mapping[str, bytes]
    pad: int


def draft(trained: Trained) -> Draft:
    """Loads the weights, chooses the goldens, and checks what can be checked so far.

    Raises:
        ExportError: the weights, the preprocessing, the labels or the goldens are not as they should be.
    """
    spec, processing = trained.spec, trained.spec.processing(trained.config)
    if trained.evidence is not None and trained.evidence.evaluation.labels != spec.labels:
        raise OtherLabelsError(spec.labels, trained.evidence.evaluation.labels)
    model = spec.build(trained.config)
    model.load_weights(trained.weights)

    def predict(batch: Array) -> NDArray[np.float32]:
        return np.asarray(model(batch, training=False))

    raw, absent = _raw(processing, trained.tokenizer)
    comparisons = check_parity(trained, processing, raw)
    preprocess = preprocessing(processing, trained.tokenizer)
    check_evaluated(trained.examples, spec.labels, trained.metrics, preprocess, predict)
    goldens = _goldens(trained, processing, predict)
    inputs = _input_spec(model, processing.input)
    serve, pad = _serving(trained, model, inputs), pad_of(processing)
    batching = check_batch_safety(serve, goldens, pad=pad, stranger=stranger_for(processing, goldens))
    others, unexplained = _other_signatures(trained, model, inputs, raw)
    records = make_records(goldens, inputs.name, serve, raw, others.get(EXPLAIN_SIGNATURE))
    for signature, function in others.items():
        check_records_together(function, records[signature])
    found = {
        "absent": absent | unexplained,
        "parity": tuple(comparison.parity for comparison in comparisons),
        "batching": batching,
        "recorded": sum(1 for record in warm_up_records(records, goldens) if record.outputs),
        "goldens": _by_label(goldens, trained.examples),
    }
    manifest = _manifest(trained, model, inputs, others).model_copy(update=found)
    documents = documents_of(manifest, goldens, trained)
    return Draft(model, preprocess, serve, raw, others, goldens, records, comparisons, batching, documents, pad)


def _goldens(
    trained: Trained, processing: ExportedSpec, predict: Callable[[Array], NDArray[np.float32]]
) -> Sequence[CheckedRequest]:
    if not trained.spec.labels:
        return make_vector_goldens(trained.examples, processing, trained.tokenizer, predict)
    return make_goldens(
        trained.examples,
        trained.spec.labels,
        processing,
        trained.tokenizer,
        predict,
        temperature=trained.temperature,
    )


def _serving(trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
    """A fresh `tf.function` behind `serving_default`."""
    if not trained.spec.labels:
        return embedding_function(model, inputs)
    return serving_function(model, inputs, trained.temperature)


def _by_label(goldens: Sequence[CheckedRequest], examples: Sequence[Example]) -> dict[str, int]:
    labels = {example.name: example.label for example in examples}
    return dict(Counter(labels[checked.golden.name] for checked in goldens))


def _raw(processing: ExportedSpec, tokenizer: str | None) -> tuple[Raw | None, dict[str, str]]:
    """The in-graph preprocessing, or why there is none: a version without it still serves."""
    try:
        return Raw(processing, tokenizer), {}
    except NotInGraphError as exc:
        _log.warning("the version goes without the signature %s: %s", RAW_SIGNATURE, exc)
        return None, {RAW_SIGNATURE: str(exc)}


def _other_signatures(
    trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec", raw: Raw | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """A `tf.function` for each signature beside those that every version has; and why there is no `explain`."""
    others, why = {}, {}
    if raw is not None:
        others[RAW_SIGNATURE] = raw.function(_serving(trained, model, inputs))
    explain = trained.spec.explain
    if isinstance(explain, str):
        why[EXPLAIN_SIGNATURE] = explain
    else:
        others[EXPLAIN_SIGNATURE] = explain_function(explain(model), inputs)
    return others, why


def _manifest(trained: Trained, model: "keras.Model", inputs: "tf.TensorSpec", others: Mapping[str, Any]) -> Manifest:
    spec = trained.spec
    serve = _serving(trained, model, inputs)
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
        signatures=signature_specs(serve, others),
        processing=processing,
        labels=spec.labels,
        metrics=tuple(trained.metrics),
        robustness=trained.evidence.evaluation.robustness.metrics if trained.evidence else (),
        temperature=trained.temperature,
        run=trained.run,
    )


def _input_spec(model: "keras.Model", name: str) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
