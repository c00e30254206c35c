"""Versions that come and go, and labels that move, while connections to the model servers are torn."""

import time
from functools import partial
from pathlib import Path

import pytest

from store.signing import Signer
from tests.chaos.bounds import lasting, under_load
from tests.chaos.conftest import Goldens, See
from tests.gateway.conftest import Shelf
from tests.support import decided
from tests.support.processes import ModelServerProcess, until
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.chaos

DIGESTS = ("sha256:digits-1", "sha256:digits-2-words", "sha256:sentiment")


@pytest.mark.parametrize("labelled", [False, True], ids=["published", "labelled"])
def test_versions_swap_while_connections_tear(
    labelled: bool, shelf: Shelf, goldens: Goldens, see: See, tmp_path: Path
) -> None:
    """Versions 1 and 3 have digits as labels, 2 and 4 words: the answer of one with the labels of another is wrong."""
    signer = Signer.at(tmp_path / "key.pem")
    shelf.publish("digits-a", "sentiment")
    if labelled:
        decided.label(shelf.store, "digits", 1, signer)
    with (
        ModelServerProcess(shelf.store.root) as server,
        TcpProxy(server.port) as proxy,
        under_load([proxy.target, server.target], goldens, see, digests=DIGESTS) as (gauntlet, bounds),
    ):
        for version, export in enumerate(["digits-words", "digits-a", "digits-words"], start=2):
            proxy.resetting = True
            shelf.publish(export)
            if labelled:
                lasting(1)  # published, and not promoted: it must not answer
                decided.label(shelf.store, "digits", version, signer)
            until(partial(gauntlet.gateway.answers_from, "digits", version), f"version {version}")
            proxy.resetting = False
            gauntlet.settle()
        over_at = time.monotonic()
        gauntlet.settle()
        see(resets=proxy.resets)
        bounds.hold(over_at, statuses={503})
    assert {told.version for told in gauntlet.told if told.right} == set("1234")
