"""Cleaning: what stands in a text and is not to be read goes, before a model's own normalisation. One list of steps for
training, the gateway and the graph.

A step is a pattern that Oniguruma (of `tokenizers`) and RE2 (of TensorFlow) understand alike: nothing looks around or
back, and every class and every case is written out. What begins with `<` or `&` never reads past the next one, so that
the work grows with the text and no faster.
"""

import json
import re
from collections.abc import Iterator, Sequence
from html.entities import html5
from typing import NamedTuple

from tokenizers import Regex, Tokenizer, normalizers


class Step(NamedTuple):
    """What `pattern` finds becomes `content`."""

    pattern: str
    content: str


# Controls, and invisible characters but those that join letters or emoji: U+200C, U+200D, variation selectors, tags.
_INVISIBLE = (
    r"\x00-\x08\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}\x{ad}\x{61c}\x{180e}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}"
    r"\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{e0001}"
)
_SPACES = r"\t\n\x0b\x0c\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"

# HTML's elements, obsolete ones too: a word goes on through the first, and ends at the second.
_WITHIN_WORDS = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small "
    "span strike strong sub sup time tt u var wbr"
)
_BETWEEN_WORDS = (
    "address applet area article aside audio base basefont blockquote body br button canvas caption center col "
    "colgroup datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 "
    "h2 h3 h4 h5 h6 head header hgroup hr html iframe img input legend li link main map marquee math menu meta meter "
    "nav noframes noscript object ol optgroup option output p param picture pre progress script search section select "
    "slot source style summary svg table tbody td template textarea tfoot th thead title tr track ul video"
)
_UNREAD = ("script", "style")  # with what is in them
_FLAGS = (  # attributes without a value
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled hidden inert ismap "
    "itemscope loop multiple muted nohref nomodule noshade novalidate nowrap open readonly required reversed selected"
)
# Names of characters. The last one is last, so that what was written twice (`&amp;lt;`) is read once.
_CHARACTERS = (
    "lt gt quot apos nbsp ndash mdash hellip bull deg lsquo rsquo ldquo rdquo laquo raquo euro pound copy reg trade "
    "auml ouml uuml Auml Ouml Uuml szlig aacute eacute iacute oacute uacute Eacute ntilde agrave egrave ugrave acirc "
    "ecirc icirc ocirc ccedil amp"
)
_INVISIBLE_CHARACTERS = "shy lrm rlm ZeroWidthSpace"


def _any_case(letters: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in letters)


def _any_of(names: str) -> str:
    return f"(?:{'|'.join(map(_any_case, names.split()))})"


def _tag(names: str) -> str:
    """One whose attributes look like some: `a <b and c> d` has none."""
    attributes = f"(?: [^<>=]+=[^<>]*|(?: {_any_of(_FLAGS)})+)"
    return f"</?{_any_of(names)}{attributes}? ?/?>"


def _character(name: str) -> str:
    return html5[f"{name};"]


def _reference(name: str) -> str:
    """By its name or its number, that of windows-1252 included, as browsers have it."""
    character = _character(name)
    numbers = {ord(character), *character.encode("cp1252", errors="ignore")}
    written = [
        form
        for number in sorted(numbers)
        for form in (f"#0{{0,4}}{number}", f"#[xX]0{{0,4}}{_any_case(f'{number:x}')}")
    ]
    return f"&(?:{'|'.join([name, *written])});"


def _steps() -> Iterator[Step]:
    yield Step(f"[{_INVISIBLE}]+", "")
    yield (one_space := Step(f"[{_SPACES}]+", " "))  # what follows knows no other white space
    for name in _UNREAD:
        yield Step(f"{_tag(name)}[^<]*(?:<[^a-zA-Z/!<][^<]*)*</{_any_case(name)} ?>", " ")
    yield Step(_tag(_WITHIN_WORDS), "")
    yield Step(_tag(_BETWEEN_WORDS), " ")
    yield Step(f"<!{_any_case('doctype')}[^<>]*>", " ")
    yield Step("<!--[^<>]*-->", "")  # tags in it are gone by now
    for name in _INVISIBLE_CHARACTERS.split():
        yield Step(_reference(name), "")
    for name in _CHARACTERS.split():
        yield Step(_reference(name), _character(name))
    yield one_space


STEPS: Sequence[Step] = tuple(_steps())
"""In their order; then comes Unicode's NFC."""

_CLEANING = normalizers.Sequence(
    [*(normalizers.Replace(Regex(step.pattern), step.content) for step in STEPS), normalizers.NFC()]
)


_REFERENCE = re.compile(f"(?:{'|'.join(map(_reference, _CHARACTERS.split()))})$")
_LONGEST_REFERENCE = 20

MOST_CHARS = 1_000_000
"""Of a text that is cleaned: Oniguruma gives up, and `tokenizers` with it, somewhere above 3,000,000."""


def clean(text: str) -> str:
    """As models read it whose tokenizer `with_cleaning` made."""
    cleaned: str = _CLEANING.normalize_str(text)
    return cleaned


def begin_of(text: str, at: int) -> int:
    """Where the character begins that the text has at `at`: `tokenizers` says of a reference where its semicolon is."""
    found = _REFERENCE.search(text, max(0, at - _LONGEST_REFERENCE), at + 1) if text[at : at + 1] == ";" else None
    return found.start() if found else at


def cleans(tokenizer_json: str) -> bool:
    """Whether `with_cleaning` made it."""
    return json.dumps(STEPS[0].pattern) in tokenizer_json


def with_cleaning(tokenizer_json: str) -> str:
    """The same tokenizer, which cleans before its own normalisation. Its offsets are those of the text as given."""
    tokenizer = Tokenizer.from_str(tokenizer_json)
    own = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([_CLEANING, own] if own else [_CLEANING])
    document: str = tokenizer.to_str()
    return document
