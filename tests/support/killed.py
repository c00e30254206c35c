"""Kills a process at each step in which it changes files, as a power cut or `kill -9` might.

Python itself tells every such step to an audit hook, so that no code under test knows of it.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

_CHANGES = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod", "os.truncate"})
_WRITES = os.O_WRONLY | os.O_RDWR


def die_at(step: int) -> None:
    """From now on this process counts the files that it changes, and dies by SIGKILL at the `step`-th change.

    Steps are counted from 1. Of a file that is written it dies when that is open, and empty; else just before.
    """
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and arguments[2] & _WRITES and not _is_device(arguments[0])
        if writes or event in _CHANGES:
            left -= 1
            if not left:
                if writes:
                    os.close(os.open(arguments[0], arguments[2], 0o600))
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def killed_at_each_step(prepare: Callable[[], None], work: Callable[[], object]) -> Iterator[int]:
    """Forks a process that does `work` and is killed at its first step, then one at its second, and so on.

    Before each comes `prepare`. Yields the step each was killed at, and at last 0: nothing was left to be killed in.
    """
    step = 0
    while True:
        step += 1
        prepare()
        child = os.fork()
        if child == 0:
            try:
                die_at(step)
                work()
            except BaseException:
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, -signal.SIGKILL), f"the work failed at step {step}"
        yield step if code else 0
        if not code:
            return


def _is_device(path: object) -> bool:
    return isinstance(path, str) and path.startswith("/dev/")


if __name__ == "__main__":
    from kmaas.main import main

    die_at(int(sys.argv[1]))
    sys.argv[1:2] = []
    main()
