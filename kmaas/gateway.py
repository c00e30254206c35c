"""`kmaas gateway`: the HTTP gateway in front of a model server."""

import click

from gateway.server import serve
from kmaas.config import Config, overridden
from kmaas.processes import check_port_free


@click.command("gateway", short_help="Run the HTTP gateway.")
@click.option("--host", help="Address to listen on; only loopback without --no-auth.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--model-server", metavar="HOST:PORT", help="gRPC address of the model server.")
@click.option("--no-auth", is_flag=True, default=None, help="Allow addresses that others can reach: no accounts yet.")
@click.pass_obj
def gateway(config: Config, /, **options: object) -> None:
    """Runs the HTTP gateway in front until SIGINT or SIGTERM."""
    settings = overridden(config.gateway, options)
    check_port_free(settings.host, settings.port, "gateway")
    click.echo(f"gateway: http://{settings.host}:{settings.port}/, model server {settings.model_server}", err=True)
    serve(settings)
