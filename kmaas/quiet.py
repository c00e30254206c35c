"""Keeps TensorFlow's start-up chatter off the terminal."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from serving.runtimes.warm_up import warm_up


def import_tensorflow_quietly() -> None:
    """To be called once, while no other thread writes to standard error.

    TensorFlow's C++ parts write a dozen lines about the machine before any setting of theirs can silence them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _stderr_aside():
        warm_up()


@contextmanager
def _stderr_aside() -> Iterator[None]:
    """Sets aside what the process, its C++ parts included, writes to standard error; shows it if the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
