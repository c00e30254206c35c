"""Real processes for tests: a model server, a gateway, and a wait for what they do."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.stack import free_port
from gateway.settings import GatewaySettings


def until(true: Callable[[], bool], what: str, *, timeout_s: float = 60) -> None:
    """Returns once `true()`; other processes have no events to wait for."""
    tick, ends_at = threading.Event(), time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < ends_at, f"not within {timeout_s} s: {what}"
        tick.wait(0.02)


class Process:
    """A `kmaas` verb in a process of its own, ended with the block."""

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        code: Path | None = None,
        log: Path | None = None,
    ) -> None:
        """`code` is the folder with our packages, if it is not the one that runs the test; all output goes to `log`."""
        with ExitStack() as opened:
            output = None if log is None else opened.enter_context(log.open("ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kmaas", *arguments],
                cwd=code,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **(environment or {})},
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        return self._process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGCONT)  # a stopped process does not end
        self._process.terminate()
        self._process.wait(60)


class ModelServerProcess(Process):
    """The embedded model server over `store`."""

    def __init__(
        self, store: Path, port: int | None = None, *flags: str, log: Path | None = None, local: bool = False
    ) -> None:
        """`local`: gateways are to ask it over a socket, whose path hangs on the port."""
        self.port = port or free_port()
        self._socket = Path(tempfile.gettempdir(), f"kmaas-test-{self.port}") if local else None
        flags = (*flags, f"--local_socket_path={self._socket}") if local else flags
        ports = ("--port", str(self.port), "--rest_api_port", "0")
        super().__init__(
            "serve", "--store", str(store), *ports, "--file_system_poll_wait_seconds", "0.1", *flags, log=log
        )

    def __enter__(self) -> Self:
        """Once it can be asked; what it has to load may take longer."""
        until(self._listens, "the model server listens")
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._socket:
            self._socket.unlink(missing_ok=True)

    def _listens(self) -> bool:
        assert self._process.poll() is None, "the model server ended"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    @property
    def target(self) -> str:
        return f"local:{self._socket}" if self._socket else f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()


class GatewayProcess(Process):
    """A gateway with `settings`, listening on a free port; one worker unless these say otherwise, so that what a test
    sees of it is all there is.
    """

    def __init__(
        self,
        model_server: str | Sequence[str],
        *,
        code: Path | None = None,
        log: Path | None = None,
        **settings: Any,
    ) -> None:
        addresses = model_server if isinstance(model_server, str) else tuple(model_server)
        ports = {"port": free_port(), "grpc_port": free_port()}
        complete = GatewaySettings(
            model_server=addresses, **{"refresh_interval_s": 0.1, "workers": 1, **ports, **settings}
        )
        variables = complete.model_dump(mode="json", exclude_defaults=True)
        if complete.database:
            variables["database"] = complete.database.get_secret_value()
        self.url = f"http://127.0.0.1:{complete.port}"
        self.grpc = f"127.0.0.1:{complete.grpc_port}"
        super().__init__(
            "gateway",
            environment={
                f"KMAAS_GATEWAY__{name.upper()}": value if isinstance(value, str) else json.dumps(value)
                for name, value in variables.items()
            },
            code=code,
            log=log,
        )
        until(self.alive, "the gateway lives")

    def alive(self) -> bool:
        assert self._process.poll() is None, "the gateway ended"
        try:
            return self.get("/healthz").status == 200
        except OSError:  # refused, or reset while a worker goes
            return False

    def get(self, path: str) -> "Answer":
        return ask(self.url + path)

    def post(self, path: str, body: bytes, media_type: str | None = None, **headers: str) -> "Answer":
        return ask(self.url + path, body, {**({"Content-Type": media_type} if media_type else {}), **headers})

    def wait_ready(self) -> None:
        until(lambda: self.get("/readyz").status == 200, "the gateway is ready")

    def answers_from(self, model: str, version: int) -> bool:
        """Whether `version` is the current one."""
        return bool(self.get(f"/models/{model}").json()["version"] == version)


class Answer:
    """Status, headers and body of an HTTP answer, whatever the status."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.title(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class _Untyped(urllib.request.Request):
    """Without the Content-Type that urllib would add."""

    def has_header(self, header_name: str) -> bool:
        return header_name == "Content-type" or super().has_header(header_name)


def ask(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, method: str | None = None
) -> Answer:
    request = _Untyped(url, data=body, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, dict(answer.headers.items()), answer.read())
    except urllib.error.HTTPError as exc:
        with exc:
            return Answer(exc.code, dict(exc.headers.items()), exc.read())
