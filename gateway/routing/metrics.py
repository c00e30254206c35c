"""What is counted of routes. Label values are bounded by the models there are and the versions that routes name."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_DISTANCES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


class RoutingMetrics:
    """Safe to share between threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._routed = Counter(
            "kmaas_routed_requests",
            "Calls of models with a route, by what decided: to, split, diverted (the part could not answer), header, "
            "fallback",
            ["model", "by", "to"],
            registry=registry,
        )
        self._copies = Counter(
            "kmaas_shadow_copies",
            "Copied calls by their end: agreed, disagreed, failed, absent (no version to ask), dropped (too many wait)",
            ["model", "to", "outcome"],
            registry=registry,
        )
        self._distance = Histogram(
            "kmaas_shadow_distance",
            "How far the two answers were apart, 0 to 1",
            ["model", "to"],
            buckets=_DISTANCES,
            registry=registry,
        )
        self._withdrawn = Counter(
            "kmaas_canary_withdrawals", "Canaries withdrawn by the gateway itself", ["model", "to"], registry=registry
        )
        self._changes = Counter("kmaas_route_changes", "Routes changed in this process", ["model"], registry=registry)

    def routed(self, model: str, by: str, to: object) -> None:
        self._routed.labels(model, by, "" if to is None else str(to)).inc()

    def copied(self, model: str, to: object, outcome: str, distance: float | None = None) -> None:
        self._copies.labels(model, str(to), outcome).inc()
        if distance is not None:
            self._distance.labels(model, str(to)).observe(distance)

    def withdrawn(self, model: str, to: object) -> None:
        self._withdrawn.labels(model, str(to)).inc()

    def changed(self, model: str) -> None:
        self._changes.labels(model).inc()
