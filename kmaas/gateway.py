"""`kmaas gateway`: the HTTP gateway in front of a model server."""

import click

from gateway.server import serve
from kmaas.binding import check_bind
from kmaas.config import Config, overridden
from kmaas.notice import notice
from kmaas.processes import check_port_free, stop_on_eof


@click.command("gateway", short_help="Run the HTTP gateway.")
@click.option("--host", help="Address to listen on; only loopback without --no-auth.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--grpc-port", type=int, help="Port for gRPC; 0 for none.")
@click.option(
    "--model-server",
    multiple=True,
    metavar="HOST:PORT",
    help="gRPC address of the model server, or local:/path of its socket; again for each replica.",
)
@click.option("--workers", type=int, help="Processes that share the port.")
@click.option("--access-log/--no-access-log", default=None, help="A JSON line per request on standard output.")
@click.option("--otlp-endpoint", metavar="URL", help="OpenTelemetry collector to send traces to: http://host:4317.")
@click.option("--no-auth", is_flag=True, default=None, help="Allow addresses that others can reach: no accounts yet.")
@click.option("--stop-on-eof", "stop_with_parent", is_flag=True, hidden=True)
@click.pass_obj
def gateway(config: Config, /, *, stop_with_parent: bool, **options: object) -> None:
    """Runs the HTTP gateway in front until SIGINT or SIGTERM."""
    options["model_server"] = options["model_server"] or None
    settings = overridden(config.gateway, options)
    check_bind(settings.host, no_auth=settings.no_auth)
    check_port_free(settings.host, settings.port, "gateway")
    check_port_free(settings.host, settings.grpc_port, "gateway's gRPC")
    check_port_free(settings.admin_host.strip("[]"), settings.admin_port, "gateway's admin API")
    grpc = f", gRPC {settings.host}:{settings.grpc_port}" if settings.grpc_port else ""
    url = f"http://{settings.host}:{settings.port}/"
    notice(f"gateway: {url}{grpc}, model server {', '.join(settings.model_servers)}", err=True)
    if stop_with_parent:
        stop_on_eof()
    serve(settings)
