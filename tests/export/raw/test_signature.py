"""`raw` answers as `serving_default` does to what the gateway makes of the same request: in a session, and served."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.stack import free_port
from export.trained import Trained
from export.version import export_version
from kmaas.stages import trained
from processing.request import preprocessing
from processing.spec import ExportedSpec, parse_spec
from serving.errors import Code, RequestError
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.saved_model import SavedModel
from store.layout import Store, VersionDir
from store.manifest import Manifest
from store.publish import publish
from tests.support import tones
from tests.support.processes import Process, ask, until
from training.run import Run
from wire.client import ModelServerClient
from wire.errors import ModelServerError

OUTPUTS = ["logits", "probabilities"]
BAD = {
    "image_bytes": b"\x89PNG\r\n\x1a\n and no picture",
    "text": b"\xff\xfe",
    "audio_bytes": b"RIFF\x24\0\0\0WAVE and no recording",
}


@pytest.fixture(scope="module", params=["digits", "sentiment", "tones"])
def made(
    request: pytest.FixtureRequest,
    runs: Callable[[str], Run],
    exports: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Trained, Path]:
    """A trained model and its export: of pictures, of texts, and of recordings."""
    if request.param != "tones":
        return trained(runs(request.param)), exports(request.param)
    folder = tmp_path_factory.mktemp("tones")
    model = tones.trained(folder)
    export_version(model, folder / "export", runtime="saved_model")
    return model, folder / "export"


@dataclass(frozen=True)
class Asked:
    """Held-out requests: as `raw` takes them, and as the gateway would ask `serving_default`."""

    name: str
    given: list[bytes]
    rows: list[Any]
    input: str


@pytest.fixture(scope="module")
def asked(made: tuple[Trained, Path]) -> Asked:
    model, exported = made
    manifest = Manifest.read(VersionDir(exported).manifest)
    (name,) = manifest.signatures["raw"].inputs
    bodies = [example.body for example in model.examples]
    spec = parse_spec(manifest.processing)
    assert isinstance(spec, ExportedSpec)
    preprocess = preprocessing(spec, model.tokenizer)
    given = [json.loads(body)["inputs"].encode() for body in bodies] if name == "text" else bodies
    return Asked(name, given, [preprocess(body) for body in bodies], str(manifest.processing["input"]))


@pytest.fixture(scope="module")
def session(made: tuple[Trained, Path]) -> Iterator[SavedModel]:
    runtime = SavedModel(made[1], RuntimeOptions(intra_op_threads=1, inter_op_threads=1))
    yield runtime
    runtime.close()


@dataclass(frozen=True)
class Server:
    client: ModelServerClient
    rest: str
    model: str
    pid: int

    @property
    def has_tensorflow(self) -> bool:
        return "tensorflow" in Path(f"/proc/{self.pid}/maps").read_text()

    def predict(self, *instances: Any) -> Any:
        body = json.dumps({"signature_name": "raw", "instances": instances}).encode()
        return ask(f"{self.rest}/v1/models/{self.model}:predict", body)


@pytest.fixture(scope="module")
def server(made: tuple[Trained, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real `kmaas serve` over a store with the version."""
    model, exported = made
    store = Store.at(tmp_path_factory.mktemp("store"))
    publish(store, exported)
    grpc, rest = free_port(), free_port()
    ports = ("--port", str(grpc), "--rest_api_port", str(rest))
    with (
        Process("serve", "--store", str(store.root), *ports) as process,
        ModelServerClient(f"127.0.0.1:{grpc}") as client,
    ):
        found = Server(client, f"http://127.0.0.1:{rest}", model.spec.name, process.pid)
        until(lambda: _available(found), "the version serves")
        yield found


def _available(server: Server) -> bool:
    try:
        return [line.state for line in server.client.status(server.model, timeout_s=5)] == ["AVAILABLE"]
    except ModelServerError:  # it does not listen yet, or has not found the version yet
        return False


def test_in_a_session(session: SavedModel, asked: Asked) -> None:
    together = session.run("raw", {asked.name: np.array(asked.given, object)}, OUTPUTS, 60)
    for number, (given, row) in enumerate(zip(asked.given, asked.rows, strict=True)):
        expected = session.run("serving_default", {asked.input: row}, OUTPUTS, 60)
        alone = session.run("raw", {asked.name: np.array([given], object)}, OUTPUTS, 60)
        for received in (alone, [array[number : number + 1] for array in together]):
            for one, other in zip(received, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_in_a_session_bad_bytes_are_an_invalid_argument_of_that_call_only(session: SavedModel, asked: Asked) -> None:
    for given in (BAD[asked.name], b""):
        with pytest.raises(RequestError) as caught:
            session.run("raw", {asked.name: np.array([asked.given[0], given], object)}, OUTPUTS, 60)
        assert caught.value.code is Code.INVALID_ARGUMENT
    assert session.run("raw", {asked.name: np.array(asked.given[:1], object)}, OUTPUTS, 60)[0].shape[0] == 1


def test_served(server: Server, asked: Asked, made: tuple[Trained, Path]) -> None:
    """By the twin, if there is one, until `raw` is asked for, then by the SavedModel beside it; in bytes and base64."""
    first = [(server.client.predict(server.model, {asked.input: row}, timeout_s=60).outputs) for row in asked.rows[:20]]
    assert server.has_tensorflow is not VersionDir(made[1]).twin.exists()
    received = server.client.predict(
        server.model, {asked.name: np.array(asked.given[:20], object)}, timeout_s=120, signature="raw"
    ).outputs
    assert server.has_tensorflow
    for output in OUTPUTS:
        expected = np.concatenate([answer[output] for answer in first])
        np.testing.assert_allclose(received[output], expected, rtol=1e-4, atol=1e-4)
    rows = server.predict(*({"b64": base64.b64encode(given).decode()} for given in asked.given[:20])).json()
    for output in OUTPUTS:
        np.testing.assert_allclose([row[output] for row in rows["predictions"]], received[output], atol=1e-5)
    named = server.predict({asked.name: {"b64": base64.b64encode(asked.given[0]).decode()}}).json()
    np.testing.assert_allclose(named["predictions"][0]["logits"], received["logits"][0], atol=1e-5)


def test_served_bad_bytes_are_an_invalid_argument(server: Server, asked: Asked) -> None:
    for given in (BAD[asked.name], b""):
        with pytest.raises(ModelServerError, match="INVALID_ARGUMENT"):
            server.client.predict(server.model, {asked.name: np.array([given], object)}, timeout_s=120, signature="raw")
        assert server.predict({"b64": base64.b64encode(given).decode()}).status == 400
    assert server.predict({"b64": base64.b64encode(asked.given[0]).decode()}).status == 200
