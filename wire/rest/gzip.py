"""Bodies in gzip."""

import zlib

from grpc import StatusCode

from wire.errors import InflationError, RestError

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 4096  # bytes at once: zlib copies what follows a member, and a body may be nothing but empty members


def inflated(body: bytes, limit: int) -> bytes:
    """What a gzip body holds, all its members (RFC 1952) one after another.

    Raises:
        InflationError: more than `limit` bytes. No more than these are ever made.
        RestError: INVALID_ARGUMENT, it is no gzip stream, or cut short.
    """
    plain = bytearray()
    at = 0
    while at < len(body):
        stream = zlib.decompressobj(_GZIP)
        while not stream.eof:
            piece = body[at : at + _PIECE]
            if not piece:
                raise _invalid("it is cut short")
            try:
                plain += stream.decompress(piece, limit - len(plain) + 1)
            except zlib.error as exc:
                raise _invalid(str(exc)) from exc
            if len(plain) > limit:
                raise InflationError(limit)
            at += len(piece) - len(stream.unused_data)
    return bytes(plain)


def _invalid(why: str) -> RestError:
    return RestError(
        StatusCode.INVALID_ARGUMENT, f"the body is not the gzip stream that Content-Encoding promises: {why}"
    )
