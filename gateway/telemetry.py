"""Metrics in Prometheus' format. Label values are bounded: models that exist, tasks, dialects, status codes, stages.

With several workers each keeps its values in files of a folder that all share (`PROMETHEUS_MULTIPROC_DIR`, set by
`gateway.server`), and whichever is asked adds them up.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.model import Model
from gateway.server import shared_folder
from gateway.trace import Trace

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PROBE_S = 0.25

_Metric = TypeVar("_Metric", Counter, Histogram)


class _ModelsReady(Collector):
    """Read at every scrape, so that a model that is gone leaves no gauge behind."""

    def __init__(self, models: Callable[[], Mapping[str, Model]]) -> None:
        self._models = models

    def collect(self) -> Iterable[GaugeMetricFamily]:
        ready = GaugeMetricFamily("kmaas_model_ready", "1 when a version of the model can answer", labels=["model"])
        for name, model in self._models().items():
            ready.add_metric([name], float(model.view.current is not None))
        yield ready


class Telemetry:
    """The metrics of one gateway. Safe to share between threads. `start` begins to watch how busy the process is."""

    def __init__(self, models: Callable[[], Mapping[str, Model]], *others: Collector) -> None:
        """`others` are exposed beside, each process its own."""
        self.registry = CollectorRegistry()
        self._shared = shared_folder() is not None
        self._of_this_process = CollectorRegistry()
        for collector in (_ModelsReady(models), *others):
            self._of_this_process.register(collector)
        if not self._shared:
            ProcessCollector(registry=self._of_this_process)
        self._requests = Counter(
            "kmaas_requests",
            "Requests answered",
            ["model", "version", "task", "dialect", "status"],
            registry=self.registry,
        )
        self._unknown_language = Counter(
            "kmaas_unknown_language_texts",
            "Texts that seem to be in a language that the model does not know",
            ["model", "language"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kmaas_request_seconds",
            "From the first line to the answer, or the end of a stream",
            ["model", "dialect"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "kmaas_stage_seconds", "Time in each stage", ["model", "stage"], buckets=_SECONDS, registry=self.registry
        )
        self._in_flight = self._gauge("kmaas_requests_in_flight", "Requests being answered")
        self.inside = self._gauge("kmaas_requests_inside", "Of those to models, how many have a place")
        self.waiting = self._gauge("kmaas_requests_waiting", "Of those inside, how many wait for their turn")
        self.streams = self._gauge("kmaas_streams", "Generated texts that have a place, streamed or not")
        self.steps_waiting = self._gauge("kmaas_steps_waiting", "Of those, how many wait for their next step")
        self._delay = Histogram(
            "kmaas_scheduling_delay_seconds",
            "How much later than due a thread runs: what a request waits from accept to handler",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.access_log_dropped = Counter(
            "kmaas_access_log_dropped", "Lines of the access log that were lost", registry=self.registry
        )
        self._children: dict[Any, Any] = {}
        self._closing = threading.Event()
        self._probe = threading.Thread(target=self._measure_delay, name="scheduling-delay", daemon=True)

    def start(self) -> None:
        self._probe.start()

    def close(self) -> None:
        self._closing.set()

    def begin(self) -> None:
        self._in_flight.inc()

    def end(self, trace: Trace, dialect: str, status: int) -> None:
        self._in_flight.dec()
        model, version = trace.model or "", trace.version
        number, task = (str(version.number), version.manifest.task) if version else ("", "")
        self._child(self._requests, model, number, task, dialect, status).inc()
        if model:
            self._child(self._seconds, model, dialect).observe(trace.seconds())
            for stage, seconds in trace.stages.items():
                self._child(self._stages, model, stage).observe(seconds)
        if trace.unknown_language:
            for language, positions in trace.unknown_language.items.items():
                self._child(self._unknown_language, model, language).inc(len(positions))

    def _child(self, metric: _Metric, *labels: object) -> _Metric:
        """As `metric.labels` finds it, which would make strings of the labels each time."""
        key = metric, labels
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def exposition(self) -> bytes:
        counted = self.registry
        if self._shared:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # it has no types
        return generate_latest(counted) + generate_latest(self._of_this_process)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry, multiprocess_mode="livesum")

    def _measure_delay(self) -> None:
        while True:
            due = time.monotonic() + _PROBE_S
            if self._closing.wait(_PROBE_S):
                return
            self._delay.observe(max(0.0, time.monotonic() - due))
