"""Server-sent events."""

from collections.abc import Iterator

from gateway import sse


def test_an_event_is_one_line_of_json() -> None:
    assert sse.event({"text": "a\nb"}) == b'data: {"text":"a\\nb"}\n\n'


def test_where_nothing_is_said_for_long_a_comment_is() -> None:
    now = [0.0]

    def steps() -> Iterator[bytes | None]:
        for seconds, said in [(1, b"a"), (6, None), (6, None), (6, None), (6, None), (1, b"b"), (9, None), (1, b"c")]:
            now[0] += seconds
            yield said

    told = list(sse.alive(steps(), heartbeat_s=10, clock=lambda: now[0]))
    assert told == [b"a", sse.HEARTBEAT, sse.HEARTBEAT, b"b", b"c"]
    assert sse.HEARTBEAT.startswith(b":")
