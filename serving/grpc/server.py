"""The gRPC face: TensorFlow Serving's two services, our catalogue, and the standard health service."""

import grpc

from serving.binding import check_socket_path, listen
from serving.calls import methods, rpcs
from serving.control_plane import ControlPlane
from serving.dataplane import Dataplane
from serving.errors import BindError
from serving.grpc.options import server_options
from serving.in_flight import MOST_CALLS, InFlight
from serving.metrics import Metrics
from serving.request_metrics import RequestMetrics
from serving.settings import ServeSettings
from wire.rpc.health import Health
from wire.rpc.reflection import reflection_handlers
from wire.rpc.threads import Gate, Workers
from wire.tracing import Tracing

_SPARE_THREADS = 8  # to refuse with
_BARE_NAMES = ("ModelService", "PredictionService")  # under which TensorFlow Serving is healthy


class GrpcServer:
    """Binds in the constructor and serves from `start` to `stop`."""

    def __init__(
        self,
        dataplane: Dataplane,
        control_plane: ControlPlane,
        metrics: Metrics,
        settings: ServeSettings,
        credentials: grpc.ServerCredentials | None = None,
        *,
        tracing: Tracing | None = None,
    ) -> None:
        """`credentials` are those of the port; the UNIX socket is guarded by its file's permissions.

        Raises:
            BindError: the address or the socket's path cannot be had.
            ChannelArgumentError: `grpc_channel_arguments` cannot be read.
        """
        in_flight = InFlight(settings.grpc_max_threads or MOST_CALLS)
        metrics.calls_in_flight.watch(lambda: [(("gRPC",), in_flight.count)])
        # Twice: a call also has a thread while its message is on its way, before it is in flight.
        workers = Workers(2 * in_flight.limit + _SPARE_THREADS)
        self._server = grpc.server(
            workers, options=server_options(settings, max_streams=max(MOST_CALLS, in_flight.limit))
        )
        self._health = Health(_BARE_NAMES if settings.enable_grpc_healthcheck_service else ())
        table = rpcs(dataplane, control_plane, tensor_content=settings.enable_serialization_as_tensor_content)
        counted = RequestMetrics(metrics, "GRPC", control_plane.is_configured)
        gate = Gate(methods(table, in_flight, counted, tracing), workers)
        self._server.add_generic_rpc_handlers([self._health.handlers, gate])
        if settings.enable_grpc_reflection:
            self._server.add_generic_rpc_handlers([reflection_handlers({rpc.method.service for rpc in table})])
        if settings.port:
            self._bind(settings.host, settings.port, credentials)
        if settings.grpc_socket_path:
            self._bind_path(settings.grpc_socket_path)

    def start(self) -> None:
        self._server.start()

    def ready(self) -> None:
        """From now on the health service answers SERVING."""
        self._health.ready()

    def unready(self) -> None:
        """From now on it answers NOT_SERVING again; calls go on."""
        self._health.unready()

    def stop(self, drain_s: float) -> None:
        """Refuses new calls; returns when those in flight have ended, or were cancelled after `drain_s`."""
        self._health.stop()
        self._server.stop(drain_s).wait()

    def _bind(self, host: str, port: int, credentials: grpc.ServerCredentials | None) -> None:
        listen("gRPC", host, port).close()  # says why when it fails, which gRPC does not
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if credentials is None:
                self._server.add_insecure_port(address)
            else:
                self._server.add_secure_port(address, credentials)
        except RuntimeError as exc:
            raise BindError("gRPC", f"{host} port {port}", str(exc)) from exc

    def _bind_path(self, path: str) -> None:
        check_socket_path("gRPC", path)
        try:
            self._server.add_insecure_port(f"unix:{path}")
        except RuntimeError as exc:
            raise BindError("gRPC", path, str(exc)) from exc
