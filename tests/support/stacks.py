"""Looking into a running stack."""

from pathlib import Path

from bench.footprint import children
from bench.stack import Stack


def pid_of(stack: Stack, verb: str) -> int:
    for pid in children(stack.pid):
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:4] == [b"-m", b"kmaas", verb.encode()]:
            return pid
    raise AssertionError(f"no `kmaas {verb}` below {stack.pid}")
