"""What is told of a text while it is written: a piece for each token."""

from dataclasses import dataclass
from typing import Literal

Finish = Literal["length", "eos_token", "stop_sequence"]


@dataclass(frozen=True)
class Token:
    """A token that was chosen, or could have been. `logprob` is of the model's own distribution.

    `text` is the token read alone: one that is part of a character reads as U+FFFD.
    """

    id: int
    text: str
    logprob: float
    special: bool


@dataclass(frozen=True)
class Piece:
    """One token of a continuation, and what it does to the text.

    `choice` counts the continuations of all prompts of a request. `added` is what the token adds to the text; `shown`
    the same without anything of a stop string, which is held back until it is none. `likely` are the most probable
    tokens there, as many as were asked for. `finish` says why the continuation ends here, None if it does not.
    """

    choice: int
    token: Token
    likely: tuple[Token, ...]
    added: str
    shown: str
    finish: Finish | None
