"""Callers over HTTP/1.1 whose requests differ, each on a connection of its own; h2load has one body for all."""

import http.client
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

from bench.load import LoadError, Request

_TIMEOUT_S = 300


def requests_per_s(requests: Sequence[Request], *, concurrency: int) -> float:
    """Sends each of the requests once, all to one server, so many at a time; answers the rate.

    Raises:
        LoadError: a request failed.
    """
    address = urlsplit(requests[0].url).netloc
    left = iter(requests)
    with ThreadPoolExecutor(concurrency) as pool:
        began = time.monotonic()
        for done in [pool.submit(_call, address, left) for _ in range(concurrency)]:
            done.result()
        return len(requests) / (time.monotonic() - began)


def _call(address: str, left: Iterator[Request]) -> None:
    """One caller: takes the next request that nobody has taken, until there is none."""
    with closing(http.client.HTTPConnection(address, timeout=_TIMEOUT_S)) as connection:
        for request in left:
            try:
                connection.request("POST", urlsplit(request.url).path, request.body, dict(request.headers))
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as exc:
                raise LoadError(f"{request.url} did not answer: {exc}") from exc
            if answer.status != http.client.OK:
                raise LoadError(f"{request.url} answered {answer.status}: {body[:200].decode(errors='replace')}")
