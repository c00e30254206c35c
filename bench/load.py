"""One load generator for both protocols: nghttp2's `h2load`, HTTP/1.1 or HTTP/2, the latter for gRPC.

h2load looks at the HTTP status, which a gRPC error leaves at 200: its code is in the trailers, and it has no message.
So a run of gRPC calls counts only if as many bytes came as that many right answers have.
"""

import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import grpc

_FRAME_BYTES = 5  # gRPC's, before each message
_ASK_TIMEOUT_S = 60


class LoadError(Exception):
    """Load that does not count: a tool that is missing, a request that failed."""


@dataclass(frozen=True)
class Request:
    """One request to send again and again. `http2` picks the protocol: gRPC needs it, the gateway speaks HTTP/1.1."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    http2: bool = False


def grpc_request(target: str, path: str, message: bytes) -> Request:
    """A unary gRPC call as the HTTP/2 request it is."""
    frame = b"\0" + len(message).to_bytes(_FRAME_BYTES - 1, "big") + message
    return Request(f"http://{target}{path}", frame, {"content-type": "application/grpc", "te": "trailers"}, http2=True)


def ask(request: Request, *, timeout_s: float = _ASK_TIMEOUT_S) -> bytes:
    """Sends the request once; the answer's body, of gRPC its message.

    Raises:
        LoadError: no answer, or an error.
    """
    try:
        if request.http2:
            address = urlsplit(request.url)
            with grpc.insecure_channel(address.netloc) as channel:
                call = channel.unary_unary(address.path, request_serializer=bytes, response_deserializer=bytes)
                return call(request.body[_FRAME_BYTES:], timeout=timeout_s)
        plain = urllib.request.Request(request.url, request.body, dict(request.headers))
        with urllib.request.urlopen(plain, timeout=timeout_s) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, grpc.RpcError) as exc:  # urllib's errors are OSErrors
        raise LoadError(f"{request.url} did not answer: {exc}") from exc


@dataclass(frozen=True)
class Outcome:
    """What h2load says of a run; `data_bytes` are those of bodies, HTTP/2's frames and headers not counted."""

    rate: float
    succeeded: int
    data_bytes: int

    @classmethod
    def parse(cls, output: str) -> Self:
        """Raises `LoadError` for an output that is none of a finished run."""
        rate = re.search(r"finished in [^,]+, ([\d.]+) req/s", output)
        succeeded = re.search(r"(\d+) succeeded", output)
        data = re.search(r"\((\d+)\) data$", output, re.MULTILINE)
        if rate is None or succeeded is None or data is None:
            raise LoadError(f"expected the summary of a run of h2load, received:\n{output}")
        return cls(float(rate.group(1)), int(succeeded.group(1)), int(data.group(1)))


def requests_per_s(request: Request, *, concurrency: int, count: int) -> float:
    """Sends `count` requests over `concurrency` connections, one at a time on each; answers the rate.

    All answers of a gRPC method are expected to be as long as the one to a request that is sent before the others.

    Raises:
        LoadError: h2load is missing, or a request failed.
    """
    data_bytes = count * (_FRAME_BYTES + len(ask(request))) if request.http2 else None
    outcome = _sent(request, concurrency, count)
    if data_bytes is not None and outcome.data_bytes != data_bytes:
        raise LoadError(
            f"expected {data_bytes} bytes of {count} right answers from {request.url}, received {outcome.data_bytes}: "
            "calls ended with a gRPC error"
        )
    return outcome.rate


def latencies_ms(request: Request, *, count: int) -> list[float]:
    """Sends `count` requests over one connection, one after another; answers how long each took, in milliseconds.

    Raises:
        LoadError: h2load is missing, or a request failed; an error of gRPC's is not noticed.
    """
    with tempfile.NamedTemporaryFile("r") as log:
        _sent(request, 1, count, f"--log-file={log.name}")
        return [int(line.split("\t")[2]) / 1000 for line in log]


def _sent(request: Request, concurrency: int, count: int, *options: str) -> Outcome:
    """What h2load says of `count` requests, all of which had the status of a success."""
    tool = shutil.which("h2load")
    if tool is None:
        raise LoadError("h2load is missing; expected Debian's nghttp2-client, which `make bench` installs")
    with tempfile.NamedTemporaryFile() as body:
        body.write(request.body)
        body.flush()
        headers = [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]
        protocol = [] if request.http2 else ["--h1"]
        command = [tool, "-n", str(count), "-c", str(concurrency), *protocol, *options, "-d", body.name, *headers]
        done = subprocess.run([*command, request.url], capture_output=True, text=True, check=False)
    outcome = Outcome.parse(f"{done.stdout}{done.stderr}")
    if outcome.succeeded != count:
        raise LoadError(f"expected {count} answers from {request.url}, received {outcome.succeeded}:\n{done.stdout}")
    return outcome
