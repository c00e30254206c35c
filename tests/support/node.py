"""JavaScript clients: programs of `tests/clients/programs`, run by Node.js with what the Makefile installs."""

import json
import subprocess
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = _ROOT / "tests" / "clients" / "programs"
CLIENTS = _ROOT / ".venv" / "clients" / "node"
PACKAGES = CLIENTS / "node_modules"


def run_node(program: str, *arguments: str) -> Any:
    """What the program prints, which is JSON.

    Node.js finds a module's packages in the folders above it; a module from standard input is in the working folder.
    """
    assert PACKAGES.is_dir(), "the JavaScript clients are not installed; make .venv/clients/node/ready installs them"
    done = subprocess.run(
        ["node", "--input-type=module", "-", *arguments],
        input=(_PROGRAMS / program).read_text(),
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
