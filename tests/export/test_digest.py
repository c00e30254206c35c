"""The digest notices whatever changes an answer, and nothing else."""

from typing import Any

from export.digest import answers_digest


def _digest(*, factor: float = 2.0, inner: float = 3.0, weight: float = 1.0, constant: float = 5.0) -> str:
    """Of a function with a branch and a call inside, a variable, and a constant from outside."""
    import tensorflow as tf

    variable, outside = tf.Variable(weight), tf.constant(constant)
    called = tf.function(lambda x: x * inner)

    def compute(x: Any) -> Any:
        return tf.cond(x > 0, lambda: x * factor, lambda: called(x) + variable) + outside

    spec = tf.TensorSpec([], tf.float32)
    return answers_digest([tf.function(compute, input_signature=[spec]).get_concrete_function()], [b"document"])


def test_the_same_function_traced_again_has_the_same_digest() -> None:
    assert _digest() == _digest()


def test_whatever_is_computed_is_in_it_however_deep() -> None:
    changed = [_digest(factor=2.5), _digest(inner=3.5), _digest(weight=1.5), _digest(constant=5.5)]
    assert len({_digest(), *changed}) == 5
