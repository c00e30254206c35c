"""The loop: what follows all continuations of a prompt, a token or more for each, until every one has finished."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing

from gateway.generation.continuation import Continuation, Plan
from gateway.generation.decoder import Decoder
from gateway.generation.piece import Piece
from processing.tokens import TokenCodec


def generate(
    decoder: Decoder, codec: TokenCodec, prompt: Sequence[int], plan: Plan, choices: Sequence[int]
) -> Generator[Piece, None, None]:
    """The pieces of the continuations numbered `choices`, side by side. Closes the decoder, also when it is closed.

    Raises:
        Whatever the decoder raises.
    """
    with closing(decoder):
        under_way = {choice: Continuation(choice, prompt, plan, codec) for choice in choices}
        while under_way:
            pieces = list(_written(decoder, under_way) if plan.takes_tokens else _chosen(decoder, under_way))
            for piece in pieces:
                if piece.finish:
                    del under_way[piece.choice]
            yield from pieces


def _chosen(decoder: Decoder, under_way: Mapping[int, Continuation]) -> Iterator[Piece]:
    logits = decoder.next_logits({choice: growing.sequence for choice, growing in under_way.items()})
    for choice, growing in under_way.items():
        yield growing.take(logits[choice])


def _written(decoder: Decoder, under_way: Mapping[int, Continuation]) -> Iterator[Piece]:
    """None behind the one that ends its continuation."""
    steps = min(growing.left for growing in under_way.values())
    found = decoder.next_tokens({choice: growing.sequence for choice, growing in under_way.items()}, steps)
    for choice, growing in under_way.items():
        for token, log_probability in zip(found[choice].tokens, found[choice].log_probabilities, strict=True):
            piece = growing.accept(token, log_probability)
            yield piece
            if piece.finish:
                break
