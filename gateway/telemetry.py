"""Metrics in Prometheus' format. Label values are bounded: models that exist, tasks, status codes, stages."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.model import Model
from gateway.trace import Trace

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


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
    """The metrics of one gateway. Safe to share between threads."""

    def __init__(self, models: Callable[[], Mapping[str, Model]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_ModelsReady(models))
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "kmaas_requests", "Requests answered", ["model", "task", "status"], registry=self._registry
        )
        self._stages = Histogram(
            "kmaas_stage_seconds", "Time in each stage", ["model", "stage"], buckets=_SECONDS, registry=self._registry
        )
        self._in_flight = Gauge("kmaas_requests_in_flight", "Requests being answered", registry=self._registry)

    def begin(self) -> None:
        self._in_flight.inc()

    def end(self, trace: Trace, status: int) -> None:
        self._in_flight.dec()
        task = trace.version.manifest.task if trace.version else ""
        self._requests.labels(trace.model or "", task, status).inc()
        if trace.model:
            for stage, seconds in trace.stages.items():
                self._stages.labels(trace.model, stage).observe(seconds)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
