"""Answered calls are captured: masked and written by a thread of their own."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gateway.backlog import Backlog, weight
from gateway.captures import metrics
from gateway.captures.folder import Bounds, CaptureFolder, folders
from gateway.captures.line import Mask, line_of
from gateway.captures.metrics import CaptureMetrics
from gateway.errors import UnseenTextError
from gateway.work import Work

_MOST_WAITING = 256
_MOST_BYTES = 64 * 2**20  # that wait
_ERASING_S = 3600.0
_PATIENCE_S = 2.0  # at the end

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Captured:
    """An answered call; `whole` is False of an answer that was cut short."""

    work: Work
    answer: BaseModel
    mask: Mask
    whole: bool
    at: datetime

    @property
    def model(self) -> str:
        return self.work.version.model

    @property
    def facts(self) -> Mapping[str, Any]:
        version = self.work.version
        return {
            "request_id": self.work.turn.call.trace.request_id,
            "model": version.model,
            "version": version.number,
            "digest": version.manifest.digest,
            "task": self.work.task.name,
            "whole": self.whole,
        }


class Captures:
    """Safe to share between threads; `take` never waits, never raises. `start` erases what is old, then and every hour,
    until `close`."""

    def __init__(self, root: Path, bounds: Bounds, counted: CaptureMetrics) -> None:
        self._root = root
        self._bounds = bounds
        self._counted = counted
        self._backlog = Backlog("capture", self._write, threads=1, items=_MOST_WAITING, memory=_MOST_BYTES)
        self._ended = threading.Event()
        self._failing = False

    def start(self) -> None:
        threading.Thread(target=self._erase, name="captures-erased", daemon=True).start()

    def close(self) -> None:
        """Returns when what waits is written, or after 2 s."""
        self._ended.set()
        self._backlog.drain(_PATIENCE_S)

    def take(self, work: Work, answer: BaseModel, mask: Mask, *, whole: bool = True) -> None:
        captured = _Captured(work, answer, mask, whole, datetime.now(UTC))
        if not self._backlog.offer(captured, weight(work.request) + weight(answer)):
            self._counted.ended(captured.model, metrics.DROPPED)

    def _write(self, captured: _Captured) -> None:
        outcome = metrics.FAILED
        try:
            outcome = self._written(captured)
        except OSError as exc:
            if not self._failing:
                _log.warning("calls are not captured in %s: %s", self._root, exc)
            self._failing = True
        else:
            self._failing = False
        finally:
            self._counted.ended(captured.model, outcome)

    def _written(self, captured: _Captured) -> str:
        told = captured.work.task.told(captured.answer)
        if told is None:
            return metrics.HIDDEN
        try:
            captured.work.request.with_texts(str)
        except UnseenTextError:
            return metrics.HIDDEN
        line = line_of(captured.facts, captured.at, captured.work.request, told, captured.mask)
        folder = CaptureFolder.of(self._root, captured.model, self._bounds)
        return metrics.WRITTEN if folder.append(line, datetime.now(UTC)) else metrics.LONG

    def _erase(self) -> None:
        while True:
            kept: list[CaptureFolder] = []
            with self._warned():
                kept = folders(self._root, self._bounds)
            for folder in kept:
                with self._warned():
                    folder.erase_old(datetime.now(UTC))
            if self._ended.wait(_ERASING_S):
                return

    @contextmanager
    def _warned(self) -> Iterator[None]:
        """What the disk refuses now it may grant at the next time."""
        try:
            yield
        except OSError as exc:
            _log.warning("old captures in %s are not erased: %s", self._root, exc)
