"""Readings by espeak-ng: whole sentences, always the same."""

import re
import time

import numpy as np

from kmaas.config import Config
from kmaas.progress import PlainProgress
from training.data.engines import SAMPLE_RATE, Espeak, Saying
from training.data.read_aloud import READINGS, load, sentences

PROGRESS = PlainProgress(lambda _: None, time.monotonic)


def test_sentences_are_whole_and_none_is_cut_at_an_abbreviation() -> None:
    text = (
        "Chapter 1. It was then that Mr. Allen of Fullerton came to see Mrs. Morland at last. She did not know what "
        "she could say to him there! No. He went. They all went home as "
        "slowly as they had come to it. The"
    )
    assert sentences(text) == [
        "It was then that Mr Allen of Fullerton came to see Mrs Morland at last.",
        "She did not know what she could say to him there!",
        "They all went home as slowly as they had come to it.",
    ]


def test_readings_are_as_long_as_they_are_and_always_the_same() -> None:
    readings = load(Config().cache, PROGRESS, 1)
    assert len(readings) == READINGS
    assert len({reading.text for reading in readings}) == READINGS
    assert all(len(re.findall(r"[.!?](?: |$)", reading.text)) >= 3 for reading in readings)
    assert all(5 * SAMPLE_RATE < len(reading.sound) < 30 * SAMPLE_RATE for reading in readings)
    [again] = Espeak(Config().cache).speak([Saying(readings[-1].text, "en-gb+Annie")])
    np.testing.assert_allclose(readings[-1].sound, again, atol=1 / 32767)
