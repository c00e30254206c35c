"""Leases that a worker holds at model servers, written down: if it is killed, who takes its place gives them back."""

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PREFIX = "lease"

Holder = tuple[str, str, int]  # a server's address, a model, and the number of its version


class Estate:
    """What this process holds, a file for each lease. Safe to share between threads."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is what the workers of a gateway share; where there is none, nobody would look."""
        self._folder = folder

    def hold(self, holder: Holder, leases: Sequence[int]) -> None:
        """Where nothing can be written the leases lapse by themselves, later."""
        if self._folder is not None:
            with suppress(OSError):
                for lease in leases:
                    self._file(self._folder, lease).write_text(json.dumps(holder))

    def let_go(self, leases: Sequence[int]) -> None:
        if self._folder is not None:
            with suppress(OSError):
                for lease in leases:
                    self._file(self._folder, lease).unlink(missing_ok=True)

    @staticmethod
    def _file(folder: Path, lease: int) -> Path:
        return folder / f"{_PREFIX}-{os.getpid()}-{lease}"


def inherited(folder: Path) -> Mapping[Holder, Sequence[int]]:
    """The leases of processes that are gone; whoever asks has them to himself."""
    found: dict[Holder, list[int]] = defaultdict(list)
    for file in folder.glob(f"{_PREFIX}-*-*"):
        _, process, lease = file.name.split("-")
        if _is_there(int(process)):
            continue
        with suppress(OSError, ValueError):  # another took it first, or it was being written
            target, model, version = json.loads(file.read_text())
            file.unlink()
            found[target, model, version].append(int(lease))
    return found


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's has the number now
        pass
    return True
