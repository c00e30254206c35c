"""The servers of the comparison, one table: how each is started, asked, and why it is set up that way."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.stack import free_port
from bench.transport import GATEWAY_HTTP, INFER_GRPC, PEER_HTTP, PREDICT_GRPC, VECTORS_HTTP, Transport, Workload
from gateway.settings import GatewaySettings

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"
TORCH_PEERS = ROOT / ".venv" / "torch-peers" / "bin" / "python"
WHISPER_PEERS = ROOT / ".venv" / "whisper-peers" / "bin" / "python"
OURS = Path(sys.executable)
_LITSERVE = "SentenceTransformer.encode, batches of up to 32 requests within 1 ms, fast queue"
# PyTorch's threads spin while they wait for each other; on a machine that others use, too, that costs most of its time.
_PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
_WITHOUT_TWIN = {"KMAAS_SERVE__LITERT_RUNTIME": "false"}
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
    fits: Callable[[Workload], bool] = lambda load: load.form != "vectors"

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
        _stack("kmaas up", "gateway and model server, over a UNIX socket", {}),
        _stack("kmaas up, SavedModel", "without the twin", _WITHOUT_TWIN, fits=_pictures),
        *_one_worker(),
        Contestant(
            "naive gRPC",
            PREDICT_GRPC,
            "tf.saved_model.load, signature call, 64 threads",
            lambda load: _module(OURS, "naive", load.model.version, free_port()),
            fits=_tensors,
        ),
    ]
    return [*ours, *_stock(), *_PEERS]


def embedders() -> list[Contestant]:
    """Those that make vectors of texts."""
    batching = {
        "KMAAS_SERVE__ENABLE_BATCHING": "true",
        "KMAAS_SERVE__ENABLE_PER_MODEL_BATCHING_PARAMETERS": "true",
    }
    ours = {
        "kmaas up": ("LiteRT", {}),
        "kmaas up, batching": ("LiteRT, the model server batches as the version asks", batching),
        "kmaas up, SavedModel": ("SavedModel", _WITHOUT_TWIN),
    }
    return [
        *(_stack(name, how, settings, VECTORS_HTTP, _vectors) for name, (how, settings) in ours.items()),
        _sentences("FastAPI + sentence-transformers", "fastapi", "SentenceTransformer.encode in uvicorn's thread pool"),
        _sentences("LitServe + sentence-transformers", "litserve", _LITSERVE),
        _sentences(
            "LitServe + sentence-transformers, passive", "litserve", f"{_LITSERVE}; OMP_WAIT_POLICY=PASSIVE", _PASSIVE
        ),
    ]


def _sentences(name: str, server: str, how: str, environment: Mapping[str, str] | None = None) -> Contestant:
    """One that is asked in PyTorch."""

    def start(load: Workload) -> Start:
        made = _module(TORCH_PEERS, f"{server}_sentences", load.model.folder, free_port())
        return replace(made, environment=environment or {})

    return Contestant(name, VECTORS_HTTP, how, start, fits=_vectors)


def _tensors(load: Workload) -> bool:
    return load.form == "tensor"


def _not_tensors(load: Workload) -> bool:
    return load.form in ("picture", "text")


def _pictures(load: Workload) -> bool:
    return load.form == "picture"


def _vectors(load: Workload) -> bool:
    return load.form == "vectors"


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


def _one_worker() -> list[Contestant]:
    """The stack as it is on one core, unless it is so here by itself."""
    if GatewaySettings().workers == 1:
        return []
    return [_stack("kmaas up, one worker", "gateway.workers = 1", {"KMAAS_GATEWAY__WORKERS": "1"})]


def _stack(
    name: str,
    how: str,
    settings: Mapping[str, str],
    transport: Transport = GATEWAY_HTTP,
    fits: Callable[[Workload], bool] = _not_tensors,
) -> Contestant:
    def start(load: Workload) -> Start:
        port = free_port()
        store = load.model.folder / f"store-{len(settings)}"  # of which one stack at a time has the lock
        shutil.copytree(load.model.store, store, dirs_exist_ok=True)
        environment = {
            "KMAAS_STORE": str(store),
            "KMAAS_SERVE__PORT": str(free_port()),
            "KMAAS_SERVE__REST_API_PORT": str(free_port()),
            "KMAAS_GATEWAY__PORT": str(port),
            "KMAAS_GATEWAY__GRPC_PORT": str(free_port()),
            "KMAAS_GATEWAY__ADMIN_PORT": "0",
            **settings,
        }
        return Start([str(OURS), "-m", "kmaas", "up", load.model.name], f"127.0.0.1:{port}", environment)

    return Contestant(name, transport, how, start, fits=fits)


def _stock() -> list[Contestant]:
    address = os.environ.get("TFSERVING_GRPC")
    if not address:
        return []
    return [Contestant("TensorFlow Serving", PREDICT_GRPC, "as it was started", None, address, fits=_tensors)]


def _module(python: Path, name: str, *arguments: object) -> Start:
    """`python -m bench.peers.NAME ARGUMENTS…`; the second of them is the port."""
    command = [str(python), "-m", f"bench.peers.{name}", *map(str, arguments)]
    return Start(command, f"127.0.0.1:{arguments[1]}", {})


def _fastapi_gateway(load: Workload, module: str = "fastapi_grpc") -> Start:
    port, server_port = free_port(), free_port()
    server = [str(OURS), "-m", "kmaas", "serve", "--store", str(load.model.store), f"--port={server_port}"]
    command = [str(PEERS), "-m", f"bench.peers.{module}", str(load.model.folder), str(port), str(server_port)]
    command += [load.model.name, load.model.input, *server, "--rest_api_port=0"]
    return Start(command, f"127.0.0.1:{port}", {})


def _bentoml(load: Workload) -> Start:
    port = free_port()
    command = [str(PEERS.with_name("bentoml")), "serve", "bench.peers.bentoml_keras:KerasService"]
    environment = {"BENCH_MODEL": str(load.model.folder), "BENTOML_DO_NOT_TRACK": "True"}
    return Start([*command, "--host", "127.0.0.1", "--port", str(port)], f"127.0.0.1:{port}", environment)


_PEERS = (
    Contestant(
        "FastAPI + grpc.aio",
        GATEWAY_HTTP,
        "in front of kmaas' model server, over gRPC",
        _fastapi_gateway,
        fits=_not_tensors,
    ),
    Contestant(
        "FastAPI + grpc.aio, checked",
        GATEWAY_HTTP,
        "the same with schemas, limits, a deadline, request ids, metrics by stage",
        lambda load: _fastapi_gateway(load, "fastapi_checked"),
        fits=_not_tensors,
    ),
    Contestant(
        "FastAPI + Keras",
        PEER_HTTP,
        "traced function in uvicorn's thread pool",
        lambda load: _module(PEERS, "fastapi_keras", load.model.folder, free_port()),
    ),
    Contestant(
        "Flask + Keras predict",
        PEER_HTTP,
        "Model.predict on gunicorn, 8 threads",
        lambda load: _module(PEERS, "flask_keras", load.model.folder, free_port()),
    ),
    Contestant(
        "LitServe",
        PEER_HTTP,
        "traced function, batches of up to 32 within 1 ms, fast queue",
        lambda load: _module(PEERS, "litserve_keras", load.model.folder, free_port()),
    ),
    Contestant("BentoML", PEER_HTTP, "traced function, one worker, 16 threads", _bentoml),
    Contestant(
        "MLServer",
        INFER_GRPC,
        "traced function, batches of up to 32 within 1 ms, raw tensors",
        lambda load: _module(PEERS, "mlserver_keras", load.model.folder, free_port(), free_port()),
    ),
)
