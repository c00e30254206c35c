"""The signature `explain`: what in an input speaks for a label. Gradients are part of the graph, with stock operations.

Texts: integrated gradients (Sundararajan, Taly, Yan: Axiomatic attribution for deep networks, ICML 2017). Pictures:
Grad-CAM (Selvaraju et al.: Grad-CAM, visual explanations from deep networks, ICCV 2017).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from export.errors import ExplanationError
from export.goldens import Array, CheckedGolden, CheckedRequest
from models.explanation import EmbeddedTokens, FeatureMaps, Opened

if TYPE_CHECKING:
    import tensorflow as tf

EXPLAIN_SIGNATURE = "explain"
STEPS = 64  # of the midpoint rule, one after the other, so that memory is needed for one
TOLERANCE = 0.01  # of completeness, in units of the difference that is explained, or of 1 if that is larger

PREDICTED = -1  # as the label that is asked for: the one that is predicted

_CLOSE = 1e-5


def explain_function(opened: Opened, inputs: "tf.TensorSpec") -> Any:
    """The `tf.function` behind `explain`: `inputs` and `label` int32 `[batch]`, `PREDICTED` for that one.

    Both kinds answer `label`, the one that is explained, and all `logits` `[batch, labels]`, by which it was chosen.
    """
    import tensorflow as tf

    def explained(batch: Any, label: Any) -> dict[str, Any]:
        if isinstance(opened, EmbeddedTokens):
            return _integrated_gradients(opened, batch, label)
        return _grad_cam(opened, batch, label)

    signature = [inputs, tf.TensorSpec([None], tf.int32, name="label")]
    return tf.function(explained, input_signature=signature, autograph=False)


def explanation(function: Any, golden: CheckedRequest) -> dict[str, Array]:
    """What the function behind `explain` answers for the predicted label."""
    import tensorflow as tf

    answer = function(tf.constant(golden.inputs), tf.constant([PREDICTED]))
    return {name: values.numpy() for name, values in answer.items()}


def check_explanations(explanations: Iterable[Mapping[str, Array]], goldens: Iterable[CheckedGolden]) -> None:
    """Of the predicted label of each golden.

    Raises:
        ExplanationError: what is explained is not the model's answer, an explanation is not finite, or the weights of
            a text do not add up.
    """
    for answer, golden in zip(explanations, goldens, strict=True):
        if wrong := _wrong(answer, golden):
            raise ExplanationError(golden.golden.name, wrong)


def _wrong(answer: Mapping[str, Array], golden: CheckedGolden) -> str | None:
    apart = float(np.abs(answer["logits"] - golden.logits).max())
    if not apart <= _CLOSE * max(1.0, float(np.abs(golden.logits).max())):
        return f"it explains logits that differ from the model's by {apart:.1e}, expected at most {_CLOSE} (relative)"
    if not all(np.isfinite(values).all() for values in answer.values()):
        return "it has numbers that are not finite"
    if "weights" not in answer:
        return None
    explained = float(answer["logit"][0] - answer["baseline_logit"][0])
    total = float(answer["weights"].sum())
    if abs(total - explained) <= TOLERANCE * max(1.0, abs(explained)):
        return None
    return f"its weights add up to {total:.4f}, expected {explained:.4f} within {TOLERANCE} (relative)"


def _integrated_gradients(opened: EmbeddedTokens, token_ids: Any, label: Any) -> dict[str, Any]:
    """`weights` float `[batch, tokens]`, 0 at padding, with Σ weights = `logit` − `baseline_logit`.

    The path goes straight from nothing looked up (zeros, as many tokens) to what is looked up. What tokens add beside
    that is theirs as it is: along a straight path the integral of a constant gradient.
    """
    import tensorflow as tf

    embedded, shares = opened.embed(token_ids), opened.shares(token_ids)
    logits = opened.logits(embedded, token_ids) + tf.reduce_sum(shares, axis=1)
    label = _chosen(label, logits)

    def add(step: Any, *sums: Any) -> tuple[Any, ...]:
        share = (tf.cast(step, tf.float32) + 0.5) / STEPS
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            points = tuple(share * part for part in embedded)
            tape.watch(points)
            logit = tf.gather(opened.logits(points, token_ids), label, batch_dims=1)
        slopes = tape.gradient(logit, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return step + 1, *(total + slope for total, slope in zip(sums, slopes, strict=True))

    zeros = tuple(map(tf.zeros_like, embedded))
    _, *sums = tf.while_loop(lambda step, *_: step < STEPS, add, (tf.constant(0), *zeros))
    weights = tf.gather(tf.transpose(shares, (0, 2, 1)), label, batch_dims=1)
    for part, total in zip(embedded, sums, strict=True):
        weights += tf.reduce_sum(part * total, axis=-1) / STEPS
    return {
        "weights": weights,
        "logit": tf.gather(logits, label, batch_dims=1),
        "baseline_logit": tf.gather(opened.logits(zeros, token_ids), label, batch_dims=1),
        "label": label,
        "logits": logits,
    }


def _grad_cam(opened: FeatureMaps, image: Any, label: Any) -> dict[str, Any]:
    """`heat` float `[batch, height, width]`, as large as the input: ReLU(Σ αₖ Aₖ), enlarged, its maximum 1.

    αₖ is the mean gradient of the logit on feature map Aₖ. All zero where nothing speaks for the label.
    """
    import tensorflow as tf

    maps = opened.maps(image)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(maps)
        logits = opened.logits(maps)
        label = _chosen(label, logits)
        logit = tf.gather(logits, label, batch_dims=1)
    alpha = tf.reduce_mean(tape.gradient(logit, maps), axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1, keepdims=True))
    inner, border = [side - 2 * opened.margin for side in image.shape[1:3]], [opened.margin] * 2
    heat = tf.pad(tf.image.resize(heat, inner)[..., 0], [[0, 0], border, border])
    heat = tf.math.divide_no_nan(heat, tf.reduce_max(heat, axis=(1, 2), keepdims=True))
    return {"heat": heat, "label": label, "logits": logits}


def _chosen(label: Any, logits: Any) -> Any:
    """int32 `[batch]`; the predicted one where `label` is negative."""
    import tensorflow as tf

    return tf.where(label < 0, tf.argmax(logits, axis=1, output_type=tf.int32), label)
