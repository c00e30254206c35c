"""`kmaas serve`: the embedded model server in front, until SIGINT or SIGTERM."""

import logging
import os
import signal
import threading
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import click

from kmaas.binding import check_bind
from kmaas.config import Config, overridden
from kmaas.errors import ConfigError, KmaasError
from kmaas.flags import flags_of, ignored_flags, same_dash
from kmaas.notice import notice
from kmaas.processes import check_port_free, stop_on_eof
from serving.errors import Code, ServingError
from serving.server import ModelServer
from serving.settings import IGNORED_FLAGS, ServeSettings
from store.errors import StoreError
from store.layout import Store

_log = logging.getLogger("kmaas.serve")

_FAILED = 255  # the exit code
_TICK_S = 1.0  # a signal that the system gave to another thread does not wake this one: it is seen at the next tick


@click.command(context_settings={"token_normalize_func": same_dash, "max_content_width": 120})
@click.option("--store", type=click.Path(path_type=Path), help="Folder whose models are served, if no model is named.")
@flags_of(ServeSettings)
@ignored_flags(IGNORED_FLAGS)
@click.option("--version", "show_version", type=bool, is_flag=False, flag_value="true", help="Show versions and exit.")
@click.option("--stop-on-eof", "stop_with_parent", is_flag=True, hidden=True)
@click.pass_obj
def serve(config: Config, /, store: Path | None, *, stop_with_parent: bool, show_version: bool, **flags: Any) -> None:
    """Run the embedded model server: TensorFlow Serving's gRPC and REST, with the flags of tensorflow_model_server.

    Serves every model of the store, or the one at --model_base_path, or those of --model_config_file. New versions are
    loaded as they appear, before the old ones go. Flags not given come from section [serve] of kmaas.toml.
    """
    if show_version:
        _show_versions()
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for name, reason in IGNORED_FLAGS.items():
        if flags.pop(name) is not None:
            _log.warning("--%s says nothing here: %s", name, reason)
    _leave(_run(config, store, flags, stop_with_parent=stop_with_parent))


def _run(config: Config, store: Path | None, flags: Mapping[str, Any], *, stop_with_parent: bool) -> int:
    """Serves until told to stop. Returns the exit code; what cannot start is told as tensorflow_model_server does."""
    server = None
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end the wait below the same way
        settings = overridden(config.serve, flags)
        check_bind(settings.host, no_auth=settings.no_auth)
        for port, face in ((settings.port, "gRPC"), (settings.rest_api_port, "REST")):
            check_port_free(settings.host, port, f"model server's {face}")
        if stop_with_parent:
            stop_on_eof()
        server = ModelServer(Store.at(store or config.store).root, settings)
        server.start()
        while not server.wait_ready(_TICK_S):
            pass
        notice(f"serving {server.what} on {server.addresses}")
        while True:
            threading.Event().wait(_TICK_S)
    except KeyboardInterrupt:
        notice("stopping: requests in flight may end", err=True)
    except ConfigError as exc:
        return _failed(f"{Code.INVALID_ARGUMENT.name}: {exc}")
    except (KmaasError, ServingError, StoreError) as exc:
        return _failed(str(exc))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends soon enough; Ctrl-C ends it now
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if server is not None:
            server.stop()
    return 0


def _failed(status: str) -> int:
    notice(f"Failed to start server. Error: {status}")
    return _FAILED


def _leave(code: int) -> NoReturn:
    """Ends the process, whatever threads are still in a session: nothing interrupts one, and Python would wait."""
    logging.shutdown()  # standard output is flushed with each line, and might wait here for its reader
    os._exit(code)


def _show_versions() -> None:
    """In the form of `tensorflow_model_server --version`, which scripts read."""
    click.echo(f"TensorFlow ModelServer: kmaas {version('kmaas')}")
    try:
        click.echo(f"TensorFlow Library: {version('tensorflow')}")
    except PackageNotFoundError:
        click.echo("TensorFlow Library: not installed")
