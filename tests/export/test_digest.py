"""The digest of a version is over what its functions do, inside their loops too, not over how things were named."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from export.digest import answers_digest
from export.explain import explain_function
from models.sentiment import SPEC, SentimentConfig, build
from training.config import load_config


def _network(seed: int) -> Any:
    config = load_config(SPEC, None, ["vocabulary=20", "pair_buckets=16", "vector_size=2"])
    assert isinstance(config, SentimentConfig)
    network = build(config)
    rng = np.random.default_rng(seed)
    for variable in network.weights:
        variable.assign(rng.normal(0, 1, variable.shape))
    return network


def _digest(network: Any) -> str:
    import tensorflow as tf

    opened = SPEC.explain(network)  # type: ignore[operator]  # it is not None
    function = explain_function(opened, tf.TensorSpec([None, None], tf.int32, name="token_ids"))
    return answers_digest([function.get_concrete_function()], [b"document"])


def test_the_same_network_built_again_has_the_same_digest() -> None:
    assert _digest(_network(1)) == _digest(_network(1))
    assert _digest(_network(1)) != _digest(_network(2))


def test_what_is_inside_a_loop_counts() -> None:
    """It is in functions that the graph only names, by names that count up."""
    import tensorflow as tf

    def powers(of: float, most: int) -> str:
        def power(x: Any) -> Any:
            return tf.while_loop(lambda step, _: step < most, lambda step, y: (step + 1, y * of), (0, x))[1]

        signature = [tf.TensorSpec([], tf.float32)]
        return answers_digest([tf.function(power, input_signature=signature).get_concrete_function()], [])

    assert powers(2.0, 3) == powers(2.0, 3)
    assert len({powers(2.0, 3), powers(2.0, 4), powers(3.0, 3)}) == 3


def test_in_which_order_an_operation_names_those_it_waits_for_does_not_count() -> None:
    """TensorFlow takes them from a set: two exports of one process had other digests. The graph is written down here,
    since nothing tells TensorFlow which order to take."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    def waiting(*inputs: str) -> str:
        written = GraphDef()
        for name in ("a", "b"):
            written.node.add(name=name, op="NoOp")
        written.node.add(name="c", op="Identity", input=inputs)
        graph = SimpleNamespace(variables=(), captures=(), as_graph_def=lambda: written)
        return answers_digest([SimpleNamespace(graph=graph)], [])

    assert waiting("a", "b", "^a", "^b") == waiting("a", "b", "^b", "^a")
    assert len({waiting("a", "b"), waiting("b", "a"), waiting("a", "^b"), waiting("b", "^a")}) == 4


def test_documents_count() -> None:
    assert answers_digest([], [b"a", b"b"]) != answers_digest([], [b"ab"])


def _digest_of_all(*, factor: float = 2.0, inner: float = 3.0, weight: float = 1.0, constant: float = 5.0) -> str:
    """Of a function with a branch and a call inside, a variable, and a constant from outside."""
    import tensorflow as tf

    variable, outside = tf.Variable(weight), tf.constant(constant)
    called = tf.function(lambda x: x * inner)

    def compute(x: Any) -> Any:
        return tf.cond(x > 0, lambda: x * factor, lambda: called(x) + variable) + outside

    spec = tf.TensorSpec([], tf.float32)
    return answers_digest([tf.function(compute, input_signature=[spec]).get_concrete_function()], [b"document"])


def test_the_same_function_traced_again_has_the_same_digest() -> None:
    assert _digest_of_all() == _digest_of_all()


def test_whatever_is_computed_is_in_it_however_deep() -> None:
    changed = [
        _digest_of_all(factor=2.5),
        _digest_of_all(inner=3.5),
        _digest_of_all(weight=1.5),
        _digest_of_all(constant=5.5),
    ]
    assert len({_digest_of_all(), *changed}) == 5
