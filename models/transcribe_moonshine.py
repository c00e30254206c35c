"""`transcribe-moonshine`: what is said in English: Moonshine tiny."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models import transcribe
from models.moonshine import SAMPLE_RATE, WINDOW_S, MoonshineSize, moonshine, moonshine_backbone
from models.spec import ModelConfig, Origin
from processing.spec import SpeechSpec

if TYPE_CHECKING:
    import keras

    from models.moonshine_listening import MoonshineListening


@dataclass(frozen=True)
class MoonshineNetwork:
    """`start` and `end` are tokens."""

    size: MoonshineSize
    start: int
    end: int


TINY = MoonshineNetwork(
    MoonshineSize(
        vocabulary=32_768,
        width=288,
        encoder_layers=6,
        decoder_layers=6,
        encoder_heads=8,
        decoder_heads=8,
        turned=0.9,
    ),
    start=1,
    end=2,
)


class MoonshineConfig(ModelConfig):
    """`most_tokens`: of what is said in 30 seconds."""

    most_tokens: Annotated[int, Field(ge=8, le=512)]

    @property
    def hearing(self) -> MoonshineNetwork:
        return TINY


def build(config: MoonshineConfig) -> "keras.Model":
    """See `models.moonshine.moonshine`."""
    return moonshine(moonshine_backbone(config.hearing.size), config.hearing.start)


def processing(config: MoonshineConfig) -> SpeechSpec:
    of = config.hearing
    return SpeechSpec(
        sample_rate=SAMPLE_RATE,
        language="en",
        window_s=WINDOW_S,
        context_tokens=1 + config.most_tokens,
        most_tokens=config.most_tokens,
        start_id=of.start,
        end_id=of.end,
    )


def transcribing(model: "keras.Model", config: MoonshineConfig) -> Any:
    """The `tf.function` that writes down what a model hears, as it is exported: float32 `[batch, samples]` to what
    `models.moonshine_listening.MoonshineListening.write` answers."""
    import tensorflow as tf

    backbone, listening = model.get_layer("backbone"), listening_of(config)
    samples = tf.TensorSpec([None, None], tf.float32, name="samples")
    return tf.function(lambda samples: listening.write(backbone, samples), input_signature=[samples], autograph=False)


def listening_of(config: MoonshineConfig) -> "MoonshineListening":
    from models.moonshine_listening import MoonshineListening

    return MoonshineListening(config.hearing.start, config.hearing.end, config.most_tokens)


PLAIN_LIMITS = (
    transcribe.INVENTS,
    "It writes plain text: times are those of the windows in which a recording is heard, of up to 30 s, and it does "
    "not tell whether anybody speaks.",
    "Where it repeats itself or is unsure, it is not asked again, as a Whisper is.",
    transcribe.IN_WINDOWS,
)

SPEC = replace(
    transcribe.SPEC,
    name="transcribe-moonshine",
    description="Writes down what is said in English, in a time that grows with what is heard.",
    intended_use=(
        "First drafts of what was said in short, clear recordings of English, that somebody reads before they are "
        "used; spoken commands and questions."
    ),
    limits=(
        "The smallest Moonshine: of names, accents, noise and people who speak at once it hears less than larger ones.",
        transcribe.ENGLISH_ALONE,
        *PLAIN_LIMITS,
    ),
    origins=(
        Origin(
            licence="MIT",
            source=(
                "Moonshine tiny for ONNX, with 8 bits a weight, from the npm package @moonshine-ai/moonshine-js "
                "0.1.29; its tokenizer from the PyPI package useful-moonshine-onnx 20251121"
            ),
            attribution=(
                "N. Jeffries et al.: Moonshine: Speech Recognition for Live Transcription and Voice Commands, 2024 "
                "(Useful Sensors)"
            ),
        ),
        *transcribe.SPEC.origins[1:],
    ),
    config=MoonshineConfig,
    build=build,
    processing=processing,
)
