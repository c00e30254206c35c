"""The SavedModel beside a twin, for the signatures that the twin lacks: opened by the first call that needs it."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.runtime import Runtime
from wire.tensors import Array


class Beside:
    """A SavedModel that is closed until it is called. Thread-safe; `close` when no call is in flight."""

    def __init__(self, open_saved_model: Callable[[], Runtime]) -> None:
        self._open = open_saved_model
        self._opening = threading.Lock()
        self._runtime: Runtime | None = None
        self._given_up: LoadError | None = None

    @property
    def is_open(self) -> bool:
        return self._runtime is not None

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        """As every `Runtime`; one caller opens it, others wait as long as they have time.

        Raises:
            RequestError: besides the SavedModel's own: it does not open (INTERNAL; the next call tries again,
                unless that could not end otherwise), or the time was up before it had.
        """
        started = time.monotonic()
        runtime = self._runtime or self._opened(signature, timeout_s)
        if timeout_s is not None:
            timeout_s -= time.monotonic() - started
            if timeout_s <= 0:
                raise _too_late()
        return runtime.run(signature, inputs, outputs, timeout_s)

    def close(self) -> None:
        if self._runtime is not None:
            self._runtime.close()

    def _opened(self, signature: str, timeout_s: float | None) -> Runtime:
        if not self._opening.acquire(timeout=-1 if timeout_s is None else timeout_s):
            raise _too_late()
        try:
            if self._given_up is not None:
                raise self._given_up
            if self._runtime is None:
                self._runtime = self._open()
            return self._runtime
        except LoadError as exc:
            self._given_up = exc.with_traceback(None) if exc.final else None
            raise RequestError(
                Code.INTERNAL,
                f"signature {signature} is not in the version's LiteRT twin, and its SavedModel does not open: "
                f"{exc.message}",
            ) from exc
        finally:
            self._opening.release()


def _too_late() -> RequestError:
    return RequestError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
