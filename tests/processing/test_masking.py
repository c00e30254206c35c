"""Private data becomes its kind's name; what only looks like it to a hasty reader stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.masking import KINDS, Masker

masked = Masker()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+films@mail.example.co.uk today", "write to [email] today"),
        ("Jane <jane@example.com>, joe_b@x-y.org.", "Jane <[email]>, [email]."),
        ("naïve@exämple.fr", "[email]"),
        ("call +44 20 7946 0958 or +1 (650) 253-0000", "call [phone] or [phone]"),
        ("card 4111 1111 1111 1111 / 4111-1111-1111-1111 / 378282246310005", "card [card] / [card] / [card]"),
        ("to DE89 3704 0044 0532 0130 00, please", "to [iban], please"),
        ("gb29nwbk60161331926819", "[iban]"),
        ("GB29 NWBK 6016 1331 9268 19 is hers", "[iban] is hers"),
        ("two: a@b.io,4111111111111111", "two: [email],[card]"),
    ],
)
def test_private_data_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a good film, 10/10, seen on 2020-11-26 at 20:45 for 3.50",
        "me @home, x@y, @handle and a@b",
        "4111 1111 1111 1112 is one digit off",
        "DE88 3704 0044 0532 0130 00 is one digit off",
        "order 1234567890123456",
        "020 7946 0958 is nobody's without a country",
        "😀 emoji 👩‍👩‍👧 and \N{COMBINING ACUTE ACCENT}",
        "4111\n1111\n1111\n1111\n",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("４１１１ １１１１ １１１１ １１１１", "[card]"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "[card]"),
        ("4111\N{NO-BREAK SPACE}1111\N{NON-BREAKING HYPHEN}1111\N{EN DASH}1111!", "[card]!"),
        ("é jane\N{ZERO WIDTH SPACE}@exa\N{SOFT HYPHEN}mple.com é", "é [email] é"),
        ("jane＠example．com", "[email]"),
        ("ask jane@exa\N{COMBINING DIAERESIS}mple.com, or not", "ask [email], or not"),
        ("jane@exa\N{VARIATION SELECTOR-16}mple.com\N{COMBINING ACUTE ACCENT}!", "[email]!"),
        ("4111\N{COMBINING GRAPHEME JOINER}1111 1111\t1111", "[card]"),
        ("a\t4111\t1111\t1111\t1111\tb", "a\t[card]\tb"),
        ("GB82-WEST-1234-5698-7654-32, GB82  WEST\t1234 5698 7654 32.", "[iban], [iban]."),
        ("😀 ＋44 20 7946 0958 😀", "😀 [phone] 😀"),
    ],
)
def test_disguises_are_seen_through(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_a_country_s_own_numbers_are_known_there() -> None:
    assert Masker(region="GB")("call 020 7946 0958") == "call [phone]"


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_asked_for_is_masked(kind: str) -> None:
    given = {
        "email": "jane@example.com",
        "iban": "DE89370400440532013000",
        "card": "4111111111111111",
        "phone": "+442079460958",
    }
    told = Masker([kind])(" ".join(given.values()))  # type: ignore[list-item]  # it is one of them
    assert told == " ".join(f"[{name}]" if name == kind else value for name, value in given.items())


def test_an_account_is_not_told_as_the_card_within_it() -> None:
    account = "NO4986011117963"  # whose digits pass Luhn's check, too
    assert Masker(["card"])(account) == "NO[card]"
    assert masked(account) == "[iban]"


@given(st.text(alphabet="0123456789 -.@+aDEé４\u200b", max_size=60), st.text(max_size=10))
def test_any_text_keeps_what_is_not_masked(text: str, tail: str) -> None:
    """And what was masked once is not found again."""
    once = masked(text + tail)
    assert masked(once) == once


@pytest.mark.parametrize("piece", ["1 ", "DE89 ", "4111 1111 1111 1112 ", "a@", "a.", "+44 20 7946 095 ", "a@b.io "])
def test_work_grows_with_the_length_only(piece: str) -> None:
    """By what is looked at, not by a clock: ten times the text takes about ten times the lines of code."""
    small, large = (_lines(piece * count) for count in (40, 400))
    assert large < 15 * small


def _lines(text: str) -> int:
    import sys

    seen = 0

    def trace(*_: object) -> object:
        nonlocal seen
        seen += 1
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]  # typeshed wants more of it than Python does
    try:
        masked(text)
    finally:
        sys.settrace(None)
    return seen
