"""`kmaas up`: the whole stack in front, until Ctrl-C."""

import fcntl
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from kmaas.binding import check_bind
from kmaas.config import Config
from kmaas.errors import ChildFailedError, ConfigError, StoreInUseError
from kmaas.notice import notice
from kmaas.processes import Child, check_port_free, reachable
from store.errors import StoreUnwritableError
from store.layout import Store

STARTERS = ("digits", "sentiment")

_LOCK = ".up.lock"  # in the store: not a model's name, so model servers skip it
_POLL_S = 0.1
# After the first model is ready: then the stack is announced without the rest. Those that were asked for are waited for
# longer than what else the store has.
_PATIENCE_S, _LONG_PATIENCE_S = 15.0, 120.0
_STOP_MARGIN_S = 5.0
_LONG_FOLDER = 70  # bytes
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
    _check_addresses(config, no_auth=no_auth)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    with _only_one(config.store):
        _publish_missing(config, models or STARTERS, accept_licence=accept_licence, stopping=stopping)
        if not stopping.is_set():
            _run(config, set(models), no_auth=no_auth, stopping=stopping)
    notice("stopped")


def _check_addresses(config: Config, *, no_auth: bool) -> None:
    serve, gateway = config.serve, config.gateway
    check_bind(serve.host, no_auth=no_auth or serve.no_auth)
    check_bind(gateway.host, no_auth=no_auth or gateway.no_auth)
    if not serve.port:
        raise ConfigError("serve.port is 0, which switches gRPC off; `kmaas promote` needs it: choose a port")
    check_port_free(serve.host, serve.port, "model server's gRPC")
    check_port_free(serve.host, serve.rest_api_port, "model server's REST")
    check_port_free(gateway.host, gateway.port, "gateway")
    check_port_free(gateway.host, gateway.grpc_port, "gateway's gRPC")
    check_port_free(gateway.admin_host.strip("[]"), gateway.admin_port, "gateway's admin API")


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


def _run(config: Config, asked: set[str], *, no_auth: bool, stopping: threading.Event) -> None:
    flag = ["--no-auth"] if no_auth else []
    url = f"http://{reachable(config.gateway.host)}:{config.gateway.port}"
    quiet = [] if "access_log" in config.gateway.model_fields_set else ["--no-access-log"]
    started = time.monotonic()
    with ExitStack() as children:
        path = f"{children.enter_context(_folder_of_sockets())}/model-server"
        server = Child("model server", ["serve", f"--local_socket_path={path}", *flag], _QUIET)
        gateway = Child("gateway", ["gateway", f"--model-server=local:{path}", *quiet, *flag], {})
        # The last entered leaves first: no request meets a stopped model server.
        children.callback(server.stop, config.serve.lame_duck_seconds + config.serve.drain_seconds + _STOP_MARGIN_S)
        children.callback(gateway.stop, config.gateway.deadline_s + _STOP_MARGIN_S)
        gateway.start(started)
        _wait_until_alive(url, gateway, stopping)
        # Only now: while it loads it measures how many cores a request is to have, and the gateway's start takes all.
        server.start(time.monotonic())
        late = _wait_until_ready(url, set(Store.at(config.store).models()), asked, (server, gateway), stopping)
        if not stopping.is_set():
            _greet(config, url, late, time.monotonic() - started)
        while not stopping.wait(_POLL_S):
            server.revive(time.monotonic())
            gateway.revive(time.monotonic())
        notice("stopping …")


def _folder_of_sockets() -> tempfile.TemporaryDirectory[str]:
    """Its owner's alone; at a short path, for that of a socket has 107 bytes at most."""
    usual = tempfile.gettempdir()
    short = len(os.fsencode(usual)) < _LONG_FOLDER
    return tempfile.TemporaryDirectory(prefix="kmaas-up-", dir=usual if short else "/tmp")  # noqa: S108


def _wait_until_alive(url: str, gateway: Child, stopping: threading.Event) -> None:
    """Returns when the gateway answers, whatever there is behind it. Raises `ChildFailedError` when it has ended."""
    while not stopping.wait(_POLL_S):
        gateway.check()
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5):
                return
        except OSError:
            continue


def _wait_until_ready(
    url: str, models: set[str], asked: set[str], children: Sequence[Child], stopping: threading.Event
) -> Mapping[str, str]:
    """Waits until every one of `models` has answered its golden requests, or told to stop, or some are ready and the
    patience for the others, of which some may have been `asked` for, is over. Returns the reasons of those that are not
    ready.

    Raises:
        ChildFailedError: a process ended before.
    """
    said, first_ready = "", None
    while True:
        waiting = _unready(url, models)
        if len(waiting) < len(models) and first_ready is None:
            first_ready = time.monotonic()
        patience_s = _PATIENCE_S if asked.isdisjoint(waiting) else _LONG_PATIENCE_S
        over = first_ready is not None and time.monotonic() - first_ready > patience_s
        if not waiting or over or stopping.wait(_POLL_S):
            return waiting
        for child in children:
            child.check()
        reason = "; ".join(f"{name} {why}" for name, why in waiting.items())
        if reason != said:
            notice(f"waiting: {reason}")
            said = reason


def _unready(url: str, models: set[str]) -> dict[str, str]:
    """Which of `models` do not answer yet, and why."""
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as answer:
            told = {model["name"]: model for model in json.load(answer)["models"]}
    except (OSError, ValueError):
        return dict.fromkeys(sorted(models), "waits for the gateway")
    unlisted = {"ready": False, "reason": "waits for the model server"}
    lines = {name: told.get(name, unlisted) for name in sorted(models)}
    return {name: f"{line['reason']}" for name, line in lines.items() if not line["ready"]}


def _greet(config: Config, url: str, late: Mapping[str, str], seconds: float) -> None:
    notice(click.style(f"\nkmaas is ready ({seconds:.1f} s)", fg="green", bold=True))
    for name, reason in late.items():
        notice(click.style(f"  without {name}: {reason}", fg="yellow"))
    notice(f"  page         {url}/\n  API          {url}/docs")
    if config.gateway.grpc_port:
        notice(f"  gRPC         {reachable(config.gateway.host)}:{config.gateway.grpc_port}")
    host, rest_port = reachable(config.serve.host), config.serve.rest_api_port
    rest = f", http://{host}:{rest_port}/v1/models" if rest_port else ""
    notice(f"  model server {host}:{config.serve.port}{rest}\n")
    for line in _curl_lines(config, url):
        notice(f"  {line}")
    notice("\nCtrl-C stops everything.")


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
