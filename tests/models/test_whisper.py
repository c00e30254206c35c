"""Whisper tiny.en with its published weights, beside what faster-whisper makes of the same recordings.

`data/whisper.json` was recorded with `faster-whisper` 1.2.1 and CTranslate2 4.8.5 on the same `model.bin`, in float32
and greedily: of each recording the tokens, how probable it is that nobody speaks, every 1999th number of its log-mel
spectrogram, and of sentences when each word begins and ends. Behind the end of a recording it fills the spectrogram
with zeros; here silence is heard, as in training.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kmaas.config import Config
from models.listening import encoded, read_anew
from models.transcribe import (
    SPEC,
    TINY_EN,
    TranscribeConfig,
    aligning,
    build,
    listening_of,
    processing,
    steering,
    transcribing,
)
from models.whisper import SAMPLE_RATE, fill_whisper
from processing.audio import decode
from processing.speech import Transcriber, Written, windows
from training.config import load_config
from training.data import spoken, whisper
from training.data.spoken import Spoken

RECORDED: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "whisper.json").read_text())
PLAIN, TIMED = [50_257, 50_362], [50_257]
ILL, COLD = "sense_and_sensibility_01_austen_64kb-0880", "sense_and_sensibility_01_austen_64kb-0890"

Samples = NDArray[np.float32]


def _config() -> TranscribeConfig:
    config = load_config(SPEC)
    assert isinstance(config, TranscribeConfig)
    return config


@pytest.fixture(scope="module")
def recorded() -> dict[str, Spoken]:
    return {one.name: one for one in spoken.load(Config().cache)}


@pytest.fixture(scope="module")
def sounds(recorded: Mapping[str, Spoken]) -> dict[str, Samples]:
    return {name: decode(one.recording, sample_rate=SAMPLE_RATE, max_seconds=60) for name, one in recorded.items()}


@pytest.fixture(scope="module")
def pretrained() -> whisper.Whisper:
    return whisper.tiny_en(Config().cache)


@pytest.fixture(scope="module")
def model(pretrained: whisper.Whisper) -> Any:
    assert pretrained.size == TINY_EN.size
    model = build(_config())
    fill_whisper(model.get_layer("backbone"), pretrained.weights)
    return model


@pytest.fixture(scope="module")
def write(model: Any) -> Any:
    return transcribing(model, _config())


@pytest.fixture(scope="module")
def steer(model: Any) -> Any:
    function = steering(model, _config())

    def steer(samples: Samples, prompt: list[int], temperature: float = 0.0, seeds: tuple[int, ...] = (0,)) -> Any:
        rows = len(seeds)
        given = np.tile(samples[np.newaxis], (rows, 1)), np.tile(np.array([prompt], np.int32), (rows, 1))
        return function(*given, np.full(rows, temperature, np.float32), np.array(seeds, np.int32))

    return steer


def _written(outputs: Any, row: int = 0) -> list[int]:
    """Without what fills it up."""
    tokens: list[int] = np.asarray(outputs["tokens"])[row].tolist()
    return tokens[: tokens.index(50_256)]


def test_the_spectrogram_is_faster_whispers(model: Any, sounds: Mapping[str, Samples]) -> None:
    log_mel = model.get_layer("log_mel")
    for name, expected in RECORDED.items():
        spectrum = np.asarray(log_mel(sounds[name][np.newaxis]))[0, : expected["frames"]]
        np.testing.assert_allclose(spectrum.reshape(-1)[::1999], expected["mel"], atol=1e-4)


def test_more_than_a_window_is_refused_instead_of_cut_off(write: Any) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"recordings of 30\.0000\d+ s.*hears 30 s at most"):
        write(np.zeros((1, 30 * SAMPLE_RATE + 1), np.float32))


def test_with_zeros_behind_the_end_the_tokens_are_faster_whispers(model: Any, sounds: Mapping[str, Samples]) -> None:
    """Times among them, and the probability of silence."""
    import tensorflow as tf

    log_mel, backbone, listening = model.get_layer("log_mel"), model.get_layer("backbone"), listening_of(_config())
    function = tf.function(lambda spectrum: listening.write(backbone, spectrum, tf.constant([TIMED])), autograph=False)
    for name, expected in RECORDED.items():
        spectrum = np.asarray(log_mel(sounds[name][np.newaxis])).copy()
        spectrum[:, expected["frames"] :] = 0.0
        outputs = function(spectrum)
        assert _written(outputs) == expected["tokens"], name
        np.testing.assert_allclose(outputs["no_speech"], [expected["no_speech"]], atol=1e-4)


def test_read_sentences_are_heard_with_one_word_wrong(
    write: Any, pretrained: whisper.Whisper, recorded: Mapping[str, Spoken], sounds: Mapping[str, Samples]
) -> None:
    transcriber = Transcriber(pretrained.tokenizer, processing(_config()))

    def heard(name: str) -> str:
        [window] = windows(sounds[name], processing(_config()))
        outputs = write(window.samples[np.newaxis])
        passage = transcriber.passage(window, Written(_written(outputs), float(outputs["score"][0]), 0.0))
        assert not passage.is_doubtful
        return " ".join(piece.text for piece in passage.said)

    sentences = [heard(name) for name, one in recorded.items() if one.kind == spoken.SENTENCES]
    assert sentences == [
        "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do "
        "for them.",
        "He was not an old-sposed young man.",
        "Unless to be rather cold-hearted and rather selfish is to be ill-disposed.",
        "Had he married a more amiable woman, he might have been made still more respectable than he was.",
        "He might even have been made amiable himself.",
    ]


def test_the_loop_says_what_keras_layers_say(model: Any, write: Any, sounds: Mapping[str, Samples]) -> None:
    """The logits of each token, all of which are read anew."""
    backbone, samples = model.get_layer("backbone"), sounds[ILL][np.newaxis]
    heard, outputs = encoded(backbone, model.get_layer("log_mel")(samples)), write(samples)
    tokens, listening = [*_written(outputs), 50_256], listening_of(_config())
    scores = []
    for count, token in enumerate(tokens):
        logits = read_anew(backbone, heard, np.array([[*PLAIN, *tokens[:count]]], np.int32))
        told = listening.log_probabilities(logits, np.array([tokens[:count]], np.int32), np.array([[False]]))
        assert int(np.argmax(told)) == token
        scores.append(float(np.max(told)))
    assert float(outputs["score"][0]) == pytest.approx(np.mean(scores), abs=1e-4)


def test_words_are_said_when_faster_whisper_says(
    model: Any, write: Any, pretrained: whisper.Whisper, sounds: Mapping[str, Samples]
) -> None:
    """Where a sentence ends it tells of pauses otherwise; and it has two words where a hyphen is. In a batch it is the
    same."""
    align, transcriber = aligning(model, _config()), Transcriber(pretrained.tokenizer, processing(_config()))
    sentences = {name: of["words"] for name, of in RECORDED.items() if "words" in of}
    assert len(sentences) == 5
    for name, words in sentences.items():
        [window] = windows(sounds[name], processing(_config()))
        passage = transcriber.passage(window, Written(_written(write(window.samples[np.newaxis])), 0.0, 0.0))
        tokens, samples = transcriber.aligned(passage), window.samples[np.newaxis]
        alone = np.asarray(align(samples, tokens)["attention"])[0]
        told = transcriber.with_words(passage, alone).said[0].words
        expected = [(text.strip(), start) for text, start, _ in words if text.startswith(" ")]
        assert [word.text.split("-")[0] for word in told] == [text for text, _ in expected], name
        np.testing.assert_allclose([word.start_s for word in told], [start for _, start in expected], atol=0.041)

    padded = np.pad(samples, [(0, 0), (0, 40_000)])
    more = np.pad(tokens, [(0, 0), (0, 5)], constant_values=50_256)
    together = np.asarray(align(np.tile(padded, (2, 1)), np.tile(more, (2, 1)))["attention"])[1]
    np.testing.assert_allclose(together[: len(alone)], alone, atol=2e-3)
    assert not together[len(alone) :].any()


def test_recordings_of_several_lengths_do_not_disturb_each_other(write: Any, sounds: Mapping[str, Samples]) -> None:
    names = list(RECORDED)[-3:]
    longest = max(len(sounds[name]) for name in names)
    together = write(np.stack([np.pad(sounds[name], (0, longest - len(sounds[name]))) for name in names]))
    for row, name in enumerate(names):
        alone = write(sounds[name][np.newaxis])
        assert _written(together, row) == _written(alone)
        np.testing.assert_allclose(together["score"][row], alone["score"][0], atol=1e-4)


def test_steered_by_a_plain_start_it_answers_the_same(write: Any, steer: Any, sounds: Mapping[str, Samples]) -> None:
    for name, value in steer(sounds[COLD], PLAIN).items():
        np.testing.assert_array_equal(value, write(sounds[COLD][np.newaxis])[name])


def test_a_seed_draws_the_same_in_any_company(steer: Any, sounds: Mapping[str, Samples]) -> None:
    drawn = steer(sounds[ILL], PLAIN, 1.0, (1, 2, 3, 4))
    texts = [_written(drawn, row) for row in range(4)]
    assert len({tuple(text) for text in texts}) > 1
    assert _written(steer(sounds[ILL], PLAIN, 1.0, (3,))) == texts[2]


def test_times_come_in_pairs_and_never_go_back_however_they_are_drawn(
    steer: Any, sounds: Mapping[str, Samples]
) -> None:
    drawn = steer(np.concatenate([sounds[ILL], sounds[COLD]]), TIMED, 1.0, (1, 2, 3, 4))
    for row in range(4):
        tokens = _written(drawn, row)
        times = [token for token in tokens if token >= 50_363]
        assert tokens[0] in times
        assert times == sorted(times)
        assert times[0] <= 50_363 + 50
        texts = [number for number, token in enumerate(tokens) if token < 50_363]
        assert texts


def test_a_text_that_came_before_is_gone_on_with(
    steer: Any, pretrained: whisper.Whisper, sounds: Mapping[str, Samples]
) -> None:
    """What it heard as "old-sposed" is a word that it was told."""
    transcriber = Transcriber(pretrained.tokenizer, processing(_config()))
    [prompt] = transcriber.prompt("People who are ill-disposed.", timed=False).tolist()
    assert prompt[0] == 50_360
    assert prompt[-2:] == PLAIN
    [window] = windows(sounds[ILL], processing(_config()))
    text = transcriber.passage(window, Written(_written(steer(sounds[ILL], prompt)), 0.0, 0.0))
    assert [piece.text for piece in text.said] == ["He was not an ill-disposed young man."]
