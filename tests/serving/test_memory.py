"""The memory of the process; over hundreds of load/unload cycles and thousands of requests no slope beyond noise."""

import json
import mmap
import os
import subprocess
import sys
from typing import Any

import pytest

from serving.memory import common, resident_bytes, versions_bytes
from tests.support.slope import slope

CYCLES, REQUESTS = 200, 50  # 10,000 requests
SETTLING = 4  # samples, of ten cycles each, before memory has found its level
LIMIT_KB = 34  # per cycle; without a leak 5 to 29 were seen in a dozen runs, and the control below leaks 40


PER_REQUEST_LIMIT_B = 200
MANY = 5_000  # requests of one version


def resident_kb(**options: Any) -> list[int]:
    command = [sys.executable, "-m", "tests.support.soak", json.dumps(options)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment, timeout=500)
    samples: list[int] = json.loads(done.stdout.splitlines()[-1])
    return samples


def slope_kb(samples: list[int]) -> float:
    """KB per cycle, ten of which are between two samples."""
    return slope(samples[SETTLING:]) / 10


def test_loading_and_unloading_for_ever_needs_no_more_memory() -> None:
    samples = resident_kb(cycles=CYCLES, requests=REQUESTS)
    assert slope_kb(samples) < LIMIT_KB, samples


def test_a_leak_would_be_seen() -> None:
    samples = resident_kb(cycles=100, requests=1, leak=40 * 1024)
    assert slope_kb(samples) > LIMIT_KB, samples


@pytest.mark.parametrize("model", ["plus-2", "twin"])
def test_answering_for_ever_needs_no_more_memory(model: str) -> None:
    samples = resident_kb(cycles=1, requests=MANY, model=model, zero_wait=True)
    assert per_request_b(samples) < PER_REQUEST_LIMIT_B, samples


def test_a_leak_of_each_request_would_be_seen() -> None:
    samples = resident_kb(cycles=1, requests=MANY, request_leak=2 * PER_REQUEST_LIMIT_B)
    assert per_request_b(samples) > PER_REQUEST_LIMIT_B, samples


def per_request_b(samples: list[int]) -> float:
    """Bytes, seen over the last four fifths."""
    return slope(samples[len(samples) // 5 :]) * 1024 / (MANY / 50)


def test_this_process_takes_memory_of_which_some_is_nobodys() -> None:
    before, of_versions = resident_bytes(), versions_bytes()
    size = 2**26
    with mmap.mmap(-1, size) as library:  # pages of its own: this process may have some to spare
        with common():
            for _ in range(64):
                library.write(b"x" * 2**20)
        assert resident_bytes() - before > size / 2
        assert abs(versions_bytes() - of_versions) < size / 2
