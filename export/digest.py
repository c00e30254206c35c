"""The digest of a version: over everything that determines its answers, and nothing else."""

import hashlib
from collections.abc import Iterable
from typing import Any

_NOISE = ("_user_specified_name", "_output_shapes", "_XlaMustCompile", "_construction_context")


def answers_digest(function: Any, documents: Iterable[bytes]) -> str:
    """`sha256:…` of a traced serving function (its operations in order, and the variables it reads) and of documents.

    Two exports of the same weights by the same code have the same digest, whenever and wherever they were made.
    """
    digest = hashlib.sha256()
    for part in _parts(function, documents):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _parts(function: Any, documents: Iterable[bytes]) -> Iterable[bytes]:
    graph = function.graph.as_graph_def()
    position = {node.name: str(number) for number, node in enumerate(graph.node)}
    for node in graph.node:
        node.name = position[node.name]
        for number, name in enumerate(node.input):
            source, colon, output = name.removeprefix("^").partition(":")
            node.input[number] = f"{'^' * name.startswith('^')}{position[source]}{colon}{output}"
        for key in _NOISE:
            node.attr.pop(key, None)
        yield node.SerializeToString(deterministic=True)
    variables = {id(variable.handle): variable for variable in function.graph.variables}
    for handle, _ in function.graph.captures:  # in the order of use; `variables` come in any order
        variable = variables[id(handle)]
        yield str(variable.dtype).encode() + str(variable.shape).encode() + variable.numpy().tobytes()
    yield from documents
