"""Labels by the cosines of vectors."""

import numpy as np
import pytest

from processing.zero_shot import hypotheses, probabilities


def test_a_label_stands_where_the_template_has_its_place() -> None:
    assert hypotheses(["cats", "{}"]) == ["The topic is cats.", "The topic is {}."]
    assert hypotheses(["cats"], "{} are meant") == ["cats are meant"]


def test_one_of_them_is_right() -> None:
    near, far = probabilities(np.array([[0.5, 0.3, -0.1], [0.1, 0.1, 0.1]], np.float32), several=False)
    assert near.argsort().tolist() == [2, 1, 0]
    assert near.sum() == pytest.approx(1)
    assert near[0] / near[1] == pytest.approx(np.exp(0.2 / 0.045), rel=1e-4)
    assert far == pytest.approx([1 / 3] * 3)


def test_each_of_several_is_right_by_itself() -> None:
    cosines = np.array([[0.5, 0.13, -0.9]], np.float32)
    [all_three] = probabilities(cosines, several=True)
    [[first]] = probabilities(cosines[:, :1], several=True)
    assert all_three[0] == pytest.approx(first)
    assert all_three[1] == pytest.approx(0.5)
    assert all_three[0] > 0.9
    assert all_three[2] < 0.1
