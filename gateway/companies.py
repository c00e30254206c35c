"""How each version is asked: in company where its export has shown that rows do not disturb each other."""

import threading
from functools import partial
from weakref import WeakKeyDictionary

from gateway.backend import Backend
from gateway.company import Call, Company
from gateway.deadline import Deadline
from gateway.outputs import check_outputs
from gateway.tasks.base import SERVING_SIGNATURE, AnyTask, Streaming, Tensors
from gateway.version import ServedVersion


class Companies:
    """Safe to share between threads. Nothing is kept of versions that are gone."""

    def __init__(self, backend: Backend, workers: int) -> None:
        self._backend = backend
        self._workers = workers
        self._lock = threading.Lock()
        self._of: WeakKeyDictionary[ServedVersion, Company] = WeakKeyDictionary()

    def call(self, version: ServedVersion, task: AnyTask) -> Call:
        """A run of the task's signature by the version; its outputs are as its manifest promises."""
        call = self.alone(version, task.signature)
        batching = version.manifest.batching
        if batching is None or task.signature != SERVING_SIGNATURE or isinstance(task, Streaming):
            return call
        with self._lock:
            company = self._of.get(version)
            if company is None:
                company = self._of[version] = Company(call, batching.sizes[-1], self._servers, workers=self._workers)
        return company.ask

    def alone(self, version: ServedVersion, signature: str) -> Call:
        """A run of any signature, by itself; its outputs are as the manifest promises."""
        check = partial(check_outputs, version.manifest.signatures.get(signature))
        model, number = version.model, version.number

        def call(inputs: Tensors, deadline: Deadline) -> Tensors:
            return self._backend.predict(model, number, signature, inputs, deadline, check=check)

        return call

    def _servers(self) -> int:
        return len(self._backend.pool.servers)
