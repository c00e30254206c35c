"""`kmaas serve`: the embedded model server in front, until SIGINT or SIGTERM."""

import logging
import signal
import threading
from pathlib import Path
from typing import Any

import click

from kmaas.binding import check_bind
from kmaas.config import Config, overridden
from kmaas.processes import check_port_free, stop_on_eof
from kmaas.quiet import import_tensorflow_quietly
from serving.server import ModelServer
from serving.settings import ServeSettings
from store.layout import Store


@click.command()
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the versions to serve.")
@click.option("--host", help="Address to bind to.")
@click.option("--grpc-port", type=int, help="Port of gRPC; 0 switches it off.")
@click.option("--rest-port", type=int, help="Port of REST; 0 switches it off.")
@click.option("--poll-interval-s", type=float, help="Seconds between two looks at the store.")
@click.option("--no-auth", is_flag=True, default=None, help="Serve everyone who can connect, on any address.")
@click.option("--stop-on-eof", "stop_with_parent", is_flag=True, hidden=True)
@click.pass_obj
def serve(config: Config, /, store: Path | None, *, stop_with_parent: bool, **options: Any) -> None:
    """Run the embedded model server: TensorFlow Serving's gRPC and REST for every model of the store.

    New versions are loaded as they appear, before the old ones go. Options not given come from kmaas.toml.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = overridden(config.serve, options)
    check_bind(settings.host, no_auth=settings.no_auth)
    root = Store.at(store or config.store).root
    for port, face in ((settings.grpc_port, "gRPC"), (settings.rest_port, "REST")):
        check_port_free(settings.host, port, f"model server's {face}")
    if stop_with_parent:
        stop_on_eof()
    import_tensorflow_quietly()  # before there are threads: the first load would import it aloud
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end the wait below the same way
    server = ModelServer(root, settings)
    try:
        server.start()
        server.wait_ready()
        click.echo(f"serving {root} on {_addresses(settings)}")
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("stopping: requests in flight may end", err=True)
    finally:
        server.stop()


def _addresses(settings: ServeSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    faces = (("gRPC", f"{host}:{settings.grpc_port}"), ("REST", f"http://{host}:{settings.rest_port}"))
    open_ports = (settings.grpc_port, settings.rest_port)
    return ", ".join(f"{face} {address}" for (face, address), port in zip(faces, open_ports, strict=True) if port)
