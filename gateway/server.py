"""The gateway's process: granian in front of the application."""

import gc
import logging
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.pinning import pin
from gateway.settings import GatewaySettings
from wire.imports import for_good

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's name; where workers share what they count

# At once, of each worker; others wait to be accepted. Each may keep a thread waiting for its body, so that there is one
# for each.
_CONNECTIONS = 1024
# glibc's: a heap for each of the worker's threads would be kept; and pictures' buffers, given back after every request,
# would be fetched page by page for the next.
MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(64 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
    "MALLOC_TOP_PAD_": str(16 * 2**20),
}

_HEAD_MS = 30_000  # for a request's head, and for how long an idle connection is kept
_HEAD_BYTES = 64 * 2**10


def shared_folder() -> Path | None:
    """What the workers of a gateway share while it runs; None where there is but one."""
    folder = os.environ.get(SHARED_FOLDER)
    return Path(folder) if folder else None


def serve(settings: GatewaySettings) -> None:
    """Serves in front until SIGINT or SIGTERM. The port must be free: granian would share it with another granian."""
    # A worker that begins empty: what this process imported to read its configuration would cost it 20 MB.
    multiprocessing.set_start_method("spawn")
    for name, value in MALLOC.items():
        os.environ.setdefault(name, value)
    with ExitStack() as folders:
        if settings.workers > 1:
            os.environ[SHARED_FOLDER] = folders.enter_context(TemporaryDirectory(prefix="kmaas-workers-"))
        _serve(settings)


def _serve(settings: GatewaySettings) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    server = Server(
        "gateway",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        http=HTTPModes.http1,  # HTTP/2 has other ways to stall, and no timeout for its head
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_MS, max_buffer_size=_HEAD_BYTES),
        backpressure=_CONNECTIONS,
        blocking_threads=_CONNECTIONS,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=int(settings.deadline_s) + 1,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: GatewaySettings) -> Any:
    """The application, made in the worker."""
    folder = shared_folder()
    if folder:
        pin(settings.workers, folder)  # before there are threads
    with for_good():
        from gateway.admin.app import create_admin
        from gateway.admin.server import serve_admin
        from gateway.app import create_app
        from gateway.servers.estate import inherited
        from gateway.stragglers import Stragglers

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _forget_the_dead()
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    app = create_app(settings)
    multiprocessing.util.Finalize(None, app.extensions["close"], exitpriority=0)
    multiprocessing.util.Finalize(None, _leave, exitpriority=-1)
    parts = app.extensions["parts"]
    if folder:
        parts.backend.pool.settle(inherited(folder))
    Stragglers(settings.port, settings.silence_s, parts.longest_wait_s).start()
    if settings.grpc_port:
        _serve_grpc(app, settings)
    if settings.admin_port:
        serve_admin(create_admin(app.extensions["parts"]), settings.admin_host, settings.admin_port)
    gc.collect()
    gc.freeze()  # what was imported stays: the collector need not look through it again and again
    return app


def _serve_grpc(app: Any, settings: GatewaySettings) -> None:
    """Until the worker ends; before its threads are waited for, which a call would keep."""
    from gateway.grpc.server import GrpcServer

    server = GrpcServer(app.extensions["parts"], app.extensions["observer"])
    server.start()
    multiprocessing.util.Finalize(None, server.stop, (settings.deadline_s,), exitpriority=1)


def _leave() -> None:
    """Ends a worker that has done all it had to, after everything else. Python's own end would take the interpreter
    away from granian's threads: one that asks for it then aborts the process.
    """
    if sys.exc_info()[0] is None:
        sys.stdout.flush()
        os._exit(0)


def _end_with_parent() -> None:
    """Else the worker of a killed parent would keep the port."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _forget_the_dead() -> None:
    """Takes the gauges of workers that were killed out of the sum."""
    folder = shared_folder()
    if folder:
        from prometheus_client.multiprocess import mark_process_dead

        for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
            if not Path(f"/proc/{pid}").exists():
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]  # it has no types
