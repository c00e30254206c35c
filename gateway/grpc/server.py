"""The gateway's gRPC server."""

import time

import grpc

from gateway.grpc import open_inference, tensorflow_serving
from gateway.grpc.calls import Calls
from gateway.grpc.patience import Patience
from gateway.observer import Observer
from gateway.parts import Parts
from wire.rpc.options import server_options
from wire.rpc.threads import Gate, Workers

_SPARE_THREADS = 8  # for probes, and to turn away whoever is not let in


class GrpcServer:
    """Binds in the constructor and serves from `start` to `stop`."""

    def __init__(self, parts: Parts, observer: Observer) -> None:
        """Raises `RuntimeError` when the port cannot be had."""
        settings = parts.settings
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
        self._server.add_generic_rpc_handlers([Gate(unary, workers), Gate(streams, resting)])
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._server.add_insecure_port(f"{host}:{settings.grpc_port}")

    def start(self) -> None:
        self._patience.start()
        self._server.start()

    def stop(self, drain_s: float) -> None:
        """Refuses new calls; returns when those in flight have ended, or were cancelled after `drain_s`."""
        self._server.stop(drain_s).wait()
        self._patience.stop()
