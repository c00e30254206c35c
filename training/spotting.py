"""What recipes of models that spot what is heard share: a small network on a frozen embedding, and views of sounds."""

import io
import wave
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.spec import SpottingConfig
from training.data import openwakeword
from training.data.engines import SAMPLE_RATE, Sound
from training.progress import Progress
from training.recipe import Array

if TYPE_CHECKING:
    import keras

_T = TypeVar("_T")

_BATCH = 128


@dataclass(frozen=True)
class Heard:
    """Windows of sounds `[rows, …]`, as they are or as frozen layers make of them, and their labels."""

    rows: Array
    labels: NDArray[np.int64]


class SpottingRecipe(ABC):
    """Windows are made anew in each view; what the embedding makes of them is computed once."""

    tokenizer: str | None = None
    chat_template: str | None = None
    pad: int | None = None

    def __init__(self, config: SpottingConfig, shares: Sequence[float], cache: Path, progress: Progress) -> None:
        """`shares`: how frequent each label is in an epoch."""
        self._spotting, self._shares, self._cache, self._progress = config, np.array(shares), cache, progress

    @property
    @abstractmethod
    def training_rows(self) -> int:
        """As many are in an epoch."""

    @abstractmethod
    def view(self, number: int) -> Heard:
        """All that is learnt from, in one of the ways to hear it: windows of samples."""

    @abstractmethod
    def validation_view(self) -> Heard:
        """What is followed while training, likewise."""

    def prepare(self, model: "keras.Model") -> None:
        from models.speech_embedding import fill_speech_embedding

        fill_speech_embedding(model, *openwakeword.load(self._cache))

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)

    def upper(self, model: "keras.Model") -> "keras.Model":
        """The network on the embedding, of one window; what the embedding makes of all is computed here."""
        trunk = trunk_of(model)
        self._heard = joined([self.through(trunk, self.view(number)) for number in range(self._spotting.views)])
        self._followed = self.through(trunk, self.validation_view())
        return of_one_window(model.get_layer("head"))

    def fit_head(self, upper: "keras.Model") -> float:
        """An epoch as all others: nothing else is trained later."""
        inputs, targets = self.epoch(0)
        fitted = upper.fit(inputs, targets, batch_size=self._spotting.batch_size, shuffle=False, verbose=0)
        return float(fitted.history["loss"][0])

    def epoch(self, number: int) -> tuple[Array, Array]:
        return self.drawn(self._heard, number)

    def followed(self) -> tuple[Array, Array]:
        return self._followed.rows, self.targets(self._followed.labels)

    def drawn(self, heard: Heard, number: int) -> tuple[Array, Array]:
        """The rows of an epoch, by lot, so that labels are as frequent as they should be."""
        rng = np.random.default_rng((self._spotting.seed, number))
        counts = np.bincount(heard.labels, minlength=len(self._shares))
        chances = (self._shares / np.maximum(counts, 1))[heard.labels]
        chosen = rng.choice(len(chances), self.training_rows, p=chances / chances.sum())
        return heard.rows[chosen], self.targets(heard.labels[chosen])

    def targets(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        return one_hot(labels, len(self._shares))

    def through(self, network: "keras.Model", heard: Heard) -> Heard:
        """What a network makes of the rows, in half precision."""
        self._progress.stage("hear sounds through the frozen layers", len(heard.rows))
        made = []
        for start in range(0, len(heard.rows), _BATCH):
            made.append(np.asarray(network.predict_on_batch(heard.rows[start : start + _BATCH]), np.float16))
            self._progress.at(min(start + _BATCH, len(heard.rows)))
        return Heard(np.concatenate(made), heard.labels)


def trunk_of(model: "keras.Model") -> "keras.Model":
    """Of a spotter: windows of samples to vectors."""
    import keras

    return keras.Model(model.get_layer("edged").output, model.get_layer("vectors").output)


def of_one_window(head: "keras.Model") -> "keras.Model":
    """The vectors of one window to its logits."""
    import keras

    from models.speech_embedding import WIDTH
    from models.spotting import VECTORS

    vectors = keras.Input((VECTORS, WIDTH))
    return keras.Model(vectors, head(vectors)[:, 0], name="upper")


def joined(heard: Sequence[Heard]) -> Heard:
    return Heard(np.concatenate([one.rows for one in heard]), np.concatenate([one.labels for one in heard]))


def one_hot(labels: NDArray[Any], count: int) -> NDArray[np.float32]:
    return np.asarray(np.eye(count, dtype=np.float32)[labels])


def amid(sound: Sound, length: int) -> Sound:
    """`[length]`: in the middle, with silence around; of a longer one the middle."""
    begin = max(0, (len(sound) - length) // 2)
    cut = sound[begin : begin + length]
    before = (length - len(cut)) // 2
    return np.pad(cut, (before, length - len(cut) - before))


def wav(sound: Sound) -> bytes:
    """A file with numbers of 16 bits."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def thinned(rows: Sequence[_T], most: int | None) -> list[_T]:
    """At most so many of them, evenly."""
    if most is None or len(rows) <= most:
        return list(rows)
    return [rows[position * len(rows) // most] for position in range(most)]
