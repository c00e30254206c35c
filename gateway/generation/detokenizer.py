"""Tokens to text while they come: whole characters only, and the same text as all tokens decoded at once."""

from collections.abc import Callable, Sequence

_CONTEXT = 4  # tokens before a new one that may change how it reads: whether it begins with a space
_REPLACEMENT = "\ufffd"
_LONGEST = 3  # bytes of a character that is not whole


class Detokenizer:
    """Belongs to one growing text.

    A character may come in several tokens, a byte each: what could still become one is held back. What no later token
    can mend is shown as U+FFFD.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], before: Sequence[int]) -> None:
        """`before` are the tokens that the text follows; they are not part of it."""
        self._decode = decode
        self._window = list(before[-_CONTEXT:])  # the context and the tokens not all shown
        self._context = len(self._window)
        self._shown = 0  # characters of the window's text after the context's

    def push(self, token: int) -> str:
        """What the token adds: often a word, at times nothing yet."""
        self._window.append(token)
        known = self._decode(self._window[: self._context])
        text = self._decode(self._window)[_whole(known) :]
        whole = _whole(text)
        added = text[self._shown : whole]
        if whole == len(text) and added:
            self._window = self._window[self._context :][-_CONTEXT:]
            self._context, self._shown = len(self._window), 0
        else:
            self._shown = max(whole, self._shown)
        return added


def _whole(text: str) -> int:
    """How many characters no later token can change."""
    broken = len(text) - len(text.rstrip(_REPLACEMENT))
    return len(text) - min(broken, _LONGEST)
