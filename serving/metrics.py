"""What the server counts, printed as TensorFlow Serving prints it, with our own metrics beside.

A metric of TensorFlow's, `/a/b/c`, is printed `:a:b:c`; every sample has braces; metrics without points have their type
line. TensorFlow Serving has nothing per version or signature, and nothing of queues: those are the `kmaas_…` below.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_LATENCY_US = tuple(10 * 1.8**i for i in range(33))
_QUEUING_US = tuple(100 * 1.2**i for i in range(52))
_SIZES = tuple(float(2**i) for i in range(14))

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


class Counter:
    """A number per combination of labels that only grows. Thread-safe."""

    def __init__(self, name: str, labels: Labels) -> None:
        self.name = name
        self._labels = labels
        self._values: dict[Labels, float] = {}
        self._forgotten: float = 0
        self._lock = threading.Lock()

    def inc(self, amount: float = 1, **labels: str) -> None:
        self.add(tuple(labels[name] for name in self._labels), amount)

    def add(self, key: Labels, amount: float = 1) -> None:
        """`inc` for hot paths: `key` has the labels' values in their order."""
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def total(self) -> int:
        """Over all labels, those forgotten too: what HandleReloadConfigRequest reports the increase of."""
        with self._lock:
            return int(self._forgotten + sum(self._values.values()))

    def forget(self, **labels: str) -> None:
        """Drops the samples with these labels, whatever their others."""
        with self._lock:
            for key in _matching(self._values, self._labels, labels):
                self._forgotten += self._values.pop(key)

    def lines(self) -> Iterator[str]:
        yield f"# TYPE {self.name} counter"
        with self._lock:
            values = dict(self._values)
        for key, value in values.items():
            yield f"{self.name}{{{_pairs(self._labels, key)}}} {_value(value)}"


class Gauge:
    """Numbers that are asked for when they are printed: `read` gives each combination of labels and its value."""

    def __init__(self, name: str, labels: Labels) -> None:
        self.name = name
        self._labels = labels
        self._reads: list[Callable[[], Iterable[Sample]]] = []

    def watch(self, read: Callable[[], Iterable[Sample]]) -> None:
        """Adds a source; it is called from the thread that prints."""
        self._reads.append(read)

    def lines(self) -> Iterator[str]:
        yield f"# TYPE {self.name} gauge"
        for read in self._reads:
            for key, value in read():
                yield f"{self.name}{{{_pairs(self._labels, key)}}} {_value(value)}"


class Histogram:
    """Counts of values up to each bound, per combination of labels. Thread-safe."""

    def __init__(self, name: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self.name = name
        self._labels = labels
        self._bounds = bounds
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def observe(self, value: float, **labels: str) -> None:
        self.add(tuple(labels[name] for name in self._labels), value)

    def add(self, key: Labels, value: float) -> None:
        """`observe` for hot paths: `key` has the labels' values in their order."""
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            counts = self._counts.get(key)
            if counts is None:
                counts = self._counts[key] = [0] * (len(self._bounds) + 1)
            counts[bucket] += 1
            self._sums[key] = self._sums.get(key, 0) + value

    def forget(self, **labels: str) -> None:
        """Drops the samples with these labels, whatever their others."""
        with self._lock:
            for key in _matching(self._counts, self._labels, labels):
                del self._counts[key], self._sums[key]

    def lines(self) -> Iterator[str]:
        yield f"# TYPE {self.name} histogram"
        with self._lock:
            counted = [(key, list(counts), self._sums[key]) for key, counts in self._counts.items()]
        for key, counts, total in counted:
            pairs = _pairs(self._labels, key)
            lead = pairs + "," if pairs else ""
            seen = 0
            for bound, count in zip((*self._bounds, None), counts, strict=True):
                seen += count
                limit = "+Inf" if bound is None else _bound(bound)
                yield f'{self.name}_bucket{{{lead}le="{limit}"}} {seen}'
            yield f"{self.name}_sum{{{pairs}}} {_value(total)}"
            yield f"{self.name}_count{{{pairs}}} {seen}"


Metric = Counter | Gauge | Histogram


class Metrics:
    """Every metric of one server, an attribute each. Handed to whoever counts; there is no global one."""

    def __init__(self) -> None:
        serving, cc = ":tensorflow:serving:", ":tensorflow:cc:saved_model:"
        # TensorFlow Serving's. Latencies are in microseconds.
        self.request_count = Counter(serving + "request_count", ("model_name", "status"))
        self.request_latency = Histogram(serving + "request_latency", ("model_name", "API", "entrypoint"), _LATENCY_US)
        self.runtime_latency = Histogram(serving + "runtime_latency", ("model_name", "API", "runtime"), _LATENCY_US)
        self.request_example_counts = Histogram(serving + "request_example_counts", ("model",), _SIZES)
        self.request_example_count_total = Counter(serving + "request_example_count_total", ("model",))
        self.request_log_count = Counter(serving + "request_log_count", ("model_name", "status_code"))
        self.model_warmup_latency = Histogram(serving + "model_warmup_latency", ("model_path", "status"), _LATENCY_US)
        batching = serving + "batching_session:"
        self.queuing_latency = Histogram(batching + "queuing_latency", ("thread_pool_name",), _QUEUING_US)
        self.wrapped_run_count = Counter(batching + "wrapped_run_count", ())
        self.padding_size = Histogram(batching + "padding_size", ("execution_batch_size",), _SIZES)
        self.input_batch_size = Histogram(batching + "input_batch_size", (), _SIZES)
        self.processed_batch_size = Histogram(batching + "processed_batch_size", (), _SIZES)
        self.load_attempt_count = Counter(cc + "load_attempt_count", ("model_path", "status"))
        self.load_latency = Counter(cc + "load_latency", ("model_path",))
        # Ours. Latencies are in seconds.
        version = ("model", "version")
        self.requests = Counter("kmaas_requests_total", (*version, "signature", "method", "code"))
        self.request_seconds = Histogram(
            "kmaas_request_seconds", (*version, "signature", "method"), tuple(bound / 1e6 for bound in _LATENCY_US)
        )
        self.version_state = Gauge("kmaas_version_state", version)
        self.version_users = Gauge("kmaas_version_requests_in_flight", version)
        self.queue_tasks = Gauge("kmaas_batching_queue_tasks", (*version, "signature"))
        self.queue_rows = Gauge("kmaas_batching_queue_rows", (*version, "signature"))
        self.calls_in_flight = Gauge("kmaas_calls_in_flight", ("protocol",))
        self.access_log_dropped = Counter("kmaas_access_log_lines_dropped_total", ())

    def text(self) -> str:
        """The exposition, one line a sample."""
        metrics: Mapping[str, Any] = vars(self)
        return "\n".join(line for metric in metrics.values() for line in metric.lines()) + "\n"

    def forget_version(self, model: str, version: str) -> None:
        """For a version that is over: a server that gets a new one every day must not grow for ever."""
        self.requests.forget(model=model, version=version)
        self.request_seconds.forget(model=model, version=version)

    def forget_path(self, model_path: str) -> None:
        """For a folder from which no version is loaded any more."""
        self.load_attempt_count.forget(model_path=model_path)
        self.load_latency.forget(model_path=model_path)
        self.model_warmup_latency.forget(model_path=model_path)

    def total(self, name: str) -> int:
        """The value of a counter by TensorFlow's name (`/tensorflow/serving/…`) or ours; 0 for any other metric."""
        printed = name.replace("/", ":")
        metric = next((metric for metric in vars(self).values() if metric.name == printed), None)
        return metric.total() if isinstance(metric, Counter) else 0


def _matching(keys: Iterable[Labels], names: Labels, labels: Mapping[str, str]) -> list[Labels]:
    places = {names.index(name): value for name, value in labels.items()}
    return [key for key in keys if all(key[place] == value for place, value in places.items())]


def _pairs(names: Labels, values: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _value(value: float) -> str:
    """With every digit: the difference of two large sums is what is looked at."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _bound(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"
