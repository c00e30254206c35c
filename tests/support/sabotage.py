"""Wrong versions, made on purpose: our code with one text changed, and versions with one thing in them changed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.runs import ROOT
from wire import messages

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
    path = version / "saved_model.pb"
    saved = messages.SavedModel.FromString(path.read_bytes())
    for function in saved.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            values = node.attr["value"].tensor.string_val if node.op == "Const" else []
            values[:] = [change(value) for value in values]
    path.write_bytes(saved.SerializeToString())
