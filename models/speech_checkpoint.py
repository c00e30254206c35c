"""A Whisper or a Moonshine whose weights are somebody's checkpoint, of any size; of English, or a Whisper of many
languages.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from models import transcribe, transcribe_moonshine
from models.checkpoint import NETWORK, titled
from models.moonshine import MoonshineSize
from models.spec import Count, ModelConfig, ModelSpec, Origin
from models.transcribe import Network, TranscribeConfig
from models.transcribe_moonshine import MoonshineConfig, MoonshineNetwork
from models.whisper import WhisperSize
from models.whisper_tokens import Alphabet

MOONSHINE = f"moonshine-{NETWORK}"


class HeardConfig(ModelConfig):
    """What any checkpoint that hears says of itself; only seed, rows and most_tokens are to be set by hand.

    Attributes:
        name: under which the model is served.
        checkpoint: the folder that it was read from, or the name of keras-hub's preset.
        sha256: of the files that were read.
        parameters: so many weights it has.
        licence: as the checkpoint tells it; None if it does not.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    checkpoint: str
    sha256: str
    parameters: Count
    licence: str | None = None

    @property
    def title(self) -> str:
        """The name of the folder or of the preset, for whoever has no business with this machine's folders."""
        return titled(self.checkpoint)

    def told(self) -> dict[str, Any]:
        """Without its tokens, one by one, and without the folders of a machine."""
        told = {name: value for name, value in super().told().items() if name != "alphabet"}
        return {**told, "checkpoint": self.title}


class SpeechCheckpointConfig(HeardConfig, TranscribeConfig):
    """Of a Whisper."""

    network: Literal["checkpoint"]
    size: WhisperSize
    alphabet: Alphabet
    aligned_heads: tuple[tuple[int, int], ...]

    @property
    def hearing(self) -> Network:
        return Network(self.size, self.alphabet, None if self.alphabet.languages else "en", self.aligned_heads)


class MoonshineCheckpointConfig(HeardConfig, MoonshineConfig):
    """Of a Moonshine; `start` and `end` are tokens."""

    network: Literal["moonshine-checkpoint"]
    size: MoonshineSize
    start: int
    end: int

    @property
    def hearing(self) -> MoonshineNetwork:
        return MoonshineNetwork(self.size, self.start, self.end)


def _whisper_of(config: SpeechCheckpointConfig) -> ModelSpec:
    languages = tuple(config.alphabet.languages) or ("en",)
    hears = "in English" if len(languages) == 1 else f"in one of {len(languages)} languages"
    return _filled(SPEC, config, f"{hears}, with times", languages)


def _moonshine_of(config: MoonshineCheckpointConfig) -> ModelSpec:
    return _filled(MOONSHINE_SPEC, config, "in English", ("en",))


def _filled(spec: ModelSpec, config: HeardConfig, hears: str, languages: Sequence[str]) -> ModelSpec:
    """The entry as this checkpoint fills it in: under its own name, with its own terms."""
    return replace(
        spec,
        name=config.name,
        family=spec.name,
        description=f"Writes down what is said {hears}: {config.title}.",
        languages=tuple(languages),
        origins=(
            Origin(
                licence=config.licence or "not told by the checkpoint",
                source=f"checkpoint {config.title}, sha256 {config.sha256}",
            ),
            *transcribe.SPEC.origins[1:],  # what it is measured on
        ),
        licence_unclear=config.licence is None,
    )


_MADE_BY_OTHERS = (
    "What it can do, and what it must not be used for, is told by whoever made the checkpoint. Here it was measured in "
    "English alone, on some recordings and synthetic speech."
)

SPEC = replace(
    transcribe.SPEC,
    network=NETWORK,
    intended_use="As told by whoever made the checkpoint.",
    limits=(_MADE_BY_OTHERS, transcribe.INVENTS, transcribe.GUESSED_TIMES, transcribe.IN_WINDOWS),
    origins=(),
    config=SpeechCheckpointConfig,
    of=_whisper_of,
)

MOONSHINE_SPEC = replace(
    transcribe_moonshine.SPEC,
    name=SPEC.name,
    network=MOONSHINE,
    intended_use=SPEC.intended_use,
    limits=(_MADE_BY_OTHERS, *transcribe_moonshine.PLAIN_LIMITS),
    origins=(),
    config=MoonshineCheckpointConfig,
    of=_moonshine_of,
)
