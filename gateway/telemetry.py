"""Metrics in Prometheus' format. Label values are bounded: models that exist, tasks, dialects, status codes, stages.

With several workers each keeps its values in files of a folder that all share (`PROMETHEUS_MULTIPROC_DIR`, set by
`gateway.server`), and whichever is asked adds them up. Each writes what it counted there four times a second, for many
requests at once: to write some twenty numbers in each of them takes a tenth of a small one.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.model import Model
from gateway.server import shared_folder
from gateway.trace import Trace

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PROBE_S = 0.25
_LAST_S = 2.0  # for what is written when the process ends

_log = logging.getLogger(__name__)

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


class _Seconds(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: Sequence[int], total: float) -> None:
        """`counts`: how many observations each bucket has more; `total`: their sum."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class _Observed:
    """Observations that are to be added to a histogram."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS) + 1)
        self.total = 0.0

    def note(self, seconds: float) -> None:
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.total += seconds


class _Ended(NamedTuple):
    """What there is to count of a request."""

    labels: tuple[str, str, str, str, int]  # as those of `kmaas_requests`
    seconds: float
    stages: Mapping[str, float]


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
        self._seconds = _Seconds(
            "kmaas_request_seconds",
            "From the first line to the answer, or the end of a stream",
            ["model", "version", "dialect"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = _Seconds(
            "kmaas_stage_seconds",
            "Time in each stage",
            ["model", "version", "stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._in_flight = self._gauge("kmaas_requests_in_flight", "Requests being answered")
        self._inside = self._gauge("kmaas_requests_inside", "Of those to models, how many have a place")
        self.waiting = self._gauge("kmaas_requests_waiting", "Of those inside, how many wait for their turn")
        self._streams = self._gauge("kmaas_streams", "Generated texts that have a place, streamed or not")
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
        self._levels: list[tuple[Gauge, Callable[[], int]]] = [(self._in_flight, lambda: self._being_answered)]
        self._lock = threading.Lock()
        self._being_answered = 0
        self._ended: deque[_Ended] = deque()
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._probe = threading.Thread(target=self._probe_and_write, name="telemetry", daemon=True)

    def start(self) -> None:
        self._probe.start()

    def close(self) -> None:
        """Returns once what was counted is written, or that takes too long."""
        self._closing.set()
        if self._probe.is_alive():
            self._probe.join(_LAST_S)

    def follow(self, *, inside: Callable[[], int], streams: Callable[[], int]) -> None:
        """Who tells how many requests, and texts that are generated, have a place."""
        self._levels += [(self._inside, inside), (self._streams, streams)]

    def begin(self) -> None:
        with self._lock:
            self._being_answered += 1

    def end(self, trace: Trace, dialect: str, status: int) -> None:
        model, version = trace.model or "", trace.version
        number, task = (str(version.number), version.manifest.task) if version else ("", "")
        with self._lock:
            self._being_answered -= 1
        self._ended.append(_Ended((model, number, task, dialect, status), trace.seconds(), trace.stages))
        if trace.unknown_language:
            for language, positions in trace.unknown_language.items.items():
                self._child(self._unknown_language, model, language).inc(len(positions))

    def _write(self, delay_s: float | None = None) -> None:
        """What was counted since the last time, to where all workers' numbers are.

        Never raises: where the disk is full prometheus_client raises one thing and, later, others; what was to be
        counted is lost then, and requests are not.
        """
        with self._writing:
            try:
                self._add_up()
                if delay_s is not None:
                    self._delay.observe(delay_s)
            except Exception:
                _log.exception("metrics could not be written")

    def _add_up(self) -> None:
        requests: Tally[tuple[object, ...]] = Tally()
        seconds: defaultdict[tuple[str, str, str], _Observed] = defaultdict(_Observed)
        stages: defaultdict[tuple[str, str, str], _Observed] = defaultdict(_Observed)
        for _ in range(len(self._ended)):
            ended = self._ended.popleft()
            requests[ended.labels] += 1
            model, version, _task, dialect, _status = ended.labels
            if model:
                seconds[model, version, dialect].note(ended.seconds)
                for stage, took_s in ended.stages.items():
                    stages[model, version, stage].note(took_s)
        for labels, count in requests.items():
            self._child(self._requests, *labels).inc(count)
        for metric, observed in ((self._seconds, seconds), (self._stages, stages)):
            for of, found in observed.items():
                self._child(metric, *of).add(found.counts, found.total)
        for gauge, level in self._levels:
            gauge.set(level())

    def _child(self, metric: _Metric, *labels: object) -> _Metric:
        """As `metric.labels` finds it, which would make strings of the labels each time."""
        key = metric, labels
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def exposition(self) -> bytes:
        """What this process has counted until now, and what others had a quarter of a second ago."""
        self._write()
        counted = self.registry
        if self._shared:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # it has no types
        return generate_latest(counted) + generate_latest(self._of_this_process)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry, multiprocess_mode="livesum")

    def _probe_and_write(self) -> None:
        while True:
            due = time.monotonic() + _PROBE_S
            closing = self._closing.wait(_PROBE_S)
            self._write(None if closing else max(0.0, time.monotonic() - due))
            if closing:
                return
