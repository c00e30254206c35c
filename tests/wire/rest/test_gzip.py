"""Bodies in gzip: what they hold, and no more of it than is accepted."""

import gzip

import pytest

from wire.errors import InflationError, RestError
from wire.rest.gzip import inflated


def test_what_is_read() -> None:
    assert inflated(gzip.compress(b"abc") + gzip.compress(b"d"), 4) == b"abcd"
    assert inflated(b"", 4) == b""


@pytest.mark.parametrize(
    "body",
    [gzip.compress(bytes(5)), gzip.compress(bytes(3)) * 2, gzip.compress(bytes(10**8))],
    ids=["five bytes", "twice three", "very many"],
)
def test_more_than_is_accepted(body: bytes) -> None:
    with pytest.raises(InflationError, match="inflates to more than 4 bytes"):
        inflated(body, 4)


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"abc" * 99)[:20], gzip.compress(b"a") + b"x"],
    ids=["JSON", "cut short", "more behind it"],
)
def test_what_is_no_gzip(body: bytes) -> None:
    with pytest.raises(RestError, match="is not the gzip stream that Content-Encoding promises"):
        inflated(body, 1000)
