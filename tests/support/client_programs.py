"""Programs that drive unmodified clients, in the clients' own environment; each prints JSON."""

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "clients" / "bin" / "python"
_PROGRAMS = ROOT / "tests" / "clients" / "programs"


def run_program(name: str, *arguments: str) -> Any:
    """What `tests/clients/programs/NAME.py` prints."""
    assert PYTHON.exists(), "the clients' environment is missing: make .venv/clients/ready"
    done = subprocess.run(
        [PYTHON, "-W", "ignore", _PROGRAMS / f"{name}.py", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
