"""Freed memory goes back to the system."""

import subprocess
import sys
from ctypes import CDLL

import pytest

SCRIPT = """
import numpy as np
from serving.memory import resident_bytes
from serving.runtimes.heap import give_back

many = [np.ones(10_000) for _ in range(800)]  # 64 MB in blocks too small for pages of their own
last = many.pop()  # holds the end of the heap
many.clear()
before = resident_bytes()
give_back()
print(before - resident_bytes())
"""


@pytest.mark.skipif(not hasattr(CDLL(None), "malloc_trim"), reason="only glibc can be told to")
def test_what_was_freed_leaves_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) > 40 * 2**20
