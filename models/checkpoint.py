"""A language model whose network and weights are somebody's checkpoint, in any of keras-hub's families."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from models import chat
from models.language import BACKBONE, language_model
from models.spec import Count, LanguageConfig, ModelSpec, Origin
from processing.spec import Drawing, LanguageSpec

if TYPE_CHECKING:
    import keras

NETWORK = "checkpoint"
SHORTEST = 64
"""Tokens: what the prompts of the goldens take."""

BACKBONES = ("GPT2Backbone", "Llama3Backbone", "QwenBackbone", "Qwen3Backbone", "GemmaBackbone", "Gemma3Backbone")
"""keras-hub's classes of the families whose logits were compared with those of PyTorch."""


class CheckpointConfig(LanguageConfig):
    """What a checkpoint says of itself; only seed, rows, slots and context_tokens are to be set by hand.

    Attributes:
        name: under which the model is served.
        checkpoint: the folder that it was read from, or the name of keras-hub's preset.
        sha256: of the files that were read.
        backbone: keras-hub's class.
        size: what that class is made with.
        parameters: so many weights it has.
        longest: the most tokens it was made for, prompt and continuation together.
        end_ids: the tokens that end a text.
        chats: whether it has a chat template.
        drawing: how tokens are to be drawn where nobody says otherwise; None if it does not tell.
        licence: as the checkpoint tells it; None if it does not.
    """

    network: Literal["checkpoint"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    checkpoint: str
    sha256: str
    backbone: Literal[
        "GPT2Backbone", "Llama3Backbone", "QwenBackbone", "Qwen3Backbone", "GemmaBackbone", "Gemma3Backbone"
    ]
    size: dict[str, JsonValue]
    parameters: Count
    longest: Count
    end_ids: tuple[int, ...]
    chats: bool
    drawing: Drawing | None = None
    licence: str | None = None
    context_tokens: Annotated[int, Field(ge=SHORTEST)]

    @property
    def title(self) -> str:
        """The name of the folder or of the preset, for whoever has no business with this machine's folders."""
        return titled(self.checkpoint)

    @model_validator(mode="after")
    def _was_made_for_so_many(self) -> Self:
        if self.context_tokens > self.longest:
            raise ValueError(f"context_tokens: the checkpoint was made for {self.longest} tokens at most")
        return self


def titled(checkpoint: str) -> str:
    """The name of a folder, or of a preset as it is."""
    return Path(checkpoint).name if Path(checkpoint).is_absolute() else checkpoint


def build(config: CheckpointConfig) -> "keras.Model":
    """See `models.language.language_model`."""
    return language_model(backbone_of_size(config.backbone, config.size), "checkpoint")


def backbone_of_size(name: str, size: Mapping[str, Any]) -> "keras.Model":
    """A fresh backbone; it computes with float32, whatever the checkpoint was stored in."""
    import keras_hub

    return getattr(keras_hub.models, name)(**size, dtype="float32", name=BACKBONE)


def processing(config: CheckpointConfig) -> LanguageSpec:
    return LanguageSpec(context_tokens=config.context_tokens, end_ids=config.end_ids, drawing=config.drawing)


def _spec_of(config: CheckpointConfig) -> ModelSpec:
    """The entry as this checkpoint fills it in: under its own name, with its own terms."""
    return replace(
        SPEC,
        name=config.name,
        family=SPEC.name,
        description=f"{'Answers messages, and continues' if config.chats else 'Continues'} texts: {config.title}.",
        intended_use="As told by whoever made the checkpoint.",
        origins=(
            Origin(
                licence=config.licence or "not told by the checkpoint",
                source=f"checkpoint {config.title}, sha256 {config.sha256}",
            ),
            chat.SPEC.origins[-1],  # the plays, on which it is measured
        ),
        licence_unclear=config.licence is None,
    )


SPEC = replace(
    chat.SPEC,
    network=NETWORK,
    limits=(
        "What it can do, and what it must not be used for, is told by whoever made the checkpoint. Here it was only "
        "measured how well it foretells plays by Shakespeare, which says little of other texts.",
        "It makes things up, fluently and without a sign of doubt.",
    ),
    origins=(),
    config=CheckpointConfig,
    build=build,
    processing=processing,
    of=_spec_of,
)
