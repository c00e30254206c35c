"""A thread that sweeps the galleries of a gateway, again and again."""

import logging
import threading
from collections.abc import Callable

from gateway.errors import GatewayError

_log = logging.getLogger(__name__)


class Sweeper:
    """A thread of each worker; what another has done already is not there to be done."""

    def __init__(self, sweep: Callable[[], None], interval_s: float) -> None:
        """`sweep` may raise whatever it likes: it is tried again."""
        self._sweep = sweep
        self._interval_s = interval_s
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="sweep-galleries", daemon=True).start()

    def close(self) -> None:
        """It ends after what it is doing."""
        self._ended.set()

    def _run(self) -> None:
        while True:
            try:
                self._sweep()
            except GatewayError as exc:
                _log.warning("galleries are not swept: %s", exc)
            except Exception:  # whatever it is, people are to be erased
                _log.exception("galleries are not swept")
            if self._ended.wait(self._interval_s):
                return
