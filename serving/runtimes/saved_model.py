"""Executes SavedModels with TensorFlow's TF1 loader and session: what TensorFlow Serving itself does.

It gives the same error texts, and loads TF1 and TF2 exports alike. TensorFlow (2 s, 600 MB) is imported by the first
load, not before.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from serving.errors import Code, LoadError, RequestError
from wire import messages
from wire.errors import TensorError
from wire.tensors import Array, from_proto

_TAGS = ["serve"]
_RunOptions = messages.message("tensorflow.RunOptions")


@dataclass(frozen=True)
class _Plan:
    """What `run` needs of a signature: tensor names by alias; the inputs' are sorted, for one order of feeds."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    defaults: Mapping[str, Array]


class SavedModel:
    """A `Runtime` around one `tf.compat.v1.Session`, whose `Run` is thread-safe."""

    def __init__(self, folder: Path, *, intra_op_threads: int, inter_op_threads: int) -> None:
        """Loads the version in `folder`. 0 threads leave the choice to TensorFlow; the first load decides for all.

        Raises:
            LoadError: there is no SavedModel, or it cannot be read.
        """
        if not any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
            raise LoadError(
                Code.NOT_FOUND, f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}"
            )
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # each load would warn that the TF1 loader is deprecated
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads, inter_op_parallelism_threads=inter_op_threads
        )
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            with self._graph.as_default():
                meta_graph = tf.compat.v1.saved_model.loader.load(self._session, _TAGS, str(folder))
        except Exception as exc:  # the loader raises OSError, ValueError, RuntimeError, OpError and more on bad files
            self._session.close()
            raise LoadError(_load_code(exc), getattr(exc, "message", None) or str(exc)) from exc
        self._session._extend_graph()  # noqa: SLF001 (`run` skips what Session.run does first)
        self._op_error = tf.errors.OpError
        self._tf_outputs: dict[str, Any] = {}
        self._signatures = {
            name: messages.SignatureDef.FromString(signature.SerializeToString())
            for name, signature in meta_graph.signature_def.items()
        }
        try:
            self._plans = {name: _plan(signature) for name, signature in self._signatures.items()}
        except TensorError as exc:
            self._session.close()
            raise LoadError(Code.INVALID_ARGUMENT, f"the default of an input cannot be read: {exc}") from exc

    @property
    def signatures(self) -> Mapping[str, Any]:
        return self._signatures

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        from tensorflow.python.client import pywrap_tf_session

        plan = self._plans[signature]
        given = {**plan.defaults, **inputs}
        feeds = {self._tf_output(name): given[alias] for alias, name in plan.inputs.items()}
        fetches = [self._tf_output(plan.outputs[alias]) for alias in outputs]
        run = partial(self._session._call_tf_sessionrun, feed_dict=feeds, fetch_list=fetches)  # noqa: SLF001 (Session.run would refuse feeds of another shape than the placeholder's; the real server does not)
        options = None if timeout_s is None else pywrap_tf_session.TF_NewBufferFromString(_run_options(timeout_s))
        try:
            found: list[Array] = run(options=options, target_list=[], run_metadata=None)
        except self._op_error as exc:
            raise RequestError(Code(exc.error_code), exc.message) from exc
        finally:
            if options is not None:
                pywrap_tf_session.TF_DeleteBuffer(options)
        return found

    def close(self) -> None:
        self._tf_outputs.clear()
        self._session.close()

    def _tf_output(self, tensor_name: str) -> Any:
        """The session's handle of a tensor, e.g. `StatefulPartitionedCall:0`; looked up once."""
        handle = self._tf_outputs.get(tensor_name)
        if handle is None:
            try:
                handle = self._graph.get_tensor_by_name(tensor_name)._as_tf_output()  # noqa: SLF001 (see `run`)
            except (KeyError, ValueError) as exc:  # the signature names a tensor the graph does not have
                raise RequestError(
                    Code.INVALID_ARGUMENT,
                    f"Tensor {tensor_name}, specified in either feed_devices or fetch_devices was not found in the "
                    "Graph",
                ) from exc
            self._tf_outputs[tensor_name] = handle
        return handle


def _plan(signature: Any) -> _Plan:
    return _Plan(
        inputs={alias: signature.inputs[alias].name for alias in sorted(signature.inputs)},
        outputs={alias: info.name for alias, info in signature.outputs.items()},
        defaults={alias: from_proto(proto) for alias, proto in signature.defaults.items()},
    )


def _run_options(timeout_s: float) -> bytes:
    """Serialized `tensorflow.RunOptions` with its timeout, in ms; 0 would mean none."""
    options: bytes = _RunOptions(timeout_in_ms=max(1, math.ceil(timeout_s * 1000))).SerializeToString()
    return options


def _load_code(exc: Exception) -> Code:
    """The code TensorFlow Serving shows for what the Python loader raises."""
    if (code := getattr(exc, "error_code", None)) is not None:
        return Code(code)
    if isinstance(exc, OSError):  # saved_model.pb does not parse
        return Code.DATA_LOSS
    if isinstance(exc, RuntimeError | ValueError):  # no meta graph with our tags; no checkpoint
        return Code.NOT_FOUND
    return Code.UNKNOWN
