"""Wrong versions, made on purpose: our code with one text changed, and versions with one thing in them changed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store.contents import seal
from store.layout import VersionDir
from store.manifest import Manifest
from tests.serving.calls import write_records
from tests.support.runs import ROOT
from wire import messages
from wire.records import read_records
from wire.tensors import Array, from_proto, write_proto

_PACKAGES = ("export", "gateway", "kmaas", "models", "processing", "serving", "store", "training", "wire")

# Adds to the last number of a variable of a checkpoint, and writes it as TensorFlow does, checksums and all.
_CHANGE_WEIGHT = """
import json, sys
import tensorflow as tf

prefix, shape, offset = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
reader = tf.train.load_checkpoint(prefix)
tensors = {key: reader.get_tensor(key) for key in sorted(reader.get_variable_to_shape_map())}
[changed] = [key for key, shaped in reader.get_variable_to_shape_map().items() if shaped == shape]
tensors[changed].flat[-1] += offset
tf.raw_ops.SaveV2(
    prefix=prefix,
    tensor_names=list(tensors),
    shape_and_slices=[""] * len(tensors),
    tensors=list(tensors.values()),
)
"""


def code_with(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of our packages in `folder`, in which a text of one file is another; to run `python -m kmaas` in."""
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = (folder / file).read_text()
    assert source.count(old) == 1, f"{file} has {old!r} {source.count(old)} times"
    (folder / file).write_text(source.replace(old, new))
    return folder


def change_weight(version: Path, shape: tuple[int, ...], offset: float) -> None:
    """Of the exported version's one variable of that shape."""
    prefix = str(version / "variables" / "variables")
    arguments = (prefix, json.dumps(shape), str(offset))
    subprocess.run([sys.executable, "-c", _CHANGE_WEIGHT, *arguments], check=True, timeout=120)


def change_documents(version: Path, change: Callable[[bytes], bytes]) -> None:
    """What the `manifest` signature answers: constants in the graph."""
    with _graph_of(version) as meta_graph:
        for function in meta_graph.graph_def.library.function:
            for node in function.node_def:
                values = node.attr["value"].tensor.string_val if node.op == "Const" else []
                values[:] = [change(value) for value in values]


def reseal(version: VersionDir) -> None:
    """The manifest says that its files are as they are now: whoever changed them would have exported them so."""
    seal(version, Manifest.read(version.manifest))


def swap_outputs(version: Path, signature: str, one: str, other: str) -> None:
    """Of two outputs of a signature each answers what the other should."""
    with _graph_of(version) as meta_graph:
        outputs = meta_graph.signature_def[signature].outputs
        outputs[one].name, outputs[other].name = outputs[other].name, outputs[one].name


def remove_signature(version: Path, signature: str) -> None:
    with _graph_of(version) as meta_graph:
        del meta_graph.signature_def[signature]


@contextmanager
def _graph_of(version: Path) -> Iterator[Any]:
    """The `MetaGraphDef`, to be changed."""
    path = version / "saved_model.pb"
    saved = messages.SavedModel.FromString(path.read_bytes())
    yield saved.meta_graphs[0]
    path.write_bytes(saved.SerializeToString())


def change_recorded(version: VersionDir, signature: str, output: str, offset: float) -> None:
    """In the answer recorded for every request of the signature the first number of that output is higher."""
    with _logs_of(version, signature) as logs:
        for log in logs:
            tensor = log.response.outputs[output]
            values = from_proto(tensor).copy()
            values.flat[0] += offset
            tensor.Clear()
            write_proto(values, tensor)


def change_requests(version: VersionDir, signature: str, value: Array) -> None:
    """Every request of the signature, which has one input, has this one instead."""
    with _logs_of(version, signature) as logs:
        for log in logs:
            [tensor] = log.request.inputs.values()
            tensor.Clear()
            write_proto(value, tensor)


def forget_recorded(version: VersionDir, signature: str) -> None:
    """The requests of the signature are not in the warm-up file any more."""
    logs = [log for log in _read_logs(version) if _signature(log) != signature]
    write_records(version.warm_up, [log.SerializeToString() for log in logs])


@contextmanager
def _logs_of(version: VersionDir, signature: str) -> Iterator[list[Any]]:
    """The `PredictLog`s of a signature in the warm-up file, each to be changed."""
    logs = _read_logs(version)
    yield [log.predict_log for log in logs if _signature(log) == signature]
    write_records(version.warm_up, [log.SerializeToString() for log in logs])


def _read_logs(version: VersionDir) -> list[Any]:
    return [messages.PredictionLog.FromString(record) for record in read_records(version.warm_up)]


def _signature(log: Any) -> str:
    name: str = log.predict_log.request.model_spec.signature_name
    return name
