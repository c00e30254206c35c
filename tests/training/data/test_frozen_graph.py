"""Weights out of a frozen graph."""

import numpy as np
import pytest

from training.data.frozen_graph import read_frozen
from training.errors import DataError

KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(scope="module")
def graph() -> bytes:
    import tensorflow as tf

    with tf.Graph().as_default() as made:
        tf.constant(KERNEL, name="layer/weights")
        tf.constant(1e-3, name="layer/epsilon")
        tf.constant([1, 2], name="layer/shape")
        tf.constant(KERNEL, name="other/weights")
        content: bytes = made.as_graph_def().SerializeToString()
    return content


def test_arrays_of_numbers_in_a_scope_are_read_by_their_names(graph: bytes) -> None:
    found = read_frozen(graph, ("layer/",))
    assert found.keys() == {"layer/weights"}
    np.testing.assert_array_equal(found["layer/weights"], KERNEL)


@pytest.mark.parametrize("damage", [b"\xff", b""])
def test_what_is_no_graph_is_told(graph: bytes, damage: bytes) -> None:
    content = damage * 9 if damage else graph[:-3]
    with pytest.raises(DataError, match="not a whole frozen graph"):
        read_frozen(content, ("layer/",))
