"""Vocabularies of SentencePiece."""

import pytest

from tests.support.moonshine_checkpoints import MARKS, PIECES, sentencepiece
from training.data.sentencepiece import read_sentencepiece
from training.errors import DataError

_UNIGRAM = sentencepiece()[:-1] + b"\x01"


def test_pieces_keep_their_numbers_and_are_merged_by_their_scores() -> None:
    """The first piece is merged first, and a text keeps the space that it begins with."""
    tokenizer = read_sentencepiece(sentencepiece())
    assert [tokenizer.id_to_token(number) for number in range(len(PIECES))] == list(PIECES)
    assert tokenizer.encode("the thaw a").tokens == ["▁the", "▁th", "a", "w", "▁a"]
    assert tokenizer.decode(tokenizer.encode("the thaw").ids) == " the thaw"
    assert {token.content for token in tokenizer.get_added_tokens_decoder().values()} == set(MARKS)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (sentencepiece()[:-1], "cannot be read"),
        (b"\xff" * 100_000, "goes on beyond ten bytes"),
        (bytes([1 << 3 | 2, 2, 1 << 3, 7]), "cannot be read"),
        (_UNIGRAM, "none of byte pairs"),
        (b"", "none of byte pairs"),
    ],
)
def test_what_is_no_such_vocabulary_is_refused(broken: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_sentencepiece(broken)
