"""Base64 objects in JSON."""

import pytest

from wire.errors import RestError
from wire.rest.base64 import b64_bytes, b64_text, is_b64


@pytest.mark.parametrize("text", ["/wA=", "/wA", " /w\nA= "])
def test_what_is_read(text: str) -> None:
    assert b64_bytes({"b64": text}) == b"\xff\x00"


@pytest.mark.parametrize("text", ["?", "A", "/wA==", "=/wA", "ü", "\udcff", "_-8="])
def test_what_is_not(text: str) -> None:
    with pytest.raises(RestError, match="Unable to base64 decode"):
        b64_bytes({"b64": text})


def test_objects() -> None:
    assert is_b64({"b64": "?"})
    assert not any(map(is_b64, [{"b64": 1}, {"b64": "", "a": 1}, {}, "b64", None]))
    assert b64_text(b"\xff\x00") == '{"b64": "/wA="}'
