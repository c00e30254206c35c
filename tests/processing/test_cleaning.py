"""What cleaning takes from texts and what it leaves, and that the work grows with the text alone."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.cleaning import MOST_CHARS, STEPS, clean, with_cleaning
from processing.errors import UnusableInputError
from processing.spec import TextSpec
from processing.text import TextEncoder
from training.vocabulary import make_tokenizer

SPEC = TextSpec(max_tokens=64, pad_id=0)
TOKENIZER = make_tokenizer(["an unbelievable film , fish & chips ; café don ' t < b > :) 😀 x"] * 2, [], 500)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("un<b>believ</b>able <i class='x'>film</i>", "unbelievable film"),
        ("one<br>two<BR/>three<p>four</p>five", "one two three four five"),
        ('<a href="https://kmaas.example/?a=1&b=2" target=_blank>a link</a>', "a link"),
        ("<input\n type = 'checkbox'\n checked><option selected>yes", " yes"),
        ("<script async>if (a < b) x(); </script >after<STYLE>b > i {}</style>", " after "),
        ("<!DOCTYPE html><html lang=en>a<!-- <b>not</b> read -->b", " ab"),
        ("<<b>script>alert</script> <<b>b>x", " alert <b>x"),
        ("&lt;b&gt; &amp; &quot;x&quot; don&apos;t a&nbsp;b &hellip; &eacute;", '<b> & "x" don\'t a b … é'),
        ("&#60; &#0060; &#x3c; &#X3C; don&#146;t don&#x2019;t", "< < < < don’t don’t"),
        ("&amp;lt;b&amp;gt; &amp;amp; &amp;ccedil;", "&lt;b&gt; &amp; &ccedil;"),
        ("soft&shy;ly zero&#8203;width", "softly zerowidth"),
        ("a\x00b\x1b[1m c\u200bd\u00ade \u202eright\u202c \ufeff\u2066x\u2069", "ab[1m cde right x"),
        ("\u202e<scr\u200bipt>x</script>y", " y"),
        ("a\t\r\n\x0b\x0c\u0085\u00a0\u2003\u3000\u2028b", "a b"),
        ("cafe\u0301 \u1100\u1161\u11a8 \u212b", "café 각 Å"),
    ],
)
def test_what_is_cleaned(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d, x<y and y>z, i <3 you, <- here ->",
        "a <b and c> d <person@kmaas.example> <https://kmaas.example> vector<int>",
        "AT&T &c. &unknown; &#128512; R&D;",
        "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇫🇷🇩🇪 1️⃣ #️⃣ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ❤️ :-) ☺",
        "می\u200cخواهم क्\u200dष שָׁלוֹם مَرْحَبًا",
        "naïve Øre ſ ﬁ ½ ㎏ ẞ <ſ> <K>",
    ],
)
def test_what_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_has_no_sign_of_html_is_only_put_in_order(text: str) -> None:
    text = text.replace("<", "").replace("&", "")
    once = clean(text)
    assert clean(once) == once == unicodedata.normalize("NFC", once)
    assert not any(unicodedata.category(character) == "Cc" for character in once)
    assert "  " not in once


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<b ",
        "<a x='",
        '<a x="1" ',
        "<script>< ",
        "<style",
        "<!--",
        "<!doctype ",
        "<input checked ",
        "&",
        "&#0",
        "<a =",
    ],
)
def test_the_work_grows_with_the_text(unit: str) -> None:
    """Of CPU time, the least of two: eight times the text would be 64 times the work if that grew with its square."""

    def seconds(chars: int) -> float:
        text = (unit * chars)[:chars]
        times = []
        for _ in range(2):
            started = time.thread_time()
            clean(text)
            times.append(time.thread_time() - started)
        return min(times)

    assert seconds(80_000) < 32 * seconds(10_000)


def test_the_longest_text_is_cleaned_and_a_longer_one_refused() -> None:
    """The regular expressions of `tokenizers` would break the process's call at some millions."""
    encoder, text = TextEncoder(with_cleaning(TOKENIZER), SPEC), "<a x=" + "y" * MOST_CHARS
    assert encoder.encode([text[:MOST_CHARS]]).shape[1] > 0
    with pytest.raises(UnusableInputError, match=r"text 1 has \d+ characters; expected at most 1000000"):
        encoder.encode(["x", text])
    assert TextEncoder(TOKENIZER, SPEC).encode([text]).shape[1] > 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>An un<b>believ</b>able   film</p>", ["An", "un<b>believ</b>able", "film"]),
        ("fish &amp; chips", ["fish", "&amp;", "chips"]),
        ("don&#39;t; caf&eacute; caf<i>e\u0301</i>", ["don", "&#39;", "t", ";", "caf&eacute;", "caf<i>e\u0301"]),
        ("&lt;b&gt; &amp;lt;", ["&lt;", "b", "&gt;", "&amp;"]),
        ("fi\u200blm \u202e<br>film\u202c", ["fi\u200blm", "film"]),
        ("film 😀 x<br/>x :)", ["film", "😀", "x", "x", ":)"]),
    ],
)
def test_tokens_are_found_in_the_text_as_it_was_given(text: str, found: list[str]) -> None:
    tokens = TextEncoder(with_cleaning(TOKENIZER), SPEC).tokens(text)
    told = [text[token.start : token.end] for token in tokens]
    assert told[: len(found)] == found


def test_the_words_of_a_tokenizer_are_those_of_cleaned_texts() -> None:
    texts = ["<b>film</b>&nbsp;film"] * 2
    assert "nbsp" in make_tokenizer(texts, [], 100)
    assert make_tokenizer(texts, [], 100, clean=True) == with_cleaning(make_tokenizer(["film film"] * 2, [], 100))


def test_steps_are_written_so_that_both_engines_read_them_alike() -> None:
    for step in STEPS:
        assert not any(sign in step.pattern for sign in ("(?=", "(?!", "(?<", "(?i", r"\s", r"\w", r"\b", "&&", "[["))
        assert step.content.isprintable() or step.content == "\u00a0"
