"""A model of recordings by construction: `speech` tells of each half second whether it was loud or quiet, in windows of
2 s; it takes WAV files in its signature `raw`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel

from processing.spec import SpeechSpec
from store.golden import Golden
from store.manifest import ALIGN_SIGNATURE, STEER_SIGNATURE, SignatureSpec, TensorSpec
from tests.support.recordings import wav
from tests.support.small_text_models import ManifestOf, write_version

SAMPLE_RATE = 8000
LONGEST = 40  # tokens of a window


def write_speech(folder: Path, manifest_of: ManifestOf) -> None:
    import tensorflow as tf

    from export.raw.signature import RAW_SIGNATURE, Raw

    step, (end, loud, quiet, start, before, plain, first_time) = SAMPLE_RATE // 2, range(7)
    tokenizer = Tokenizer(WordLevel({" loud": loud, " quiet": quiet, "<unknown>": start}, unk_token="<unknown>"))
    tokenizer.add_special_tokens(["<unknown>"])
    tokenizer.decoder = Fuse()

    def steer(samples: Any, prompt: Any, temperature: Any, seed: Any) -> dict[str, Any]:
        """Half seconds, the last one as long as it is. What is too loud is "loud" without end, but at a temperature;
        and what follows on "quiet" is quiet."""
        frames = tf.signal.frame(samples, step, step, pad_end=True)
        rows, count = tf.shape(frames)[0], tf.shape(frames)[1]
        loudness = tf.sqrt(tf.reduce_mean(tf.square(frames), axis=2))
        words = tf.where((loudness > 0.1) & ~tf.reduce_any(prompt == quiet, axis=1, keepdims=True), loud, quiet)
        begins = first_time + tf.zeros_like(words) + tf.range(count)
        timed = tf.reshape(tf.stack([begins, words, begins + 1], axis=2), [rows, 3 * count])
        without = tf.pad(words, [[0, 0], [0, 2 * count]], constant_values=end)
        tokens = tf.where(prompt[:, -1:] == plain, without, timed)
        endless = (tf.reduce_max(loudness, axis=1) > 0.8) & (temperature + 0.0 * tf.cast(seed, tf.float32) < 0.3)
        tokens = tf.pad(tokens, [[0, 0], [0, LONGEST - 3 * count]], constant_values=end)
        sure = tf.zeros([rows])
        return {"tokens": tf.where(endless[:, tf.newaxis], loud, tokens), "score": sure, "no_speech": sure}

    def serve(samples: Any) -> dict[str, Any]:
        rows = tf.shape(samples)[:1]
        prompt = tf.tile([[start, plain]], tf.concat([rows, [1]], 0))
        return steer(samples, prompt, tf.zeros(rows), tf.zeros(rows, tf.int32))

    def align(samples: Any, tokens: Any) -> dict[str, Any]:
        """Behind the start each token is a half second."""
        places, rows = tf.shape(samples)[1] // step + 2, tf.shape(tokens)[1]
        looked = tf.one_hot(tf.range(rows) - 1, places)
        return {"attention": tf.tile(looked[tf.newaxis], [tf.shape(samples)[0], 1, 1])}

    given = tf.TensorSpec([None, None], tf.float32, name="samples")
    written = tf.TensorSpec([None, None], tf.int32, name="tokens")
    steering = [
        tf.TensorSpec([None, None], tf.int32, name="prompt"),
        tf.TensorSpec([None], tf.float32, name="temperature"),
        tf.TensorSpec([None], tf.int32, name="seed"),
    ]
    spec = SpeechSpec(
        sample_rate=SAMPLE_RATE,
        language="en",
        window_s=2.0,
        context_tokens=2 * LONGEST,
        most_tokens=LONGEST,
        start_id=start,
        no_times_id=plain,
        previous_id=before,
        end_id=end,
        first_time_id=first_time,
        time_step_s=0.5,
    )
    raw = Raw(spec, None)
    outputs = {
        "tokens": TensorSpec(dtype="int32", shape=(-1, -1)),
        "score": TensorSpec(dtype="float32", shape=(-1,)),
        "no_speech": TensorSpec(dtype="float32", shape=(-1,)),
    }
    samples, files = TensorSpec(dtype="float32", shape=(-1, -1)), TensorSpec(dtype="string", shape=(-1,))
    manifest = manifest_of(
        "speech",
        "automatic-speech-recognition",
        {},
        (),
        digest="sha256:speech",
        parameters=0,
        processing=spec.model_dump(mode="json"),
        signatures={
            "serving_default": SignatureSpec(inputs={"samples": samples}, outputs=outputs),
            RAW_SIGNATURE: SignatureSpec(inputs={raw.input: files}, outputs=outputs),
            STEER_SIGNATURE: SignatureSpec(
                inputs={
                    "samples": samples,
                    "prompt": TensorSpec(dtype="int32", shape=(-1, -1)),
                    "temperature": TensorSpec(dtype="float32", shape=(-1,)),
                    "seed": TensorSpec(dtype="int32", shape=(-1,)),
                },
                outputs=outputs,
            ),
            ALIGN_SIGNATURE: SignatureSpec(
                inputs={"samples": samples, "tokens": outputs["tokens"]},
                outputs={"attention": TensorSpec(dtype="float32", shape=(-1, -1, -1))},
            ),
        },
    )
    golden = Golden.of("loud", "audio/wav", recording([0.5, 0.0]), {"text": "loud quiet"}, 1e-4)
    others = {
        RAW_SIGNATURE: raw.function(serve),
        STEER_SIGNATURE: tf.function(steer, input_signature=[given, *steering]),
        ALIGN_SIGNATURE: tf.function(align, input_signature=[given, written]),
    }
    serve = tf.function(serve, input_signature=[given])
    documents = {"tokenizer": tokenizer.to_str().encode()}
    write_version(folder, serve, [], manifest, goldens=[golden], documents=documents, others=others)


def recording(
    loudness: Sequence[float], *, rate: int = SAMPLE_RATE, width: int = 2, channels: int = 1, seconds: float = 0.5
) -> bytes:
    """A WAV file: so loud in each half second, and no tone."""
    amplitude = np.repeat(np.asarray(loudness), int(rate * seconds))
    samples = amplitude * np.random.default_rng(0).choice([-1, 1], len(amplitude))
    return wav(np.repeat(samples[:, np.newaxis], channels, axis=1), rate, width=width)
