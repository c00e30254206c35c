"""Warm-up requests of a version, made from its goldens: TensorFlow Serving replays them before the version serves.

They carry the answers too, by which the embedded server proves a version, and its twin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from export.archive import MANIFEST_SIGNATURE, SERVING_SIGNATURE
from export.explain import EXPLAIN_SIGNATURE
from export.goldens import CheckedGolden, CheckedRequest
from export.raw.signature import RAW_SIGNATURE
from export.records import Record, strings
from store.layout import MOST_WARM_UP
from store.manifest import (
    ALIGN_SIGNATURE,
    BEAM_SIGNATURE,
    EMBED_SIGNATURE,
    KEEPING_SIGNATURES,
    LANDMARKS_SIGNATURE,
    STEER_SIGNATURE,
)
from wire import messages
from wire.tensors import write_proto

_FEWER = {
    RAW_SIGNATURE: 8,
    EXPLAIN_SIGNATURE: 2,
    BEAM_SIGNATURE: 1,
    STEER_SIGNATURE: 1,
    ALIGN_SIGNATURE: 1,
}  # requests of signatures that are dearer
_CHIPS = {LANDMARKS_SIGNATURE: 4, EMBED_SIGNATURE: 4}  # of signatures that some goldens have no request to
_ONLY_WARM = frozenset({BEAM_SIGNATURE, ALIGN_SIGNATURE})


def warm_up_records(
    made: Mapping[str, Sequence[Record]], goldens: Sequence[CheckedRequest], *, slow: bool = False
) -> list[Record]:
    """Those of `made`, the answers to all goldens by signature, that a version carries: some of each signature.

    Of a model that is `slow` there is one beside those of `serving_default`: whoever loads it waits for all of them.

    Those of `manifest` and `beam` have no answer: they only warm. What documents say is proved by the gateway, which
    reads them; which of two nearly equal beams goes on is a matter of another machine's rounding, and how much more a
    place is looked at than others, where all are looked at alike, is too.
    """
    clearest = _clearest(goldens)
    fewer = [
        replace(made[signature][position], outputs={}) if signature in _ONLY_WARM else made[signature][position]
        for signature, count in _FEWER.items()
        if signature in made
        for position in clearest[: 1 if slow else count]
    ]
    fewer += [record for signature, count in _CHIPS.items() for record in made.get(signature, ())[:count]]
    fewer += [record for signature in sorted(KEEPING_SIGNATURES) for record in made.get(signature, ())]
    fewer.append(Record("manifest", MANIFEST_SIGNATURE, {"section": strings(b"manifest")}, {}))
    return [*made[SERVING_SIGNATURE][: MOST_WARM_UP - len(fewer)], *fewer]


def write_warm_up(path: Path, model: str, records: Sequence[Record]) -> None:
    """A TFRecord file of `PredictionLog`s, each with a request, and a response where there is an answer."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            log = messages.PredictionLog()
            request, response = log.predict_log.request, log.predict_log.response
            request.model_spec.name, request.model_spec.signature_name = model, record.signature
            for alias, array in record.inputs.items():
                write_proto(array, request.inputs[alias])
            if record.outputs:
                response.model_spec.CopyFrom(request.model_spec)
            for alias, array in record.outputs.items():
                write_proto(array, response.outputs[alias])
            writer.write(log.SerializeToString())


def _clearest(goldens: Sequence[CheckedRequest]) -> list[int]:
    """Their positions: first one of each kind, a media type with the label that is answered first; then others.

    Those come first whose label leads by far: there rounding on another machine matters least. Vectors have no label.
    """
    by_lead = sorted(range(len(goldens)), key=lambda position: -_lead(goldens[position]))
    first: dict[tuple[str, int], int] = {}
    for position in by_lead:
        first.setdefault((goldens[position].golden.media_type, _label(goldens[position])), position)
    return [*first.values(), *(position for position in by_lead if position not in first.values())]


def _label(checked: CheckedRequest) -> int:
    return int(checked.logits.argmax()) if isinstance(checked, CheckedGolden) else 0


def _lead(checked: CheckedRequest) -> float:
    if not isinstance(checked, CheckedGolden):
        return 0.0
    *_, second, first = np.sort(checked.logits[0])
    return float(first - second)
