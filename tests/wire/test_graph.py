"""What of a graph runs, and what of it needs XLA."""

from typing import Any

import pytest

from wire import messages
from wire.graph import everything, functions_of, needs_xla, node_of, reached

GraphDef = messages.message("tensorflow.GraphDef")


def _graph() -> Any:
    """`y` calls `outer`, which calls `inner`; `spare` and `unused` are there for nobody."""
    graph = GraphDef()
    graph.node.add(name="x", op="Placeholder")
    graph.node.add(name="y", op="PartitionedCall", input=["x", "^before"]).attr["f"].func.name = "outer"
    graph.node.add(name="before", op="NoOp")
    graph.node.add(name="spare", op="NoOp")
    for name, op in (("outer", "inner"), ("inner", "XlaGather"), ("unused", "NoOp")):
        function = graph.library.function.add()
        function.signature.name = name
        function.node_def.add(name=f"in_{name}", op=op)
    return graph


def test_what_the_outputs_need_is_reached_with_its_way() -> None:
    found = {step.node.name: (step.function, step.callers) for step in reached(_graph(), [], ["y:0"])}
    assert found == {
        "y": ("", ()),
        "x": ("", ()),
        "before": ("", ()),
        "in_outer": ("outer", ("y",)),
        "in_inner": ("inner", ("y", "in_outer")),
    }
    assert "x" not in {step.node.name for step in reached(_graph(), ["x:0"], ["y:0"])}


def test_everything_is_also_what_nobody_calls() -> None:
    names = {step.node.name for step in everything(_graph())}
    assert names == {"x", "y", "before", "spare", "in_outer", "in_inner", "in_unused"}


@pytest.mark.parametrize("noted_at", [None, "the call", "the function"])
def test_xla_is_an_op_or_what_must_be_compiled(noted_at: str | None) -> None:
    graph = _graph()
    functions = functions_of(graph)
    call, op = graph.node[1], functions["inner"].node_def[0]
    if noted_at == "the call":
        call.attr["_XlaMustCompile"].b = True
    if noted_at == "the function":
        functions["outer"].attr["_XlaMustCompile"].b = True
    assert needs_xla(call, functions) is (noted_at is not None)
    assert needs_xla(op, functions)
    call.attr["_XlaMustCompile"].b = False
    assert needs_xla(call, functions) is (noted_at == "the function")


@pytest.mark.parametrize("tensor", ["name", "name:0", "^name", "name:output:0"])
def test_a_tensor_is_of_a_node(tensor: str) -> None:
    assert node_of(tensor) == "name"
