"""The recipe of a user's own classifier of recordings: a small network on the frozen embedding of speech."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.audio_classifier import AudioClassifierConfig, SoundsSource
from models.example import Example
from processing.audio import decode
from store.evaluation import Robustness
from training.batches import predicted
from training.data.engines import SAMPLE_RATE, Sound
from training.data.labelled_sounds import MOST_S, LabelledSounds, SoundDemands, labelled_sounds
from training.data.own_folder import LabelledFile
from training.data.split import PARTS
from training.disturbance import Sample, robustness
from training.disturbed_sounds import SOUND_DISTURBANCES
from training.errors import ChangedDataError
from training.evaluation import Measured
from training.latency import stacked
from training.measure import Rows, measure
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sound_views import view
from training.spotting import Heard, SpottingRecipe, thinned, wav

if TYPE_CHECKING:
    import keras

_EXAMPLES = 64
_FEWEST_EXAMPLES = 2  # of a label, where there are so many labels
_EXAMPLE_SAMPLES = 3 * SAMPLE_RATE
_SAMPLE = 200  # test recordings that are disturbed
_ALONE = 100
_KEPT = 128  # validation recordings on which an export verifies more


def read_labelled_sounds(source: SoundsSource, demands: SoundDemands, progress: Progress) -> LabelledSounds:
    """What `source` has now.

    Raises:
        ChangedDataError: that is something else than `source` says.
        DataError: it cannot be read, or there is nothing in it to be learnt.
    """
    found = labelled_sounds(source, demands, progress)
    if found.report.sha256 != source.sha256:
        raise ChangedDataError(source.path)
    return found


class AudioClassifierRecipe(SpottingRecipe):
    """All labels are equally frequent in an epoch, however many recordings they have."""

    def __init__(self, config: AudioClassifierConfig, data: LabelledSounds, cache: Path, progress: Progress) -> None:
        labels = len(config.labels)
        super().__init__(config, [1 / labels] * labels, cache, progress)
        self._config = config
        self._all = data.sounds
        self._train, self._validation, self._test = (thinned(data.part(part), config.rows) for part in PARTS)
        self._test_name = f"{len(self._test):,} recordings of {config.data.path.name} that were kept aside"
        self.facts = DataFacts(
            name=config.data.path.name,
            source="recordings of the user",
            sha256=config.data.sha256,
            training_rows=len(self._train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: AudioClassifierConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        return cls(config, read_labelled_sounds(config.data, demands_of(config), progress), cache, progress)

    @property
    def training_rows(self) -> int:
        return len(self._train)

    def view(self, number: int) -> Heard:
        return self._viewed(self._train, number)

    def validation_view(self) -> Heard:
        return self._viewed(self._validation, 0)

    def held_out(self) -> tuple[Array, Array]:
        """Some of the validation recordings."""
        some = thinned(self._validation, _KEPT)
        return stacked(self._sounds(some), 0), self.targets(self._truth(some))

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        config, truth = self._config, self._truth(self._test)
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {config.name}", 1)
        sounds = self._sounds(self._test)
        rows = Rows(
            inputs=stacked(sounds, 0),
            truth=truth,
            data=self._test_name,
            sha256=self._digest,
            slices={"label": {label: truth == number for number, label in enumerate(config.labels)}},
            alone=sounds[:_ALONE],
            pad=0,
        )
        return measure(model, config.labels, rows, robust, config.seed)

    def examples(self) -> tuple[list[Example], Array]:
        """Of each label some, three seconds of each at most."""
        each = max(_FEWEST_EXAMPLES, -(-_EXAMPLES // len(self._config.labels)))
        examples, inputs = [], []
        for number, label in enumerate(self._config.labels):
            of_label = [file for file in self._test if file.labels == (label,)][:each]
            for position, sound in enumerate(self._sounds(of_label)):
                body = wav(sound[:_EXAMPLE_SAMPLES])
                examples.append(Example.of(f"label-{number}-{position}", "audio/wav", body, label))
                inputs.append(decode(body, sample_rate=SAMPLE_RATE, max_seconds=MOST_S))
        return examples, stacked(inputs, 0)

    def _viewed(self, files: Sequence[LabelledFile], number: int) -> Heard:
        from models.spotting import WINDOW

        rng = np.random.default_rng((self._config.seed, number, len(files)))
        rows = [view(sound, WINDOW, rng) for sound in self._sounds(files)]
        return Heard(np.stack(rows), self._truth(files).astype(np.int64))

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = thinned(self._test, _SAMPLE)
        sample = Sample(
            self._sounds(chosen),
            self._truth(chosen),
            f"{len(chosen)} of the {self._test_name}",
            lambda sound: sound,
            lambda sounds: predicted(model, stacked(sounds, 0), 0).argmax(axis=1).astype(np.int32),
        )
        return robustness(sample, SOUND_DISTURBANCES, (), self._config.seed, progress)

    def _sounds(self, files: Sequence[LabelledFile]) -> list[Sound]:
        return [self._all[file.number] for file in files]

    def _truth(self, files: Sequence[LabelledFile]) -> NDArray[np.int32]:
        return np.array([self._config.labels.index(file.labels[0]) for file in files], np.int32)

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for file in self._test:
            digest.update(f"{file.labels[0]}\n".encode() + self._all[file.number].tobytes())
        return digest.hexdigest()


def demands_of(config: AudioClassifierConfig) -> SoundDemands:
    return SoundDemands(
        fewest=config.fewest_rows, validation=config.validation_share, test=config.test_share, seed=config.seed
    )
