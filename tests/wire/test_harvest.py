"""The checked-in descriptors are those of the installed `tensorflow-serving-api`."""

import subprocess
import sys

from wire.descriptors import DESCRIPTORS


def test_descriptors_are_current() -> None:
    script = "import sys; from wire.harvest import harvest; sys.stdout.buffer.write(harvest())"
    made = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=120)
    assert made.stdout == DESCRIPTORS.read_bytes(), "run `python -m wire.harvest`"
