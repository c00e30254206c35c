"""The SavedModel beside a twin, for the signatures that the twin lacks: opened when the first of them is called."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.runtime import Runtime
from wire.errors import BEING_OPENED
from wire.tensors import Array

_TO_SAY_S = 3.0  # so long before a caller's time is up it is told: importing TensorFlow stops all threads for a while


class Beside:
    """A SavedModel that is closed until it is called. Thread-safe; `close` when no call is in flight."""

    def __init__(self, open_saved_model: Callable[[], Runtime]) -> None:
        self._open = open_saved_model
        self._lock = threading.Lock()
        self._opening: Future[Runtime] | None = None

    @property
    def is_open(self) -> bool:
        opening = self._opening
        return opening is not None and opening.done() and opening.exception() is None

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        """As every `Runtime`; the first call has it opened, and all wait for that as long as they have time. It goes on
        being opened for those who come later, which may take half a minute.

        Raises:
            RequestError: besides the SavedModel's own: it does not open (INTERNAL; the next call tries again,
                unless that could not end otherwise), or it is not open yet when the time is nearly up (UNAVAILABLE).
        """
        started = time.monotonic()
        try:
            runtime = self._begun().result(None if timeout_s is None else max(0.0, timeout_s - _TO_SAY_S))
        except TimeoutError:
            raise RequestError(
                Code.UNAVAILABLE, f"{BEING_OPENED}, of which the signature {signature} is; ask again"
            ) from None
        except LoadError as exc:
            raise RequestError(
                Code.INTERNAL,
                f"signature {signature} is not in the version's LiteRT twin, and its SavedModel does not open: "
                f"{exc.message}",
            ) from exc
        if timeout_s is not None:
            timeout_s -= time.monotonic() - started
        return runtime.run(signature, inputs, outputs, timeout_s)

    def close(self) -> None:
        """An opening that is under way is waited for: TensorFlow cannot be stopped in it."""
        if self._opening is not None and self._opening.exception() is None:
            self._opening.result().close()

    def _begun(self) -> Future[Runtime]:
        """The opening that is under way or over; a new one after one that failed and may end otherwise."""
        with self._lock:
            if self._opening is None or (self._opening.done() and _may_be_tried_again(self._opening.exception())):
                self._opening = Future()
                threading.Thread(target=self._act, args=(self._opening,), name="saved_model", daemon=True).start()
            return self._opening

    def _act(self, opening: Future[Runtime]) -> None:
        try:
            opening.set_result(self._open())
        except BaseException as exc:  # whoever waits raises it
            opening.set_exception(exc)


def _may_be_tried_again(error: BaseException | None) -> bool:
    return error is not None and not (isinstance(error, LoadError) and error.final)
