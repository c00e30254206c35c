"""The ops that a stock TensorFlow Serving has: TensorFlow's and TF Text's.

`python -m export.stock` rewrites `stock_ops.json` from the installed packages, in a process that has loaded nothing
else; a test fails when the file is not what they say. An export must not ask its own process: it may have loaded more.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

OPS = Path(__file__).with_name("stock_ops.json")
_PACKAGES = ("tensorflow", "tensorflow_text")

Kind = Literal["plain", "stateful", "random"]
"""`stateful`: two nodes of it are not one. `random`: stateful, and takes a seed."""


@cache
def stock_ops() -> Mapping[str, Kind]:
    """Every op of the file, with its kind."""
    listed: dict[str, dict[Kind, list[str]]] = json.loads(OPS.read_bytes())
    return {name: kind for kinds in listed.values() for kind, names in kinds.items() for name in names}


def harvest() -> str:
    """The file's content: the names by package and kind. Each package is imported and counts what it has added."""
    listed: dict[str, dict[Kind, list[str]]] = {}
    before: dict[str, Kind] = {}
    for package in _PACKAGES:
        import_module(package)
        now = _registered()
        listed[package] = {"plain": [], "stateful": [], "random": []}
        for name in sorted(now.keys() - before.keys()):
            listed[package][now[name]].append(name)
        before = now
    return json.dumps(listed, indent=0) + "\n"


def _registered() -> dict[str, Kind]:
    from tensorflow.core.framework.op_def_pb2 import OpList
    from tensorflow.python.client import pywrap_tf_session

    buffer = pywrap_tf_session.TF_GetAllOpList()
    try:
        ops = OpList.FromString(pywrap_tf_session.TF_GetBuffer(buffer)).op
    finally:
        pywrap_tf_session.TF_DeleteBuffer(buffer)
    return {op.name: _kind(op) for op in ops}


def _kind(op: Any) -> Kind:
    """Ops that write what they are given by reference, TF1's `Assign` and its like, are not called stateful."""
    if op.is_stateful and any(attribute.name == "seed" for attribute in op.attr):
        return "random"
    return "stateful" if op.is_stateful or any(argument.is_ref for argument in op.input_arg) else "plain"


if __name__ == "__main__":
    OPS.write_text(harvest())
