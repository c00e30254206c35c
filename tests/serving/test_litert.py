"""The LiteRT runtime: the SavedModel's answers without TensorFlow, or not at all."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.litert import LiteRT
from serving.runtimes.opening import open_runtime
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.runtime import Runtime
from serving.runtimes.saved_model import SavedModel
from store.layout import VersionDir
from store.twin import Twin, gap
from tests.serving.calls import write_records
from tests.support import twins
from tests.support.processes import ModelServerProcess, until
from wire import messages
from wire.client import ModelServerClient
from wire.errors import ModelServerError
from wire.records import read_records
from wire.tensors import write_proto

OPTIONS = RuntimeOptions(intra_op_threads=1, inter_op_threads=1)


@pytest.fixture(scope="module")
def saved_model() -> Iterator[Runtime]:
    opened = SavedModel(twins.version().path, OPTIONS)
    yield opened
    opened.close()


@pytest.fixture
def twin(saved_model: Runtime) -> LiteRT:
    return LiteRT(twins.version().path, OPTIONS, twins.RECORDED, lambda: saved_model)


@pytest.fixture
def version(tmp_path: Path) -> VersionDir:
    """A copy to spoil."""
    return twins.put(tmp_path / "1")


def _ids(rows: int, tokens: int) -> dict[str, Any]:
    ids = np.random.default_rng(rows * 100 + tokens).integers(0, twins.TOKENS, (rows, tokens))
    return {"token_ids": ids.astype(np.int32)}


def test_its_answers_are_the_saved_models(twin: LiteRT, saved_model: Runtime) -> None:
    for rows, tokens in ((1, 1), (3, 7), (1, 9), (0, 4), (2, 1), (64, 33), (1, 1)):
        outputs = ["probabilities", "logits"]
        expected = saved_model.run("serving_default", _ids(rows, tokens), outputs, 30)
        received = twin.run("serving_default", _ids(rows, tokens), outputs, 30)
        assert [gap(e, r) <= 1e-5 for e, r in zip(expected, received, strict=True)] == [True, True]


def test_its_signatures_are_the_saved_models(twin: LiteRT, saved_model: Runtime) -> None:
    assert dict(twin.signatures) == dict(saved_model.signatures)


def test_an_answer_belongs_to_its_caller(twin: LiteRT) -> None:
    (first,) = twin.run("serving_default", _ids(1, 3), ["logits"], 30)
    kept = first.copy()
    twin.run("serving_default", _ids(1, 3), ["logits"], 30)[0][:] = 0
    twin.run("serving_default", {"token_ids": np.full((1, 3), 9, np.int32)}, ["logits"], 30)
    assert (first == kept).all()


def test_many_callers_with_many_shapes(twin: LiteRT, saved_model: Runtime) -> None:
    shapes = [(rows, tokens) for rows in (1, 2, 5) for tokens in (1, 4, 16)] * 20
    ask = partial(twin.run, "serving_default", outputs=["logits"], timeout_s=30)
    with ThreadPoolExecutor(8) as threads:
        received = list(threads.map(lambda shape: ask(inputs=_ids(*shape))[0], shapes))
    for shape, answer in zip(shapes, received, strict=True):
        assert gap(saved_model.run("serving_default", _ids(*shape), ["logits"], 30)[0], answer) <= 1e-5


def test_the_manifest_signature_answers_as_the_saved_models(twin: LiteRT, saved_model: Runtime) -> None:
    sections = {"section": np.array([b"card", b"manifest", b"none", b""], object)}
    (expected,) = saved_model.run("manifest", sections, ["document"], 30)
    (received,) = twin.run("manifest", sections, ["document"], 30)
    assert received.tolist() == expected.tolist() == [*reversed(twins.DOCUMENTS.values()), b"", b""]
    assert twin.facts["saved_model"] == "closed"


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        (
            "serving_default",
            {"token_ids": np.ones((1, 2), "f4")},
            r"Expects arg\[0\] to be int32 but float is provided",
        ),
        ("serving_default", {"token_ids": np.ones((1, 2), "c8")}, r"Expects arg\[0\] to be int32 but complex64"),
        ("serving_default", {"token_ids": np.ones(2, "i4")}, r"token_ids has shape \[2\]; expected \[-1, -1\]"),
        ("serving_default", {"token_ids": np.full((1, 2), 99, "i4")}, "gather index out of bounds"),
        ("serving_default", {"token_ids": np.full((1, 2), -99, "i4")}, "gather index out of bounds"),
        ("manifest", {"section": np.ones(2, "f4")}, r"Expects arg\[0\] to be string but float is provided"),
        ("manifest", {"section": np.array(b"card", object)}, r"section has shape \[\]; expected \[-1\]"),
    ],
)
def test_what_it_refuses(twin: LiteRT, signature: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        twin.run(signature, inputs, ["logits" if signature == "serving_default" else "document"], 5)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert twin.run("serving_default", _ids(1, 2), ["logits"], 5)[0].shape == (1, 3)


def test_what_can_never_be_run_is_refused_as_by_the_saved_model(twin: LiteRT, saved_model: Runtime) -> None:
    refused = []
    for runtime in (saved_model, twin):
        with pytest.raises(RequestError, match="was not found in the Graph") as caught:
            runtime.run("__saved_model_init_op", {}, ["__saved_model_init_op"], 5)
        refused.append((caught.value.code, caught.value.message))
    assert refused[0] == refused[1]


def test_the_first_call_of_a_signature_that_the_twin_lacks_opens_the_saved_model(version: VersionDir) -> None:
    _change(version, documents={})
    opened: list[Runtime] = []

    def open_saved_model() -> Runtime:
        opened.append(SavedModel(version.path, OPTIONS))
        return opened[-1]

    twin = LiteRT(version.path, OPTIONS, twins.RECORDED, open_saved_model)
    assert "manifest" in twin.signatures
    assert twin.pure == {"serving_default"}
    twin.run("serving_default", _ids(1, 3), ["logits"], 30)
    assert (opened, twin.facts["saved_model"]) == ([], "closed")
    ask = partial(twin.run, "manifest", {"section": np.array([b"card"], object)}, ["document"])
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(60)[0].tolist(), range(16)))
    assert answers == [[twins.DOCUMENTS["card"]]] * 16
    assert (len(opened), twin.facts["saved_model"]) == (1, "open")
    assert twin.pure == {"serving_default"}
    twin.close()
    with pytest.raises(AttributeError):  # TensorFlow's session is gone
        opened[0].run("manifest", {"section": np.array([b"card"], object)}, ["document"], 5)


def test_a_saved_model_that_does_not_open_costs_only_the_calls_that_need_it(version: VersionDir) -> None:
    _change(version, documents={})
    twin = LiteRT(version.path, OPTIONS, twins.RECORDED, partial(SavedModel, version.path, OPTIONS))
    aside = version.path.with_name("aside.pb")
    (version.path / "saved_model.pb").rename(aside)
    ask = partial(twin.run, "manifest", {"section": np.array([b"card"], object)}, ["document"], 60)
    for _ in range(2):
        with pytest.raises(RequestError, match=r"signature manifest .* does not open: Could not find") as caught:
            ask()
        assert caught.value.code is Code.INTERNAL
    assert twin.facts["saved_model"] == "closed"
    assert twin.run("serving_default", _ids(1, 2), ["logits"], 5)[0].shape == (1, 3)
    aside.rename(version.path / "saved_model.pb")
    assert ask()[0].tolist() == [twins.DOCUMENTS["card"]]
    twin.close()


def _change(version: VersionDir, **changes: Any) -> None:
    Twin.read(version.twin).model_copy(update=changes).write(version.twin)


def _replace(version: VersionDir, name: str, content: bytes) -> None:
    """Another file, with the right checksum."""
    (version.twin / name).write_bytes(content)
    digests = Twin.read(version.twin).sha256 | {name: hashlib.sha256(content).hexdigest()}
    _change(version, sha256=digests)


def _change_answers(version: VersionDir, change: Callable[[Any], object]) -> None:
    """Applies `change` to the outputs of each answer in the warm-up file."""
    logs = [messages.PredictionLog.FromString(record) for record in read_records(version.warm_up)]
    for log in logs:
        change(log.predict_log.response.outputs)
    write_records(version.warm_up, [log.SerializeToString() for log in logs])


def _another_answer(outputs: Any) -> None:
    """Of a SavedModel whose first logit is higher by a thousandth."""
    logits = outputs["logits"]
    values = np.frombuffer(logits.tensor_content, np.float32) + np.array([1e-3, 0, 0], np.float32)
    logits.tensor_content = values.tobytes()


def _truth(outputs: Any) -> None:
    outputs.clear()
    write_proto(np.array([[True]]), outputs["logits"])
    write_proto(np.array([[True]]), outputs["probabilities"])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda v: (v.twin / "runtime.json").write_text("{}"), "does not fit its schema", id="document"),
        pytest.param(lambda v: (v.twin / "model.tflite").unlink(), "No such file", id="no model"),
        pytest.param(lambda v: (v.twin / "model.tflite").write_bytes(b"x"), "has sha256", id="another model"),
        pytest.param(lambda v: (v.twin / "documents.json").write_text("{}"), "has sha256", id="other documents"),
        pytest.param(lambda v: _replace(v, "model.tflite", b"garbage" * 99), "ValueError", id="no LiteRT model"),
        pytest.param(lambda v: _replace(v, "documents.json", b"{"), "JSONDecodeError", id="no JSON"),
        pytest.param(lambda v: _change(v, signatures=("other",)), "KeyError: 'other'", id="unknown signature"),
        pytest.param(lambda v: _replace(v, "documents.json", b'{"manifest": 1}'), "AttributeError", id="no documents"),
        pytest.param(lambda v: _change(v, signatures=()), "does not fit its schema", id="no signatures"),
    ],
)
def test_a_twin_that_does_not_prove_itself_leaves_the_work_to_the_saved_model(
    version: VersionDir, caplog: pytest.LogCaptureFixture, spoil: Callable[[VersionDir], object], reason: str
) -> None:
    spoil(version)
    runtime = open_runtime(version.path, OPTIONS)
    assert runtime.facts["runtime"] == "saved_model"
    assert "its LiteRT twin is not used, the SavedModel is: " in caplog.text
    assert reason in caplog.text
    assert runtime.run("serving_default", _ids(1, 2), ["logits"], 30)[0].shape == (1, 3)
    runtime.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda v: v.warm_up.unlink(), "No such file", id="no requests"),
        pytest.param(
            lambda v: v.warm_up.write_bytes(b""),
            "0 recorded answers were found, the manifest promises 6",
            id="empty requests",
        ),
        pytest.param(lambda v: v.warm_up.write_bytes(b"garbage"), "not a whole TFRecord file", id="broken requests"),
        pytest.param(lambda v: v.warm_up.write_bytes(v.warm_up.read_bytes()[:-2]), "ends inside", id="cut requests"),
        pytest.param(
            lambda v: _change_answers(v, lambda outputs: outputs.pop("probabilities")),
            r"the answer of request 0 has ['logits']; expected all outputs",
            id="an output that is not proved",
        ),
        pytest.param(lambda v: _change_answers(v, _truth), "differs by inf", id="another type"),
        pytest.param(
            lambda v: _change_answers(v, _another_answer),
            "request 0 of signature serving_default is answered otherwise than recorded: logits differs by",
            id="answers",
        ),
    ],
)
def test_without_the_answers_that_it_would_be_proved_by_nothing_opens(
    version: VersionDir, caplog: pytest.LogCaptureFixture, spoil: Callable[[VersionDir], object], reason: str
) -> None:
    """They are the SavedModel's proof too."""
    spoil(version)
    with pytest.raises(LoadError):
        open_runtime(version.path, OPTIONS)
    assert "its LiteRT twin is not used, the SavedModel is: " in caplog.text
    assert reason in caplog.text


def test_without_litert_the_saved_model_does_the_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    runtime = open_runtime(twins.version().path, OPTIONS)
    assert runtime.facts["runtime"] == "saved_model"
    assert "ModuleNotFoundError" in caplog.text
    runtime.close()


@pytest.mark.parametrize("options", [replace(OPTIONS, litert=False), OPTIONS], ids=["switched off", "used"])
def test_it_can_be_switched_off(options: RuntimeOptions) -> None:
    runtime = open_runtime(twins.version().path, options)
    assert runtime.facts["runtime"] == ("litert" if options.litert else "saved_model")
    runtime.close()


def test_another_tag_set_is_not_the_twins(version: VersionDir, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Exception, match="Could not find meta graph def matching supplied tags"):
        open_runtime(version.path, replace(OPTIONS, tags=("gpu",)))
    assert "nothing with the tags gpu" in caplog.text


def test_opening_and_asking_a_twin_needs_no_tensorflow() -> None:
    script = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from serving.runtimes.opening import open_runtime\n"
        "from serving.runtimes.options import RuntimeOptions\n"
        "runtime = open_runtime(Path(sys.argv[1]), RuntimeOptions())\n"
        "runtime.run('serving_default', {'token_ids': np.ones((2, 3), 'i4')}, ['logits'], 5)\n"
        "runtime.run('manifest', {'section': np.array([b'card'], object)}, ['document'], 5)\n"
        "assert 'tensorflow' not in sys.modules, 'TensorFlow came along'\n"
    )
    command = [sys.executable, "-c", script, str(twins.version().path)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")  # nor does LiteRT speak of its delegates


def test_a_server_of_twins_never_loads_tensorflow(tmp_path: Path) -> None:
    twins.put(tmp_path / "tokens" / "1")
    with ModelServerProcess(tmp_path) as server, ModelServerClient(server.target) as client:
        until(lambda: _available(client), "the twin serves")
        answer = client.predict("tokens", _ids(2, 3), timeout_s=30)
        assert answer.outputs["logits"].shape == (2, 3)
        assert "tensorflow" not in Path(f"/proc/{server.pid}/maps").read_text()


def _available(client: ModelServerClient) -> bool:
    try:
        return [line.state for line in client.status("tokens", timeout_s=5)] == ["AVAILABLE"]
    except ModelServerError:  # it does not listen yet, or has not found the version yet
        return False
