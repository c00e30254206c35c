"""The speech embedding and its spectrogram beside those of openWakeWord.

`data/speech_embedding.json` has what onnxruntime 1.32 answers with the two files of openwakeword 0.4.0 for the
recording of `_recording`: some numbers of the spectrogram, and of each vector.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from models.errors import UnfitWeightsError
from training.data import openwakeword

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "speech_embedding.json").read_text())


def _recording() -> Any:
    """1.42 s of noise that comes and goes."""
    from models.speech_embedding import samples_of

    samples = samples_of(9)
    noise = np.random.default_rng(0).normal(0, 0.1, samples)
    return (noise * np.sin(np.arange(samples) / 900)).astype(np.float32)[np.newaxis]


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    from models.speech_embedding import fill_speech_embedding, speech_embedding

    samples = keras.Input((None,), name="samples")
    model = keras.Model(samples, speech_embedding(samples))
    fill_speech_embedding(model, *openwakeword.load(Path(platformdirs.user_cache_dir("kmaas"))))
    return model


def test_the_spectrogram_is_openwakewords(model: Any) -> None:
    import keras

    spectrum = np.asarray(keras.Model(model.inputs[0], model.get_layer("mel").output)(_recording()))
    assert spectrum.shape == (1, 140, 32, 1)
    np.testing.assert_allclose(spectrum[0, ::20, ::8, 0], EXPECTED["spectrogram"], atol=1e-4)


def test_the_vectors_are_openwakewords(model: Any) -> None:
    vectors = np.asarray(model(_recording()))
    assert vectors.shape == (1, 9, 96)
    np.testing.assert_allclose(vectors[0, :, ::12], EXPECTED["vectors"], atol=1e-3)  # they lie between -46 and 46


def test_a_vector_does_not_depend_on_what_is_before_or_behind(model: Any) -> None:
    from models.speech_embedding import STEP

    whole, part = np.asarray(model(_recording())), np.asarray(model(_recording()[:, 3 * STEP :]))
    np.testing.assert_allclose(part, whole[:, 3:], atol=2e-3)


def test_weights_of_another_network_are_refused(model: Any) -> None:
    from models.speech_embedding import fill_speech_embedding

    spectrogram, embedding = openwakeword.load(Path(platformdirs.user_cache_dir("kmaas")))
    with pytest.raises(UnfitWeightsError, match="lack"):
        fill_speech_embedding(model, spectrogram, {name: embedding[name] for name in list(embedding)[:-3]})
