"""Parity: training-time, gateway-time and in-graph preprocessing give a model the same, on real held-out requests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.batches import batch_of, pad_of
from export.errors import ParityError, reason_of
from export.goldens import Array
from export.raw.signature import RAW_SIGNATURE, Raw
from export.trained import Trained
from processing.request import preprocessing
from processing.spec import AudioSpec, ExportedSpec, ImageSpec, LanguageSpec, SpeechSpec, TextSpec, TranslationSpec
from store.manifest import Parity

_TRAINING, _GATEWAY = "training", "gateway"


@dataclass(frozen=True)
class Tolerance:
    """How far two ways of preprocessing may lie apart: the mean over all numbers, and the largest of any."""

    unit: str
    mean: float
    largest: float


# Pixels leave room for another machine's arithmetic; a swapped channel or another resampling is far outside.
_PIXELS = Tolerance("levels", mean=1, largest=8)
_TOKEN_IDS = Tolerance("token ids", mean=0, largest=0)
# Samples leave room for the rounding of a mean over channels; a step of 16 bits is thirty times as large.
_SAMPLES = Tolerance("of full scale", mean=1e-7, largest=1e-6)
_ALLOWED: Mapping[type[ExportedSpec], Tolerance] = {
    ImageSpec: _PIXELS,
    TextSpec: _TOKEN_IDS,
    LanguageSpec: _TOKEN_IDS,
    TranslationSpec: _TOKEN_IDS,
    AudioSpec: _SAMPLES,
    SpeechSpec: _SAMPLES,
}


@dataclass(frozen=True)
class Comparison:
    """Two ways, compared: the figures for the manifest, and those of each input by name."""

    parity: Parity
    by_input: dict[str, tuple[float, float]]  # mean and largest


def check_parity(trained: Trained, processing: ExportedSpec, raw: Raw | None) -> list[Comparison]:
    """Compares training with the gateway, and the gateway with the graph where there is one.

    Raises:
        ParityError: they lie further apart than is allowed; or a way cannot be compared.
    """
    names = [example.name for example in trained.examples]
    bodies = [example.body for example in trained.examples]
    if len(trained.inputs) != len(bodies):
        raise ParityError(
            f"the run has {len(bodies)} examples and {len(trained.inputs)} inputs for them; measure it again with "
            "kmaas evaluate"
        )
    of_gateway = preprocessing(processing, trained.tokenizer)
    gateway = [of_gateway(body)[0] for body in bodies]
    comparisons = [_compared((_TRAINING, _GATEWAY), names, list(trained.inputs), gateway, processing)]
    if raw is not None:
        graph = list(_in_graph(raw, bodies))
        comparisons.append(_compared((_GATEWAY, RAW_SIGNATURE), names, gateway, graph, processing))
    return comparisons


def document(comparisons: Sequence[Comparison]) -> bytes:
    """`parity.json`: a list of the pairs, each with the mean and the largest difference of every input."""
    return json.dumps(
        [
            {
                **comparison.parity.model_dump(mode="json"),
                "by_input": {
                    name: {"mean": mean, "largest": largest} for name, (mean, largest) in comparison.by_input.items()
                },
            }
            for comparison in comparisons
        ],
        indent=1,
    ).encode()


def _in_graph(raw: Raw, bodies: Sequence[bytes]) -> Array:
    import tensorflow as tf

    try:
        return raw.preprocess(bodies)
    except tf.errors.OpError as exc:
        raise ParityError(
            f"{RAW_SIGNATURE} preprocessing refuses what the gateway takes: {reason_of(exc.message)}"
        ) from exc


def _compared(
    between: tuple[str, str],
    names: Sequence[str],
    ones: Sequence[Array],
    others: Sequence[Array],
    processing: ExportedSpec,
) -> Comparison:
    allowed = _ALLOWED[type(processing)]
    apart = {
        name: _differences(between, name, one, other, processing)
        for name, one, other in zip(names, ones, others, strict=True)
    }
    figures = {name: (float(values.mean()), float(values.max())) for name, values in apart.items()}
    mean = float(np.concatenate([values.ravel() for values in apart.values()]).mean())
    worst = max(figures, key=lambda name: (figures[name][1], figures[name][0]))
    largest = figures[worst][1]
    if largest > allowed.largest or mean > allowed.mean:
        differing, count = int(np.count_nonzero(apart[worst])), apart[worst].size
        raise ParityError(
            f"{between[0]} and {between[1]} preprocessing differ by {mean:.4g} {allowed.unit} on average and by "
            f"{largest:g} at most, in {worst} ({differing} of its {count} numbers); expected at most {allowed.mean:g} "
            f"and {allowed.largest:g}"
        )
    parity = Parity(
        between=between, inputs=len(names), unit=allowed.unit, mean=mean, largest=largest, allowed=allowed.largest
    )
    return Comparison(parity, figures)


def _differences(
    between: tuple[str, str], name: str, one: Array, other: Array, processing: ExportedSpec
) -> NDArray[np.float64]:
    """Absolute ones. What is padded to another length is the same."""
    if one.ndim == other.ndim == 1:
        one, other = batch_of([one, other], pad_of(processing))
    if one.shape != other.shape:
        raise ParityError(
            f"{between[0]} and {between[1]} preprocessing differ in {name}: shapes {one.shape} and {other.shape}"
        )
    return np.abs(one.astype(np.float64) - other)
