"""`audio-classifier`: a user's own classifier of recordings, by a small network on a pretrained embedding of speech."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.commands import EMBEDDING_ORIGIN
from models.spec import Frozen, ModelSpec, Origin, PatientConfig, SpottingConfig
from processing.spec import AudioSpec

if TYPE_CHECKING:
    import keras

NAME = "audio-classifier"

Share = Annotated[float, Field(gt=0, lt=0.5)]


class SoundsSource(Frozen):
    """A folder with a folder for each label. `sha256` is of the names and contents of all that was found."""

    path: Path
    sha256: str


class AudioClassifierConfig(SpottingConfig, PatientConfig):
    """Attributes:

    name: what the model is called.
    labels: in the order in which answers have them.
    background: labels that say that there is nothing; those of them that the recordings have. Of a long recording
        that part answers, with what is beside it, in which they are least probable; without any, the mean of all.
    validation_share, test_share: of the recordings of each label.
    fewest_rows: a label of fewer recordings is not learnt.
    licence: the terms of the recordings.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    data: SoundsSource
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    background: tuple[str, ...]
    validation_share: Share
    test_share: Share
    fewest_rows: Annotated[int, Field(ge=3)]
    licence: str

    def told(self) -> dict[str, Any]:
        """Without the folders of the machine that trained it, and without the labels, which a card tells before."""
        told = super().told()
        told["data"]["path"] = self.data.path.name
        return {name: value for name, value in told.items() if name != "labels"}


def build(config: AudioClassifierConfig) -> "keras.Model":
    from models.spotting import spotter

    background = [number for number, label in enumerate(config.labels) if label in config.background]
    return spotter(len(config.labels), background, config.dropout, "audio_classifier")


def processing(_config: AudioClassifierConfig) -> AudioSpec:
    return AudioSpec(sample_rate=16_000)


def own(config: AudioClassifierConfig) -> ModelSpec:
    """The user's model."""
    source = (
        f"{config.data.path.name}, recordings of whoever trained it; some of them are in the version as goldens, a few "
        "seconds of each"
    )
    return replace(
        SPEC,
        name=config.name,
        family=NAME,
        description=f"Which of {len(config.labels)} labels a recording has.",
        labels=config.labels,
        origins=(Origin(licence=config.licence, source=source), EMBEDDING_ORIGIN),
    )


SPEC = ModelSpec(
    name=NAME,
    task="audio-classification",
    description="A classifier of recordings with labels of your own, trained on recordings that you bring.",
    intended_use="Recordings like those that it was trained on, and the labels that these have.",
    limits=(
        "It knows the labels of its recordings and no other: one of which none is right gets one all the same, at "
        "times with high confidence. Recordings of other words and of silence, with labels of their own, help.",
        "It was pretrained with speech, and hears 1.4 s at a time below 8 kHz: what takes longer, or is not like "
        "speech, it tells worse.",
        "If one voice speaks in training and test, the figures below say little about other voices.",
        "It is as right as the labels of its recordings. What all recordings of a label share is what it learns, be it "
        "the room or the microphone.",
    ),
    labels=(),
    origins=(EMBEDDING_ORIGIN,),
    config=AudioClassifierConfig,
    build=build,
    processing=processing,
    explain="what is heard has no parts that could be shown yet",
    of=own,
)
