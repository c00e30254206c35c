"""A model of sounds by construction: `pitch`, whether a tone is low or high."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from processing.spec import AudioSpec
from store.golden import Golden
from store.manifest import Manifest, SignatureSpec, TensorSpec
from tests.support.recordings import wav
from tests.support.small_text_models import write_version

RATE = 8000
LABELS = ("low", "high")

_CLEAR = 8.0  # between the logits of a tone that is all of one label


def tone(hz: float, *, rate: int = RATE, seconds: float = 0.3, channels: int = 1, width: int = 2) -> bytes:
    """A WAV file."""
    samples = 0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)
    return wav(np.repeat(samples[:, np.newaxis], channels, axis=1), rate, width=width)


def write_pitch(folder: Path, manifest_of: Callable[..., Manifest]) -> None:
    import tensorflow as tf

    def serve(samples: Any) -> dict[str, Any]:
        """By the share of the loudness that is in its steps from one sample to the next."""
        steps = tf.reduce_mean(tf.abs(samples[:, 1:] - samples[:, :-1]), axis=1)
        share = tf.math.divide_no_nan(steps, tf.reduce_mean(tf.abs(samples), axis=1))
        high = _CLEAR * tf.sign(share - 0.5)
        logits = tf.stack([tf.zeros_like(high), high], axis=1)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    given = tf.TensorSpec([None, None], tf.float32, name="samples")
    scores = TensorSpec(dtype="float32", shape=(-1, len(LABELS)))
    samples = TensorSpec(dtype="float32", shape=(-1, -1))
    manifest = manifest_of(
        "pitch",
        "audio-classification",
        {},
        LABELS,
        digest="sha256:pitch",
        parameters=0,
        processing=AudioSpec(sample_rate=RATE).model_dump(),
        signatures={
            "serving_default": SignatureSpec(
                inputs={"samples": samples}, outputs={"logits": scores, "probabilities": scores}
            )
        },
    )
    sure = float(1 / (1 + np.exp(-_CLEAR)))
    expected: JsonValue = [{"label": "high", "score": sure}, {"label": "low", "score": 1 - sure}]
    golden = Golden.of("high", "audio/wav", tone(2000), expected, 1e-4)
    write_version(folder, tf.function(serve, input_signature=[given]), [], manifest, goldens=[golden], documents={})


def write_all(target: Path, manifest_of: Callable[..., Manifest]) -> None:
    write_pitch(target / "pitch", manifest_of)
