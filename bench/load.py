"""One load generator for both protocols: nghttp2's `h2load`, HTTP/1.1 to the gateway and HTTP/2 to gRPC."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One request to send again and again. `http2` picks the protocol: gRPC needs it, the gateway speaks HTTP/1.1."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    http2: bool = False


def grpc_request(target: str, path: str, message: bytes) -> Request:
    """A unary gRPC call as the HTTP/2 request it is: five bytes of frame, then the message."""
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    return Request(f"http://{target}{path}", frame, {"content-type": "application/grpc", "te": "trailers"}, http2=True)


def requests_per_s(request: Request, *, concurrency: int, count: int) -> float:
    """Sends `count` requests over `concurrency` connections, one at a time on each; answers the rate.

    Raises:
        RuntimeError: h2load is missing, or a request failed.
    """
    tool = shutil.which("h2load")
    if tool is None:
        raise RuntimeError("h2load is missing; expected Debian's nghttp2-client, which `make bench` installs")
    with tempfile.NamedTemporaryFile() as body:
        body.write(request.body)
        body.flush()
        headers = [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]
        protocol = [] if request.http2 else ["--h1"]
        command = [tool, "-n", str(count), "-c", str(concurrency), *protocol, "-d", body.name, *headers, request.url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    rate = re.search(r"finished in [^,]+, ([\d.]+) req/s", done.stdout)
    succeeded = re.search(r"(\d+) succeeded", done.stdout)
    if rate is None or succeeded is None or int(succeeded.group(1)) != count:
        raise RuntimeError(f"expected {count} answers from {request.url}, received:\n{done.stdout}{done.stderr}")
    return float(rate.group(1))
