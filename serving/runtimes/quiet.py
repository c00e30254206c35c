"""Imports TensorFlow once, when it is first needed; keeps its chatter, and LiteRT's, off the terminal."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from serving.memory import common
from wire.imports import for_good, in_parts, without

CHATTER = re.compile(
    rb"WARNING: All log messages before absl|[IWE]\d{4} [\d:. ]+\S+:\d+\]|To enable the following instr"
    rb"|INFO: Created TensorFlow Lite "
)

_importing = threading.Lock()
_aside = threading.Lock()  # there is one standard error


def import_tensorflow_quietly() -> None:
    """Takes some seconds the first time. Other threads' lines on standard error appear when it is done.

    TensorFlow's C++ parts write a dozen lines about the machine before any setting of theirs can silence them.
    """
    with _importing:
        if "tensorflow" not in sys.modules:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
            # It would import Keras: 1.5 s and 120 MB that no server needs.
            with chatter_aside(), common(), without("keras.src"), for_good():
                import tensorflow as tf

                tf.config.list_physical_devices()  # it looks for GPUs aloud


def import_sessions_quietly() -> None:
    """Of TensorFlow what loads SavedModels and runs them: a third of the time, and 130 MB less, than all of it.

    To be imported by their full names from then on: `from tensorflow.python.client import session`.
    """
    with _importing:
        if "tensorflow.python.saved_model.loader_impl" not in sys.modules:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
            with chatter_aside(), common(), without("keras.src"), for_good(), in_parts("tensorflow"):
                from tensorflow.python import tf2

                tf2.enable()
                from tensorflow.python.client import session  # noqa: F401
                from tensorflow.python.framework import config, load_library, op_def_registry  # noqa: F401
                from tensorflow.python.saved_model import loader_impl  # noqa: F401

                config.list_physical_devices()  # it looks for GPUs aloud


def import_keras_quietly() -> None:
    """TensorFlow, then Keras, which would import scikit-learn and matplotlib for what nobody here uses of it: 1.3 s."""
    import_tensorflow_quietly()
    with without("sklearn", "matplotlib"), for_good():
        import keras  # noqa: F401


@contextmanager
def chatter_aside() -> Iterator[None]:
    """Sets aside what the process, its C++ parts included, writes to standard error; all of it is shown if the block
    fails, else what is not TensorFlow's chatter. A process without standard error has nothing to be kept quiet."""
    kept = standard_error()
    if kept is None:
        yield
        return
    chatter = CHATTER
    with _aside, tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            chatter = re.compile(rb"(?!)")
            raise
        finally:
            os.dup2(kept, 2)
            aside.seek(0)
            with suppress(OSError):  # nobody reads it any more
                os.write(kept, b"".join(line for line in aside if not chatter.match(line)))
            os.close(kept)


def standard_error() -> int | None:
    """A copy of its descriptor, with all before written out; None where the process was started without one."""
    if sys.stderr is None:  # the descriptor is closed, or something else by now
        return None
    try:
        sys.stderr.flush()
        return os.dup(2)
    except (OSError, ValueError):  # closed since, or nobody reads it any more
        return None
