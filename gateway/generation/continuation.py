"""One continuation of a prompt: the tokens so far, and what the next logits make of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from gateway.generation.detokenizer import Detokenizer
from gateway.generation.piece import Finish, Piece, Token
from gateway.generation.sampling import Logits, Sampling, candidates, chosen, largest, log_sum, penalised
from gateway.generation.stops import StopStrings
from processing.tokens import TokenCodec


@dataclass(frozen=True)
class Plan:
    """How prompts are continued. The same plan, prompt and version give the same text.

    `likely` most probable tokens are told at each place. With `ahead` several tokens may be made at once, which nobody
    sees before the last of them.
    """

    max_tokens: int
    seed: int
    sampling: Sampling = field(default_factory=Sampling)
    end_ids: Collection[int] = ()
    stops: Sequence[str] = ()
    likely: int = 0
    ahead: bool = False

    @property
    def takes_tokens(self) -> bool:
        """Whether the most probable tokens are all that is wanted."""
        return self.ahead and self.sampling == Sampling() and not self.likely


class Continuation:
    """Grows by one token at a time until a piece says that it has finished. Belongs to one thread."""

    def __init__(self, choice: int, prompt: Sequence[int], plan: Plan, codec: TokenCodec) -> None:
        self._choice = choice
        self._prompt = list(prompt)
        self._plan = plan
        self._codec = codec
        self._generated: list[int] = []
        self._draws = np.random.Generator(np.random.PCG64([plan.seed, choice]))  # neighbours draw other numbers
        self._detokenizer = Detokenizer(codec.decode, prompt)
        self._stops = StopStrings(plan.stops)

    @property
    def sequence(self) -> list[int]:
        return self._prompt + self._generated

    @property
    def left(self) -> int:
        """So many tokens more at most."""
        return self._plan.max_tokens - len(self._generated)

    def take(self, logits: Logits) -> Piece:
        """Chooses the next token."""
        adjusted = penalised(logits, self._plan.sampling, self._prompt, self._generated)
        token = chosen(*candidates(adjusted, self._plan.sampling), self._draws.random())
        less = log_sum(logits)
        likely = largest(logits, self._plan.likely) if self._plan.likely else ()
        told = tuple(self._told(int(other), float(logits[other]) - less) for other in likely)
        return self.accept(token, float(logits[token]) - less, told)

    def accept(self, token: int, log_probability: float, likely: tuple[Token, ...] = ()) -> Piece:
        """Takes a token that was chosen."""
        self._generated.append(token)
        added = "" if self._codec.is_special(token) else self._detokenizer.push(token)
        shown = self._stops.push(added)
        finish = self._finish(token)
        if finish:
            shown += self._stops.end()
        return Piece(self._choice, self._told(token, log_probability), likely, added, shown, finish)

    def _finish(self, token: int) -> Finish | None:
        if token in self._plan.end_ids:
            return "eos_token"
        if self._stops.met:
            return "stop_sequence"
        return "length" if len(self._generated) >= self._plan.max_tokens else None

    def _told(self, token: int, log_probability: float) -> Token:
        special = self._codec.is_special(token)
        text = self._codec.name(token) if special else self._codec.decode([token])
        return Token(token, text or "", log_probability, special)
