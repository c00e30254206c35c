"""Private data in texts: e-mail addresses, phone numbers, payment cards and bank accounts become their kind's name."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, get_args

from stdnum import iban

Kind = Literal["email", "iban", "card", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Where two kinds overlap, the one that stands first here is told."""

Span = tuple[int, int]  # from, to

_EMAIL = re.compile(
    r"[^\W_](?:[\w.%+'-]{0,63})@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_](?:[\w-]{0,61}[^\W_])(?![\w-])"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]{0,2}[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"(?<![0-9])[0-9](?:[ .-]{0,2}[0-9]){12,18}(?![0-9])")
_CARD_DIGITS = range(13, 20)
_IBAN_CHARACTERS = range(15, 35)
_DIGITS = re.compile(r"[0-9]")
_FEWEST_PHONE_DIGITS = 5
_ALIKE = {
    **dict.fromkeys("‐‑‒–—−﹣－", "-"),
    **dict.fromkeys("＠﹫", "@"),
    **dict.fromkeys("．。", "."),
    "＋": "+",
}


class Masker:
    """Replaces what it finds by the kind in brackets, such as `[email]`. Safe to share between threads.

    - `email`: local part, `@`, and a domain of two labels or more.
    - `iban`: right by its country's form and its check digits (ISO 13616), in groups or not.
    - `card`: 13 to 19 digits, in groups or not, that pass Luhn's check (ISO/IEC 7812).
    - `phone`: valid by Google's libphonenumber: international ones, and those of `region` as they are dialled there.

    Digits of other scripts, wide forms, dashes and spaces of any kind, tabulators among them, are read as the plain
    ones; marks on letters and invisible characters in between are passed over. A number that only looks like one is
    masked as well: it is not known which.
    """

    def __init__(self, kinds: Sequence[Kind] = KINDS, region: str | None = None) -> None:
        """`region` is a country's ISO 3166 code."""
        self._finders: Mapping[Kind, Callable[[str], Iterator[Span]]] = {
            "email": _emails,
            "iban": _ibans,
            "card": _cards,
            "phone": lambda text: _phones(text, region),
        }
        self._kinds = [kind for kind in KINDS if kind in kinds]

    def __call__(self, text: str) -> str:
        plain, places = _plain(text)
        found: list[tuple[Span, Kind]] = []
        for kind in self._kinds:
            spans = list(self._finders[kind](plain))
            found += [(span, kind) for span in spans]
            plain = _without(plain, spans)
        parts: list[str] = []
        read = 0
        for (start, end), kind in sorted(found):
            parts += [text[read : places[start]], f"[{kind}]"]
            read = places[end - 1] + 1
            while read < len(text) and _is_passed_over(text[read]):  # on the last letter
                read += 1
        return "".join([*parts, text[read:]])


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text with something there that is in no pattern."""
    parts: list[str] = []
    read = 0
    for start, end in spans:
        parts += [text[read:start], "\0" * (end - start)]
        read = end
    return "".join([*parts, text[read:]])


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """The text as the patterns read it, and where each of its characters stands in the text as it was given."""
    if text.isascii():
        return text.replace("\t", " "), range(len(text))
    kept = [(_as_read(character), at) for at, character in enumerate(text) if not _is_passed_over(character)]
    return "".join(character for character, _ in kept), [at for _, at in kept]


def _is_passed_over(character: str) -> bool:
    """What is invisible, or only changes how the character before it looks."""
    return unicodedata.category(character) in ("Cf", "Mn", "Me")


def _as_read(character: str) -> str:
    if character.isascii():
        return " " if character == "\t" else character
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if unicodedata.category(character) == "Zs":
        return " "
    return _ALIKE.get(character, character)


def _emails(text: str) -> Iterator[Span]:
    if "@" in text:
        yield from (match.span() for match in _EMAIL.finditer(text))


def _ibans(text: str) -> Iterator[Span]:
    return _checked(text, _IBAN, _IBAN_CHARACTERS, _pass_mod_97, iban.is_valid)


def _cards(text: str) -> Iterator[Span]:
    return _checked(text, _CARD, _CARD_DIGITS, _pass_luhn, lambda _: True)


def _checked(
    text: str,
    pattern: re.Pattern[str],
    lengths: range,
    passes: Callable[[str], Iterable[bool]],
    is_valid: Callable[[str], bool],
) -> Iterator[Span]:
    """Of each place where the pattern is found the longest beginning, of so many letters and digits, that is right.

    Args:
        passes: of each beginning of letters and digits, shortest first, whether its check digits are right. One step
            for each: a text may be nothing but beginnings.
        is_valid: looks at one of those more closely.
    """
    at = 0
    while match := pattern.search(text, at):
        ends = [match.start() + place + 1 for place, character in enumerate(match.group()) if character.isalnum()]
        ends = ends[: lengths.stop - 1]
        shown = "".join(text[end - 1] for end in ends)
        right = [length for length, passed in enumerate(passes(shown), start=1) if passed and length in lengths]
        found = next((length for length in reversed(right) if is_valid(shown[:length])), 0)
        if found:
            yield match.start(), ends[found - 1]
        at = ends[found - 1] if found else match.start() + 1


def _pass_mod_97(shown: str) -> Iterator[bool]:
    """ISO 7064: the number, its first four characters put last and letters read as 10 to 35, leaves 1 by 97."""
    head, body = int("".join(str(int(character, 36)) for character in shown[:4])), 0
    for length, character in enumerate(shown, start=1):
        if length > 4:
            value = int(character, 36)
            body = (body * (100 if value > 9 else 10) + value) % 97
        yield length > 4 and (body * 1_000_000 + head) % 97 == 1


def _pass_luhn(shown: str) -> Iterator[bool]:
    """Digits, every second one from the last but one doubled, that and its digits added, sum up to a multiple of 10."""
    total, shifted = 0, 0  # as if the last digit stood last, or last but one
    for character in shown:
        digit = int(character)
        total, shifted = shifted + digit, total + sum(divmod(2 * digit, 10))
        yield total % 10 == 0


def _phones(text: str, region: str | None) -> Iterator[Span]:
    if len(_DIGITS.findall(text)) < _FEWEST_PHONE_DIGITS:
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    matcher = PhoneNumberMatcher(text, region, leniency=Leniency.VALID, max_tries=len(text))
    for match in matcher:
        yield match.start, match.end
