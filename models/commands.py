"""`commands`: which of ten spoken words a recording has, if any, by a pretrained embedding of speech."""

from typing import TYPE_CHECKING

from models.spec import ModelSpec, Origin, SpottingConfig
from processing.spec import AudioSpec

if TYPE_CHECKING:
    import keras

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SILENCE, UNKNOWN = "silence", "unknown"
LABELS = (*COMMANDS, SILENCE, UNKNOWN)
BACKGROUND = tuple(map(LABELS.index, (SILENCE, UNKNOWN)))


class CommandsConfig(SpottingConfig):
    """Nothing beyond what can be set about every such network. It is trained to its last epoch: those rows by which an
    earlier one would be chosen are of engines that it learns from, and say little of others.
    """


def build(config: CommandsConfig) -> "keras.Model":
    from models.spotting import spotter

    return spotter(len(LABELS), BACKGROUND, config.dropout, "commands")


def processing(_config: CommandsConfig) -> AudioSpec:
    return AudioSpec(sample_rate=16_000)


EMBEDDING_ORIGIN = Origin(
    licence="Apache-2.0",
    source="Google's speech embedding and the mel spectrogram before it, weights as openWakeWord 0.4.0 has them",
    url="https://github.com/dscripka/openWakeWord",
    attribution="J. Lin et al., Training Keyword Spotters with Limited and Synthesized Speech Data, 2020",
)

SPEC = ModelSpec(
    name="commands",
    task="audio-classification",
    description="Which of ten English commands a recording has: yes, no, up, down, left, right, on, off, stop, go.",
    intended_use=(
        "Recordings of a second or a few in which somebody says one word, near the microphone: buttons without hands, "
        "games, prototypes. A trained ear for words of your own is made with `kmaas train audio-classifier`."
    ),
    limits=(
        "It was trained on synthetic speech alone, of espeak-ng, flite and Pico, and measured on that of engines which "
        "it never heard. No recordings of people who say these words are packaged: on them nobody has measured it.",
        "It knows ten English words. One that sounds alike may be taken for one of them, above all in a sentence: the "
        "figures tell how often.",
        "Of a long recording the clearest command is told, and not how many there are or when they were said; of two "
        "that follow closely perhaps none.",
        "It learnt from the voices of adults, mostly men, with British and American accents: children and other "
        "accents may be heard worse. Not for what must not fail, such as an emergency stop.",
    ),
    labels=LABELS,
    origins=(
        EMBEDDING_ORIGIN,
        Origin(
            licence="recordings of our own; of the engines GPL-3.0 (espeak-ng, Piper), BSD-like (flite, festival), "
            "Apache-2.0 (Pico)",
            source="words and sentences spoken by espeak-ng 1.51, flite 2.2, SVOX Pico; for the test by festival 2.5 "
            "and Piper",
        ),
    ),
    config=CommandsConfig,
    build=build,
    processing=processing,
    explain="what is heard has no parts that could be shown yet",
    languages=("en",),
)
