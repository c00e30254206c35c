"""A server of the comparison while it runs: from its start to its first right answer, and to its end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contestants import ROOT, Contestant
from bench.footprint import children, resident_mb
from bench.load import LoadError, Request
from bench.transport import Workload, check

_ANSWERS_WITHIN_S = 120
_ENDS_WITHIN_S = 15


class MissingServerError(Exception):
    """A server that cannot be had here."""


@dataclass(frozen=True)
class Running:
    """A server that has answered every case rightly. Of one that ran already start and memory are not known.

    Attributes:
        requests: to send again and again. Of other workloads than vectors one: answers of texts take as long as these.
        ready_s: from its start to the first right answers.
        memory_mb: resident memory of all its processes then, in 10⁶ bytes; what they share counts in each.
    """

    contestant: Contestant
    requests: Sequence[Request]
    ready_s: float | None
    memory_mb: float | None


@contextlib.contextmanager
def running(contestant: Contestant, workload: Workload, logs: Path) -> Iterator[Running]:
    """Runs the server until the block is left; what it says goes to a file in `logs`.

    Raises:
        MissingServerError: it did not start, or did not answer in time.
        WrongAnswerError: it answers otherwise than Keras.
    """
    if contestant.start is None:
        try:
            yield Running(contestant, check(contestant.transport, contestant.address, workload), None, None)
        except LoadError as exc:
            raise MissingServerError(str(exc)) from exc
        return
    start = contestant.start(workload)
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{workload.name}-{contestant.short}.log"
    began = time.monotonic()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), **start.environment}
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(start.command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        except OSError as exc:
            raise MissingServerError(f"{start.command[0]} cannot be run: {exc.strerror}") from exc
    try:
        requests = _first_answer(process, contestant, start.address, workload, log)
        ready_s = time.monotonic() - began
        memory_mb = sum(resident_mb(pid) for pid in (process.pid, *children(process.pid)))
        yield Running(contestant, requests, ready_s, memory_mb)
    finally:
        _end(process)


def _first_answer(
    process: "subprocess.Popen[bytes]", contestant: Contestant, address: str, workload: Workload, log: Path
) -> list[Request]:
    deadline = time.monotonic() + _ANSWERS_WITHIN_S
    while True:
        try:
            return check(contestant.transport, address, workload)
        except LoadError as exc:  # not listening yet, or not loaded
            if time.monotonic() > deadline:
                raise MissingServerError(f"no answer within {_ANSWERS_WITHIN_S} s ({exc}); see {log}") from exc
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(0.1)
            raise MissingServerError(f"it ended with exit code {code}: {_last_line(log)}; see {log}")


def _last_line(log: Path) -> str:
    return log.read_text(errors="replace").strip().rpartition("\n")[2]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process, and those of its children that outlive it."""
    family = children(process.pid) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
