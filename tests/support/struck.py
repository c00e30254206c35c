"""`kmaas` that strikes itself after some words: `python -m tests.support.struck SIGNAL WORDS ARGUMENT…`.

The signal comes once the words are out on standard error: at the same point of the work, however fast the machine is.
"""

import io
import os
import signal
import sys

from kmaas.main import main


class _Struck(io.TextIOWrapper):
    """Standard error; the signal comes once a text with the words is out."""

    number: signal.Signals
    words: str

    def write(self, text: str, /) -> int:
        written = super().write(text)
        self.flush()
        if self.words in text:
            os.kill(os.getpid(), self.number)
        return written


if __name__ == "__main__":
    stream = _Struck(sys.stderr.buffer, encoding="utf-8")
    stream.number, stream.words = signal.Signals[sys.argv[1]], sys.argv[2]
    sys.stderr = stream
    sys.argv[1:3] = []
    main()
