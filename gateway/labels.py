"""Which version of a model has the label that the gateway follows."""

import threading
import time
from collections.abc import Callable, Mapping

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import VersionGoneError

UNLOADED = -1  # the number of no version

_FRESH_S = 0.1


class LabelBook:
    """Asks the model server. Safe to share between threads.

    One that lists its models tells the labels of all at once: threads that follow models share such an answer as long
    as it is fresh. One that does not, as a stock TensorFlow Serving, is asked for each model.
    """

    def __init__(self, backend: Backend, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        """With an empty `label` there is nothing to follow."""
        self._backend = backend
        self._label = label
        self._clock = clock
        self._asking = threading.Lock()
        self._listed: Mapping[str, Mapping[str, int]] | None = None
        self._listed_at: float | None = None

    def version(self, model: str, deadline: Deadline) -> int | None:
        """The version that has the label; None if the model has no such label.

        `UNLOADED` if it has, and the server does not say which version because that is not loaded.

        Raises:
            GatewayError: the server could not be asked.
        """
        if not self._label:
            return None
        listed = self._all(deadline)
        if listed is not None:
            return listed.get(model, {}).get(self._label)
        try:
            return self._backend.labelled(model, self._label, deadline)
        except VersionGoneError:
            return UNLOADED

    def _all(self, deadline: Deadline) -> Mapping[str, Mapping[str, int]] | None:
        with self._asking:
            if self._listed_at is None or self._clock() - self._listed_at > _FRESH_S:
                asked_at = self._clock()
                self._listed = self._backend.labels(deadline)
                self._listed_at = asked_at
            return self._listed
