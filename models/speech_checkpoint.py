"""A Whisper whose weights are somebody's checkpoint, of any size, of English or of many languages."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from models import transcribe
from models.checkpoint import NETWORK, titled
from models.spec import Count, ModelSpec, Origin
from models.transcribe import Network, TranscribeConfig
from models.whisper import WhisperSize
from models.whisper_tokens import Alphabet


class SpeechCheckpointConfig(TranscribeConfig):
    """What a checkpoint says of itself; only seed, rows and most_tokens are to be set by hand.

    Attributes:
        name: under which the model is served.
        checkpoint: the folder that it was read from, or the name of keras-hub's preset.
        sha256: of the files that were read.
        parameters: so many weights it has.
        licence: as the checkpoint tells it; None if it does not.
    """

    network: Literal["checkpoint"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    checkpoint: str
    sha256: str
    size: WhisperSize
    alphabet: Alphabet
    aligned_heads: tuple[tuple[int, int], ...]
    parameters: Count
    licence: str | None = None

    @property
    def hearing(self) -> Network:
        return Network(self.size, self.alphabet, None if self.alphabet.languages else "en", self.aligned_heads)

    @property
    def title(self) -> str:
        """The name of the folder or of the preset, for whoever has no business with this machine's folders."""
        return titled(self.checkpoint)

    def told(self) -> dict[str, Any]:
        """Without its tokens, one by one, and without the folders of a machine."""
        told = {name: value for name, value in super().told().items() if name != "alphabet"}
        return {**told, "checkpoint": self.title}


def _spec_of(config: SpeechCheckpointConfig) -> ModelSpec:
    """The entry as this checkpoint fills it in: under its own name, with its own terms."""
    languages = tuple(config.alphabet.languages) or ("en",)
    hears = "in English" if len(languages) == 1 else f"in one of {len(languages)} languages"
    return replace(
        SPEC,
        name=config.name,
        family=SPEC.name,
        description=f"Writes down what is said {hears}, with times: {config.title}.",
        languages=languages,
        origins=(
            Origin(
                licence=config.licence or "not told by the checkpoint",
                source=f"checkpoint {config.title}, sha256 {config.sha256}",
            ),
            *transcribe.SPEC.origins[1:],  # what it is measured on
        ),
        licence_unclear=config.licence is None,
    )


SPEC = replace(
    transcribe.SPEC,
    network=NETWORK,
    intended_use="As told by whoever made the checkpoint.",
    limits=(
        "What it can do, and what it must not be used for, is told by whoever made the checkpoint. Here it was "
        "measured in English alone, on some recordings and synthetic speech.",
        *transcribe.SPEC.limits[2:],
    ),
    origins=(),
    config=SpeechCheckpointConfig,
    of=_spec_of,
)
