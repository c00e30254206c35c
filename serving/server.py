"""The model server: a store watched, its models held by a manager, answered over gRPC and REST."""

import threading
from functools import partial
from pathlib import Path

from serving.dataplane import Dataplane
from serving.grpc import GrpcServer
from serving.manager import Manager
from serving.rest import RestServer
from serving.rest_api import RestApi
from serving.runtimes.saved_model import SavedModel
from serving.settings import ServeSettings
from serving.source import Source


class ModelServer:
    """Start it once, stop it once; `stop` is also right after a `start` that failed."""

    def __init__(self, store_root: Path, settings: ServeSettings) -> None:
        self._settings = settings
        open_runtime = partial(
            SavedModel, intra_op_threads=settings.intra_op_threads, inter_op_threads=settings.inter_op_threads
        )
        self._manager = Manager(
            open_runtime, retries=settings.load_retries, retry_interval_s=settings.load_retry_interval_s
        )
        self._source = Source(store_root, settings.poll_interval_s, self._manager.aspire)
        self._grpc: GrpcServer | None = None
        self._rest: RestServer | None = None
        self._ready = threading.Event()
        self._announcer = threading.Thread(target=self._announce, name="announce", daemon=True)

    def start(self) -> None:
        """Opens the ports, then loads what the store has; requests are answered from the first moment.

        Raises:
            BindError: a port cannot be had; nothing has started then.
        """
        settings = self._settings
        dataplane = Dataplane(self._manager)
        if settings.rest_port:
            api = RestApi(dataplane, timeout_s=settings.rest_timeout_s)
            self._rest = RestServer(
                api, settings.host, settings.rest_port, threads=settings.rest_threads, drain_s=settings.drain_s
            )
        if settings.grpc_port:
            self._grpc = GrpcServer(dataplane, settings.host, settings.grpc_port, threads=settings.grpc_threads)
            self._grpc.start()
        if self._rest:
            self._rest.start()
        self._source.start()
        self._announcer.start()

    def wait_ready(self, timeout_s: float | None = None) -> bool:
        """Waits until each model of the store has loaded or failed once. False: the time was up first."""
        return self._ready.wait(timeout_s)

    def stop(self) -> None:
        """Refuses new requests, lets those in flight end within the time to drain, unloads everything."""
        self._source.stop()
        if self._grpc:
            self._grpc.stop(self._settings.drain_s)
        if self._rest:
            self._rest.stop()
        self._manager.close(self._settings.drain_s)
        if self._announcer.ident is not None:
            self._announcer.join()

    def _announce(self) -> None:
        self._source.polled.wait()
        self._manager.wait_settled()
        for face in (self._grpc, self._rest):
            if face:
                face.ready()
        self._ready.set()
