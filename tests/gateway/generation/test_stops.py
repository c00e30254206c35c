"""Stop strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.generation.stops import StopStrings


def shown(stops: list[str], pieces: list[str]) -> list[str]:
    watch = StopStrings(stops)
    return [*(watch.push(piece) for piece in pieces), watch.end()]


@pytest.mark.parametrize(
    ("stops", "pieces", "expected"),
    [
        ([], ["ab", "c"], ["ab", "c", ""]),
        (["c"], ["ab", "cd", "e"], ["ab", "", "", ""]),
        (["bc"], ["ab", "cd"], ["a", "", ""]),
        (["bc"], ["ab", "d"], ["a", "bd", ""]),
        (["bc"], ["ab"], ["a", "b"]),
        (["abc", "b"], ["ab"], ["a", ""]),
        (["aab"], ["a", "a", "a", "b"], ["", "", "a", "", ""]),
        (["\n\nUser:"], ["hi\n", "\nUs", "er: x"], ["hi", "", "", ""]),
        (["😀"], ["a😀b"], ["a", ""]),
        (["long one", "one"], ["a long", " on", "e"], ["a ", "", "", ""]),
    ],
)
def test_what_is_shown(stops: list[str], pieces: list[str], expected: list[str]) -> None:
    assert shown(stops, pieces) == expected


@given(st.lists(st.text("ab", min_size=1, max_size=3), max_size=3), st.lists(st.text("abc", max_size=3), max_size=8))
def test_however_the_text_comes_the_same_is_shown(stops: list[str], pieces: list[str]) -> None:
    text = "".join(pieces)
    starts = [text.find(stop) for stop in stops if stop in text]
    # a stop string that is complete earlier may begin later, so any cut at a stop string is right
    told = "".join(shown(stops, pieces))
    if starts:
        assert text.startswith(told)
        assert not any(stop in told for stop in stops)
        assert any(text.startswith(told + stop) for stop in stops)
    else:
        assert told == text
