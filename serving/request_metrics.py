"""Counts requests as they end, in TensorFlow Serving's metrics and in ours."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from serving.errors import Code
from serving.metrics import Metrics

OTHER = "(other)"  # stands for names of models that nobody knows, once there were too many of them

_STRANGERS = 100
_LONGEST_NAME = 256


class Answered(NamedTuple):
    """What a request turned out to ask for. A failed one knows the model's name only; "" is what it did not say."""

    model: str = ""
    version: str = ""
    signature: str = ""


class RequestMetrics:
    """One entry point, "GRPC" or "REST", of one server. Thread-safe.

    A client that asks for ever new names must not fill the memory with labels: names that are not configured and never
    answered are counted under their own name up to a hundred of them, as `(other)` beyond.
    """

    def __init__(self, metrics: Metrics, entrypoint: str, is_configured: Callable[[str], bool]) -> None:
        """`is_configured` tells whether a model of that name is meant to be served now."""
        self._metrics = metrics
        self._entrypoint = entrypoint
        self._is_configured = is_configured
        self._strangers: set[str] = set()
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def ended(self, method: str, code: Code, what: Answered, started: float, *, api: str | None) -> None:
        """`started` is `time.perf_counter()` of its beginning. `api` is the method's name in TensorFlow Serving's
        metrics, None for those it has no metrics of.
        """
        model = self._label(what.model, known=code is Code.OK)
        seconds = time.perf_counter() - started
        metrics = self._metrics
        metrics.requests.add((model, what.version, what.signature, method, code.name))
        if api is not None:
            metrics.request_count.add((model, code.name))
        if code is not Code.OK:
            return
        metrics.request_seconds.add((model, what.version, what.signature, method), seconds)
        if api is not None:
            metrics.request_latency.add((model, api, self._entrypoint), seconds * 1e6)

    def _label(self, model: str, *, known: bool) -> str:
        if model in self._known:
            return model
        known = known or self._is_configured(model)
        with self._lock:
            if known:
                self._known.add(model)
                return model
            if model not in self._strangers and (len(self._strangers) >= _STRANGERS or len(model) > _LONGEST_NAME):
                return OTHER
            self._strangers.add(model)
            return model
