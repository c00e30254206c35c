"""Executes the LiteRT twin of a version: several times faster on CPUs than its SavedModel, and without TensorFlow.

The signatures that the twin lacks are the SavedModel's to answer, which is opened when the first of them is called.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from serving.errors import Code, RequestError, TwinError
from serving.runtimes.beside import Beside
from serving.runtimes.heap import give_back
from serving.runtimes.interpreters import Interpreters, Run
from serving.runtimes.measure import best_times
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.proof import Recorded, Sample, prove
from serving.runtimes.quiet import chatter_aside
from serving.runtimes.runtime import Runtime
from serving.runtimes.saved_model import no_tensor
from store.layout import VersionDir
from store.twin import Twin
from wire import dtypes, messages
from wire.cores import usable_cores
from wire.tensors import Array, from_proto

_INIT = "__saved_model_init_op"  # listed with the signatures, but its output is an operation: it can never be run
_GAIN = 1.25  # what the other cores must bring to one request, to be taken from the others


class LiteRT:
    """A `Runtime` around the twin of a version that has one."""

    def __init__(
        self, folder: Path, options: RuntimeOptions, recorded: int, open_saved_model: Callable[[], Runtime]
    ) -> None:
        """Opens the twin, chooses its threads, and lets it prove itself.

        Args:
            recorded: how many answers the version's warm-up file must have.

        Raises:
            TwinError: the twin is not what it claims to be, or answers otherwise than the SavedModel did.
        """
        version = VersionDir(folder)
        try:
            twin = Twin.read(version.twin)
            self._signatures = _signatures(version, options.tags)
            files = {name: _content(version.twin / name, digest) for name, digest in twin.sha256.items()}
            self._documents = {name: _documents(files[file_name]) for name, file_name in twin.documents.items()}
            self._defaults = {name: _defaults(self._signatures[name]) for name in twin.signatures}
            samples = Recorded(version, self._signatures)
            first = next((sample for sample in samples if sample.signature in twin.signatures), None)
            make = partial(_interpreter, files[twin.model], twin.signatures)
            self._threads = options.intra_op_threads or _threads(make, first)
            self._interpreters = Interpreters(partial(make, self._threads), max(1, usable_cores() // self._threads))
            outputs = {name: self._signatures[name].outputs.keys() for name in twin.signatures}
            proved = prove(samples, partial(self._run_twin, timeout_s=None), outputs, twin.tolerance)
            samples.check_complete(recorded)
            if unproved := outputs.keys() - proved:
                raise TwinError(f"the warm-up file has no request with an answer for {', '.join(sorted(unproved))}")
        except Exception as exc:  # whatever it is that is wrong with a twin, it never costs the version
            raise TwinError(f"{type(exc).__name__}: {exc}") from exc
        self._saved_model = Beside(open_saved_model)

    @property
    def signatures(self) -> Mapping[str, Any]:
        return self._signatures

    @property
    def pure(self) -> Collection[str]:
        """Those of the twin: trying out another would open the SavedModel."""
        return {*self._defaults, *self._documents}

    @property
    def unopened(self) -> Collection[str]:
        if self._saved_model.is_open:
            return ()
        return self._signatures.keys() - self._defaults.keys() - self._documents.keys() - {_INIT}

    @property
    def facts(self) -> Mapping[str, str]:
        return {
            "runtime": "litert",
            "threads": str(self._threads),
            "interpreters": str(self._interpreters.size),
            "saved_model": "open" if self._saved_model.is_open else "closed",
        }

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        if signature in self._documents:
            check(self._signatures[signature], inputs)
            return [_answered(self._documents[signature], sections) for sections in inputs.values()]
        if signature == _INIT:
            raise no_tensor(next(iter(self._signatures[signature].outputs.values())).name)
        if signature not in self._defaults:
            return self._saved_model.run(signature, inputs, outputs, timeout_s)
        found = self._run_twin(signature, inputs, timeout_s)
        return [found[alias] for alias in outputs]

    def close(self) -> None:
        self._interpreters.close()
        self._saved_model.close()
        give_back()

    def _run_twin(self, signature: str, inputs: Mapping[str, Array], timeout_s: float | None) -> Mapping[str, Array]:
        given = {**self._defaults[signature], **inputs}
        check(self._signatures[signature], given)
        return self._interpreters.run(signature, given, timeout_s)


def check(signature: Any, inputs: Mapping[str, Array]) -> None:
    """Inputs must have the types and the shapes of the signature. LiteRT would compute nonsense from some that do not.

    Raises:
        RequestError: INVALID_ARGUMENT; for a type, as TensorFlow words it.
    """
    for position, alias in enumerate(sorted(inputs, key=lambda alias: signature.inputs[alias].name)):
        info, array = signature.inputs[alias], inputs[alias]
        expected, received = dtypes.BY_ENUM[info.dtype], dtypes.of_numpy(array.dtype)
        if received is not expected:
            name = array.dtype if received is None else received.name
            raise RequestError(
                Code.INVALID_ARGUMENT, f"Expects arg[{position}] to be {expected.name} but {name} is provided"
            )
        shape = [dim.size for dim in info.tensor_shape.dim]
        if len(shape) != array.ndim or any(
            want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)
        ):
            raise RequestError(
                Code.INVALID_ARGUMENT,
                f"input {alias} has shape {list(array.shape)}; expected {shape} with -1 for any size",
            )


def _signatures(version: VersionDir, tags: Sequence[str]) -> dict[str, Any]:
    """The `SignatureDef`s of the SavedModel, by name; raises `TwinError` if it has none with these tags."""
    saved = messages.SavedModel.FromString((version.path / "saved_model.pb").read_bytes())
    for meta_graph in saved.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == set(tags):
            return {
                name: messages.SignatureDef.FromString(s.SerializeToString())
                for name, s in meta_graph.signature_def.items()
            }
    raise TwinError(f"the SavedModel has nothing with the tags {' '.join(tags)}")


def _defaults(signature: Any) -> dict[str, Array]:
    return {alias: from_proto(proto) for alias, proto in signature.defaults.items()}


def _documents(content: bytes) -> dict[bytes, bytes]:
    return {section.encode(): document.encode() for section, document in json.loads(content).items()}


def _answered(documents: Mapping[bytes, bytes], sections: Array) -> Array:
    """The document of each section, empty for one that is not there."""
    keys = (section if isinstance(section, bytes) else str(section).encode() for section in sections.ravel())
    answer = np.empty(sections.size, object)
    answer[:] = [documents.get(key, b"") for key in keys]
    return answer.reshape(sections.shape)


def _content(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise TwinError(f"{path.name} has sha256 {found}, expected {digest}")
    return content


def _interpreter(model: bytes, signatures: Sequence[str], threads: int) -> Run:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # it ships no types

    with chatter_aside():
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()  # makes the delegate, and says so
    runners = {name: interpreter.get_signature_runner(name) for name in signatures}
    return lambda signature, inputs: runners[signature](**inputs)


def _threads(make: Callable[[int], Run], sample: Sample | None) -> int:
    """One thread for each request, or all cores for one after the other, whichever a sample shows to be better."""
    if (cores := usable_cores()) == 1 or sample is None:
        return 1
    alone_s, together_s = best_times(
        *(partial(make(threads), sample.signature, sample.inputs) for threads in (1, cores))
    )
    return cores if alone_s >= _GAIN * together_s else 1
