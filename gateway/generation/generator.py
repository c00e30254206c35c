"""The loop: logits for all continuations of a prompt, a token for each, until every one has finished."""

from collections.abc import Generator, Sequence
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
            logits = decoder.next_logits({choice: growing.sequence for choice, growing in under_way.items()})
            pieces = [growing.take(logits[choice]) for choice, growing in under_way.items()]
            for piece in pieces:
                if piece.finish:
                    del under_way[piece.choice]
            yield from pieces
