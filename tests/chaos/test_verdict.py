"""The callers of the chaos tests see what they are to see: a wrong answer, a failure without its type."""

import pytest

from store.golden import Golden
from tests.gateway.conftest import gateway, model_server
from tests.support.gauntlet import Gauntlet, untyped
from tests.support.processes import Answer, GatewayProcess
from tests.support.small_models import picture

__all__ = ["gateway", "model_server"]


def test_a_wrong_answer_would_be_seen(gateway: GatewayProcess) -> None:
    right = gateway.post("/models/digits", picture()).json()
    for expected, seen in ((right, False), (right[::-1], True)):
        golden = Golden.of("seven", "image/png", picture(), expected, 1e-4)
        gauntlet = Gauntlet(gateway, {"sha256:digits-1": ("digits", golden)}, callers=2)
        with gauntlet.running():
            gauntlet.wait_for(5)
        assert bool(gauntlet.faults) is seen
        assert gauntlet.statuses.keys() == {200}


@pytest.mark.parametrize(
    ("status", "retry_after", "body"),
    [
        (500, "1", b'{"error_type": "generation"}'),
        (503, "", b'{"error_type": "overloaded"}'),
        (503, "1", b'{"error_type": "timeout"}'),
        (503, "1", b"Bad Gateway"),
    ],
)
def test_a_failure_without_its_type_would_be_seen(status: int, retry_after: str, body: bytes) -> None:
    assert untyped(Answer(status, {"Retry-After": retry_after} if retry_after else {}, body))
    assert untyped(Answer(503, {"Retry-After": "1"}, b'{"error_type": "overloaded"}')) is None
