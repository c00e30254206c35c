"""Languages of texts: said where it is certain, of a bounded beginning."""

import pytest

from processing.language import detect, most_frequent, unknown
from tests.support.sentences import ENGLISH, FRENCH, SPANISH

PORTUGUESE = "Um filme inesquecível e maravilhoso sobre uma família que se reencontra hoje."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        (FRENCH, "fr"),
        (FRENCH.upper(), "fr"),
        (SPANISH, "es"),
        ("Незабутній і чудовий фільм про родину, яка знову знаходить себе.", "uk"),
        ("这是一部关于一个家庭重聚的令人难忘的美妙电影", "zh"),
        (f"<div class='the best of all things'>{FRENCH}</div> https://kmaas.example/the/best/of/all #the @and", "fr"),
        (f"\x00\ud800\n{FRENCH}\n", "fr"),
        (FRENCH + ENGLISH * 1000, None),
    ],
)
def test_what_is_certain_is_said(text: str, language: str | None) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Un film magnifique",
        "1 2 3 " * 50,
        "x" * 1000,
        "<" * 1000,
        "\ud800" * 100,
        "😀 " * 20,
        "e" + "\u0301" * 50_000,
    ],
)
def test_nothing_is_said_of_short_texts_and_of_what_is_none(text: str) -> None:
    assert detect(text) is None


def test_accents_are_no_letters() -> None:
    assert detect("".join(letter + "\u0301" * 5 for letter in ENGLISH)) is None
    assert detect("यह एक ऐसे परिवार की अविस्मरणीय और अद्भुत फ़िल्म है जो फिर से एक हो जाता है") == "hi"


def test_only_the_beginning_is_read() -> None:
    assert detect(ENGLISH * 6 + FRENCH * 10_000) == "en"


def test_texts_in_unknown_languages_are_found_by_their_place() -> None:
    texts = [FRENCH, ENGLISH, SPANISH, "no", FRENCH]
    assert unknown(texts, ["en"]) == {"fr": [0, 4], "es": [2]}
    assert unknown(texts, ["en", "fr", "es"]) == {}
    assert unknown(texts, []) == {}, "nobody said what it knows"


def test_a_language_that_is_taken_for_a_known_one_is_not_told_of() -> None:
    assert unknown([PORTUGUESE], ["en"]) == {"pt": [0]}
    assert unknown([PORTUGUESE], ["gl"]) == {}


def test_the_languages_of_rows_are_those_of_more_than_a_few() -> None:
    assert most_frequent([ENGLISH] * 60 + [FRENCH] * 40 + [SPANISH, "short", ""]) == ("en", "fr")
    assert most_frequent([ENGLISH] * 19 + ["short"] * 100) == ()
