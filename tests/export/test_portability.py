"""What would not run in a stock TensorFlow Serving is refused, with its op, its layer and the way out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export.archive import serving_function, write_saved_model
from export.errors import NotPortableError
from export.portability import check_portable
from wire import messages


def _tf() -> Any:
    import tensorflow as tf

    return tf


def _slice_update(x: Any) -> Any:
    import keras

    return keras.ops.slice_update(x, [0, 0], 2 * x[:, :2])


def _compiled(x: Any) -> Any:
    return _tf().function(lambda y: y + 1, jit_compile=True)(x)


def _python(x: Any) -> Any:
    return _tf().ensure_shape(_tf().numpy_function(lambda y: y, [x], _tf().float32), [None, 4])


def _looping(x: Any) -> Any:
    """The op is in a body of its own, which has the layer's name only through the node that runs it."""
    tf = _tf()
    return tf.while_loop(lambda i, _: i < 3, lambda i, y: [i + 1, y + tf.random.uniform([])], [0, x])[1]


def _reading(x: Any) -> Any:
    tf = _tf()
    return x + tf.strings.to_number(tf.io.read_file("/etc/offset"))


def _writing(x: Any) -> Any:
    tf = _tf()
    with tf.control_dependencies([tf.io.write_file("/tmp/seen", "x")]):
        return tf.identity(x)


def _printing(x: Any) -> Any:
    tf = _tf()
    with tf.control_dependencies([tf.print("seen", x)]):
        return tf.identity(x)


def _drawing(x: Any) -> Any:
    return x + _tf().random.uniform([], seed=7)


def _data_set(x: Any) -> Any:
    return x + next(iter(_tf().data.Dataset.from_tensors(1.0)))


def _timed(x: Any) -> Any:
    tf = _tf()
    return x + tf.cast(tf.timestamp(), tf.float32)


def _odd(function: Callable[[Any], Any]) -> Any:
    """The function as a Keras layer of that name."""
    import keras

    class Odd(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
        def call(self, x: Any) -> Any:
            return function(x)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return Odd(name="odd")


def _write(folder: Path, layer: Callable[[Any], Any]) -> None:
    """A model of four numbers and one layer."""
    import keras
    import tensorflow as tf

    x = keras.Input((4,), name="x")
    model = keras.Model(x, layer(x), name="net")
    serve = serving_function(model, tf.TensorSpec([None, 4], tf.float32, name="x"))
    write_saved_model(folder, model, serve, {})


@pytest.mark.parametrize(
    ("call", "op", "reason", "way_out"),
    [
        (_slice_update, "XlaDynamicUpdateSlice", "XLA compilation disabled", "scatter_update"),
        (_compiled, "PartitionedCall", "XLA compilation disabled", "no jit_compile"),
        (_python, "PyFunc", "calls a Python function", "not with numpy_function"),
        (_looping, "RandomUniform", "draws other random numbers", "training=False"),
        (_drawing, "RandomUniform", "draws other random numbers", "training=False"),
        (_reading, "ReadFile", "a file that is not an asset", "Asset"),
        (_writing, "WriteFile", "a file that is not an asset", "Asset"),
        (_printing, "PrintV2", "writes to the server's output", "leave it away"),
        (_data_set, "TensorDataset", "reads a data set while it answers", "the inputs and the weights"),
        (_timed, "Timestamp", "keeps state from one request to the next", "the inputs and the weights"),
    ],
)
def test_a_layer_that_would_not_do_is_named(
    tmp_path: Path, call: Callable[[Any], Any], op: str, reason: str, way_out: str
) -> None:
    _write(tmp_path / "1", _odd(call))
    with pytest.raises(NotPortableError) as caught:
        check_portable(tmp_path / "1")
    [line] = [line for line in str(caught.value).split("; ") if f"{op} in layer net_1/odd_1" in line]
    assert "(signature serving_default)" in line
    assert reason in line
    assert way_out in line


def test_dropout_left_in_training_changes_a_variable(tmp_path: Path) -> None:
    import keras

    odd = _odd(lambda x: odd.dropout(x, training=True))
    odd.dropout = keras.layers.Dropout(0.5)
    _write(tmp_path / "1", odd)
    with pytest.raises(NotPortableError, match=r"Assign\w*VariableOp in layer \S+ .* changes a variable"):
        check_portable(tmp_path / "1")


def test_an_op_that_only_this_process_has(tmp_path: Path) -> None:
    _write(tmp_path / "1", _odd(_tf().math.lgamma))
    path = tmp_path / "1" / "saved_model.pb"
    saved = messages.SavedModel.FromString(path.read_bytes())
    for function in saved.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            node.op = node.op.replace("Lgamma", "SomebodysOwn")
    path.write_bytes(saved.SerializeToString())
    with pytest.raises(NotPortableError, match=r"SomebodysOwn in layer net_1/odd_1 .* neither TensorFlow nor TF Text"):
        check_portable(tmp_path / "1")


def test_a_function_that_no_signature_calls_counts_too(tmp_path: Path) -> None:
    tf = _tf()
    module = tf.Module()
    spec = [tf.TensorSpec([None], tf.float32, name="x")]
    module.spare = tf.function(lambda x: tf.numpy_function(lambda y: y, [x], tf.float32), input_signature=spec)
    fine = tf.function(lambda x: {"y": x + 1}, input_signature=spec)
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=fine)
    with pytest.raises(NotPortableError, match=r"PyFunc in \S+ \S+ \(called by no signature\)"):
        check_portable(tmp_path / "1")


def test_tables_from_assets_recurrent_layers_and_tf_text_are_welcome(tmp_path: Path) -> None:
    import keras
    import tensorflow_text

    tf = _tf()
    (tmp_path / "words").write_text("good\nbad\n")
    module = tf.Module()
    source = tf.lookup.TextFileInitializer(
        str(tmp_path / "words"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    )  # fmt: skip
    module.table = tf.lookup.StaticHashTable(source, -1)
    module.recurrent = keras.layers.GRU(2)
    module.weights = [weight.value for weight in module.recurrent.weights]
    tokenizer = tensorflow_text.WhitespaceTokenizer()

    def serve(text: Any) -> Any:
        ids = module.table.lookup(tokenizer.tokenize(text).to_tensor(""))
        return {"y": module.recurrent(tf.cast(ids, tf.float32)[:, :, tf.newaxis])}

    serve(tf.constant(["good"]))
    module.weights = [weight.value for weight in module.recurrent.weights]
    signature = tf.function(serve, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=signature)
    check_portable(tmp_path / "1")


def test_a_table_from_a_path_of_this_machine_is_refused(tmp_path: Path) -> None:
    """The asset's name, written into the graph as a constant."""
    tf = _tf()
    (tmp_path / "words").write_text("good\n")

    def serve(x: Any) -> Any:
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        filled = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=str(tmp_path / "words"), key_index=-2, value_index=-1
        )
        with tf.control_dependencies([filled] if filled is not None else []):
            return {
                "y": tf.raw_ops.LookupTableFindV2(table_handle=table, keys=x, default_value=tf.constant(-1, "int64"))
            }

    signature = tf.function(serve, input_signature=[tf.TensorSpec([None], tf.string, name="x")])
    tf.saved_model.save(tf.Module(), str(tmp_path / "1"), signatures=signature)
    with pytest.raises(NotPortableError, match=r"InitializeTableFromTextFileV2 in .* a file that is not an asset"):
        check_portable(tmp_path / "1")


def test_of_many_faults_the_first_are_told() -> None:
    text = str(NotPortableError([f"fault {number}" for number in range(12)]))
    assert "fault 4; and 7 more; nothing was exported" in text
    assert "fault 5" not in text
