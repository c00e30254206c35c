"""What is noted about one request while it is answered: its id, its stages, the version that answered."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from gateway.deadline import Clock
from gateway.unknown_language import UnknownLanguage
from gateway.version import ServedVersion
from wire.tracing import Tracing, fail

if TYPE_CHECKING:
    from opentelemetry.trace import Span

STAGES = ("receive", "queue", "decode", "preprocess", "infer", "postprocess")

_SERVERS_FAULT = 500

_T = TypeVar("_T")

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def sane_request_id(offered: str | None) -> str:
    """The caller's id if it can go into headers and logs as it is, else a new one."""
    return offered if offered and _SANE_ID.fullmatch(offered) else os.urandom(16).hex()


@dataclass
class Trace:
    """Belongs to the thread that answers the request. `stages` are seconds; of a repeated stage the last counts."""

    request_id: str
    clock: Clock = time.perf_counter
    tracing: Tracing | None = None
    stages: dict[str, float] = field(default_factory=dict)
    model: str | None = None  # only ever a known one
    version: ServedVersion | None = None
    unknown_language: UnknownLanguage | None = None
    bytes_in: int = 0  # of the body, as far as it was read
    span: "Span | None" = None

    def __post_init__(self) -> None:
        self.started = self.clock()

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Notes how long the block takes."""
        return self._spanned(self.tracing, name) if self.tracing else _Stage(self, name)

    @contextmanager
    def _spanned(self, tracing: Tracing, name: str) -> Iterator[None]:
        with tracing.span(name, "CLIENT" if name == "infer" else "INTERNAL"), _Stage(self, name):
            yield

    def within(self) -> AbstractContextManager[None]:
        """What the block does belongs to the request's span: of what is done after Flask is through with it."""
        return self.tracing.within(self.span) if self.tracing and self.span else nullcontext()

    def continued(self, pieces: Iterator[_T]) -> Iterator[_T]:
        """The pieces, each of which is made `within` the span."""
        return self._continued(pieces) if self.tracing else pieces

    def _continued(self, pieces: Iterator[_T]) -> Iterator[_T]:
        while True:
            with self.within():
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            yield piece

    def ended_with(self, status: int, why: str) -> None:
        """By HTTP's status the span has failed where the server has, not its caller. `why` is one of few words."""
        if self.span and status >= _SERVERS_FAULT:
            fail(self.span, why)

    def seconds(self) -> float:
        """Since the request began."""
        return self.clock() - self.started

    @property
    def trace_id(self) -> str | None:
        """In hexadecimal, as collectors show it."""
        return f"{self.span.get_span_context().trace_id:032x}" if self.span else None

    def server_timing(self) -> str:
        """The value of the header `Server-Timing`: durations in milliseconds."""
        return ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in self.stages.items())


class _Stage:
    """A class, for there are six in every request, and a generator takes three times as long."""

    __slots__ = ("_name", "_started", "_trace")

    def __init__(self, trace: Trace, name: str) -> None:
        self._trace = trace
        self._name = name

    def __enter__(self) -> None:
        self._started = self._trace.clock()

    def __exit__(self, *_: object) -> None:
        self._trace.stages[self._name] = self._trace.clock() - self._started
