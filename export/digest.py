"""The digest of a version: over everything that determines its answers, and nothing else."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What names things, or speaks of the machine, and changes no answer.
_NOISE = (
    "_user_specified_name", "_output_shapes", "_XlaMustCompile", "_construction_context", "_gradient_op_type",
    "config_proto", "_class",
)  # fmt: skip


def answers_digest(functions: Sequence[Any], documents: Iterable[bytes]) -> str:
    """`sha256:…` of traced functions (their operations in order, what they call, the variables and constants they read)
    and of documents.

    Two exports of the same weights by the same code have the same digest, whenever and wherever they were made. Of a
    table only that it is read is in it: what is in the table must be in the documents.
    """
    digest = hashlib.sha256()
    variables = {id(variable.handle): variable for function in functions for variable in function.graph.variables}
    for function in functions:
        for part in (*_graph_parts(function.graph.as_graph_def()), *_captured(function, variables)):
            _add(digest, part)
    for document in documents:
        _add(digest, document)
    return f"sha256:{digest.hexdigest()}"


def _add(digest: Any, part: bytes) -> None:
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _graph_parts(graph: Any) -> Iterable[bytes]:
    """The nodes, then those of every function called, in the order of the first calls."""
    bodies = {body.signature.name: body for body in graph.library.function}
    called: dict[str, str] = {}  # a function's name, which is another in every process, to its number
    yield from _nodes(graph.node, [], called)
    done = 0
    while done < len(called):
        body = bodies[list(called)[done]]
        arguments = [argument.name for argument in body.signature.input_arg]
        positions = _positions(body.node_def, arguments)
        yield from _nodes(body.node_def, arguments, called)
        yield from (_renamed(body.ret[output.name], positions).encode() for output in body.signature.output_arg)
        done += 1


def _nodes(nodes: Sequence[Any], arguments: Sequence[str], called: dict[str, str]) -> Iterable[bytes]:
    positions = _positions(nodes, arguments)
    for node in nodes:
        node.name = positions[node.name]
        node.ClearField("experimental_debug_info")
        inputs = [_renamed(name, positions) for name in node.input]
        waits = sorted(name for name in inputs if name.startswith("^"))  # TensorFlow has them in any order, at the end
        node.input[:] = [*inputs[: len(inputs) - len(waits)], *waits]
        for key in _NOISE:
            node.attr.pop(key, None)
        for key in sorted(node.attr):
            value = node.attr[key]
            for function in [value.func] if value.HasField("func") else value.list.func:
                function.name = called.setdefault(function.name, str(len(called)))
        yield node.SerializeToString(deterministic=True)


def _positions(nodes: Sequence[Any], arguments: Sequence[str]) -> Mapping[str, str]:
    return {name: str(number) for number, name in enumerate([*arguments, *(node.name for node in nodes)])}


def _renamed(tensor: str, positions: Mapping[str, str]) -> str:
    """`^name`, `name`, `name:0` or `name:output:0`, with the position for the name."""
    source, colon, output = tensor.removeprefix("^").partition(":")
    return f"{'^' * tensor.startswith('^')}{positions[source]}{colon}{output}"


def _captured(function: Any, variables: Mapping[int, Any]) -> Iterable[bytes]:
    import tensorflow as tf

    for outer, _ in function.graph.captures:  # in the order of use; `variables` come in any order
        if id(outer) in variables:
            variable = variables[id(outer)]
            yield str(variable.dtype).encode() + str(variable.shape).encode() + variable.numpy().tobytes()
        elif outer.dtype != tf.resource:
            yield outer.numpy().tobytes()
