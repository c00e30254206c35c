"""The model server: models watched on disk, held by a manager, answered over gRPC and REST."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from serving.control_plane import ControlPlane
from serving.dataplane import Dataplane
from serving.errors import ModelConfigError, StartError
from serving.grpc.server import GrpcServer
from serving.in_flight import MOST_CALLS
from serving.lifecycle.config_file import ConfigFile
from serving.lifecycle.core import Core
from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import Configs, named_model, read_config
from serving.lifecycle.rules import Rules
from serving.local import LocalServer
from serving.metrics import Metrics
from serving.opener import Opener
from serving.rest.api import RestApi
from serving.rest.server import RestServer
from serving.settings import ServeSettings
from serving.tls import Tls
from wire.tracing import Tracing

_log = logging.getLogger(__name__)


class ModelServer:
    """Start it once, stop it once; `stop` is also right after a `start` that failed."""

    def __init__(self, store_root: Path, settings: ServeSettings) -> None:
        """The store is served if the settings name neither a model nor a config file.

        Raises:
            ConfigFileError, LoadError: a file that the settings name is not what it should be.
        """
        settings = self._settings = _with_ports_apart(settings)
        self._store_root = store_root
        self.metrics = Metrics()
        self._manager = Manager(Opener(settings, self.metrics), Rules.of(settings), self.metrics)
        self._core = Core(
            self._manager,
            poll_interval_s=settings.file_system_poll_wait_seconds,
            any_labels=settings.allow_version_labels_for_unavailable_models,
        )
        self._tls = Tls.read(settings.ssl_config_file) if settings.ssl_config_file else None
        self._tracing = Tracing("kmaas-model-server", settings.otlp_endpoint) if settings.otlp_endpoint else None
        self._config_file: ConfigFile | None = None
        self._grpc: GrpcServer | None = None
        self._local: LocalServer | None = None
        self._rest: RestServer | None = None
        self._of_store = settings.model_config_file is None and not settings.model_base_path
        self._ready = threading.Event()
        self._announcing = threading.Lock()
        self._stopping = False
        self._announcer = threading.Thread(target=self._announce, name="announce", daemon=True)

    def start(self) -> None:
        """Over a store: opens the ports, then loads; requests are answered from the first moment.

        With models that the settings name: loads them, then opens the ports, as TensorFlow Serving does. It waits for
        ever for a model without versions; we do not.

        Raises:
            BindError: a port cannot be had.
            StartError: a model does not load, or cannot be configured so.
        """
        models = self._configured()
        if models is None:
            self._open()
            self._core.start(self._store_root)
        else:
            self._core.start(models)
            self._core.wait_started()
            self._open()
            if self._settings.model_config_file is not None:
                interval_s = self._settings.model_config_file_poll_wait_seconds
                self._config_file = ConfigFile(self._settings.model_config_file, interval_s, self._core, models)
                self._config_file.start()
        self._announcer.start()

    @property
    def what(self) -> str:
        """What is served, for people."""
        return str(self._settings.model_config_file or self._settings.model_base_path or self._store_root)

    @property
    def addresses(self) -> str:
        """Where it answers, for people."""
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        secure = "s" if self._tls else ""
        faces = (
            (settings.port, f"gRPC {host}:{settings.port}"),
            (settings.grpc_socket_path, f"gRPC unix:{settings.grpc_socket_path}"),
            (settings.local_socket_path, f"local:{settings.local_socket_path}"),
            (settings.rest_api_port, f"REST http{secure}://{host}:{settings.rest_api_port}"),
        )
        return ", ".join(text for there, text in faces if there)

    def wait_ready(self, timeout_s: float | None = None) -> bool:
        """Waits until each model has loaded or failed once. False: the time was up first."""
        return self._ready.wait(timeout_s)

    def stop(self) -> None:
        """Says that it is not ready, and after the lame-duck time refuses new requests, lets those in flight end within
        the time to drain, and unloads everything.
        """
        with self._announcing:
            lame_duck_s = 0 if self._stopping else self._settings.lame_duck_seconds
            self._stopping = True
            for face in self._probed():
                face.unready()
        threading.Event().wait(lame_duck_s)
        if self._config_file is not None:
            self._config_file.stop()
        self._core.stop()
        drain_s = self._settings.drain_seconds
        deadline = time.monotonic() + drain_s
        with ThreadPoolExecutor(3, thread_name_prefix="stop") as threads:
            for stopped in [threads.submit(face.stop, drain_s) for face in self._faces()]:
                stopped.result()
        self._manager.close(max(0, deadline - time.monotonic()))
        if self._tracing is not None:
            self._tracing.close()
        if self._core.polled.is_set() and self._announcer.ident is not None:  # else it waits for what never comes
            self._announcer.join()

    def _configured(self) -> Configs | None:
        """The models that the settings name; None for those of the store."""
        settings = self._settings
        try:
            if settings.model_config_file is not None:
                return read_config(settings.model_config_file)
            if settings.model_base_path:
                return {settings.model_name: named_model(settings.model_name, settings.model_base_path)}
        except ModelConfigError as exc:
            raise StartError(str(exc)) from exc
        return None

    def _open(self) -> None:
        """Binds and serves, all faces or none."""
        settings = self._settings
        tls = self._tls
        dataplane = Dataplane(self._core, self.metrics, check_method_names=settings.enable_signature_method_name_check)
        control_plane = ControlPlane(self._core, self.metrics)
        if settings.rest_api_port:
            api = RestApi(dataplane, control_plane, timeout_s=settings.rest_api_timeout_in_ms / 1000)
            self._rest = RestServer(api, control_plane, self.metrics, settings, tls.context if tls else None)
        if settings.port or settings.grpc_socket_path:
            credentials = tls.credentials if tls else None
            tracing = self._tracing
            self._grpc = GrpcServer(dataplane, control_plane, self.metrics, settings, credentials, tracing=tracing)
            self._grpc.start()
        if settings.local_socket_path:
            path, most, tracing = settings.local_socket_path, settings.grpc_max_threads or MOST_CALLS, self._tracing
            self._local = LocalServer(path, dataplane, control_plane, self.metrics, most_calls=most, tracing=tracing)
            self._local.start()
        if self._rest:
            self._rest.start()

    def _probed(self) -> Iterator[GrpcServer | RestServer]:
        yield from (face for face in (self._grpc, self._rest) if face is not None)

    def _faces(self) -> Iterator[GrpcServer | LocalServer | RestServer]:
        yield from (face for face in (*self._probed(), self._local) if face is not None)

    def _announce(self) -> None:
        self._core.polled.wait()
        self._manager.wait_settled()
        if self._of_store or self._manager.wait_serving(0):
            self._tell_ready()
            self._ready.set()
            return
        self._ready.set()
        self._manager.wait_serving()
        self._tell_ready()

    def _tell_ready(self) -> None:
        with self._announcing:
            for face in () if self._stopping else self._probed():
                face.ready()


def _with_ports_apart(settings: ServeSettings) -> ServeSettings:
    """Without REST if gRPC has its port, as TensorFlow Serving goes on."""
    if not settings.port or settings.port != settings.rest_api_port:
        return settings
    _log.error("port %d is gRPC's: REST is off; give --rest_api_port another", settings.port)
    return settings.model_copy(update={"rest_api_port": 0})
