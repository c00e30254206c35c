"""Keeps TensorFlow's chatter off the terminal while a verb works: `python -m kmaas.sieve PATTERN`.

What C++ writes to standard error goes through that process, which outlives a crash of ours, so that what was kept back
is shown even then.
"""

import logging
import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_DONE, _FAILED = b"\0done\n", b"\0failed\n"
_KEPT = 1000  # lines


@contextmanager
def without_chatter() -> Iterator[None]:
    """Lines of standard error that are chatter are shown only if the block fails, or the process dies in it.

    Others are shown as they come. What Python writes to `sys.stderr` goes straight to where it always went, a terminal
    stays one. An interruption is no failure. What is logged is told in plain words.
    """
    if logging.lastResort is not None:  # frameworks that find no handler put in one that tells level and module, too
        logging.basicConfig(format="%(message)s", handlers=[logging.lastResort])
    from serving.runtimes.quiet import CHATTER, standard_error

    kept = standard_error()
    if kept is None:
        yield
        return
    command = [sys.executable, "-m", __name__, CHATTER.pattern.decode()]
    sieve = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=kept, start_new_session=True)  # Ctrl-C is for us
    assert sieve.stdin is not None
    pythons = sys.stderr
    sys.stderr = _moved(pythons, kept)
    os.dup2(sieve.stdin.fileno(), 2)
    last = _DONE
    try:
        yield
    except Exception:
        last = _FAILED
        raise
    finally:
        sys.stderr.flush()
        sys.stderr = pythons
        os.dup2(kept, 2)
        with suppress(OSError):  # it was killed
            sieve.stdin.write(last)
            sieve.stdin.close()
        sieve.wait()


def _moved(stream: TextIO, descriptor: int) -> TextIO:
    """Python's own standard error at another descriptor, which it never closes: handlers of logs keep it for later.

    A stream that somebody put in its place stays: what it writes comes through the sieve.
    """
    if stream is not sys.__stderr__:
        return stream
    return open(descriptor, "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False)


def sifted(lines: Iterable[bytes], chatter: re.Pattern[bytes]) -> Iterator[bytes]:
    """The lines that are to be shown, as they come: those that are no chatter, and at last the chatter after a failure.

    Lines that end without a word are those of a process that died.
    """
    kept: deque[bytes] = deque(maxlen=_KEPT)
    for line in lines:
        if line == _DONE:
            return
        if line == _FAILED:
            break
        if chatter.match(line):
            kept.append(line)
        else:
            yield line
    yield from kept


def _main(pattern: str) -> None:
    for line in sifted(sys.stdin.buffer, re.compile(pattern.encode())):
        with suppress(OSError):  # nobody reads it any more; whoever writes must not wait for that
            os.write(2, line)


if __name__ == "__main__":
    _main(sys.argv[1])
