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

from export.archive import signature_specs
from export.batch_safety import check_records_together
from export.batches import pad_of
from export.digest import answers_digest
from export.errors import NotInGraphError, OtherLabelsError
from export.evaluated import check_evaluated
from export.explain import EXPLAIN_SIGNATURE, explain_function
from export.extra import documents_of
from export.goldens import Array, CheckedRequest
from export.kinds import Kind, kind_of
from export.parity import Comparison, check_parity
from export.raw.signature import RAW_SIGNATURE, Raw
from export.records import Record, make_records
from export.trained import Trained
from export.warm_up import warm_up_records
from models.example import Example
from models.traced import traced
from processing.request import preprocessing
from processing.spec import ExportedSpec, TranslationSpec
from store.manifest import Batching, Manifest, Origin

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """A version that can be written.

    Attributes:
        kind: what the model answers.
        preprocess: a request's body to that input, one row.
        serve: the `tf.function` behind `serving_default`.
        others: a `tf.function` for each signature beside those that every version has.
        records: what the trained model answers to the goldens, by signature.
        documents: what the `manifest` signature answers, by section.
        pad: what fills the shorter inputs of a batch of unequal ones.
        tracked: what the SavedModel must track of these signatures.
    """

    kind: Kind
    model: "keras.Model"
    preprocess: Callable[[bytes], Array]
    serve: Any
    others: Mapping[str, Any]
    goldens: Sequence[CheckedRequest]
    records: Mapping[str, Sequence[Record]]
    comparisons: Sequence[Comparison]
    batching: Batching
    documents: Mapping[str, bytes]
    pad: int
    tracked: Sequence[Any]


def draft(trained: Trained) -> Draft:
    """Loads the weights, chooses the goldens, and checks what can be checked so far.

    Raises:
        ExportError: the weights, the preprocessing, the labels or the goldens are not as they should be.
    """
    spec, kind = trained.spec, kind_of(trained)
    processing = kind.processing
    if trained.evidence is not None and trained.evidence.evaluation.labels != kind.ranked:
        raise OtherLabelsError(kind.ranked, trained.evidence.evaluation.labels)
    model = spec.build(trained.config)
    model.load_weights(trained.weights)

    def predict(batch: Array) -> NDArray[np.float32]:
        return np.asarray(model(batch, training=False))  # no graph: with this the graph is compared

    raw, absent = _raw(processing, trained.tokenizer)
    comparisons = check_parity(trained, processing, raw)
    preprocess = preprocessing(processing, trained.tokenizer)
    judged = () if spec.multi_label else kind.ranked  # of several labels any may lead
    check_evaluated(trained.examples, judged, trained.metrics, preprocess, traced(model))
    goldens = kind.goldens(model, predict)
    inputs = _input_spec(model, processing.input)
    serve, pad = kind.serving(model, inputs), pad_of(processing)
    batching = kind.check_batches(serve, goldens)
    others, unexplained = _other_signatures(kind, model, inputs, raw)
    records = make_records(goldens, inputs.name, serve, raw, others.get(EXPLAIN_SIGNATURE))
    further = kind.further(model, inputs)
    others |= further
    records |= kind.further_records(further, goldens)
    tracked = list(raw.tracked) if raw else []
    keeping = kind.keeping(model, serve, goldens)
    if keeping:
        others |= keeping.functions
        tracked += keeping.tracked
        for record in keeping.records:
            records.setdefault(record.signature, []).append(record)
    for signature, function in others.items():
        check_records_together(function, records.get(signature, ()))
    found = {
        "absent": absent | unexplained,
        "parity": tuple(comparison.parity for comparison in comparisons),
        "batching": batching,
        "cache": keeping.cache if keeping else None,
        "recorded": sum(1 for record in warm_up_records(records, goldens, slow=kind.slow) if record.outputs),
        "goldens": _by_label(goldens, trained.examples),
    }
    manifest = _manifest(kind, model, inputs, others).model_copy(update=found)
    documents = documents_of(manifest, goldens, trained)
    return Draft(
        kind, model, preprocess, serve, others, goldens, records, comparisons, batching, documents, pad, tracked
    )


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
    kind: Kind, model: "keras.Model", inputs: "tf.TensorSpec", raw: Raw | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """A `tf.function` for each signature beside those that every version has; and why there is no `explain`."""
    others, why = {}, {}
    if raw is not None:
        others[RAW_SIGNATURE] = raw.function(kind.serving(model, inputs))
    explain = kind.trained.spec.explain
    if isinstance(explain, str):
        why[EXPLAIN_SIGNATURE] = explain
    else:
        others[EXPLAIN_SIGNATURE] = explain_function(explain(model), inputs)
    return others, why


def _manifest(kind: Kind, model: "keras.Model", inputs: "tf.TensorSpec", others: Mapping[str, Any]) -> Manifest:
    trained, spec = kind.trained, kind.trained.spec
    serve = kind.serving(model, inputs)
    processing = kind.processing.model_dump(mode="json", exclude_none=True)  # so that older gateways read it, too
    several = ["multi_label"] if spec.multi_label else []
    template = [trained.chat_template.encode()] if trained.chat_template is not None else []
    return Manifest(
        model=spec.name,
        task=spec.task,
        description=spec.description,
        created=datetime.now(UTC),
        digest=answers_digest(
            [function.get_concrete_function() for function in (serve, *others.values())],
            [
                json.dumps([spec.task, spec.labels, processing, *several]).encode(),
                (trained.tokenizer or "").encode(),
                *template,
            ],
        ),
        origins=tuple(Origin(**asdict(origin)) for origin in spec.origins),
        data_sha256=trained.data_sha256,
        code_commit=trained.code_commit,
        frameworks={name: version(name) for name in ("keras", "tensorflow")},
        parameters=model.count_params(),
        signatures=signature_specs(serve, others),
        processing=processing,
        labels=spec.labels,
        multi_label=spec.multi_label,
        languages=(kind.processing.source,) if isinstance(kind.processing, TranslationSpec) else spec.languages,
        metrics=tuple(trained.metrics),
        robustness=trained.evidence.evaluation.robustness.metrics if trained.evidence else (),
        temperature=trained.temperature,
        run=trained.run,
    )


def _input_spec(model: "keras.Model", name: str) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
