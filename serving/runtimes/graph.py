"""What a signature does, read from its graph: whether it loops, changes state, or needs XLA."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_LOOPS = frozenset({"While", "StatelessWhile", "For", "Enter", "RefEnter"})
# TensorFlow calls these stateful because two of them are not one; none of them changes anything that the next run sees.
# What the calls among them run is in functions, which are walked.
_READERS = frozenset(
    {
        "VarHandleOp", "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp", "VariableV2",
        "HashTable", "HashTableV2", "LookupTableFind", "LookupTableFindV2", "LookupTableSizeV2",
        "Assert", "StatefulPartitionedCall", "If", "Case", "RefIdentity",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Traits:
    """What `SavedModel` must know of a signature before it runs it."""

    loops: bool
    changes_state: bool
    needs_xla: bool


def traits(graph: Any, feeds: Collection[str], fetches: Iterable[str], op_of: Callable[[str], Any]) -> Traits:
    """Traits of what computes `fetches` from `feeds` (tensor names).

    Args:
        graph: a `GraphDef`.
        op_of: an operation's name to its `OpDef`, None for one that is not known: it could do anything.
    """
    nodes = list(_reached(graph, feeds, fetches))
    operations = {node.op for node in nodes}
    return Traits(
        loops=not operations.isdisjoint(_LOOPS),
        changes_state=any(_changes_state(name, op_of(name)) for name in operations - _functions(graph).keys()),
        needs_xla=any(name.startswith("Xla") for name in operations) or any(_must_compile(node) for node in nodes),
    )


def _changes_state(name: str, op: Any) -> bool:
    if op is None:
        return True
    writes = any(argument.is_ref for argument in op.input_arg)  # TF1's Assign and its like
    return (writes or op.is_stateful) and name not in _READERS


def _must_compile(node: Any) -> bool:
    return "_XlaMustCompile" in node.attr and bool(node.attr["_XlaMustCompile"].b)


def _functions(graph: Any) -> dict[str, Any]:
    return {function.signature.name: function for function in graph.library.function}


def _reached(graph: Any, feeds: Collection[str], fetches: Iterable[str]) -> Iterator[Any]:
    """The nodes that run, those inside functions too."""
    nodes = {node.name: node for node in graph.node}
    fed = {_node(name) for name in feeds}
    waiting = [_node(name) for name in fetches]
    called: list[Any] = []
    seen = set(waiting)
    while waiting:
        node = nodes.get(waiting.pop())
        if node is None or node.name in fed:
            continue
        yield node
        called.append(node)
        sources = {_node(name) for name in node.input} - seen
        seen |= sources
        waiting += sources
    yield from _inside(called, _functions(graph))


def _inside(callers: list[Any], functions: dict[str, Any]) -> Iterator[Any]:
    """The nodes of every function that one of `callers` names, and so on."""
    seen: set[str] = set()
    while callers:
        for name in set(_named(callers.pop())) & functions.keys() - seen:
            seen.add(name)
            yield from functions[name].node_def
            callers += functions[name].node_def


def _named(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _node(tensor: str) -> str:
    """`^name`, `name` or `name:0` to the node's name."""
    return tensor.removeprefix("^").partition(":")[0]
