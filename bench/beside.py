"""A peer of a comparison while it runs."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.contestants import ROOT
from bench.load import LoadError, Request, ask
from bench.stack import free_port

_STARTS_WITHIN_S = 300
_ANSWERS_WITHIN_S = 300


@contextmanager
def running_peer(command: Sequence[str | Path], first: Callable[[str], Request]) -> Iterator[str]:
    """The address of what the command runs, which takes a port as its last argument, once it answers `first` of it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, str(port)], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while True:
            try:
                ask(first(url), timeout_s=_ANSWERS_WITHIN_S)
                break
            except LoadError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)  # another process: that it listens can only be tried
        yield url
    finally:
        process.terminate()
        process.wait(30)
