"""What is counted of captures."""

from prometheus_client import CollectorRegistry, Counter

WRITTEN, DROPPED, HIDDEN, LONG, FAILED = "written", "dropped", "hidden", "long", "failed"


class CaptureMetrics:
    """Safe to share between threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._captures = Counter(
            "kmaas_captures",
            "Answered calls to be captured, by their end: written, dropped (too many wait), hidden (texts in it cannot "
            "be looked into, or are told in pieces), long (more than an eighth of what is kept), failed (the disk)",
            ["model", "outcome"],
            registry=registry,
        )

    def ended(self, model: str, outcome: str) -> None:
        self._captures.labels(model, outcome).inc()
