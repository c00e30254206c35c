"""The gateway's gRPC server: the table's services, the standard health service, and reflection."""

import threading
import time

import grpc

from gateway.grpc import open_inference, tensorflow_serving
from gateway.grpc.calls import Calls
from gateway.grpc.patience import Patience
from gateway.observer import Observer
from gateway.parts import Parts
from wire.rpc.health import Health
from wire.rpc.options import server_options
from wire.rpc.reflection import reflection_handlers
from wire.rpc.threads import Gate, Workers

_SPARE_THREADS = 8  # for probes, and to turn away whoever is not let in


class GrpcServer:
    """Binds in the constructor and serves from `start` to `stop`."""

    def __init__(self, parts: Parts, observer: Observer) -> None:
        """Raises `RuntimeError` when the port cannot be had."""
        settings = parts.settings
        self._registry, self._interval_s = parts.registry, settings.refresh_interval_s
        workers, resting = Workers(settings.requests + _SPARE_THREADS), Workers(settings.requests)
        options = server_options(
            receive_bytes=settings.limits.body_bytes,
            max_streams=settings.requests,
            shared_port=settings.workers > 1,
        )
        self._patience = Patience(settings.deadline_s, time.monotonic)
        calls = Calls(parts, observer, self._patience)
        table = [*open_inference.rpcs(parts), *tensorflow_serving.rpcs(parts)]
        unary = {rpc.method.path: calls.unary(rpc) for rpc in table}
        streams = {rpc.method.path: calls.stream(rpc, resting) for rpc in open_inference.streams(parts)}
        self._server = grpc.server(workers, options=options)
        self._health = Health()
        described = reflection_handlers({rpc.method.service for rpc in table})
        gates = [Gate(unary, workers), Gate(streams, resting)]
        self._server.add_generic_rpc_handlers([self._health.handlers, described, *gates])
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._server.add_insecure_port(f"{host}:{settings.grpc_port}")
        self._stopping = threading.Event()
        self._following = threading.Thread(target=self._follow, name="grpc-health", daemon=True)

    def start(self) -> None:
        self._patience.start()
        self._following.start()
        self._server.start()

    def stop(self, drain_s: float) -> None:
        """Refuses new calls; returns when those in flight have ended, or were cancelled after `drain_s`."""
        self._stopping.set()
        self._health.stop()
        self._server.stop(drain_s).wait()
        self._patience.stop()

    def _follow(self) -> None:
        """Healthy means what `/readyz` does, soon after it does."""
        while not self._stopping.is_set():
            if self._registry.unready():
                self._health.unready()
            else:
                self._health.ready()
            self._stopping.wait(self._interval_s)
