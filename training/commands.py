"""The recipe of `commands`: a small network on the frozen embedding, trained on synthetic speech; measured on that of
engines it never heard."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models.commands import COMMANDS, LABELS, SILENCE, SPEC, UNKNOWN, CommandsConfig
from models.example import Example
from processing.audio import decode
from store.evaluation import Robustness
from store.manifest import Metric
from training.batches import predicted
from training.data import austen, commands, openwakeword, recorded_digits, spoken
from training.data.commands import Corpus, Spoken
from training.data.engines import SAMPLE_RATE, Sound
from training.disturbance import Sample, robustness
from training.disturbed_sounds import SOUND_DISTURBANCES
from training.evaluation import Measured
from training.latency import stacked
from training.measure import Rows, accuracy, measure
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sound_views import nothing, view
from training.spotting import Heard, SpottingRecipe, amid, joined, of_one_window, one_hot, thinned, trunk_of, wav

if TYPE_CHECKING:
    import keras

_EXAMPLES = 64
_MARGIN = SAMPLE_RATE // 10  # of silence before and behind a word that is sent
_VALIDATION = 12  # of so many words one is followed while training
_CROPS = 6  # of each sentence, in each view
_SILENCES = 200  # in each view
_SHARE_OF_UNKNOWN = 0.3  # of the rows of an epoch; each other label has an equal share
_TEST_SILENCES = 40
_BATCH = 128
_MAX_S = 60
_DISTURBED = 150
_ALONE = 100
_FROM_SCRATCH_VIEWS, _FROM_SCRATCH_EPOCHS, _FROM_SCRATCH_RATE = 2, 10, 0.002
_DIGIT_EPOCHS = 20
_DIGIT_VIEWS = 2


class CommandsRecipe(SpottingRecipe):
    """Commands, other words and sentences, and silence."""

    def __init__(
        self, config: CommandsConfig, learnt: Corpus, held_out: Corpus, cache: Path, progress: Progress
    ) -> None:
        others = (1 - _SHARE_OF_UNKNOWN) / (len(LABELS) - 1)
        super().__init__(
            config, [_SHARE_OF_UNKNOWN if label == UNKNOWN else others for label in LABELS], cache, progress
        )
        self._config = config
        self._digits = [word for word in learnt.words if word.text in commands.DIGITS]
        self._train = [word for number, word in enumerate(learnt.words) if number % _VALIDATION]
        self._validation = list(learnt.words[::_VALIDATION])
        self._sentences = learnt.sentences
        self._test = thinned(held_out.words, config.rows)
        self._test_sentences = held_out.sentences
        if config.rows is not None:
            self._train, self._validation = (thinned(of, config.rows) for of in (self._train, self._validation))
        self.facts = DataFacts(
            name="commands, digits, other words and sentences, all synthetic",
            source="espeak-ng, flite and Pico; held out: festival and Piper",
            sha256=data_sha256(),
            training_rows=len(self._train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: CommandsConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        learnt = commands.learnt(cache, progress, config.seed)
        return cls(config, learnt, commands.held_out(cache, progress, config.seed), cache, progress)

    @property
    def training_rows(self) -> int:
        return len(self._train)

    def view(self, number: int) -> Heard:
        """Words, parts of sentences, and silences."""
        from models.spotting import WINDOW

        rng = np.random.default_rng((self._config.seed, 3, number))
        crops = [sentence for sentence in self._sentences for _ in range(_CROPS)]
        rows = [view(one.sound, WINDOW, rng) for one in (*self._train, *crops)]
        rows += [nothing(WINDOW, rng) for _ in range(_SILENCES)]
        unknown, silence = LABELS.index(UNKNOWN), LABELS.index(SILENCE)
        labels = [*map(_label, self._train), *[unknown] * len(crops), *[silence] * _SILENCES]
        return Heard(np.stack(rows), np.array(labels))

    def validation_view(self) -> Heard:
        from models.spotting import WINDOW

        rng = np.random.default_rng((self._config.seed, 4))
        rows = [view(word.sound, WINDOW, rng) for word in self._validation]
        return Heard(np.stack(rows), np.array(list(map(_label, self._validation))))

    def held_out(self) -> tuple[Array, Array]:
        """Words of the engines that were never heard, and silences."""
        return self._inputs, self.targets(self._truth)

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        rows = Rows(
            inputs=self._inputs,
            truth=self._truth,
            data=self._data,
            sha256=hashlib.sha256(self._inputs.tobytes()).hexdigest(),
            slices=self._slices(),
            alone=self._sounds[:_ALONE],
            pad=0,
        )
        measured = measure(model, LABELS, rows, robust, self._config.seed)
        right = predicted(model, self._inputs, 0).argmax(axis=1) == self._truth
        known = self._truth < len(COMMANDS)
        metrics = [
            accuracy(f"commands by {engine}", right[known & (self._engines == engine)], f"commands by {engine}")
            for engine in dict.fromkeys(word.kind for word in self._test)
        ]
        metrics += [self._false_triggers(model), self._false_commands(model)]
        references = (self._from_scratch(model), self._human_digits(model), *measured.evaluation.references)
        evaluation = measured.evaluation.model_copy(
            update={"metrics": (*measured.evaluation.metrics, *metrics), "references": references}
        )
        return Measured(evaluation, measured.held_out)

    def examples(self) -> tuple[list[Example], Array]:
        """Of each label in turns, as WAV files of 16 bits; of silence all there is: for many it is too close which
        commands they are least unlike to be goldens."""
        by_label = {number: np.flatnonzero(self._truth == number) for number in range(len(LABELS))}
        each = -(-_EXAMPLES // len(LABELS))
        chosen = [
            int(place) for turn in range(each) for places in by_label.values() for place in places[turn::each][:1]
        ]
        chosen += by_label[LABELS.index(SILENCE)][each:].tolist()
        bodies = [wav(self._sounds[place]) for place in chosen]
        examples = [
            Example.of(f"{LABELS[self._truth[place]]}-{place}", "audio/wav", body, LABELS[self._truth[place]])
            for place, body in zip(chosen, bodies, strict=True)
        ]
        heard = [decode(body, sample_rate=SAMPLE_RATE, max_seconds=_MAX_S) for body in bodies]
        return examples, stacked(heard, 0)

    @property
    def _data(self) -> str:
        return f"{len(self._truth)} words and silences of festival and Piper, never heard before"

    @cached_property
    def _sounds(self) -> list[Sound]:
        """As they are sent: words with a little silence around them, and silences."""
        rng = np.random.default_rng((self._config.seed, 7))
        silences = [nothing(SAMPLE_RATE, rng) for _ in range(_TEST_SILENCES)]
        return [*(np.pad(word.sound, _MARGIN) for word in self._test), *silences]

    @cached_property
    def _inputs(self) -> Array:
        return stacked(self._sounds, 0)

    @cached_property
    def _truth(self) -> NDArray[np.int32]:
        silence = LABELS.index(SILENCE)
        return np.array([*map(_label, self._test), *[silence] * _TEST_SILENCES], np.int32)

    @cached_property
    def _engines(self) -> NDArray[Any]:
        return np.array([*(word.kind for word in self._test), *["noise"] * _TEST_SILENCES])

    def _slices(self) -> Mapping[str, Mapping[str, NDArray[np.bool_]]]:
        engines = dict.fromkeys(self._engines.tolist())
        return {
            "spoken by": {engine: self._engines == engine for engine in engines},
            "label": {label: self._truth == number for number, label in enumerate(LABELS)},
        }

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = thinned(list(range(len(self._test))), _DISTURBED)
        sample = Sample(
            [self._sounds[place] for place in chosen],
            self._truth[chosen],
            f"{len(chosen)} of the {self._data}",
            lambda sound: sound,
            lambda sounds: predicted(model, stacked(sounds, 0), 0).argmax(axis=1).astype(np.int32),
        )
        return robustness(sample, SOUND_DISTURBANCES, (), self._config.seed, progress)

    def _false_triggers(self, model: "keras.Model") -> Metric:
        """Sentences without a command in which one is heard, by the hour."""
        heard = [_best(model, one.sound) for one in self._test_sentences]
        hours = sum(len(one.sound) for one in self._test_sentences) / SAMPLE_RATE / 3600
        wrong = sum(label in COMMANDS for label in heard)
        return Metric(
            name="false triggers per hour",
            value=wrong / hours,
            data=f"{wrong} in {len(heard)} synthetic sentences without a command, {3600 * hours:.0f} s in all",
            rows=len(heard),
        )

    def _false_commands(self, model: "keras.Model") -> Metric:
        recorded = spoken.load(self._cache)
        heard = [_best(model, decode(one.recording, sample_rate=SAMPLE_RATE, max_seconds=_MAX_S)) for one in recorded]
        return Metric(
            name="false commands",
            value=float(sum(label in COMMANDS for label in heard)),
            data=f"{len(heard)} recordings of people who read sentences and name playing cards",
            rows=len(heard),
        )

    def _human_digits(self, model: "keras.Model") -> Metric:
        """By a head of its own on the same embedding."""
        import keras

        from models.spotting import WINDOW, head

        recorded = recorded_digits.load(self._cache)
        words = list(recorded)
        rng = np.random.default_rng((self._config.seed, 5))
        digits = [word for _ in range(_DIGIT_VIEWS) for word in self._digits]
        views = np.stack([view(word.sound, WINDOW, rng) for word in digits])
        trunk = trunk_of(model)
        learnt = self.through(trunk, Heard(views, np.array([words.index(word.text) for word in digits])))
        keras.utils.set_random_seed(self._config.seed)
        network = of_one_window(head(len(words), self._config.dropout))
        network.compile(keras.optimizers.Adam(0.002), self.loss(), jit_compile=False)
        targets = one_hot(learnt.labels, len(words))
        network.fit(learnt.rows, targets, batch_size=64, epochs=_DIGIT_EPOCHS, verbose=0)
        sounds = np.stack([amid(commands.trimmed(sound), WINDOW) for sound in recorded.values()])
        heard = network.predict(trunk.predict_on_batch(sounds), verbose=0).argmax(axis=1)
        return accuracy(
            "digits of a person, by a head of their own",
            heard == np.arange(len(words)),
            f"{len(words)} digits as a person said them (Asterisk's prompts)",
        )

    def _from_scratch(self, model: "keras.Model") -> Metric:
        """A small convolutional network on the same spectrogram of the same views, each word amid one window."""
        import keras

        from models.spotting import WINDOW

        spectra = keras.Model(model.get_layer("edged").output, model.get_layer("mel").output)
        learnt = joined([self.through(spectra, self.view(number)) for number in range(_FROM_SCRATCH_VIEWS)])
        keras.utils.set_random_seed(self._config.seed)
        network = _small_network(len(LABELS))
        network.compile(keras.optimizers.Adam(_FROM_SCRATCH_RATE), self.loss(), jit_compile=False)
        for number in range(_FROM_SCRATCH_EPOCHS):
            network.fit(*self.drawn(learnt, number), batch_size=64, shuffle=False, verbose=0)
        sounds = np.stack([amid(sound, WINDOW) for sound in self._sounds])
        heard = network.predict(spectra.predict(sounds, batch_size=_BATCH, verbose=0), verbose=0).argmax(axis=1)
        return accuracy("a small network from scratch", heard == self._truth, self._data)


def data_sha256() -> str:
    """Of all that the recordings are made with."""
    packages = [package.sha256 for engine in commands.ENGINES for package in engine.packages]
    return " ".join([openwakeword.PACKAGE.sha256, austen.PACKAGE.sha256, *packages])


def _small_network(labels: int) -> "keras.Model":
    """Spectrograms `[batch, frames, 32, 1]` to logits."""
    import keras
    from keras import layers

    stages = [
        layer
        for channels, stride in ((16, 2), (32, 1), (64, 1))
        for layer in (
            layers.Conv2D(channels, 3, stride, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
        )
    ]
    top = [layers.GlobalAveragePooling2D(), layers.Dropout(0.3), layers.Dense(labels)]
    return keras.Sequential([layers.BatchNormalization(), *stages, *top])


def _best(model: "keras.Model", sound: Sound) -> str:
    return LABELS[int(np.asarray(model(np.pad(sound, _MARGIN)[np.newaxis], training=False))[0].argmax())]


def _label(word: Spoken) -> int:
    return LABELS.index(word.text if word.text in COMMANDS else UNKNOWN)
