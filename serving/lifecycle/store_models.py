"""The models of a store: each folder is one, with the labels that its `labels.json` gives."""

import logging
import os
from pathlib import Path

from serving.lifecycle.model_config import Configs, ModelConfig
from serving.lifecycle.policy import Labelled, Latest
from store.errors import ManifestError
from store.labels import LABELS_FILE, Labels
from store.layout import is_name
from store.model_server_config import CONFIG_FILE
from store.signing import labels_fault

_log = logging.getLogger(__name__)


class StoreModels:
    """Reads a store. One caller at a time.

    Labels that are not what somebody signed are followed, with a warning: a server that did not follow them would
    answer otherwise than TensorFlow Serving, which reads `models.config` and cannot know. Any key that lies beside the
    records will do: which of them are trusted, only who decides knows.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, tuple[object, Labels]] = {}  # by model: what its file was, and what was in it
        self._complaints: dict[str, str] = {}

    def configs(self, known: Configs) -> Configs:
        """Each folder as a model, by name: its newest version is to be served, and those that its labels keep.

        Where labels cannot be read, the model stays as it is `known`; one that is not known is not served: without
        its labels nobody could tell the version that was promoted from the newest.

        Raises:
            OSError: the store cannot be listed.
        """
        with os.scandir(self._root) as children:  # tells files apart without asking the disk of each, which may hang
            names = sorted(child.name for child in children if not child.is_file(follow_symlinks=False))
        found = {name: self._config(name, known.get(name)) for name in names if is_name(name)}  # not .staging-…
        return {name: config for name, config in found.items() if config is not None}

    def glance(self) -> object:
        """Something that differs when versions or labels have changed: who changes them replaces this file."""
        return _identity(self._root / CONFIG_FILE)

    def _config(self, name: str, known: ModelConfig | None) -> ModelConfig | None:
        base = self._root / name
        try:
            labels = self._labels(name, base)
        except ManifestError as exc:
            said = f"the labels of {name} cannot be read, it is served as before, if at all: {exc}"
            self._complain(name, logging.ERROR, said)
            self._read.pop(name, None)
            return known
        return ModelConfig(name, base, Labelled(labels.kept) if labels.kept else Latest(), labels.versions)

    def _labels(self, name: str, base: Path) -> Labels:
        seen = _identity(base / LABELS_FILE)  # before it is read: a change meanwhile is seen next time
        before = self._read.get(name)
        if before is None or before[0] != seen:
            labels = Labels.read(base)
            before = self._read[name] = (seen, labels)
            self._complain(name, logging.WARNING, _doubt(name, base, labels))
        return before[1]

    def _complain(self, name: str, level: int, said: str) -> None:
        """Once, not at every poll; nothing is said where all is well."""
        if said and said != self._complaints.get(name):
            _log.log(level, said)
        self._complaints[name] = said


def _doubt(name: str, base: Path, labels: Labels) -> str:
    """What is to be said of labels that nobody signed; nothing of others."""
    fault = labels_fault(base, labels)
    if fault is None:
        return ""
    return (
        f"the labels of {name} are followed, and nobody decided them so: {fault}; `kmaas versions {name} --verify` "
        "looks at all records"
    )


def _identity(file: Path) -> object:
    """What changes when a file is replaced; None if there is none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
