"""Which rows of tokens are asked together."""

import math

import numpy as np
import pytest

from gateway.padding import Pace, Padding, companions, divided
from processing.spec import TextSpec
from store.manifest import Batching, Manifest, SignatureSpec, TensorSpec
from tests.support.manifests import manifest

PADDING = Padding("token_ids", 0)


def _rows(*rows: list[int]) -> dict[str, "np.ndarray[tuple[int, int], np.dtype[np.int32]]"]:
    longest = max(map(len, rows))
    return {"token_ids": np.array([[*row, *[0] * (longest - len(row))] for row in rows], np.int32)}


def test_a_row_is_as_long_as_its_last_token() -> None:
    assert PADDING.lengths(_rows([5, 6], [7, 0, 8, 0], [9, 0, 0, 0])).tolist() == [2, 3, 1]


def test_a_row_of_padding_alone_has_one_token() -> None:
    assert PADDING.lengths(_rows([0, 0, 0])).tolist() == [1]


def test_rows_are_cut_and_filled_up_at_the_end() -> None:
    short = PADDING.cut(_rows([1, 2, 3], [4, 5], [6]), np.array([2, 1]), 2)
    assert short["token_ids"].tolist() == [[6, 0], [4, 5]]
    assert PADDING.filled(short, 4)["token_ids"].tolist() == [[6, 0, 0, 0], [4, 5, 0, 0]]
    assert PADDING.filled(short, 1) is short


def test_a_group_ends_where_padding_costs_more_than_a_call() -> None:
    assert [group.tolist() for group in divided(np.array([9, 40, 10, 38, 10]), 8)] == [[1, 3], [2, 4, 0]]
    assert [group.tolist() for group in divided(np.array([9, 40, 10, 30, 10]), 8)] == [[1], [3], [2, 4, 0]]


def test_where_tokens_cost_nothing_all_rows_are_one_group() -> None:
    (group,) = divided(np.array([1, 200, 3]), math.inf)
    assert sorted(group.tolist()) == [0, 1, 2]


def test_a_group_is_full_once_its_call_costs_next_to_nothing() -> None:
    groups = divided(np.full(64, 20), 10)
    assert {len(group) for group in groups} == {8}
    assert sorted(np.concatenate(groups).tolist()) == list(range(64))


def test_the_nearest_in_length_go_with_the_first() -> None:
    others = [(1, 30), (1, 11), (1, 9), (1, 21), (1, 10)]
    assert companions((1, 10), others, 64, 4) == [1, 2, 4]
    assert companions((1, 10), others, 3, 4) == [1, 4]
    assert companions((1, 10), others, 64, math.inf) == [0, 1, 2, 3, 4]


def test_filling_up_those_who_are_there_counts_for_each_of_them() -> None:
    assert companions((4, 10), [(1, 12)], 64, 8) == [0]
    assert companions((5, 10), [(1, 12)], 64, 8) == []


def test_requests_without_rows_go_with_nobody() -> None:
    assert companions((1, 3), [(0, 3)], 64, math.inf) == []


def test_a_call_is_worth_more_tokens_the_less_they_cost() -> None:
    pace = Pace()
    assert pace.call_tokens == math.inf
    pace.note(1000, 1.0)
    dear = pace.call_tokens
    pace.note(1000, 0.01)
    cheap = pace.call_tokens
    assert 8 < dear < 12 < cheap < math.inf
    pace.note(1000, 60.0)  # it waited
    assert pace.call_tokens == pytest.approx(cheap, rel=0.01)


def test_short_calls_say_nothing_about_a_token() -> None:
    pace = Pace()
    pace.note(10, 1.0)
    assert pace.call_tokens == math.inf


def _texts(*, shape: tuple[int, ...] = (-1, -1), output: tuple[int, ...] = (-1, 4), batching: bool = True) -> Manifest:
    signature = SignatureSpec(
        inputs={"token_ids": TensorSpec(dtype="int32", shape=shape)},
        outputs={"embedding": TensorSpec(dtype="float", shape=output)},
    )
    return manifest("embeddings").model_copy(
        update={
            "processing": TextSpec(max_tokens=8, pad_id=3).model_dump(),
            "signatures": {"serving_default": signature},
            "batching": Batching(sizes=(2, 64), largest=0, allowed=1e-4) if batching else None,
        }
    )


def test_texts_whose_rows_were_tried_together_may_be_filled_up() -> None:
    assert Padding.of(_texts()) == Padding("token_ids", 3)


@pytest.mark.parametrize(
    "other",
    [{"batching": False}, {"shape": (-1, 8)}, {"output": (-1, -1, 4)}],
    ids=["untried", "one length", "a token"],
)
def test_what_could_be_answered_otherwise_is_not_filled_up(other: dict[str, object]) -> None:
    assert Padding.of(_texts(**other)) is None  # type: ignore[arg-type]


def test_pictures_are_not_filled_up() -> None:
    image = {"kind": "image", "form": "digit", "height": 28, "width": 28, "channels": 1}
    assert Padding.of(manifest().model_copy(update={"processing": image})) is None
