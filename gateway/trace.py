"""What is noted about one request while it is answered: its id, its stages, the version that answered."""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.deadline import Clock
from gateway.version import ServedVersion

STAGES = ("decode", "preprocess", "infer", "postprocess")

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def sane_request_id(offered: str | None) -> str:
    """The caller's id if it can go into headers and logs as it is, else a new one."""
    return offered if offered and _SANE_ID.fullmatch(offered) else uuid.uuid4().hex


@dataclass
class Trace:
    """Belongs to the thread that answers the request. `stages` are seconds; of a repeated stage the last counts."""

    request_id: str
    clock: Clock = time.perf_counter
    stages: dict[str, float] = field(default_factory=dict)
    model: str | None = None  # only ever a known one
    version: ServedVersion | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = self.clock()
        try:
            yield
        finally:
            self.stages[name] = self.clock() - started

    def server_timing(self) -> str:
        """The value of the header `Server-Timing`: durations in milliseconds."""
        return ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in self.stages.items())
