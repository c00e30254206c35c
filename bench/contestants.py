"""The servers of the comparison, one table: how each is started, asked, and why it is set up that way."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.stack import free_port
from bench.transport import GATEWAY_JSON, INFER_GRPC, PREDICT_GRPC, TENSOR_BYTES, Transport, Workload

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"
OURS = Path(sys.executable)
BATCHING_PARAMETERS = ROOT / "bench" / "batching_parameters.txt"


@dataclass(frozen=True)
class Start:
    """A process that will answer at `address`."""

    command: list[str]
    address: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Contestant:
    """A server. `start` is None for one that runs already; `how` says in a line how it is set up."""

    name: str
    transport: Transport
    how: str
    start: Callable[[Workload], Start] | None
    address: str = ""
    fits: Callable[[Workload], bool] = lambda _: True

    @property
    def short(self) -> str:
        """The name for a command line and for file names, e.g. `kmaas-twin-batching`."""
        return "-".join(re.findall(r"\w+", self.name.lower()))


def contestants() -> list[Contestant]:
    """All, in the order of the report; a stock TensorFlow Serving if `TFSERVING_GRPC` says where one is."""
    ours = [
        _embedded("kmaas", "SavedModel", twin=False),
        _embedded("kmaas, batching", "SavedModel, bench/batching_parameters.txt", "--enable_batching", twin=False),
        _embedded("kmaas, twin", "LiteRT", twin=True),
        _embedded("kmaas, twin, batching", "LiteRT, bench/batching_parameters.txt", "--enable_batching", twin=True),
        _stack("kmaas up", "gateway and model server", workers=1),
        _stack("kmaas up, two workers", "gateway.workers = 2", workers=2),
        Contestant(
            "naive gRPC",
            PREDICT_GRPC,
            "tf.saved_model.load, signature call, 64 threads",
            lambda load: _module(OURS, "naive", load.model.version, free_port()),
            fits=_tensors,
        ),
    ]
    return [*ours, *_stock(), *_PEERS]


def _tensors(load: Workload) -> bool:
    return not load.pictures


def _embedded(name: str, how: str, *flags: str, twin: bool) -> Contestant:
    def start(load: Workload) -> Start:
        port = free_port()
        command = [str(OURS), "-m", "kmaas", "serve", "--store", str(load.model.store), f"--port={port}"]
        command += ["--rest_api_port=0", f"--litert_runtime={str(twin).lower()}", *flags]
        if flags:
            command.append(f"--batching_parameters_file={BATCHING_PARAMETERS}")
        return Start(command, f"127.0.0.1:{port}", {})

    def fits(load: Workload) -> bool:
        return _tensors(load) and (load.model.has_twin or not twin)

    return Contestant(name, PREDICT_GRPC, how, start, fits=fits)


def _stack(name: str, how: str, *, workers: int) -> Contestant:
    def start(load: Workload) -> Start:
        port = free_port()
        store = load.model.folder / f"store-{workers}"  # of which one stack at a time has the lock
        shutil.copytree(load.model.store, store, dirs_exist_ok=True)
        environment = {
            "KMAAS_STORE": str(store),
            "KMAAS_SERVE__PORT": str(free_port()),
            "KMAAS_SERVE__REST_API_PORT": str(free_port()),
            "KMAAS_GATEWAY__PORT": str(port),
            "KMAAS_GATEWAY__GRPC_PORT": str(free_port()),
            "KMAAS_GATEWAY__ADMIN_PORT": "0",
            "KMAAS_GATEWAY__WORKERS": str(workers),
        }
        return Start([str(OURS), "-m", "kmaas", "up", load.model.name], f"127.0.0.1:{port}", environment)

    return Contestant(name, GATEWAY_JSON, how, start, fits=lambda load: load.pictures)


def _stock() -> list[Contestant]:
    address = os.environ.get("TFSERVING_GRPC")
    if not address:
        return []
    return [Contestant("TensorFlow Serving", PREDICT_GRPC, "as it was started", None, address, fits=_tensors)]


def _module(python: Path, name: str, *arguments: object) -> Start:
    """`python -m bench.peers.NAME ARGUMENTS…`; the second of them is the port."""
    command = [str(python), "-m", f"bench.peers.{name}", *map(str, arguments)]
    return Start(command, f"127.0.0.1:{arguments[1]}", {})


def _fastapi_gateway(load: Workload) -> Start:
    port, server_port = free_port(), free_port()
    server = [str(OURS), "-m", "kmaas", "serve", "--store", str(load.model.store), f"--port={server_port}"]
    command = [str(PEERS), "-m", "bench.peers.fastapi_grpc", str(port), str(server_port), load.model.name]
    return Start([*command, load.model.input, *server, "--rest_api_port=0"], f"127.0.0.1:{port}", {})


def _keras_file(load: Workload) -> Path:
    return load.model.folder / "model.keras"


def _bentoml(load: Workload) -> Start:
    port = free_port()
    command = [str(PEERS.with_name("bentoml")), "serve", "bench.peers.bentoml_keras:KerasService"]
    environment = {"BENCH_MODEL": str(_keras_file(load)), "BENTOML_DO_NOT_TRACK": "True"}
    return Start([*command, "--host", "127.0.0.1", "--port", str(port)], f"127.0.0.1:{port}", environment)


_PEERS = (
    Contestant(
        "FastAPI + grpc.aio",
        GATEWAY_JSON,
        "in front of kmaas' model server, as its gateway is",
        _fastapi_gateway,
        fits=lambda load: load.pictures,
    ),
    Contestant(
        "FastAPI + Keras",
        TENSOR_BYTES,
        "traced function in uvicorn's thread pool",
        lambda load: _module(PEERS, "fastapi_keras", _keras_file(load), free_port()),
    ),
    Contestant(
        "Flask + Keras predict",
        TENSOR_BYTES,
        "Model.predict on gunicorn, 8 threads",
        lambda load: _module(PEERS, "flask_keras", _keras_file(load), free_port()),
    ),
    Contestant(
        "LitServe",
        TENSOR_BYTES,
        "traced function, batches of up to 32 within 1 ms, fast queue",
        lambda load: _module(PEERS, "litserve_keras", _keras_file(load), free_port()),
    ),
    Contestant("BentoML", TENSOR_BYTES, "traced function, one worker, 16 threads", _bentoml),
    Contestant(
        "MLServer",
        INFER_GRPC,
        "traced function, batches of up to 32 within 1 ms, raw tensors",
        lambda load: _module(PEERS, "mlserver_keras", _keras_file(load), free_port(), free_port()),
    ),
)
