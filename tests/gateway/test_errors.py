"""What errors say."""

from gateway.errors import ModelNotReadyError, ModelServerDownError


def test_when_to_come_again_is_said_once() -> None:
    reason = str(ModelServerDownError())
    assert str(ModelNotReadyError("m", reason)) == f"model m cannot answer now: {reason}"
    assert str(ModelNotReadyError("m", "it loads")) == "model m cannot answer now: it loads; try again in 1 s"
