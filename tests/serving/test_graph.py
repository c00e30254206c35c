"""What is read from graphs: loops, state and XLA, wherever functions hide them."""

from collections.abc import Callable
from typing import Any

import pytest

from serving.runtimes.graph import Traits, traits


def _variable() -> Any:
    import tensorflow as tf

    return tf.Variable(1.0)


def _of(function: Callable[[Any], Any], *, jit_compile: bool = False) -> Traits:
    """Of a function called by a function, as in every SavedModel."""
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    inner = tf.function(function, jit_compile=jit_compile)
    outer = tf.function(lambda x: tf.identity(inner(x)), input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    concrete = outer.get_concrete_function()
    graph = concrete.graph.as_graph_def()
    return traits(graph, ["x:0"], [concrete.outputs[0].name], op_def_registry.get)


def _looping(x: Any) -> Any:
    import tensorflow as tf

    return tf.while_loop(lambda y: tf.reduce_sum(y) < 9, lambda y: [y + 1], [x])[0]


def test_a_variable_is_read() -> None:
    variable = _variable()
    assert _of(lambda x: x * variable) == Traits(loops=False, changes_state=False, needs_xla=False)


def test_a_loop_inside_a_function() -> None:
    assert _of(_looping) == Traits(loops=True, changes_state=False, needs_xla=False)


def test_a_variable_is_written() -> None:
    variable = _variable()
    assert _of(lambda x: x * variable.assign_add(1.0)).changes_state


def test_random_numbers_change_those_that_follow() -> None:
    import tensorflow as tf

    assert _of(lambda x: x + tf.random.uniform([])).changes_state


def test_a_function_that_must_be_compiled() -> None:
    assert _of(lambda x: x + 1, jit_compile=True).needs_xla


def test_only_what_the_outputs_need_and_the_inputs_do_not_replace_counts() -> None:
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    with tf.Graph().as_default() as graph:
        counter = tf.compat.v1.Variable(0.0, use_resource=False)
        tf.identity(tf.compat.v1.assign_add(counter, 1.0), name="counted")
        tf.add(tf.identity(graph.get_tensor_by_name("counted:0"), name="x"), 1.0, name="y")
    proto = graph.as_graph_def()
    assert traits(proto, [], ["y:0"], op_def_registry.get).changes_state
    assert not traits(proto, ["x:0"], ["y:0"], op_def_registry.get).changes_state


@pytest.mark.parametrize("known", [True, False])
def test_an_operation_nobody_knows_could_do_anything(*, known: bool) -> None:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.op_def_pb2 import OpDef

    graph = GraphDef()
    graph.node.add(name="y", op="SomebodysOwn")
    assert traits(graph, [], ["y:0"], lambda _: OpDef() if known else None).changes_state is not known
