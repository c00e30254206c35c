"""The model server: a store watched, its models held by a manager, answered over gRPC and REST."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
        dataplane = Dataplane(self._manager, self._source.polled)
        if settings.rest_port:
            api = RestApi(dataplane, timeout_s=settings.rest_timeout_s)
            self._rest = RestServer(api, settings.host, settings.rest_port, threads=settings.rest_threads)
        if settings.grpc_port:
            self._grpc = GrpcServer(
                dataplane,
                settings.host,
                settings.grpc_port,
                threads=settings.grpc_threads,
                max_calls=settings.grpc_max_calls,
            )
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
        drain_s = self._settings.drain_s
        deadline = time.monotonic() + drain_s
        with ThreadPoolExecutor(2, thread_name_prefix="stop") as threads:
            for stopped in [threads.submit(face.stop, drain_s) for face in (self._grpc, self._rest) if face]:
                stopped.result()
        self._manager.close(max(0, deadline - time.monotonic()))
        if self._source.polled.is_set() and self._announcer.ident is not None:  # else it waits for what never comes
            self._announcer.join()

    def _announce(self) -> None:
        self._source.polled.wait()
        self._manager.wait_settled()
        for face in (self._grpc, self._rest):
            if face:
                face.ready()
        self._ready.set()
