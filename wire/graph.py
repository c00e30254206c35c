"""A SavedModel's graph without TensorFlow: what of it runs, those inside functions too, and what needs XLA there."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

LOOPS = frozenset({"While", "StatelessWhile", "For", "Enter", "RefEnter"})
# TensorFlow calls these stateful because two of them are not one; none of them changes anything that the next run sees.
# What the calls among them run is in functions, which are walked.
READERS = frozenset(
    {
        "VarHandleOp", "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp", "VariableV2",
        "HashTable", "HashTableV2", "LookupTableFind", "LookupTableFindV2", "LookupTableSizeV2",
        "Assert", "StatefulPartitionedCall", "If", "Case", "RefIdentity",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A `NodeDef` that runs.

    Attributes:
        function: the function it stands in, empty for the graph itself.
        callers: names of the nodes that lead there, outermost first; of several ways the one found first.
    """

    node: Any
    function: str = ""
    callers: tuple[str, ...] = ()


def reached(graph: Any, feeds: Collection[str], fetches: Iterable[str]) -> Iterator[Step]:
    """What computes `fetches` from `feeds` (tensor names) in a `GraphDef`, all of every function that is called."""
    nodes = {node.name: node for node in graph.node}
    fed = {node_of(name) for name in feeds}
    waiting = [node_of(name) for name in fetches]
    called: list[Step] = []
    seen = set(waiting)
    while waiting:
        node = nodes.get(waiting.pop())
        if node is None or node.name in fed:
            continue
        called.append(Step(node))
        yield called[-1]
        sources = {node_of(name) for name in node.input} - seen
        seen |= sources
        waiting += sources
    yield from _inside(called, functions_of(graph))


def everything(graph: Any) -> Iterator[Step]:
    """Every node of a `GraphDef` and of its functions, whether it is called or not."""
    yield from (Step(node) for node in graph.node)
    for name, function in functions_of(graph).items():
        yield from (Step(node, name) for node in function.node_def)


def functions_of(graph: Any) -> dict[str, Any]:
    return {function.signature.name: function for function in graph.library.function}


def needs_xla(node: Any, functions: dict[str, Any]) -> bool:
    """An op of XLA, or the call of a function that must be compiled; TensorFlow notes that at either."""
    if node.op.startswith("Xla") or _must_compile(node):
        return True
    return any(_must_compile(functions[name]) for name in _called(node, functions))


def node_of(tensor: str) -> str:
    """`^name`, `name`, `name:0` or `name:output:0` to the node's name."""
    return tensor.removeprefix("^").partition(":")[0]


def _inside(callers: list[Step], functions: dict[str, Any]) -> Iterator[Step]:
    """The nodes of every function that one of `callers` names, and so on."""
    seen: set[str] = set()
    while callers:
        caller = callers.pop()
        for name in _called(caller.node, functions) - seen:
            seen.add(name)
            steps = [Step(node, name, (*caller.callers, caller.node.name)) for node in functions[name].node_def]
            yield from steps
            callers += steps


def _called(node: Any, functions: dict[str, Any]) -> set[str]:
    return set(_named(node)) & functions.keys()


def _named(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _must_compile(node_or_function: Any) -> bool:
    return "_XlaMustCompile" in node_or_function.attr and bool(node_or_function.attr["_XlaMustCompile"].b)
