"""How each version is asked: in company where its export has shown that rows do not disturb each other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from weakref import WeakKeyDictionary

from gateway.backend import Backend
from gateway.company import ABREAST, Call, Company
from gateway.deadline import Deadline
from gateway.lanes import Lanes
from gateway.outputs import check_outputs
from gateway.padding import Pace, Padding
from gateway.tasks.base import SERVING_SIGNATURE, AnyTask, Streaming, Tensors
from gateway.version import ServedVersion

_HELPERS = 8  # of one worker: threads that ask for a part of a request


class Companies:
    """Safe to share between threads. Nothing is kept of versions that are gone."""

    def __init__(self, backend: Backend, workers: int) -> None:
        self._backend = backend
        self._workers = workers
        self._lock = threading.Lock()
        self._of: WeakKeyDictionary[ServedVersion, Call] = WeakKeyDictionary()
        self._helpers = ThreadPoolExecutor(_HELPERS, "lanes")

    def call(self, version: ServedVersion, task: AnyTask) -> Call:
        """A run of the task's signature by the version; its outputs are as its manifest promises."""
        call = self.alone(version, task.signature)
        batching = version.manifest.batching
        if batching is None or task.signature != SERVING_SIGNATURE or isinstance(task, Streaming):
            return call
        with self._lock:
            asks = self._of.get(version)
            if asks is None:
                asks = self._of[version] = self._together(version, call, batching.sizes[-1])
        return asks

    def _together(self, version: ServedVersion, call: Call, most_rows: int) -> Call:
        padding, pace = Padding.of(version.manifest), Pace()
        asks = _paced(call, padding, pace) if padding else call
        company = Company(asks, most_rows, self._servers, workers=self._workers, padding=padding, pace=pace)
        if padding is None:
            return company.ask
        lanes = Lanes(company.ask, asks, padding, pace, helpers=self._helpers, abreast=self._abreast)
        return lanes.ask

    def _abreast(self) -> int:
        """Calls of one request: the next is sent while one is computed; and a server may have several processors."""
        return ABREAST * max(1, self._servers())

    def alone(self, version: ServedVersion, signature: str) -> Call:
        """A run of any signature, by itself; its outputs are as the manifest promises."""
        check = partial(check_outputs, version.manifest.signatures.get(signature))
        model, number = version.model, version.number

        def call(inputs: Tensors, deadline: Deadline) -> Tensors:
            return self._backend.predict(model, number, signature, inputs, deadline, check=check)

        return call

    def _servers(self) -> int:
        return len(self._backend.pool.servers)


def _paced(call: Call, padding: Padding, pace: Pace) -> Call:
    """The same, whose time is noted."""

    def asks(inputs: Tensors, deadline: Deadline) -> Tensors:
        began = monotonic()
        outputs = call(inputs, deadline)
        pace.note(inputs[padding.input].size, monotonic() - began)
        return outputs

    return asks
