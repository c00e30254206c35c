"""Stop strings: what of a text may be shown while it grows, and where it ends."""

from collections.abc import Sequence


class StopStrings:
    """Watches one growing text. A stop string may come in pieces: what could become one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.met = False

    def push(self, text: str) -> str:
        """What may be shown after `text` came: nothing of a stop string, nothing after one."""
        if self.met:
            return ""
        text = self._held + text
        starts = [start for stop in self._stops if (start := text.find(stop)) >= 0]
        if starts:
            self.met, self._held = True, ""
            return text[: min(starts)]
        shown = len(text) - max((_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[shown:]
        return text[:shown]

    def end(self) -> str:
        """What was held back and became no stop string, once nothing more comes."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, stop: str) -> int:
    """How many of the last characters of `text` are the first of `stop`."""
    return next((length for length in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:length])), 0)
