"""The loader of one version: opens it, with retries, unless it is abandoned meanwhile."""

import errno
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from serving.errors import Code, LoadError
from serving.metrics import Metrics
from serving.runtimes.runtime import Runtime

_log = logging.getLogger(__name__)

_OF_ERRNO = {
    errno.EACCES: Code.PERMISSION_DENIED,
    errno.EPERM: Code.PERMISSION_DENIED,
    errno.ENOENT: Code.NOT_FOUND,
    errno.ENOMEM: Code.RESOURCE_EXHAUSTED,
}

OpenVersion = Callable[[str, int, Path], Runtime]
"""Opens a version by its model, number and folder; the caller closes the runtime. Raises `LoadError`."""


class Loader:
    """Tries `retries` times more, `retry_interval_s` apart, before it gives up; once where more tries are no use."""

    def __init__(
        self,
        path: Path,
        open_runtime: Callable[[], Runtime],
        metrics: Metrics,
        *,
        retries: int,
        retry_interval_s: float,
    ) -> None:
        self.path = path
        self._open = open_runtime
        self._metrics = metrics
        self._retries = retries
        self._retry_interval_s = retry_interval_s
        self._abandoned = threading.Event()

    def load(self) -> Runtime:
        """The loaded version; the caller closes it.

        Raises:
            LoadError: the last try's error.
        """
        for attempt in range(self._retries + 1):
            if self.abandoned:
                raise LoadError(Code.CANCELLED, "a newer version is wanted, or the server is stopping")
            started = time.monotonic()
            try:
                runtime = self._once()
            except LoadError as exc:
                self._metrics.load_attempt_count.inc(model_path=str(self.path), status="fail")
                _log.warning(
                    "%s does not load (try %d of %d): %s", self.path, attempt + 1, self._retries + 1, exc.message
                )
                if exc.final or attempt == self._retries:
                    _log.error("%s is given up, until its files change or it comes back", self.path)
                    raise
                if self._abandoned.wait(self._retry_interval_s):
                    raise
            else:
                seconds = time.monotonic() - started
                self._metrics.load_attempt_count.inc(model_path=str(self.path), status="success")
                self._metrics.load_latency.inc(round(seconds * 1e6), model_path=str(self.path))
                _log.info("loaded %s in %.2f s", self.path, seconds)
                return runtime
        raise AssertionError("the last try returned or raised")

    def abandon(self) -> None:
        """Nobody wants the version any more: no further tries."""
        self._abandoned.set()

    @property
    def abandoned(self) -> bool:
        return self._abandoned.is_set()

    def _once(self) -> Runtime:
        try:
            return self._open()
        except LoadError:
            raise
        except OSError as exc:
            code = _OF_ERRNO.get(exc.errno or 0, Code.UNKNOWN)
            raise LoadError(code, f"{exc.filename or self.path}: {exc.strerror or exc}") from exc
        except Exception as exc:  # a runtime's own defect must end in the status, not end the loading thread
            _log.exception("loading %s failed in an unforeseen way", self.path)
            raise LoadError(Code.INTERNAL, f"{type(exc).__name__}: {exc}") from exc


def fingerprint(folder: Path) -> frozenset[tuple[str, int, int]] | None:
    """Names, sizes and times of all files under `folder`: whether it changed since, their permissions included.

    None if it cannot be read.
    """
    try:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return frozenset(
            (str(path.relative_to(folder)), (stat := path.stat()).st_size, stat.st_ctime_ns) for path in files
        )
    except OSError:
        return None
