"""Which token comes next."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.generation.sampling import Floats, Sampling, candidates, chosen, largest, log_sum, penalised

LOGITS = np.log(np.array([0.1, 0.4, 0.2, 0.3], np.float32))  # probabilities that add up to one

logits = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=50).map(lambda row: np.array(row, np.float64))


def shares(row: Floats, **sampling: float) -> dict[int, float]:
    tokens, probabilities = candidates(row.astype(np.float64), Sampling(**{"temperature": 1.0, **sampling}))  # type: ignore[arg-type]  # of a table
    return {int(token): round(float(share), 4) for token, share in zip(tokens, probabilities, strict=True)}


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({}, {1: 0.4, 3: 0.3, 2: 0.2, 0: 0.1}),
        ({"temperature": 0.0}, {1: 1.0}),
        ({"temperature": 0.5}, {1: 0.5333, 3: 0.3, 2: 0.1333, 0: 0.0333}),  # squares, 0.16 : 0.09 : 0.04 : 0.01
        ({"top_k": 1}, {1: 1.0}),
        ({"top_k": 2}, {1: 0.5714, 3: 0.4286}),
        ({"top_k": 9}, {1: 0.4, 3: 0.3, 2: 0.2, 0: 0.1}),
        ({"top_p": 0.0}, {1: 1.0}),
        ({"top_p": 0.39}, {1: 1.0}),
        ({"top_p": 0.5}, {1: 0.5714, 3: 0.4286}),
        ({"top_p": 0.95}, {1: 0.4, 3: 0.3, 2: 0.2, 0: 0.1}),
        ({"top_p": 1.0}, {1: 0.4, 3: 0.3, 2: 0.2, 0: 0.1}),
        ({"top_k": 3, "top_p": 0.5}, {1: 0.5714, 3: 0.4286}),
    ],
)
def test_candidates(sampling: dict[str, float], expected: dict[int, float]) -> None:
    assert shares(LOGITS, **sampling) == expected


def test_of_equal_logits_the_lower_id_leads() -> None:
    assert list(shares(np.zeros(3), top_k=2)) == [0, 1]
    assert list(shares(np.zeros(3), temperature=0.0)) == [0]


def test_a_token_that_is_ruled_out_never_comes() -> None:
    assert shares(np.array([-np.inf, 0.0, -np.inf])) == {1: 1.0, 0: 0.0, 2: 0.0}


@given(logits, st.floats(0.01, 0.999))
def test_top_p_keeps_the_fewest_that_have_that_mass(row: Floats, top_p: float) -> None:
    _, everyone = candidates(row, Sampling(temperature=1.0))
    tokens, probabilities = candidates(row, Sampling(temperature=1.0, top_p=top_p))
    everyone = np.sort(everyone)[::-1]
    assert math.isclose(probabilities.sum(), 1)
    assert everyone[: len(tokens)].sum() >= top_p - 1e-9
    assert everyone[: len(tokens) - 1].sum() < top_p


@given(logits, st.floats(0, 1, exclude_max=True))
def test_a_draw_takes_a_candidate_with_a_share(row: Floats, draw: float) -> None:
    tokens, probabilities = candidates(row, Sampling(temperature=1.0, top_p=0.9))
    token = chosen(tokens, probabilities, draw)
    assert probabilities[list(tokens).index(token)] > 0


def test_draws_come_out_as_the_shares() -> None:
    tokens, probabilities = candidates(LOGITS.astype(np.float64), Sampling(temperature=1.0))
    draws = (np.arange(1000) + 0.5) / 1000
    counts = np.bincount([chosen(tokens, probabilities, draw) for draw in draws])
    assert counts.tolist() == [100, 400, 200, 300]


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), [1.0, -1.0, 2.0, 4.0]),
        (Sampling(repetition_penalty=2.0), [0.5, -2.0, 1.0, 4.0]),
        (Sampling(frequency_penalty=0.5), [1.0, -1.5, 1.0, 4.0]),
        (Sampling(presence_penalty=0.5), [1.0, -1.5, 1.5, 4.0]),
        (Sampling(frequency_penalty=0.5, presence_penalty=0.5), [1.0, -2.0, 0.5, 4.0]),
        (Sampling(frequency_penalty=-1.0), [1.0, 0.0, 4.0, 4.0]),
    ],
)
def test_penalties(sampling: Sampling, expected: list[float]) -> None:
    row = np.array([1.0, -1.0, 2.0, 4.0], np.float32)
    assert penalised(row, sampling, prompt=[0, 0], generated=[2, 1, 2]).tolist() == expected
    assert row.tolist() == [1.0, -1.0, 2.0, 4.0]


@given(logits)
def test_probabilities_add_up_to_one(row: Floats) -> None:
    given = row.astype(np.float32)
    assert math.isclose(np.exp(given.astype(np.float64) - log_sum(given)).sum(), 1, rel_tol=1e-6)


def test_the_sum_of_huge_logits_is_finite() -> None:
    assert log_sum(np.array([3e38, 0], np.float32)) == pytest.approx(3e38)


@given(logits, st.integers(1, 60))
def test_the_largest_are_those_of_a_whole_sort(row: Floats, count: int) -> None:
    row = row.round(0)  # with equal ones among them
    assert largest(row, count).tolist() == np.argsort(-row, kind="stable")[:count].tolist()
