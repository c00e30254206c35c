"""Keeps TensorFlow's start-up chatter off the terminal."""

import os
import sys
import tempfile


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow with the process's standard error set aside.

    Its C++ parts write a dozen lines about the machine before any setting of theirs can silence them. If the import
    fails they are shown after all. To be called once, while no other thread writes to standard error.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()  # the search for GPUs speaks too
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
