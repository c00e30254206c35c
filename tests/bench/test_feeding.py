"""How long steps wait for data, by clocks that tick when they are told to."""

from collections.abc import Iterator

import pytest

from bench.feeding import Fed, fed


def test_what_is_waited_for_data_is_told_apart_from_the_steps() -> None:
    now = 0.0
    steps: list[int] = []

    def batches() -> Iterator[int]:
        nonlocal now
        for number in range(20):
            now += 0.25
            yield number

    def step(number: int) -> None:
        nonlocal now
        now += 0.75
        steps.append(number)

    result = fed(batches(), step, 10, clock=lambda: now, cpu=lambda: 1.6 * now)
    assert steps == list(range(15))  # five before
    assert result.steps == 10
    assert (result.seconds, result.waiting_s, result.cpu_s) == pytest.approx((10, 2.5, 16))
    assert "10 steps, 1000 ms each, 80% of 2 cores busy with it, 25.0% of the time waiting" in result.told(2)


def test_an_epoch_that_is_shorter_ends_it() -> None:
    assert fed(range(8), lambda _: None, 10).steps == 3
    assert Fed(4, 2.0, 0.0, 2.0).told(2).startswith("4 steps, 500 ms each, 50%")
