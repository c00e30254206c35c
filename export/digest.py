"""The digest of a version: over everything that determines its answers, and nothing else."""

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

_NOISE = ("_user_specified_name", "_output_shapes", "_XlaMustCompile", "_construction_context", "_class")


def answers_digest(functions: Iterable[Any], documents: Iterable[bytes]) -> str:
    """`sha256:…` of traced functions (their operations in order, and the variables they read) and of documents.

    Two exports of the same weights by the same code have the same digest, whenever and wherever they were made.
    """
    digest = hashlib.sha256()
    for part in (*chain.from_iterable(map(_parts, functions)), *documents):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _parts(function: Any) -> Iterator[bytes]:
    yield from _operations(function.graph.as_graph_def())
    variables = {id(variable.handle): variable for variable in function.graph.variables}
    for handle, _ in function.graph.captures:  # in the order of use; `variables` come in any order
        variable = variables[id(handle)]
        yield str(variable.dtype).encode() + str(variable.shape).encode() + variable.numpy().tobytes()


def _operations(graph: Any) -> Iterator[bytes]:
    """The nodes, then those of the functions that they name (bodies of loops), each in its order.

    Names count up in a process, so numbers stand for them: of nodes their position, of functions their first mention.
    """
    bodies = {body.signature.name: body for body in graph.library.function}
    mentioned: dict[str, str] = {}
    numbers = _numbered(graph.node, ())
    yield from (_node(node, numbers, mentioned, bodies) for node in graph.node)
    done = 0
    while done < len(mentioned):
        body = bodies[list(mentioned)[done]]
        done += 1
        numbers = _numbered(body.node_def, [argument.name for argument in body.signature.input_arg])
        yield from (_node(node, numbers, mentioned, bodies) for node in body.node_def)
        yield from (_source(body.ret[output.name], numbers).encode() for output in body.signature.output_arg)


def _numbered(nodes: Iterable[Any], arguments: Iterable[str]) -> dict[str, str]:
    return {name: str(number) for number, name in enumerate((*arguments, *(node.name for node in nodes)))}


def _node(node: Any, numbers: Mapping[str, str], mentioned: dict[str, str], functions: Container[str]) -> bytes:
    node.name = numbers[node.name]
    node.input[:] = [_source(name, numbers) for name in node.input]
    node.ClearField("experimental_debug_info")
    for key in sorted(node.attr):
        value = node.attr[key]
        if key in _NOISE:
            del node.attr[key]
            continue
        for function in (*value.list.func, *([value.func] if value.HasField("func") else [])):
            if function.name in functions:
                function.name = mentioned.setdefault(function.name, f"function {len(mentioned)}")
    return bytes(node.SerializeToString(deterministic=True))


def _source(name: str, numbers: Mapping[str, str]) -> str:
    """`^node`, `node`, `node:output` or `node:output:position`, with the node's number."""
    node, colon, output = name.removeprefix("^").partition(":")
    return f"{'^' * name.startswith('^')}{numbers[node]}{colon}{output}"
