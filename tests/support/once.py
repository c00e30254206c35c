"""What the workers of a test run share: made by the first that needs it, removed by whoever began the run."""

import atexit
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from training.data.lock import locked

_VARIABLE = "TESTS_SHARE"  # names the folder; workers, and whatever tests start, inherit it


def shared_folder() -> Path:
    """The run's own. To be asked for before the run's workers start."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = mkdtemp(prefix="tests-share-")
        atexit.register(shutil.rmtree, os.environ[_VARIABLE], ignore_errors=True)
    return Path(os.environ[_VARIABLE])


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name`, which `make` filled the first time; others wait for it. Not to be changed."""
    made = shared_folder() / name
    with locked(made):
        if not made.exists():
            staging = Path(mkdtemp(prefix=f".{name}-", dir=made.parent))
            make(staging)
            staging.rename(made)
    return made
