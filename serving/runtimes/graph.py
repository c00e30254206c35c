"""What a signature does, read from its graph: whether it loops, changes state, or needs XLA."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from wire.graph import LOOPS, READERS, functions_of, needs_xla, reached


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
    functions = functions_of(graph)
    nodes = [step.node for step in reached(graph, feeds, fetches)]
    operations = {node.op for node in nodes}
    return Traits(
        loops=not operations.isdisjoint(LOOPS),
        changes_state=any(_changes_state(name, op_of(name)) for name in operations - functions.keys()),
        needs_xla=any(needs_xla(node, functions) for node in nodes),
    )


def _changes_state(name: str, op: Any) -> bool:
    if op is None:
        return True
    writes = any(argument.is_ref for argument in op.input_arg)  # TF1's Assign and its like
    return (writes or op.is_stateful) and name not in READERS
