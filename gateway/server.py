"""The gateway's process: granian in front of the application."""

import logging
import multiprocessing
import os
import signal
import threading
from functools import partial
from typing import Any

from gateway.settings import GatewaySettings

_SPARE_THREADS = 8  # for probes, pages, and to turn away whoever is not let in


def serve(settings: GatewaySettings) -> None:
    """Serves in front until SIGINT or SIGTERM. The port must be free: granian would share it with another granian."""
    # A worker that begins empty: what this process imported to read its configuration would cost it 20 MB.
    multiprocessing.set_start_method("spawn")
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # else glibc keeps a heap for each of the worker's threads
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    server = Server(
        "gateway",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.requests + _SPARE_THREADS,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=int(settings.deadline_s) + 1,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: GatewaySettings) -> Any:
    """The application, made in the worker."""
    from gateway.app import create_app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    return create_app(settings)


def _end_with_parent() -> None:
    """Else the worker of a killed parent would keep the port."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
