"""Which versions of a model have which labels."""

import threading
import time
from collections.abc import Callable, Collection, Mapping

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import VersionGoneError

UNLOADED = -1  # the number of no version

_FRESH_S = 0.1


class LabelBook:
    """Asks the model server. Safe to share between threads.

    One that lists its models tells the labels of all at once: threads that follow models share such an answer as long
    as it is fresh. One that does not, as a stock TensorFlow Serving, is asked for each label of each model.
    """

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._clock = clock
        self._asking = threading.Lock()
        self._listed: Mapping[str, Mapping[str, int]] | None = None
        self._listed_at: float | None = None

    def versions(
        self, model: str, wanted: Collection[str], deadline: Deadline, *, anew: bool = False
    ) -> Mapping[str, int]:
        """The labels of the model with their versions: those of `wanted` that it has, and others if they are known.
        With `anew` not as they were a moment ago.

        A version is `UNLOADED` if the server does not say which it is because that is not loaded.

        Raises:
            GatewayError: the server could not be asked.
        """
        if not wanted:
            return {}
        listed = self._all(deadline, 0 if anew else _FRESH_S)
        if listed is not None:
            return listed.get(model, {})
        found = {label: self._asked(model, label, deadline) for label in wanted}
        return {label: version for label, version in found.items() if version is not None}

    def _asked(self, model: str, label: str, deadline: Deadline) -> int | None:
        try:
            return self._backend.labelled(model, label, deadline)
        except VersionGoneError:
            return UNLOADED

    def _all(self, deadline: Deadline, oldest_s: float) -> Mapping[str, Mapping[str, int]] | None:
        asked_since = self._clock() - oldest_s
        with self._asking:
            if self._listed_at is None or self._listed_at < asked_since:
                asked_at = self._clock()
                self._listed = self._backend.labels(deadline)
                self._listed_at = asked_at
            return self._listed
