"""A small real model of recordings, and what its export needs: is a tone low or high? Right by construction."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from export.trained import Trained
from models.example import Example
from models.spec import LearningRates, ModelSpec, Origin, TrainConfig
from processing.audio import decode
from processing.spec import AudioSpec
from store.manifest import Metric
from tests.support.recordings import wav

if TYPE_CHECKING:
    import keras

RATE = 8000
LABELS = ("low", "high")

_HZ = (250.0, 1000.0)
_WINDOW = 64  # samples, in which both tones have whole periods
_EXAMPLES = 72
_CONFIG = TrainConfig(seed=0, epochs=1, batch_size=1, optimizer="sgd", learning_rate=LearningRates(adam=1, sgd=1))


def build(_config: TrainConfig) -> "keras.Model":
    """The loudest window of each tone: silence behind a recording is never louder."""
    import keras
    from keras import layers

    samples = keras.Input((None,), name="samples")
    ended = layers.ZeroPadding1D((0, _WINDOW - 1))(layers.Reshape((-1, 1))(samples))
    tones = layers.Conv1D(4, _WINDOW, strides=_WINDOW // 2, activation="relu", use_bias=False, name="tones")
    loudest = layers.GlobalMaxPooling1D()(tones(ended))
    return keras.Model(samples, layers.Dense(len(LABELS), use_bias=False, name="logits")(loudest))


def spec(**changes: Any) -> ModelSpec:
    facts: dict[str, Any] = {
        "name": "tones",
        "task": "audio-classification",
        "description": "Whether a tone is low or high.",
        "intended_use": "Tests.",
        "limits": (),
        "labels": LABELS,
        "origins": (Origin(licence="CC0-1.0", source="made up"),),
        "config": TrainConfig,
        "build": build,
        "processing": lambda _config: AudioSpec(sample_rate=RATE),
    }
    return ModelSpec(**facts | changes)


def recordings(count: int = _EXAMPLES) -> list[tuple[str, bytes]]:
    """With their labels, in turns: of all widths, one to three channels that differ, 1 to 3,000 samples behind the
    first 200, of all loudnesses, with some noise."""
    rng = np.random.default_rng(4)
    made = []
    for number in range(count):
        times = np.arange(200 + int(rng.integers(1, 3000))) / RATE
        tone = np.sin(2 * np.pi * (_HZ[number % 2] * times + rng.random()))
        gains = rng.uniform(0.1, 0.9, 1 + number % 3)
        frames = tone[:, np.newaxis] * gains + rng.normal(0, 0.01, (len(times), len(gains)))
        made.append((LABELS[number % 2], wav(frames, RATE, width=1 + number // 2 % 4)))
    return made


def trained(folder: Path, **changes: Any) -> Trained:
    """As if by a run, with its weights in `folder`. `changes` are of the catalogue's entry."""
    entry = spec(**changes)
    model = entry.build(_CONFIG)
    _put_weights(model)
    weights = folder / "tones.weights.h5"
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        model.save_weights(weights)
    examples = [
        Example.of(f"{label}-{number}", "audio/wav", body, label) for number, (label, body) in enumerate(recordings())
    ]
    return Trained(
        spec=entry,
        config=_CONFIG,
        weights=weights,
        tokenizer=None,
        examples=examples,
        inputs=_padded([decode(example.body, sample_rate=RATE, max_seconds=1) for example in examples]),
        metrics=[Metric(name="accuracy", value=1, data="made up", rows=len(examples))],
        data_sha256="0" * 64,
        code_commit="c0ffee",
        run="made-up",
    )


def _put_weights(model: "keras.Model") -> None:
    phases = 2 * np.pi * np.outer(np.arange(_WINDOW), _HZ) / RATE
    waves = np.concatenate([np.sin(phases), np.cos(phases)], axis=1).astype(np.float32) / _WINDOW
    model.get_layer("tones").set_weights([waves[:, np.newaxis]])
    model.get_layer("logits").set_weights([np.tile(20 * np.eye(2, dtype=np.float32), (2, 1))])


def _padded(rows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    batch = np.zeros((len(rows), max(map(len, rows))), np.float32)
    for number, row in enumerate(rows):
        batch[number, : len(row)] = row
    return batch
