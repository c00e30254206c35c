"""The standard gRPC health service, on threads of its own: a server busy with calls is not unhealthy."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2

from wire.rpc.threads import Apart

_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """Answers for the server as a whole, the service "": NOT_SERVING until `ready`, and again after `stop`."""

    def __init__(self, always: Sequence[str] = ()) -> None:
        """`always` are services that are SERVING until `stop`, whatever the models do."""
        self._servicer = health.HealthServicer()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="grpc-health")
        self._servicer.set("", _NOT_SERVING)
        for service in always:
            self._servicer.set(service, _SERVING)

    @property
    def handlers(self) -> grpc.GenericRpcHandler:
        """What `grpc.Server.add_generic_rpc_handlers` takes."""
        codec = {
            "request_deserializer": health_pb2.HealthCheckRequest.FromString,
            "response_serializer": health_pb2.HealthCheckResponse.SerializeToString,
        }
        check = grpc.unary_unary_rpc_method_handler(Apart(self._servicer.Check, self._threads), **codec)
        watch = grpc.unary_stream_rpc_method_handler(
            Apart(self._servicer.Watch, self._threads, non_blocking=True), **codec
        )
        return grpc.method_handlers_generic_handler(health.SERVICE_NAME, {"Check": check, "Watch": watch})

    def ready(self) -> None:
        self._servicer.set("", _SERVING)

    def unready(self) -> None:
        self._servicer.set("", _NOT_SERVING)

    def stop(self) -> None:
        """For good: whatever is asked from now on is NOT_SERVING."""
        self._servicer.enter_graceful_shutdown()
