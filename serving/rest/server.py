"""The REST face: an HTTP/1.1 server on a thread of its own."""

import ssl
import sys
import threading

import uvicorn

from serving.binding import listen
from serving.control_plane import ControlPlane
from serving.metrics import Metrics
from serving.monitoring import metrics_path
from serving.rest.access_log import AccessLog
from serving.rest.api import RestApi
from serving.rest.app import RestApp
from serving.rest.bodies import MAX_BODY
from serving.rest.limits import limited
from serving.settings import ServeSettings
from wire.cores import usable_cores

_MAX_REQUESTS = 1024  # that arrive, run or wait for a thread
_MAX_UPLOADS = 2 * MAX_BODY  # bytes of their bodies together
_KEEP_ALIVE_S = 75  # longer than the minute after which load balancers drop idle connections


class RestServer:
    """Binds in the constructor and serves from `start` to `stop`."""

    def __init__(
        self,
        api: RestApi,
        control_plane: ControlPlane,
        metrics: Metrics,
        settings: ServeSettings,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """With a `context` it speaks HTTPS only, which TensorFlow Serving's REST cannot.

        Raises:
            BindError: the address cannot be had.
            ConfigFileError: `monitoring_config_file` is not what it should be.
        """
        timeout_s = settings.rest_api_timeout_in_ms / 1000
        dropped = metrics.access_log_dropped
        self._access_log = AccessLog(sys.stdout, dropped) if settings.rest_api_access_log else None
        self._app = RestApp(
            api,
            control_plane,
            metrics,
            threads=settings.rest_api_num_threads or 4 * usable_cores(),
            max_requests=_MAX_REQUESTS,
            max_upload_bytes=_MAX_UPLOADS,
            body_timeout_s=timeout_s,
            metrics_path=metrics_path(settings.monitoring_config_file),
            cors=settings.rest_api_enable_cors_support,
            access_log=self._access_log,
        )
        self._socket = listen("REST", settings.host, settings.rest_api_port)
        config = uvicorn.Config(
            self._app,
            http=limited(timeout_s),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            ssl_context_factory=(lambda _config, _default: context) if context else None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="rest", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def ready(self) -> None:
        """From now on `/healthz` and `/readyz` answer 200."""
        self._app.ready = True

    def unready(self) -> None:
        """From now on they answer 503 again; requests go on."""
        self._app.ready = False

    def stop(self, drain_s: float) -> None:
        """Refuses new connections; returns when requests in flight have ended, or were left alone after `drain_s`."""
        self._server.config.timeout_graceful_shutdown = max(1, round(drain_s))
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()
        self._app.close()
        if self._access_log is not None:
            self._access_log.close()
