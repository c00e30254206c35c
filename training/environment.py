"""What a run was made with: versions, platform, commit."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("keras", "keras-hub", "numpy", "opencv-python-headless", "scikit-learn", "tensorflow", "tokenizers")


def environment() -> dict[str, object]:
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def commit() -> str:
    """The commit of the code, with `-dirty` when files differ from it; `unknown` where there is no git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
