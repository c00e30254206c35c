r"""The model servers under contract: the embedded one, a real `kmaas serve`, and a TensorFlow Serving if one is named.

To test one, write the models where it will find them, start it, and name it:

    python -m tests.contract.conftest FOLDER
    tensorflow_model_server --port=8500 --rest_api_port=8501 \
        --allow_version_labels_for_unavailable_models --model_config_file=FOLDER/models.config
    TFSERVING_GRPC=127.0.0.1:8500 TFSERVING_REST=http://127.0.0.1:8501 pytest tests/contract
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.stack import free_port
from tests.support import saved_models
from tests.support.processes import Process, ask, until

# served model -> SavedModel
MODELS = {
    "plus": "plus-2",
    "many": "many",
    "slow": "slow",
    "half": "half-plus-two",
    "animals": "animals",
    "counter": "counter",
    "ragged": "ragged",
}
VERSION = 7
LABEL = "stable"  # of every model's one version

_EMBEDDED, _TENSORFLOW_SERVING = "embedded", "tensorflow-serving"
_GRPC, _REST = "TFSERVING_GRPC", "TFSERVING_REST"


@dataclass(frozen=True)
class Server:
    """Where a server with the contract's models listens."""

    grpc: str
    rest: str


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs against every server; those marked `ours` ask for what only the embedded one has."""
    if "server" not in metafunc.fixturenames:
        return
    named = _GRPC in os.environ and metafunc.definition.get_closest_marker("ours") is None
    servers = [_EMBEDDED, _TENSORFLOW_SERVING] if named else [_EMBEDDED]
    metafunc.parametrize("server", servers, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == _TENSORFLOW_SERVING:
        yield Server(os.environ[_GRPC], os.environ[_REST])
        return
    config = write_models(tmp_path_factory.mktemp("models"))
    found = Server(f"127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}")
    flags = ("--allow_version_labels_for_unavailable_models", "--model_config_file", str(config))
    ports = ("--port", found.grpc.split(":")[-1], "--rest_api_port", found.rest.split(":")[-1])
    with Process("serve", *ports, *flags) as process:
        until(lambda: _answers(found), "the models are loaded", timeout_s=120)
        yield found
    assert process.wait() == 0, "SIGTERM must end the server cleanly"


def write_models(folder: Path) -> Path:
    """The contract's models in `folder`; the configuration that serves them."""
    for model, saved_model in MODELS.items():
        saved_models.put(saved_model, folder / model / str(VERSION))
    config = folder / "models.config"
    config.write_text("model_config_list {\n" + "".join(_config(folder, model) for model in MODELS) + "}\n")
    return config


def _config(folder: Path, model: str) -> str:
    return (
        f'  config {{ name: "{model}" base_path: "{folder / model}" model_platform: "tensorflow" '
        f'version_labels {{ key: "{LABEL}" value: {VERSION} }} }}\n'
    )


def _answers(server: Server) -> bool:
    try:
        return ask(server.rest + "/healthz").status == 200
    except OSError:  # the port is not open yet
        return False


if __name__ == "__main__":
    write_models(Path(sys.argv[1]).resolve())
