"""The SavedModel runtime: what it runs, and every broken folder it must survive."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.saved_model import SavedModel
from tests.support import saved_models, saved_models_v1
from wire import messages

OPTIONS = RuntimeOptions(intra_op_threads=1, inter_op_threads=1)


def opened(folder: Path) -> SavedModel:
    return SavedModel(folder, OPTIONS)


@pytest.fixture(scope="module")
def many() -> SavedModel:
    return opened(saved_models.folder() / "many")


def test_it_runs_a_signature_with_variables() -> None:
    model = opened(saved_models.folder() / "plus-3")
    (y,) = model.run("serving_default", {"x": np.array([[1, 2]], "f4")}, ["y"], None)
    assert_allclose(y, [[3.5, 4]])
    model.close()


def test_only_the_outputs_asked_for_in_their_order(many: SavedModel) -> None:
    inputs = {"a": np.array([3], "f4"), "b": np.array([1], "f4")}
    assert [o.tolist() for o in many.run("serving_default", inputs, ["sum", "difference"], 5)] == [[4], [2]]
    assert [o.tolist() for o in many.run("serving_default", inputs, ["difference"], 5)] == [[2]]


def test_strings_keep_every_byte(many: SavedModel) -> None:
    text = np.array([b"a\0", b"\xff", b""], dtype=object)
    assert many.run("strings", {"text": text}, ["text"], None)[0].tolist() == text.tolist()


def test_a_single_string_is_an_array_like_all_else(many: SavedModel) -> None:
    text = np.array([b"a\0", b"\xff\0"], dtype=object)
    whole, same = many.run("joined", {"text": text}, ["all", "text"], None)
    assert whole.shape == ()
    assert whole.tolist() == b"a\0\xff\0"
    assert same.tolist() == text.tolist()


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs", "message"),
    [
        ("double", {"x": np.array(1, "f4")}, ["y"], r"Expects arg\[0\] to be double but float is provided"),
        ("matmul", {"x": np.ones((1, 3), "f4")}, ["y"], r"Matrix size-incompatible: In\[0\]: \[1,3\]"),
        ("__saved_model_init_op", {}, ["__saved_model_init_op"], "Tensor NoOp, specified in either feed_devices"),
    ],
)
def test_what_the_graph_refuses(
    many: SavedModel, signature: str, inputs: dict[str, np.ndarray], outputs: list[str], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        many.run(signature, inputs, outputs, None)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_the_time_is_up() -> None:
    slow = opened(saved_models.folder() / "slow")
    with pytest.raises(RequestError, match="Timed out") as caught:
        slow.run("serving_default", {"steps": np.array(10**9, "i4")}, ["done"], 0.05)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert slow.run("serving_default", {"steps": np.array(1, "i4")}, ["done"], 60)[0].shape == ()
    slow.close()


def test_a_graph_without_loops_runs_in_the_callers_thread() -> None:
    """Its deadline is looked at when it is over."""
    model = opened(saved_models.folder() / "plus-2")
    assert model.facts == {
        "runtime": "saved_model",
        "intra_op": "1",
        "inter_op": "1",
        "caller_thread": "serving_default",
    }
    with pytest.raises(RequestError, match="Timed out waiting for notification") as caught:
        model.run("serving_default", {"x": np.ones(1, "f4")}, ["y"], 1e-9)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    model.close()


def test_what_would_take_long_in_the_callers_thread_goes_where_a_deadline_ends_it() -> None:
    model = opened(saved_models.folder() / "heavy")
    assert model.facts["caller_thread"] == "serving_default"
    x = np.ones((1000, 1000), "f4")
    assert 1 < model._plans["serving_default"].caller_elements < x.size
    with pytest.raises(RequestError, match="Timed out waiting for notification") as caught:
        model.run("serving_default", {"x": x}, ["y"], 0.05)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    model.close()


@pytest.mark.parametrize("name", ["slow", "queue"])
def test_what_may_run_for_ever_stays_where_a_deadline_ends_it(name: str) -> None:
    folder = (saved_models if name == "slow" else saved_models_v1).folder() / name
    assert opened(folder).facts["caller_thread"] == ""


def test_a_queue_that_nobody_fills() -> None:
    with pytest.raises(RequestError, match="Timed out") as caught:
        opened(saved_models_v1.folder() / "queue").run("serving_default", {}, ["y"], 0.05)
    assert caught.value.code is Code.DEADLINE_EXCEEDED


def test_loading_does_not_move_a_counter_of_tensorflow_1() -> None:
    counter = opened(saved_models_v1.folder() / "counter")
    assert counter.run("get_counter", {}, ["output"], 5) == [0]
    assert counter.run("incr_counter_by", {"delta": np.array(2, "f4")}, ["output"], 5) == [2]
    assert counter.run("get_counter", {}, ["output"], 5) == [2]
    assert counter.run("reset_counter", {}, ["output"], 5) == [0]


def test_examples_are_parsed_by_a_graph_of_tensorflow_1_after_its_init_op_read_an_asset() -> None:
    model = opened(saved_models_v1.folder() / "half-plus-three")
    assert model.run("serving_default", {"x": np.array([[2]], "f4")}, ["y"], 5)[0].tolist() == [[4]]
    with pytest.raises(RequestError, match="Could not parse example input") as caught:
        model.run("regress_x_to_y", {"inputs": np.array([b"no example"], object)}, ["outputs"], 5)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_tags_must_be_those_of_a_meta_graph() -> None:
    folder = saved_models_v1.folder() / "main-op"
    tagged = SavedModel(folder, replace(OPTIONS, tags=("cpu", "serve")))
    words = np.array([b"two", b"none"], object)
    assert tagged.facts["caller_thread"] == "serving_default"  # to look a word up changes nothing
    assert tagged.run("serving_default", {"word": words}, ["id"], 5)[0].tolist() == [2, 3]
    with pytest.raises(
        LoadError, match=r"Could not find meta graph def matching supplied tags: \{ serve \}\."
    ) as caught:
        opened(folder)
    assert caught.value.code is Code.NOT_FOUND


def test_the_ops_of_tf_text_come_with_the_first_model_that_needs_them_and_nothing_of_python() -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from serving.runtimes.options import RuntimeOptions\n"
        "from serving.runtimes.saved_model import SavedModel\n"
        "model = SavedModel(Path(sys.argv[1]), RuntimeOptions())\n"
        "words = model.run('serving_default', {'text': np.array([b'not bad'], object)}, ['words'], 5)[0]\n"
        "print(words.tolist(), {'tensorflow', 'tensorflow_text', 'keras'} & set(sys.modules))"
    )
    folder = str(saved_models_v1.folder() / "text")
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    assert done.stdout == "[b'not', b'bad'] set()\n"


def test_without_tf_text_the_status_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['tensorflow_text'] = None\n"
        "from pathlib import Path\n"
        "from serving.errors import LoadError\n"
        "from serving.runtimes.options import RuntimeOptions\n"
        "from serving.runtimes.saved_model import SavedModel\n"
        "try: SavedModel(Path(sys.argv[1]), RuntimeOptions())\n"
        "except LoadError as exc: print(exc.code.name, exc.message)"
    )
    folder = str(saved_models_v1.folder() / "text")
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("NOT_FOUND Op type not registered")
    assert "install the package tensorflow-text" in done.stdout


@pytest.mark.parametrize(("signature", "expected"), [("serving_default", [3, 2]), ("updated", [4, 1])])
def test_xla_is_off_unless_it_is_asked_for(signature: str, expected: list[float]) -> None:
    folder = saved_models_v1.folder() / "xla"
    x = {"x": np.array([2, 1], "f4")}
    with pytest.raises(RequestError, match=r"^INTERNAL: XLA compilation disabled"):
        opened(folder).run(signature, x, ["y"], 5)
    assert SavedModel(folder, replace(OPTIONS, xla=True)).run(signature, x, ["y"], 60)[0].tolist() == expected


def test_a_config_proto_is_laid_under_the_thread_settings() -> None:
    config = messages.message("tensorflow.ConfigProto")(intra_op_parallelism_threads=3, inter_op_parallelism_threads=3)
    options = RuntimeOptions(inter_op_threads=2, session_config=config.SerializeToString())
    facts = SavedModel(saved_models.folder() / "plus-2", options).facts
    assert (facts["intra_op"], facts["inter_op"]) == ("3", "2")


DATA = "variables/variables.data-00000-of-00001"
INDEX = "variables/variables.index"


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(lambda f: (f / "saved_model.pb").write_bytes(b"garbage" * 99), Code.DATA_LOSS, id="garbage"),
        pytest.param(lambda f: half(f / "saved_model.pb"), Code.DATA_LOSS, id="half a graph"),
        pytest.param(lambda f: (f / "saved_model.pb").write_bytes(b""), Code.NOT_FOUND, id="empty graph"),
        pytest.param(lambda f: (f / "saved_model.pb").unlink(), Code.NOT_FOUND, id="no graph"),
        pytest.param(lambda f: shutil.rmtree(f / "variables"), Code.NOT_FOUND, id="no variables"),
        pytest.param(lambda f: (f / DATA).unlink(), Code.UNKNOWN, id="no data"),
        pytest.param(lambda f: half(f / DATA), Code.OUT_OF_RANGE, id="truncated data"),
        pytest.param(lambda f: (f / DATA).write_bytes(bytes((f / DATA).stat().st_size)), Code.DATA_LOSS, id="zeros"),
        pytest.param(lambda f: half(f / INDEX), Code.DATA_LOSS, id="truncated index"),
        pytest.param(emptied, Code.NOT_FOUND, id="empty folder"),
        pytest.param(shutil.rmtree, Code.NOT_FOUND, id="no folder"),
    ],
)
def test_a_broken_folder_is_a_load_error(tmp_path: Path, spoil: Callable[[Path], object], code: Code) -> None:
    folder = tmp_path / "1"
    shutil.copytree(saved_models.folder() / "plus-2", folder)
    spoil(folder)
    with pytest.raises(LoadError) as caught:
        opened(folder)
    assert caught.value.code is code
    assert caught.value.message


def test_a_default_that_cannot_be_read_is_a_load_error(tmp_path: Path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel as Document

    folder = tmp_path / "1"
    shutil.copytree(saved_models.folder() / "defaults", folder)
    document = Document.FromString((folder / "saved_model.pb").read_bytes())
    document.meta_graphs[0].signature_def["serving_default"].defaults["b"].tensor_content = b"1"
    (folder / "saved_model.pb").write_bytes(document.SerializeToString())
    with pytest.raises(LoadError, match="the default of an input cannot be read: tensor_content has 1 bytes"):
        opened(folder)


def test_tensorflow_is_imported_by_the_first_load_only() -> None:
    script = "import sys, serving.server; assert 'tensorflow' not in sys.modules, 'TensorFlow came along'"
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ, timeout=60)
