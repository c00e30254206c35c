"""Progress in plain lines: stages, details, time left; never more often than every ten seconds."""

from kmaas.progress import PlainProgress, time_left_s


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = PlainProgress(lines.append, clock)
    progress.stage("train digits", 100)
    for step in range(1, 51):
        clock.now += 0.5
        progress.at(step, "epoch 1/2" if step == 50 else "")
    progress.stage("export digits", 1)
    progress.at(1, "done")
    assert lines == [
        "train digits",
        "train digits 20/100, 40 s left",
        "train digits 40/100, 30 s left",
        "train digits 50/100, epoch 1/2, 25 s left",
        "export digits",
        "export digits, done",
    ]


def test_time_left() -> None:
    assert time_left_s(0, 10, 5) is None
    assert time_left_s(2, 10, 5) == 20
    assert time_left_s(10, 10, 5) is None
