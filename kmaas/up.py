"""`kmaas up`: the whole stack in front, until Ctrl-C."""

import fcntl
import json
import logging
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from kmaas.config import Config
from kmaas.errors import ChildFailedError, StoreInUseError
from kmaas.processes import Child, check_port_free
from store.errors import StoreUnwritableError
from store.layout import Store

STARTERS = ("digits", "sentiment")

_LOCK = ".up.lock"  # in the store: not a model's name, so model servers skip it
_POLL_S = 0.1
_STOP_S = 15.0
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}


@click.command("up", short_help="Run the whole stack in front until Ctrl-C.")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--accept-licence", is_flag=True, help="Accept the terms of models whose licence is unclear.")
@click.option("--no-auth", is_flag=True, help="Allow addresses that other machines can reach; there are no accounts.")
@click.pass_obj
def up(config: Config, models: tuple[str, ...], accept_licence: bool, no_auth: bool) -> None:
    """Publishes the MODELs that the store lacks (default: digits and sentiment; `all` for the whole catalogue), starts
    the model server and the gateway, and keeps them running until Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with _only_one(config.store):
        _check_ports(config)
        _publish_missing(config, models or STARTERS, accept_licence=accept_licence, stopping=stopping)
        if not stopping.is_set():
            _run(config, no_auth=no_auth, stopping=stopping)
    click.echo("stopped")


@contextmanager
def _only_one(store: Path) -> Iterator[None]:
    """Holds the store's lock. It goes with the process, so a killed `kmaas up` leaves none behind."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = (store / _LOCK).open("w")
    except OSError as exc:
        raise StoreUnwritableError(store, exc.strerror or str(exc)) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise StoreInUseError(store) from exc
        yield


def _check_ports(config: Config) -> None:
    check_port_free(config.serve.host, config.serve.grpc_port, "model server's gRPC")
    check_port_free(config.serve.host, config.serve.rest_port, "model server's REST")
    check_port_free(config.gateway.host, config.gateway.port, "gateway")


def _publish_missing(config: Config, models: Sequence[str], *, accept_licence: bool, stopping: threading.Event) -> None:
    """Runs `kmaas add` for what the store lacks, in a process of its own: this one stays small and never trains."""
    if set(models) <= set(Store.at(config.store).models()):
        return
    licence = ["--accept-licence"] if accept_licence else []
    command = [sys.executable, "-m", "kmaas", "add", "--if-missing", *licence, *models]
    with subprocess.Popen(command, start_new_session=True) as adding:  # Ctrl-C reaches it through us, once
        while adding.poll() is None:
            if stopping.wait(_POLL_S):
                adding.send_signal(signal.SIGINT)
                adding.wait()
    if adding.returncode and not stopping.is_set():
        raise ChildFailedError("publishing of models", adding.returncode)


def _run(config: Config, *, no_auth: bool, stopping: threading.Event) -> None:
    flag = ["--no-auth"] if no_auth else []
    started = time.monotonic()
    with ExitStack() as children:
        server = Child("model server", ["serve", *flag], _QUIET)
        children.callback(server.stop, _STOP_S)
        gateway = Child("gateway", ["gateway", *flag], {})
        children.callback(gateway.stop, _STOP_S)  # the last entered leaves first: no request meets a stopped server
        url = f"http://{config.gateway.host}:{config.gateway.port}"
        if _wait_until_ready(url, set(Store.at(config.store).models()), (server, gateway), stopping):
            _greet(config, url, time.monotonic() - started)
        while not stopping.wait(_POLL_S):
            for child in (server, gateway):
                child.revive(stopping.wait)
        click.echo("stopping …")


def _wait_until_ready(url: str, models: set[str], children: Sequence[Child], stopping: threading.Event) -> bool:
    """True once every one of `models` has answered its golden requests; False when told to stop.

    Raises:
        ChildFailedError: a process ended before.
    """
    said = ""
    while not stopping.is_set():
        for child in children:
            child.check()
        reason = _unready(url, models)
        if not reason:
            return True
        if reason != said:
            click.echo(f"waiting: {reason}")
            said = reason
        stopping.wait(_POLL_S)
    return False


def _unready(url: str, models: set[str]) -> str:
    """Why the stack does not answer yet, empty when it does."""
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as answer:
            told = {model["name"]: model for model in json.load(answer)["models"]}
    except (OSError, ValueError):
        return "model server and gateway start"
    waiting = [name for name in sorted(models) if not (name in told and told[name]["ready"])]
    reasons = {name: told[name]["reason"] for name in waiting if name in told}
    return "; ".join(f"{name}: {reasons.get(name) or 'is not listed yet'}" for name in waiting)


def _greet(config: Config, url: str, seconds: float) -> None:
    click.secho(f"\nkmaas is ready ({seconds:.1f} s)", fg="green", bold=True)
    click.echo(f"  page         {url}/\n  API          {url}/docs")
    serve = config.serve
    click.echo(f"  gRPC, REST   {serve.host}:{serve.grpc_port}, http://{serve.host}:{serve.rest_port}/v1/models\n")
    for line in _curl_lines(config, url):
        click.echo(f"  {line}")
    click.echo("\nCtrl-C stops everything.", nl=True)


def _curl_lines(config: Config, url: str) -> Iterator[str]:
    """A line to copy for each model: the first golden request of its newest version."""
    store = Store.at(config.store)
    for model in store.models():
        requests = sorted(path for path in store.version(model).golden.glob("*") if path.name != "index.json")
        if not requests:
            continue
        if requests[0].suffix == ".json":
            yield f"curl {url}/models/{model} --json {shlex.quote(requests[0].read_text())}"
        else:
            yield f"curl {url}/models/{model} --data-binary {shlex.quote(f'@{_shown(requests[0])}')}"


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
