"""The source: which versions of which models are on disk, watched by polling."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from store.errors import InvalidNameError
from store.layout import check_name, version_folders

_log = logging.getLogger(__name__)

Versions = Mapping[int, Path]


@dataclass(frozen=True)
class Scan:
    """One look at the store: each model's version folders, and for each folder that could not be listed the reason."""

    models: Mapping[str, Versions]
    unreadable: Mapping[str, str]


def scan(root: Path) -> Scan:
    """Looks at every model folder under `root`; one that cannot be listed does not keep the others from being seen.

    Raises:
        OSError: `root` itself cannot be listed.
    """
    models: dict[str, Versions] = {}
    unreadable: dict[str, str] = {}
    for child in sorted(root.iterdir()):
        try:
            if child.is_dir():
                models[check_name(child.name)] = version_folders(child)
        except InvalidNameError:
            continue  # .staging-…, lost+found: not a model
        except OSError as exc:
            unreadable[child.name] = exc.strerror or str(exc)
    return Scan(models, unreadable)


class Source:
    """Tells `aspire` every poll what there is of each model, an empty mapping for one whose folder went away.

    What cannot be listed is no news: whatever is served of it goes on. `aspire` is called from one thread at a time.
    """

    def __init__(self, root: Path, interval_s: float, aspire: Callable[[str, Versions], None]) -> None:
        self.polled = threading.Event()
        """Set once `aspire` was told everything that one look at the store found."""
        self._root = root
        self._interval_s = interval_s
        self._aspire = aspire
        self._known: set[str] = set()
        self._complaints: Mapping[str, str] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-poll", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended; also fine before `start`."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def poll(self) -> None:
        """One look at the store. The thread calls it; a test may instead."""
        try:
            found = scan(self._root)
        except FileNotFoundError:
            found = Scan({}, {} if not self._known else {str(self._root): "it is gone"})
        except OSError as exc:
            found = Scan({}, {str(self._root): exc.strerror or str(exc)})
        self._complain(found.unreadable)
        root_listed = str(self._root) not in found.unreadable
        gone = self._known - found.models.keys() - found.unreadable.keys() if root_listed else set()
        for model in gone:
            self._aspire(model, {})
        for model, versions in found.models.items():
            self._aspire(model, versions)
        self._known = (self._known - gone) | found.models.keys()
        if root_listed:
            self.polled.set()

    def _complain(self, unreadable: Mapping[str, str]) -> None:
        """Says once that a folder cannot be listed, not at every poll."""
        for name, reason in unreadable.items():
            if self._complaints.get(name) != reason:
                _log.error("%s cannot be listed (%s); what is served of it goes on", name, reason)
        self._complaints = unreadable

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except Exception:  # the watch outlives any single failure
                _log.exception("looking at %s failed", self._root)
            if self._stopping.wait(self._interval_s):
                return
