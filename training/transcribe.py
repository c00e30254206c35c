"""The recipes of models that transcribe: published weights, measured by the words that are heard right."""

import hashlib
import io
import wave
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.errors import UnfitWeightsError
from models.example import Example
from models.spec import ModelConfig
from models.transcribe import TranscribeConfig, processing, transcribing
from models.transcribe_base import TranscribeBaseConfig
from models.whisper import SAMPLE_RATE, fill_whisper
from processing.audio import decode
from processing.spec import SpeechSpec
from processing.speech import Passage, Transcriber, Window, Written, windows
from store.evaluation import Evaluation, Robustness, Trial
from store.held_out import HeldOut
from store.manifest import Metric
from training.data import read_aloud, spoken, whisper
from training.data.fetch import Package
from training.data.read_aloud import Reading
from training.data.spoken import Spoken
from training.disturbance import Disturbance, share
from training.disturbed_sounds import SOUND_DISTURBANCES, Sound
from training.evaluation import Measured
from training.heard import compared, normalised, rate_interval
from training.latency import latencies, stacked
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_MAX_S = 60
_EXAMPLES = 64
_PIECES = 6  # of a recording
_OF_READINGS = 100  # of chance, beside that of recordings

Hear = Callable[[Sound], str]


class Pretrained(Protocol):
    """A network's size, its weights by their names in PyTorch, and the document `tokenizer.json`."""

    @property
    def size(self) -> Any: ...

    @property
    def weights(self) -> Mapping[str, NDArray[np.float32]]: ...

    @property
    def tokenizer(self) -> str: ...


@dataclass(frozen=True)
class Hearing:
    """How a network is asked: `transcribing` opens a Keras model as the `tf.function` that is exported."""

    processing: SpeechSpec
    transcribing: Callable[["keras.Model"], Any]

    @classmethod
    def of_whisper(cls, config: TranscribeConfig) -> Self:
        return cls(processing(config), lambda model: transcribing(model, config))


@dataclass(frozen=True)
class Weights:
    """What a network is filled with: whose it is and where it is from, in words; `fill` gives a backbone all of it."""

    name: str
    source: str
    sha256: str
    fill: Callable[[Any], None]


@dataclass(frozen=True)
class Published:
    """Weights that come with packages; `fill` puts them into a backbone."""

    name: str
    packages: tuple[Package, ...]
    load: Callable[[Path], Pretrained]
    fill: Callable[[Any, Mapping[str, NDArray[np.float32]]], None] = fill_whisper

    @property
    def sha256(self) -> str:
        return " ".join(package.sha256 for package in (*self.packages, spoken.PACKAGE))

    def weights(self, cache: Path, size: Any) -> Weights:
        """For a network of that `size`; filling raises `UnfitWeightsError` for another."""

        def fill(backbone: Any) -> None:
            pretrained = self.load(cache)
            if pretrained.size != size:
                raise UnfitWeightsError(f"they are of {pretrained.size}, expected {size}")
            self.fill(backbone, pretrained.weights)

        name = f"{self.name}, weights as they were published"
        return Weights(name, ", ".join(map(str, self.packages)), self.packages[0].sha256, fill)


TINY_EN = Published("Whisper tiny.en", (whisper.TINY_EN,), whisper.tiny_en)
BASE = Published("Whisper base", (whisper.BASE_1, whisper.BASE_2), whisper.base)


class TranscribeRecipe:
    """Ten recordings with known words. What else an export compares are pieces of them."""

    chat_template: str | None = None

    def __init__(
        self,
        config: ModelConfig,
        hearing: Hearing,
        recorded: Sequence[Spoken],
        weights: Weights,
        tokenizer: str,
        *,
        readings: Sequence[Reading],
    ) -> None:
        self._config, self._hears, self._weights = config, hearing, weights
        self._recorded, self._readings = recorded[: config.rows], readings[: config.rows]
        self._sounds = [decode(one.recording, sample_rate=SAMPLE_RATE, max_seconds=_MAX_S) for one in self._recorded]
        self.tokenizer: str | None = tokenizer
        self._transcriber = Transcriber(tokenizer, hearing.processing)
        self._words = [normalised(one.words) for one in self._recorded]
        self.facts = DataFacts(
            name=weights.name,
            source=weights.source,
            sha256=weights.sha256,
            training_rows=0,
            held_out_rows=sum(map(len, self._words)),
        )

    @classmethod
    def make(cls, config: TranscribeConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch Whisper and recordings", 1)
        published = BASE if isinstance(config, TranscribeBaseConfig) else TINY_EN
        recorded, readings = spoken.load(cache), read_aloud.load(cache, progress, config.seed)
        weights = published.weights(cache, config.hearing.size)
        tokenizer = tokenizer or published.load(cache).tokenizer
        return cls(config, Hearing.of_whisper(config), recorded, weights, tokenizer, readings=readings)

    def prepare(self, model: "keras.Model") -> None:
        self._weights.fill(model.get_layer("backbone"))

    def held_out(self) -> tuple[Array, Array]:
        """Recordings, and the number of words in each."""
        return stacked(self._sounds, 0), np.array([len(words) for words in self._words])

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        hear, write = self._hearing(model)
        robust = self._robustness(hear, progress)
        aloud, aloud_metrics = self._read_aloud(hear, progress)
        robust = robust.model_copy(update={"trials": (*robust.trials, *aloud)})
        progress.stage("hear recordings", len(self._sounds))
        right, wrong = [], Counter[str]()
        for number, (sound, words) in enumerate(zip(self._sounds, self._words, strict=True), start=1):
            heard, errors = compared(words, normalised(hear(sound)))
            right.append(heard)
            wrong[self._recorded[number - 1].kind] += errors
            progress.at(number)
        all_right = np.concatenate(right)
        kinds = self._kinds()
        told = accuracy("accuracy", all_right, f"{self._data}: heard as they were said")
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(all_right).interval,
            latency=latencies(model, self._sounds, 0, called=(write, "The loop of the graph"), batched=False),
            robustness=robust,
            slices=tuple(slices(all_right, "what is said", kinds, self._data)),
            references=(),
            metrics=(
                told,
                Metric(name="word error rate", value=wrong.total() / told.rows, data=self._data, rows=told.rows),
                *(
                    Metric(
                        name=f"word error rate, {kind}",
                        value=wrong[kind] / int(of_kind.sum()),
                        data=self._data,
                        rows=int(of_kind.sum()),
                    )
                    for kind, of_kind in kinds.items()
                ),
                *aloud_metrics,
            ),
        )
        digest = hashlib.sha256("\n".join(" ".join(words) for words in self._words).encode())
        rows = np.arange(told.rows, dtype=np.int32)
        return Measured(evaluation, HeldOut(digest.hexdigest(), rows, np.where(all_right, rows, -1).astype(np.int32)))

    def _read_aloud(self, hear: Hear, progress: Progress) -> tuple[list[Trial], list[Metric]]:
        """What of the readings is heard at the first try, without noise and with each of its strengths: what the
        gateway would draw anew counts as it is."""
        noises = [of for of in SOUND_DISTURBANCES if of.name == "noise"]
        progress.stage("hear readings", len(noises) + 1)
        undisturbed = Disturbance[Sound]("noise", "none", "without noise", lambda sound, _: sound)
        trials, metrics = [], []
        for number, of in enumerate((undisturbed, *noises)):
            rng = np.random.default_rng((self._config.seed, _OF_READINGS, number))
            said = [normalised(one.text) for one in self._readings]
            heard = [normalised(hear(of.act(one.sound, rng))) for one in self._readings]
            pairs = [compared(words, text) for words, text in zip(said, heard, strict=True)]
            found = share(np.concatenate([right for right, _ in pairs]))
            what = f"{len(said)} readings by espeak-ng, {of.what}, once: the gateway draws doubtful ones anew"
            trials.append(Trial(**dict(found), disturbance="espeak-ng", strength=of.strength, what=what))
            errors, words = np.array([wrong for _, wrong in pairs]), np.array([len(words) for words in said])
            low, high = rate_interval(errors, words, self._config.seed)
            metrics.append(
                Metric(
                    name=f"word error rate, espeak-ng, noise {of.strength}",
                    value=float(errors.sum() / words.sum()),
                    data=f"{words.sum()} words of {what}",
                    rows=int(words.sum()),
                    low=low,
                    high=high,
                )
            )
            progress.at(number + 1)
        return trials, metrics

    def examples(self) -> tuple[list[Example], Array]:
        """The recordings, then pieces of them."""
        whole = [(one.name, one.recording) for one in self._recorded]
        chosen = [*whole, *islice(_pieces(self._recorded), _EXAMPLES - len(whole))]
        sounds = [decode(body, sample_rate=SAMPLE_RATE, max_seconds=_MAX_S) for _, body in chosen]
        examples = [Example.of(name, "audio/wav", body, label="") for name, body in chosen]
        return examples, stacked(sounds, 0)

    @property
    def _data(self) -> str:
        return f"{sum(map(len, self._words))} words of {len(self._recorded)} recordings"

    def _kinds(self) -> dict[str, NDArray[np.bool_]]:
        kinds = np.repeat([one.kind for one in self._recorded], [len(words) for words in self._words])
        return {kind: kinds == kind for kind in dict.fromkeys(one.kind for one in self._recorded)}

    def _hearing(self, model: "keras.Model") -> tuple[Hear, Callable[[Array], object]]:
        """A recording to its text, and the graph that is exported."""
        write, told = self._hears.transcribing(model), self._hears.processing

        def listen(_number: int, window: Window) -> Passage:
            outputs = {name: np.asarray(values)[0] for name, values in write(window.samples[np.newaxis]).items()}
            no_speech = float(outputs["no_speech"]) if "no_speech" in outputs else None
            written = Written(outputs["tokens"].tolist(), float(outputs["score"]), no_speech)
            return self._transcriber.passage(window, written)

        def hear(sound: Sound) -> str:
            passages = self._transcriber.passages(windows(sound, told), listen)
            return " ".join(piece.text for passage in passages for piece in passage.said)

        return hear, write

    def _robustness(self, hear: Hear, progress: Progress) -> Robustness:
        """Of words, not of recordings."""
        progress.stage("disturb recordings", len(SOUND_DISTURBANCES) + 1)

        def heard(sounds: Iterable[Sound]) -> NDArray[np.bool_]:
            texts = (normalised(hear(sound)) for sound in sounds)
            return np.concatenate([compared(words, text)[0] for words, text in zip(self._words, texts, strict=True)])

        undisturbed = share(heard(self._sounds))
        trials, metrics = [], []
        for number, of in enumerate(SOUND_DISTURBANCES, start=1):
            progress.at(number)
            rng = np.random.default_rng((self._config.seed, number))
            found = share(heard(of.act(sound, rng) for sound in self._sounds))
            trials.append(Trial(**dict(found), disturbance=of.name, strength=of.strength, what=of.what))
            if of.told:
                low, high = found.interval
                name = f"accuracy with {of.name}, {of.strength}"
                metrics.append(
                    Metric(name=name, value=found.accuracy, data=self._data, rows=found.rows, low=low, high=high)
                )
        progress.at(len(SOUND_DISTURBANCES) + 1)
        return Robustness(data=self._data, undisturbed=undisturbed, trials=tuple(trials), metrics=tuple(metrics))


def _pieces(recorded: Sequence[Spoken]) -> Iterator[tuple[str, bytes]]:
    """Shorter recordings, each from another place in one of these."""
    for number in range(1, _PIECES + 1):
        for one in recorded:
            with wave.open(io.BytesIO(one.recording)) as file:
                form, frames = file.getparams(), file.readframes(file.getnframes())
            begin = len(frames) * (number - 1) // (2 * _PIECES) // form.sampwidth * form.sampwidth
            piece = io.BytesIO()
            with wave.open(piece, "wb") as file:
                file.setparams(form)
                file.writeframes(frames[begin : begin + len(frames) // 2 // form.sampwidth * form.sampwidth])
            yield f"{one.name}-{number}", piece.getvalue()
