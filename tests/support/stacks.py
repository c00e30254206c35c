"""Looking into running processes: which children they have, and what those do."""

from contextlib import suppress
from pathlib import Path

from bench.footprint import children
from bench.stack import Stack


def commands(pid: int) -> dict[int, list[str]]:
    """The command line of each child process of `pid`, all levels; those that ended have none, reaped or not."""
    found: dict[int, list[str]] = {}
    for child in children(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            if line := Path(f"/proc/{child}/cmdline").read_text():
                found[child] = line.split("\0")
    return found


def workers(pid: int) -> set[int]:
    """Those of the gateway `pid`. One killed a moment ago may be among them: wait for others than those known."""
    return {child for child, command in commands(pid).items() if any("spawn_main" in word for word in command)}


def pid_of(stack: Stack, verb: str) -> int:
    for pid, command in commands(stack.pid).items():
        if command[1:4] == ["-m", "kmaas", verb]:
            return pid
    raise AssertionError(f"no `kmaas {verb}` below {stack.pid}")
