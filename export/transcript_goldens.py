"""Goldens of a version that transcribes: recordings of which it is clear at each token what is said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

from export.errors import NoGoldensError
from export.goldens import TOLERANCE, Array, CheckedRequest, UnclearError, is_clear
from models.example import Example
from processing.classification import softmax
from processing.request import preprocessing
from processing.spec import SpeechSpec
from processing.speech import Transcriber, Window, Written
from store.golden import Golden

if TYPE_CHECKING:
    import keras

    from models.listening import Listening
    from models.moonshine_listening import MoonshineListening

_RECORDINGS = 8

Hear = Callable[[Array], dict[str, Array]]
"""What a window is heard as by Keras' own layers, which read all anew for each token. Raises `UnclearError`."""


@dataclass(frozen=True)
class CheckedTranscript(CheckedRequest):
    """Of a model that hears: `tokens` `[1, most]`, `score` `[1]`, `no_speech` `[1]` if it tells, `language` `[1]` if
    there are several."""

    heard: Mapping[str, Array]

    @property
    def outputs(self) -> Mapping[str, Array]:
        return self.heard


def make_transcript_goldens(
    examples: Sequence[Example], spec: SpeechSpec, tokenizer: str, hear: Hear
) -> list[CheckedTranscript]:
    """The first recordings of which it is clear at each token what is said.

    Raises:
        NoGoldensError: there is none.
    """
    preprocess, transcriber = preprocessing(spec, tokenizer), Transcriber(tokenizer, spec)
    chosen: list[CheckedTranscript] = []
    for example in examples:
        if len(chosen) == _RECORDINGS:
            break
        inputs = preprocess(example.body)
        try:
            heard = hear(inputs)
        except UnclearError:
            continue
        tokens, score = (heard[name][0] for name in ("tokens", "score"))
        no_speech = float(heard["no_speech"][0]) if "no_speech" in heard else None
        window = Window(0.0, inputs.shape[1] / spec.sample_rate, inputs[0])
        passage = transcriber.passage(window, Written(tokens.tolist(), float(score), no_speech))
        if passage.said and not passage.is_doubtful:
            expected: JsonValue = {"text": " ".join(piece.text for piece in passage.said)}
            golden = Golden.of(example.name, example.media_type, example.body, expected, TOLERANCE)
            chosen.append(CheckedTranscript(golden, inputs, heard))
    if not chosen:
        raise NoGoldensError(len(examples))
    return chosen


def ear_of_moonshine(model: "keras.Model", listening: "MoonshineListening") -> Hear:
    """The most probable token each time."""
    import keras
    import tensorflow as tf

    from models.moonshine_listening import read_anew

    backbone = model.get_layer("backbone")
    given = [backbone.input[name] for name in ("encoder_input_values", "encoder_padding_mask")]
    encoder = keras.Model(given, backbone.output["encoder_sequence_output"])
    shapes = [tf.TensorSpec([1, None, backbone.hidden_dim], tf.float32), tf.TensorSpec([1, None], tf.int32)]
    read = tf.function(lambda heard, tokens: read_anew(backbone, heard, tokens), shapes, autograph=False)

    def hear(inputs: Array) -> dict[str, Array]:
        samples = inputs[:, : int(np.flatnonzero(inputs)[-1]) + 1]  # behind that it is silent
        heard = encoder([samples[..., np.newaxis], np.ones(samples.shape, bool)])
        written, total, limit = [listening.start], 0.0, int(listening.limits(samples.shape[1]))
        while written[-1] != listening.end and len(written) <= limit:
            told = np.log(softmax(np.asarray(read(heard, np.array([written], np.int32)))))[0]
            if not is_clear(told, 1):
                raise UnclearError
            total += float(told.max())
            written.append(int(told.argmax()))
        tokens, count = np.full((1, listening.most), listening.end, np.int32), len(written) - 1
        tokens[0, :count] = written[1:]
        return {"tokens": tokens, "score": np.array([total / count], np.float32)}

    return hear


def ear_of_whisper(model: "keras.Model", listening: "Listening") -> Hear:
    """The most probable token each time."""
    import tensorflow as tf

    from models.listening import encoded, read_anew

    backbone, of = model.get_layer("backbone"), listening.alphabet
    spoken = list(of.languages.values())
    shapes = [tf.TensorSpec([1, None, backbone.hidden_dim], tf.float32), tf.TensorSpec([1, None], tf.int32)]
    read = tf.function(lambda heard, tokens: read_anew(backbone, heard, tokens), shapes, autograph=False)

    def hear(inputs: Array) -> dict[str, Array]:
        heard = encoded(backbone, model.get_layer("log_mel")(inputs))
        written, total = np.zeros((1, 0), np.int32), 0.0
        begun = np.asarray(read(heard, np.array([[of.start]], np.int32)))[0]
        steered = []
        if of.transcribe is not None:
            if not is_clear(begun[spoken], 1):
                raise UnclearError
            steered = [spoken[begun[spoken].argmax()], of.transcribe]
        prompt, silence = np.array([[of.start, *steered, of.no_times]], np.int32), softmax(begun[np.newaxis])[0]
        while written.shape[1] < listening.most:
            logits = read(heard, np.concatenate([prompt, written], axis=1))
            told = np.asarray(listening.log_probabilities(logits, written, np.array([[False]])))[0]
            if not is_clear(told, 1):
                break
            total += float(told.max())
            written = np.append(written, np.array([[told.argmax()]], np.int32), axis=1)
            if written[0, -1] == of.end:
                tokens = np.full((1, listening.most), of.end, np.int32)
                tokens[:, : written.shape[1]] = written
                return {
                    "tokens": tokens,
                    "score": np.array([total / written.shape[1]], np.float32),
                    "no_speech": np.array([silence[of.no_speech]], np.float32),
                    **({"language": np.array(steered[:1], np.int32)} if steered else {}),
                }
        raise UnclearError

    return hear
