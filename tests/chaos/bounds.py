"""What is promised whatever breaks: see docs/chaos.md."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from tests.chaos.conftest import Goldens, See
from tests.support.gauntlet import Gauntlet
from tests.support.processes import GatewayProcess

DEADLINE_S = 3.0
RECOVERY_S = 5.0
LASTS_S = 5.0  # more than a deadline
DIGESTS = ("sha256:digits-1", "sha256:sentiment")


class Bounds:
    """Held by a gateway that had `start_s` to start, and its callers."""

    def __init__(self, gauntlet: Gauntlet, see: See, start_s: float) -> None:
        self._gauntlet = gauntlet
        self._see = see
        self._start_s = start_s

    def hold(self, over_at: float, *, statuses: set[int], starts: bool = False) -> None:
        """`statuses` are those that callers may have met besides 200; 0 is a connection that broke.

        `starts`: the gateway has to start again, for which a busy machine may need longer than is promised.
        """
        gauntlet = self._gauntlet
        recovered_s = gauntlet.recovered_s(over_at)
        self._see(
            answers=dict(sorted(gauntlet.statuses.items())),
            recovered_s=recovered_s,
            longest_s=gauntlet.longest_s,
        )
        assert gauntlet.gateway.alive()
        assert not gauntlet.faults
        assert gauntlet.statuses.keys() <= {200, *statuses}
        assert recovered_s <= max(RECOVERY_S, 2 * self._start_s if starts else 0.0)
        assert gauntlet.longest_s <= 2 * DEADLINE_S, "a busy machine may take its time, but not for ever"


def lasting(seconds: float) -> None:
    """The fault lasts: nothing tells when it has done its worst."""
    threading.Event().wait(seconds)


@contextmanager
def under_load(
    target: str | list[str],
    goldens: Goldens,
    see: See,
    *,
    digests: Sequence[str] = DIGESTS,
    log: Path | None = None,
    **settings: Any,
) -> Iterator[tuple[Gauntlet, Bounds]]:
    """A gateway that answers rightly, with callers. What it logs tells of nothing unknown, to its end."""
    defaults: dict[str, Any] = {"deadline_s": DEADLINE_S, "access_log": False}
    with NamedTemporaryFile() as kept:
        began_at = time.monotonic()
        with GatewayProcess(target, log=log or Path(kept.name), **{**defaults, **settings}) as gateway:
            start_s = time.monotonic() - began_at  # until it answers at all; what the models need comes after
            gateway.wait_ready()
            gauntlet = Gauntlet(gateway, {digest: goldens[digest] for digest in digests})
            with gauntlet.running():
                gauntlet.settle()
                yield gauntlet, Bounds(gauntlet, see, start_s)
        logged = Path(kept.name).read_text()
        assert "panicked" not in logged, logged
        assert "Traceback" not in logged, logged
