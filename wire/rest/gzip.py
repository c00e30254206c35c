"""Bodies in gzip."""

import zlib

from grpc import StatusCode

from wire.errors import InflationError, RestError

_GZIP = 16 + zlib.MAX_WBITS


def inflated(body: bytes, limit: int) -> bytes:
    """What a gzip body holds, all its members (RFC 1952) one after another.

    Raises:
        InflationError: more than `limit` bytes. No more than these are ever made.
        RestError: INVALID_ARGUMENT, it is no gzip stream, or cut short.
    """
    members: list[bytes] = []
    room = limit
    while body:
        stream = zlib.decompressobj(_GZIP)
        try:
            members.append(stream.decompress(body, room + 1))
        except zlib.error as exc:
            raise _invalid(str(exc)) from exc
        room -= len(members[-1])
        if room < 0:
            raise InflationError(limit)
        if not stream.eof:
            raise _invalid("it is cut short")
        body = stream.unused_data
    return b"".join(members)


def _invalid(why: str) -> RestError:
    return RestError(
        StatusCode.INVALID_ARGUMENT, f"the body is not the gzip stream that Content-Encoding promises: {why}"
    )
