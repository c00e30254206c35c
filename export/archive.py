"""Writes a Keras model as a SavedModel with the signatures every version has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.errors import WeightsStoredTwiceError
from models.detection import choose
from store.manifest import EMBED_SIGNATURE, LANDMARKS_SIGNATURE, SignatureSpec, TensorSpec

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from models.detection import Choice
    from models.faces import FaceNetworks
    from models.search import Search

SERVING_SIGNATURE = "serving_default"
MANIFEST_SIGNATURE = "manifest"


def write_saved_model(
    folder: Path,
    model: "keras.Model",
    serve: Any,
    documents: Mapping[str, bytes],
    others: Mapping[str, Any] | None = None,
    *,
    tracked: Sequence[Any] = (),
) -> None:
    """Writes `model` with the signatures `serving_default`, `manifest` and `others`.

    Args:
        folder: must not exist.
        serve: the `tf.function` behind `serving_default`.
        documents: what the `manifest` signature answers, by section name.
        others: a `tf.function` for each further signature, of the model's own variables.
        tracked: what else these need of TensorFlow's objects, such as tables.

    Raises:
        WeightsStoredTwiceError: the checkpoint's size does not match the parameter count.
    """
    import tensorflow as tf

    archive = tf.Module()
    archive.weights = [variable.value for variable in model.variables]  # a tf.Module does not track Keras variables
    archive.tracked = list(tracked)
    signatures = {
        SERVING_SIGNATURE: serve,
        MANIFEST_SIGNATURE: documents_function(documents),
        **(others or {}),
    }
    # As they were traced already: of a `tf.function` the graph would be made anew.
    concrete = {name: function.get_concrete_function() for name, function in signatures.items()}
    tf.saved_model.save(archive, str(folder), signatures=concrete)
    _check_weights(folder, model)


def serving_function(
    model: "keras.Model", inputs: "tf.TensorSpec", temperature: float = 1.0, *, multi_label: bool = False
) -> Any:
    """The `tf.function` behind a classifier's `serving_default`: `inputs` to `logits` and `probabilities`, float
    `[batch, labels]`.

    Args:
        model: maps a batch of `inputs` to float logits `[batch, labels]`; it normalises its own input.
        inputs: name, dtype and shape of the input, batch dimension None.

    Logits are the model's own; probabilities are softmax(logits / temperature), or with `multi_label` the sigmoid.
    """
    import tensorflow as tf

    function = tf.nn.sigmoid if multi_label else tf.nn.softmax

    def serve(batch: Any) -> dict[str, Any]:
        logits = model(batch, training=False)
        return {"logits": logits, "probabilities": function(logits / temperature)}

    return tf.function(serve, input_signature=[inputs])


def embedding_function(model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
    """The `tf.function` behind the `serving_default` of a model that answers vectors: `inputs` to `embedding`, float
    `[batch, width]`."""
    import tensorflow as tf

    return tf.function(lambda batch: {"embedding": model(batch, training=False)}, input_signature=[inputs])


def detection_function(model: "keras.Model", inputs: "tf.TensorSpec", choice: "Choice") -> Any:
    """The `tf.function` behind the `serving_default` of a detector: `inputs`, pictures, to `boxes`, `scores`, `classes`
    and `count`, see `models.detection.choose`."""
    import tensorflow as tf

    return tf.function(lambda batch: choose(model(batch, training=False), choice), input_signature=[inputs])


def chip_functions(networks: "FaceNetworks") -> dict[str, Any]:
    """The `tf.function` behind each signature of a model of faces that takes chips, uint8 `[batch, side, side, 3]`:
    `landmarks`, float `[batch, 5, 2]`, and `embed`, whose output `embedding` is float `[batch, width]`."""
    import tensorflow as tf

    def function(network: "keras.Model", output: str) -> Any:
        (chip,) = network.inputs
        given = tf.TensorSpec(chip.shape, chip.dtype, name="chip")
        return tf.function(lambda batch: {output: network(batch, training=False)}, input_signature=[given])

    return {
        LANDMARKS_SIGNATURE: function(networks.landmarks, "landmarks"),
        EMBED_SIGNATURE: function(networks.embedding, "embedding"),
    }


def language_function(model: "keras.Model", inputs: "tf.TensorSpec", context_tokens: int) -> Any:
    """The `tf.function` behind the `serving_default` of a language model: `inputs`, rows of the same length, to
    `logits`, float `[batch, vocabulary]`, of the token that follows.

    In the graph INVALID_ARGUMENT is the answer to rows of more than `context_tokens`: memory grows with the square.
    """
    import tensorflow as tf

    def serve(batch: Any) -> dict[str, Any]:
        with tf.control_dependencies([_fits(batch, context_tokens)]):
            return {"logits": model(tf.identity(batch), training=False)}

    return tf.function(serve, input_signature=[inputs], autograph=False)


def translation_function(model: "keras.Model", inputs: "tf.TensorSpec", search: "Search") -> Any:
    """The `tf.function` behind the `serving_default` of a model that translates: `inputs`, sentences, to `translation`,
    int32 `[batch, search.most]`, padded, and `score`, float `[batch]`, see `Search`.

    In the graph INVALID_ARGUMENT is the answer to rows of more than `search.most` tokens, or of none.
    """
    import tensorflow as tf

    def serve(batch: Any) -> dict[str, Any]:
        with tf.control_dependencies([_fits(batch, search.most)]):
            return search.translate(model.network, tf.identity(batch))

    return tf.function(serve, input_signature=[inputs], autograph=False)


def beam_function(model: "keras.Model", inputs: "tf.TensorSpec", search: "Search") -> Any:
    """The same by several translations at once: as many for each row as `num_beams`, int32 `[batch]`, says, at most
    `search.beams`."""
    import tensorflow as tf

    def serve(batch: Any, num_beams: Any) -> dict[str, Any]:
        with tf.control_dependencies([_fits(batch, search.most)]):
            return search.translate(model.network, tf.identity(batch), num_beams)

    wanted = tf.TensorSpec([None], tf.int32, name="num_beams")
    return tf.function(serve, input_signature=[inputs, wanted], autograph=False)


def _fits(batch: Any, most: int) -> Any:
    import tensorflow as tf

    length = tf.shape(batch)[1]
    return tf.debugging.Assert(
        (length > 0) & (length <= most),
        [tf.strings.format("rows of {} tokens; expected from 1 to {}", [length, most])],
    )


def signature_specs(serve: Any, others: Mapping[str, Any]) -> dict[str, SignatureSpec]:
    """The signatures that `write_saved_model` writes, as the manifest names them."""
    texts = TensorSpec(dtype="string", shape=(-1,))
    return {
        SERVING_SIGNATURE: _signature(serve),
        MANIFEST_SIGNATURE: SignatureSpec(inputs={"section": texts}, outputs={"document": texts}),
        **{name: _signature(function) for name, function in others.items()},
    }


def _signature(function: Any) -> SignatureSpec:
    return SignatureSpec(
        inputs={tensor.name: _spec(tensor) for tensor in function.input_signature},
        outputs={name: _spec(tensor) for name, tensor in function.get_concrete_function().structured_outputs.items()},
    )


def _spec(tensor: Any) -> TensorSpec:
    return TensorSpec(dtype=tensor.dtype.name, shape=tuple(-1 if side is None else side for side in tensor.shape))


def documents_function(documents: Mapping[str, bytes]) -> Any:
    """Section names in, documents out, batch dimension kept; "" for a section that is not there.

    Constants and a gather: nothing to initialise, no file access, ops that every TensorFlow Serving has.
    """
    import tensorflow as tf

    def manifest(section: Any) -> dict[str, Any]:
        known = tf.constant([b"", *documents])
        texts = tf.constant([b"", *documents.values()])
        position = tf.argmax(tf.cast(section[:, tf.newaxis] == known[tf.newaxis, :], tf.int32), axis=1)
        return {"document": tf.gather(texts, position)}

    return tf.function(manifest, input_signature=[tf.TensorSpec([None], tf.string, name="section")])


def _check_weights(folder: Path, model: "keras.Model") -> None:
    import tensorflow as tf

    stored = sum(
        tf.TensorShape(shape).num_elements()
        for name, shape in tf.train.list_variables(str(folder / "variables" / "variables"))
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    )
    expected = sum(variable.value.shape.num_elements() for variable in model.variables)
    if stored != expected:
        raise WeightsStoredTwiceError(stored, expected)
