"""Texts to tokens and back."""

import pytest

from processing.errors import UnreadableInputError
from processing.tokens import TokenCodec
from tests.support.small_text_models import ASSISTANT, END, USER, byte_tokenizer


def test_a_text_comes_back_without_special_tokens() -> None:
    codec = TokenCodec(byte_tokenizer().to_str())
    ids = codec.encode(f"é😀{END}")
    assert len(ids) == 7
    assert codec.decode(ids) == "é😀"
    assert codec.name(ids[-1]) == END
    assert [codec.is_special(token) for token in ids] == [False] * 6 + [True]
    assert codec.special_tokens == (END, USER, ASSISTANT)
    assert codec.vocabulary == 259
    assert codec.name(10_000) is None


def test_truncation_and_padding_of_the_document_do_not_count() -> None:
    tokenizer = byte_tokenizer()
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)
    assert len(TokenCodec(tokenizer.to_str()).encode("abcd")) == 4


def test_what_is_no_tokenizer_is_refused() -> None:
    with pytest.raises(UnreadableInputError, match=r"tokenizer\.json"):
        TokenCodec("{}")
