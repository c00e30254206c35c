"""What a translation must leave as it is: placeholders in a text, and the mark of a mnemonic before one of its letters.

A placeholder becomes one character that the model copies, a mnemonic is taken away; both are put back in the answer.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Self

PLACES = "".join(chr(0xE000 + number) for number in range(8))
"""Characters of Unicode's private use, one for each placeholder of a text in their order."""

# Nothing in it may be of any length beside another of the same letters: an endless word would never be read.
_PLACEHOLDER = re.compile(
    r"""
      [\ue000-\uf8ff]                                      # private use: nobody knows what it says
    | https?://[^\s<>"]+                                   # addresses; none before the @ is longer, by RFC 5321
    | (?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+
    | </?[A-Za-z][^<>]*>                                   # tags
    | \$\([A-Za-z0-9_]+\) | \$\{[^{}\s]*\} | \$[A-Z][A-Z0-9_]+
    | \{\{[^{}\s]*\}\} | \{[\w.:!-]*\}
    | %\([A-Za-z_]\w*\)[a-z] | %[A-Z][A-Z0-9_]*%?
    | (?<![\d%])%(?:\d{1,9}\$)?[-+0\#]{0,5}\d{0,9}(?:\.\d{1,9})?(?:hh|h|ll|l|z)?[diouxefgcs](?![A-Za-z])
    | (?<!%)%\d{1,9}(?![\d%$])
    """,
    re.VERBOSE,
)
_TILDE = re.compile(r"(?<![\s\d~])~(?=[^\W\d_])|(?<![\w~])~(?=[^\W\d_])")  # LibreOffice's, in words, too
_UNDERSCORE = re.compile(r"(?<![\w_])_(?=[^\W\d_])")  # GTK's, but not in snake_case
_ANY_MARK = re.compile(r"[~_](?=[^\W\d_])")


class Marked(NamedTuple):
    """A text without its marks: `placeholders` are those that `PLACES` stand for, `mnemonic` what its letter had
    before it, and the letter; empty if there was none."""

    text: str
    placeholders: tuple[str, ...]
    mnemonic: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """None where there are more placeholders than `PLACES`."""
        text, mnemonic = _without_mnemonic(text)
        found = tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))
        if len(found) > len(PLACES):
            return None
        places = dict(zip(found, PLACES, strict=False))
        return cls(_PLACEHOLDER.sub(lambda match: places[match[0]], text), found, mnemonic)

    def as_in(self, text: str) -> bool:
        """Whether another text has the same places as often."""
        return _places(text) == _places(self.text)

    def restored(self, text: str) -> str:
        """With the placeholders that its places stand for, and the mnemonic."""
        if self.mnemonic:
            text = _with_mnemonic(text, self.mnemonic)
        meant = dict(zip(PLACES, self.placeholders, strict=False))
        return "".join(meant.get(letter, "") if letter in PLACES else letter for letter in text)


def marked_pair(source: str, target: str) -> tuple[str, str] | None:
    """Both texts with the same place for the same placeholder, without mnemonics; None where their placeholders are
    not the same."""
    if len(_ANY_MARK.findall(source)) == len(_ANY_MARK.findall(target)) == 1:  # in a word of either, too
        source, target = _ANY_MARK.sub("", source), _ANY_MARK.sub("", target)
    marked = Marked.of(source)
    if marked is None:
        return None
    places = dict(zip(marked.placeholders, PLACES, strict=False))
    if any(found not in places for found in _PLACEHOLDER.findall(target)):
        return None
    target = _PLACEHOLDER.sub(lambda match: places[match[0]], target)
    return (marked.text, target) if marked.as_in(target) else None


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text as it is, cut around its placeholders; whether a piece is one."""
    start = 0
    for match in _PLACEHOLDER.finditer(text):
        yield text[start : match.start()], False
        yield match[0], True
        start = match.end()
    yield text[start:], False


def without_mnemonic(text: str) -> str:
    return _without_mnemonic(text)[0]


def with_mnemonic_of(source: str, text: str) -> str:
    _, mnemonic = _without_mnemonic(source)
    return _with_mnemonic(text, mnemonic) if mnemonic else text


def _without_mnemonic(text: str) -> tuple[str, str]:
    """The text without its mark, and the mark with the letter behind it. More than one mark is none."""
    found = [*_TILDE.finditer(text), *_UNDERSCORE.finditer(text)]
    if len(found) != 1:
        return text, ""
    (match,) = found
    return text[: match.start()] + text[match.end() :], text[match.start() : match.end() + 1]


def _with_mnemonic(text: str, mnemonic: str) -> str:
    """Before the same letter where a word begins with it, else wherever it is, else before the first letter. A text
    without letters stays as it is."""
    mark, letter = mnemonic[0], re.escape(mnemonic[1:])
    for pattern in (rf"(?<!\w)(?={letter})", rf"(?={letter})", r"(?=[^\W\d_])"):
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            return f"{text[: match.start()]}{mark}{text[match.start() :]}"
    return text


def _places(text: str) -> Counter[str]:
    return Counter(letter for letter in text if letter in PLACES)
