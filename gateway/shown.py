"""How much of a request a refusal repeats: what a person reads, however much was sent."""

from collections.abc import Iterable, Sequence

CHARACTERS = 100  # of a name, a header or a path
_NAMES = 20
_SHORT = 20
_SIDES = 8


def name(text: str) -> str:
    """In quotes; what it needs escapes for is shorter still."""
    return repr(text[:CHARACTERS])[: CHARACTERS + 2]


def names(found: Iterable[str]) -> str:
    """The first of them in order, or the word none."""
    return ", ".join(map(name, sorted(found)[:_NAMES])) or "none"


def shape(sides: Sequence[int]) -> str:
    more = ", …" if len(sides) > _SIDES else ""
    return f"[{', '.join(map(str, sides[:_SIDES]))}{more}]"


def value(given: object) -> str:
    """Of a document; of a long text and of what has many values which kind it is: they may hold a secret."""
    match given:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[given]
        case str():
            return name(given) if len(given) <= _SHORT else f"a text of {len(given)} characters"
        case int() | float():
            return str(given)[:CHARACTERS]
        case list() | tuple():
            return f"a list of {len(given)}"
        case dict():
            return "an object"
        case bytes():
            return f"{len(given)} bytes"
        case _:
            return type(given).__name__
