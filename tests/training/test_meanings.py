"""The nearest sentence in meaning, by the published weights."""

import numpy as np

from kmaas.config import Config
from training.meanings import nearest_in_meaning

KNOWN = ["The file has been removed.", "The filler has been renewed.", "Tomorrow it is going to rain.", "He runs fast."]


def test_it_is_of_the_candidates_the_one_that_says_the_same() -> None:
    asked = ["The document was deleted.", "We expect showers for the next day."]
    everyone = np.array([[1, 0, 2, 3], [3, 1, 0, 2]])
    assert nearest_in_meaning(asked, KNOWN, everyone, Config().cache).tolist() == [0, 2]
    assert nearest_in_meaning(asked, KNOWN, everyone[:, :2] * 0 + 1, Config().cache).tolist() == [1, 1]
