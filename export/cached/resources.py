"""What a SavedModel keeps in memory between requests and never in its files."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


def kept(name: str, shape: Sequence[int], dtype: "tf.DType") -> Any:
    """A variable that begins with zeros whenever the version is loaded, with a `resource_handle`.

    A `tf.Variable` would be in the checkpoint: a cache is larger than most models.
    """
    return _kept()(name, shape, dtype)


def mutex(name: str) -> Any:
    """Something that one run at a time can hold, with a `resource_handle` for `MutexLock`."""
    return _mutex()(name)


@cache
def _kept() -> type[Any]:
    import tensorflow as tf
    from tensorflow.python.ops import handle_data_util  # nothing public tells a handle what it leads to

    class Kept(tf.saved_model.experimental.TrackableResource):  # type: ignore[misc]
        def __init__(self, name: str, shape: Sequence[int], dtype: tf.DType) -> None:
            self._name, self._shape, self._dtype = name, tf.TensorShape(shape), dtype
            super().__init__()
            self._initialize()

        def _create_resource(self) -> Any:
            handle = tf.raw_ops.VarHandleOp(dtype=self._dtype, shape=self._shape, shared_name=self._name)
            if tf.executing_eagerly():
                data = handle_data_util.create_handle_data(self._shape, self._dtype)
                handle_data_util.set_handle_data(handle, data)
            return handle

        def _initialize(self) -> None:
            zeros = tf.zeros(self._shape, self._dtype)
            tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=zeros)

    return Kept


@cache
def _mutex() -> type[Any]:
    import tensorflow as tf

    class Mutex(tf.saved_model.experimental.TrackableResource):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self._name = name
            super().__init__()
            _ = self.resource_handle  # made now: while a function is traced it would be the function's own

        def _create_resource(self) -> Any:
            return tf.raw_ops.MutexV2(shared_name=self._name)

        def _initialize(self) -> None:
            pass

    return Mutex
