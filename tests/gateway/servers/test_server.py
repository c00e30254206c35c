"""One model server: what its failures mean, and when its era ends."""

import grpc
import numpy as np
import pytest

from gateway.deadline import Deadline
from gateway.errors import (
    BrokenAnswerError,
    CallerLeftError,
    DeadlineError,
    GatewayError,
    ModelServerBusyError,
    ModelServerDownError,
    OpeningError,
    VersionGoneError,
)
from gateway.servers.retry import is_failure, may_go_elsewhere
from gateway.servers.server import Server
from tests.support.proxy import Proxy
from wire.errors import BEING_OPENED

QUEUE_FULL = "The batch scheduling queue to which this task was submitted is full; currently 1 batches enqueued"


@pytest.mark.parametrize(
    ("code", "words", "expected", "ends"),
    [
        (grpc.StatusCode.UNAVAILABLE, "shutting down", ModelServerDownError, True),
        (grpc.StatusCode.UNAVAILABLE, QUEUE_FULL, ModelServerBusyError, False),
        (grpc.StatusCode.UNAVAILABLE, f"{BEING_OPENED}, of which explain is", OpeningError, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "", ModelServerBusyError, False),
        (grpc.StatusCode.ABORTED, "", ModelServerBusyError, False),
        (grpc.StatusCode.NOT_FOUND, "", VersionGoneError, False),
        (grpc.StatusCode.INTERNAL, "", BrokenAnswerError, False),
        (grpc.StatusCode.DATA_LOSS, "", BrokenAnswerError, False),
    ],
)
def test_only_who_is_away_ends_its_era(
    code: grpc.StatusCode, words: str, expected: type[GatewayError], ends: bool
) -> None:
    with Proxy() as proxy:
        proxy.refusal, proxy.words = code, words
        server = Server(proxy.target)
        era = server.era
        with pytest.raises(expected):
            server.predict("m", 1, "serving_default", {"x": np.zeros(1, np.float32)}, Deadline.after(30))
    assert (server.era is not era) is ends
    assert server.down is ends


@pytest.mark.parametrize(
    ("error", "stateless", "stateful", "counts"),
    [
        (ModelServerDownError(), True, False, True),
        (BrokenAnswerError("nonsense"), True, False, True),
        (ModelServerBusyError(), True, True, None),
        (OpeningError("m"), False, False, None),
        (VersionGoneError("m", 1), True, True, None),
        (DeadlineError(1), False, False, True),
        (CallerLeftError(), False, False, None),
    ],
)
def test_what_may_go_elsewhere_and_what_speaks_against_the_server(
    error: GatewayError, stateless: bool, stateful: bool, counts: bool | None
) -> None:
    assert may_go_elsewhere(error, "serving_default") is stateless
    assert may_go_elsewhere(error, "decode") is stateful
    assert is_failure(error) is counts
