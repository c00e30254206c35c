"""How many steps a call may have."""

from gateway.stride import Stride


def test_one_while_nothing_is_known_then_as_many_as_fit() -> None:
    stride = Stride(0.05)
    assert stride.steps == 1
    stride.took(0.01, 1)
    assert stride.steps == 5
    for _ in range(100):
        stride.took(0.01, 10)
    assert 45 <= stride.steps <= 50


def test_one_at_least_and_never_without_bound() -> None:
    stride = Stride(0.05)
    stride.took(3.0, 1)
    assert stride.steps == 1
    stride = Stride(0.05)
    stride.took(0.0, 5)
    assert stride.steps == 64
