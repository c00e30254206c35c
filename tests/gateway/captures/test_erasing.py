"""What is too old is erased, whatever went wrong an hour ago."""

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.captures import captures
from gateway.captures.captures import Captures
from gateway.captures.folder import Bounds, CaptureFolder, folders
from gateway.captures.metrics import CaptureMetrics
from tests.support.processes import until

BOUNDS = Bounds(most=800, age=timedelta(days=8))


def test_a_disk_that_cannot_be_read_for_a_while_ends_no_erasing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    CaptureFolder.of(tmp_path, "sentiment", BOUNDS).append(b"{}\n", datetime.now(UTC) - timedelta(days=30))
    looks: list[Path] = []

    def seen(root: Path, bounds: Bounds) -> list[CaptureFolder]:
        looks.append(root)
        if len(looks) == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return folders(root, bounds)

    monkeypatch.setattr(captures, "folders", seen)
    monkeypatch.setattr(captures, "_ERASING_S", 0.01)
    kept = Captures(tmp_path, BOUNDS, CaptureMetrics(CollectorRegistry()))
    kept.start()
    try:
        until(lambda: not list(tmp_path.rglob("*.jsonl")), "what is too old is erased")
    finally:
        kept.close()
    assert "Too many open files" in caplog.text
