"""The config file, read again from time to time: its models are served as soon as it changes."""

import logging
import threading
from pathlib import Path

from serving.errors import RequestError
from serving.lifecycle.core import Core
from serving.lifecycle.model_config import Configs, read_config

_log = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # at the end, with a file that hangs


class ConfigFile:
    """Watches a text `ModelServerConfig`. What cannot be read or done is logged, and the models stay as they are."""

    def __init__(self, path: Path, interval_s: float, core: Core, served: Configs) -> None:
        """`served` is what was read of it at the start. With `interval_s` 0 or less it is not read again."""
        self._path = path
        self._interval_s = interval_s
        self._core = core
        self._served = served
        self._complaint = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="config-file", daemon=True)

    def start(self) -> None:
        if self._interval_s > 0:
            self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended, or hangs in reading the file; also fine before `start`."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE_S)

    def poll(self) -> None:
        """One look at the file. The thread calls it; a test may instead.

        What was taken before is not taken again: someone may have sent other models since.
        """
        try:
            found = read_config(self._path)
            if found != self._served:
                self._core.reload(found)
                _log.info("%s is served as it is now: models %s", self._path, ", ".join(sorted(found)) or "none")
            self._served, self._complaint = found, ""
        except RequestError as exc:
            if exc.message != self._complaint:
                _log.error("%s is not taken, the models stay as they are: %s", self._path, exc.message)
            self._complaint = exc.message

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            try:
                self.poll()
            except Exception:  # the watch outlives any single failure
                _log.exception("reading %s failed", self._path)
