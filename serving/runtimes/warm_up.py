"""Imports TensorFlow before the first load does, and lets it look at the machine."""


def warm_up() -> None:
    """Takes some seconds, and writes to standard error, once in a process."""
    import tensorflow as tf

    tf.config.list_physical_devices()
