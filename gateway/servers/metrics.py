"""The model servers in `/metrics`: their addresses are the operator's own."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.backend import Backend


class ServerMetrics(Collector):
    """Read at every scrape, so that a server that is gone leaves nothing behind."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def collect(self) -> Iterable[Metric]:
        state = GaugeMetricFamily(
            "kmaas_model_server_state", "1 for the state that it is in", labels=["server", "state"]
        )
        outstanding = GaugeMetricFamily("kmaas_model_server_outstanding", "Requests under way to it", labels=["server"])
        for seen in self._backend.pool.seen():
            state.add_metric([seen.target, seen.state], 1.0)
            outstanding.add_metric([seen.target], float(seen.outstanding))
        counts = self._backend.counts
        again = CounterMetricFamily(
            "kmaas_second_servers", "Requests that went to a second server, or would have", labels=["why"]
        )
        for why in ("retries", "hedges", "over_budget"):
            again.add_metric([why], float(getattr(counts, why)))
        yield from (state, outstanding, again)
