"""Executes SavedModels in a TensorFlow session: TensorFlow Serving's error texts, TF1 and TF2 exports alike.

Runs go through the session's own `Run`. RunCallable would save 1 to 2 µs, but words its errors otherwise than the real
server; the caller's thread saves 25 to 40.
"""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from serving.errors import Code, LoadError, RequestError
from serving.runtimes import measure
from serving.runtimes.graph import traits
from serving.runtimes.heap import give_back
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.session import CALLER, load_session
from wire import messages
from wire.errors import TensorError
from wire.tensors import Array, from_proto

_RunOptions = messages.message("tensorflow.RunOptions")
_CALLER_LIMIT_S = 0.05  # a run that is expected to take longer goes to the pool, whose deadline ends it


@dataclass
class _Plan:
    """What `run` needs of a signature: tensor names by alias; the inputs' are sorted, for one order of feeds.

    `caller_elements`: runs with no more elements of inputs go on in the caller's thread, where nothing interrupts
    them. `refused`: XLA would be needed. `pure`: see `Runtime.pure`.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    defaults: Mapping[str, Array]
    caller_elements: int = -1
    refused: bool = False
    pure: bool = False


class SavedModel:
    """A `Runtime` around one `tf.compat.v1.Session`, whose `Run` is thread-safe."""

    def __init__(self, folder: Path, options: RuntimeOptions) -> None:
        """Loads the version in `folder`, and measures its signatures, up to half a second each.

        Raises:
            LoadError: there is no SavedModel, or it cannot be read.
        """
        self._session, meta_graph = load_session(folder, options)
        from tensorflow.python.client import pywrap_tf_session
        from tensorflow.python.framework.errors_impl import OpError

        self._api = pywrap_tf_session
        self._op_error = OpError
        self._in_caller = self._api.TF_NewBufferFromString(_RunOptions(inter_op_thread_pool=CALLER).SerializeToString())
        self._tf_outputs: dict[str, Any] = {}
        self._signatures = {
            name: messages.SignatureDef.FromString(signature.SerializeToString())
            for name, signature in meta_graph.signature_def.items()
        }
        try:
            self._plans = {name: _plan(signature) for name, signature in self._signatures.items()}
            for name, plan in self._plans.items():
                self._choose(name, plan, meta_graph.graph_def, xla=options.xla)
        except TensorError as exc:
            self.close()
            raise LoadError(Code.INVALID_ARGUMENT, f"the default of an input cannot be read: {exc}") from exc

    @property
    def signatures(self) -> Mapping[str, Any]:
        return self._signatures

    @property
    def pure(self) -> Collection[str]:
        return {name for name, plan in self._plans.items() if plan.pure}

    @property
    def unopened(self) -> Collection[str]:
        return ()

    @property
    def facts(self) -> Mapping[str, str]:
        config = self._session._config  # noqa: SLF001 (it has no other face)
        return {
            "runtime": "saved_model",
            "intra_op": str(config.intra_op_parallelism_threads),
            "inter_op": str(config.inter_op_parallelism_threads or "default"),
            "caller_thread": ",".join(sorted(name for name, plan in self._plans.items() if plan.caller_elements >= 0)),
        }

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        plan = self._plans[signature]
        if plan.refused:
            raise RequestError(
                Code.INTERNAL, "XLA compilation disabled; start the server with --xla_cpu_compilation_enabled"
            )
        elements = sum(array.size for array in inputs.values())
        return self._run(plan, inputs, outputs, timeout_s, in_caller=elements <= plan.caller_elements)

    def close(self) -> None:
        self._tf_outputs.clear()
        self._api.TF_DeleteBuffer(self._in_caller)
        self._session.close()
        del self._session  # it holds the graph, and is deleted with its last reference
        give_back()

    def _run(
        self,
        plan: _Plan,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
        timeout_s: float | None,
        *,
        in_caller: bool,
    ) -> list[Array]:
        given = {**plan.defaults, **inputs}
        feeds = {self._tf_output(name): given[alias] for alias, name in plan.inputs.items()}
        fetches = [self._tf_output(plan.outputs[alias]) for alias in outputs]
        options = self._in_caller if in_caller else self._with_timeout(timeout_s)
        started = time.monotonic()
        try:
            found: list[Array | bytes] = self._session._call_tf_sessionrun(  # noqa: SLF001 (Session.run would refuse feeds of another shape than the placeholder's; the real server does not)
                options, feeds, fetches, [], None
            )
        except self._op_error as exc:
            raise RequestError(Code(exc.error_code), exc.message) from exc
        finally:
            if options is not None and not in_caller:
                self._api.TF_DeleteBuffer(options)
        if in_caller and timeout_s is not None and time.monotonic() - started > timeout_s:
            raise RequestError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
        return [_scalar_string(value) if isinstance(value, bytes) else value for value in found]

    def _with_timeout(self, timeout_s: float | None) -> Any:
        """`RunOptions` in a buffer of the C library, which the caller deletes. None: without a timeout."""
        if timeout_s is None:
            return None
        return self._api.TF_NewBufferFromString(_limited_to(max(1, math.ceil(timeout_s * 1000))))  # 0 would mean none

    def _choose(self, name: str, plan: _Plan, graph: Any, *, xla: bool) -> None:
        """Settles where the signature runs.

        In the caller's thread a deadline is noticed only when the run has ended, so that is for graphs without loops,
        and for inputs small enough to be done with soon. State must not be moved on by a measurement.
        """
        from tensorflow.python.framework import op_def_registry

        known = traits(graph, plan.inputs.values(), plan.outputs.values(), op_def_registry.get)
        plan.refused = known.needs_xla and not xla
        plan.pure = not (plan.refused or known.changes_state)
        inputs = measure.made_up(self._signatures[name])
        if not plan.pure or known.loops or inputs is None or not plan.outputs:
            return
        run = partial(self._run, plan, inputs, list(plan.outputs))
        seconds = measure.seconds_in_caller(
            partial(run, None, in_caller=True), partial(run, measure.LIMIT_S, in_caller=False)
        )
        if seconds is not None:
            measured = max(1, sum(array.size for array in inputs.values()))
            plan.caller_elements = max(measured, round(measured * _CALLER_LIMIT_S / seconds))

    def _tf_output(self, tensor_name: str) -> Any:
        """The session's handle of a tensor, e.g. `StatefulPartitionedCall:0`; looked up once."""
        handle = self._tf_outputs.get(tensor_name)
        if handle is None:
            try:
                handle = self._session.graph.get_tensor_by_name(tensor_name)._as_tf_output()  # noqa: SLF001 (see `_run`)
            except (KeyError, ValueError) as exc:  # the signature names a tensor the graph does not have
                raise no_tensor(tensor_name) from exc
            self._tf_outputs[tensor_name] = handle
        return handle


def _scalar_string(value: bytes) -> Array:
    """Of every other tensor the session makes an array. An array of bytes as such would lose zeros at the end."""
    return np.array(value, dtype=object)


def no_tensor(name: str) -> RequestError:
    """What a call gets whose signature names a tensor that the graph does not have."""
    return RequestError(
        Code.INVALID_ARGUMENT,
        f"Tensor {name}, specified in either feed_devices or fetch_devices was not found in the Graph",
    )


def _plan(signature: Any) -> _Plan:
    return _Plan(
        inputs={alias: signature.inputs[alias].name for alias in sorted(signature.inputs)},
        outputs={alias: info.name for alias, info in signature.outputs.items()},
        defaults={alias: from_proto(proto) for alias, proto in signature.defaults.items()},
    )


@lru_cache(maxsize=1024)  # clients have a few timeouts each, and ever the same
def _limited_to(timeout_ms: int) -> bytes:
    options: bytes = _RunOptions(timeout_in_ms=timeout_ms).SerializeToString()
    return options
