"""Bodies in gzip: what they hold, and no more of it than is accepted."""

import gzip
import tracemalloc

import pytest

from wire.errors import InflationError, RestError
from wire.rest.gzip import inflated


def test_what_is_read() -> None:
    assert inflated(gzip.compress(b"abc") + gzip.compress(b"d"), 4) == b"abcd"
    assert inflated(b"", 4) == b""
    large = bytes(range(256)) * 1000
    assert inflated(gzip.compress(large, 0) + gzip.compress(b"d"), 10**6) == large + b"d"


def test_many_members_are_not_copied_with_each() -> None:
    """That would be work by the square of their number."""
    body = gzip.compress(b"") * 10_000 + gzip.compress(b"a")
    tracemalloc.start()
    try:
        assert inflated(body, 4) == b"a"
        assert tracemalloc.get_traced_memory()[1] < len(body) // 2
    finally:
        tracemalloc.stop()


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
