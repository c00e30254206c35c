"""Tokens to text while they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.decoders import ByteFallback, Fuse, Sequence, Strip, WordPiece
from tokenizers.decoders import Replace as ReplaceBack
from tokenizers.models import BPE, WordLevel

from gateway.generation.detokenizer import Detokenizer
from processing.tokens import TokenCodec
from tests.support.small_text_models import byte_tokenizer

BYTES = TokenCodec(byte_tokenizer().to_str())


def pieces(codec: TokenCodec, tokens: list[int], before: list[int] | None = None) -> list[str]:
    detokenizer = Detokenizer(codec.decode, before or [])
    return [detokenizer.push(token) for token in tokens]


def test_an_emoji_comes_with_its_last_byte() -> None:
    assert pieces(BYTES, BYTES.encode("a😀b")) == ["a", "", "", "", "😀", "b"]


def test_a_broken_character_at_the_end_is_never_shown() -> None:
    assert "".join(pieces(BYTES, BYTES.encode("aé")[:-1])) == "a"


def test_bytes_that_are_no_character_are_shown_once_that_is_certain() -> None:
    cut = BYTES.encode("😀")[:2]
    assert pieces(BYTES, [*cut, *BYTES.encode("ab")]) == ["", "", "\ufffda", "b"]


def test_a_prompt_that_ends_within_a_character_is_completed() -> None:
    *begun, last = BYTES.encode("😀")
    assert pieces(BYTES, [last], before=begun) == ["😀"]


@given(st.text(max_size=20), st.text(max_size=5))
def test_all_pieces_are_the_text(text: str, before: str) -> None:
    told = "".join(pieces(BYTES, BYTES.encode(text), before=BYTES.encode(before)))
    assert told == text.rstrip("\ufffd") or told == text  # one that is meant looks like one that is broken


@given(st.lists(st.integers(0, 255), max_size=30))
def test_any_bytes_come_as_if_decoded_at_once(tokens: list[int]) -> None:
    told, whole = "".join(pieces(BYTES, tokens)), BYTES.decode(tokens)
    assert whole.startswith(told)
    assert not whole[len(told) :].strip("\ufffd")
    assert len(whole) - len(told) <= 3


def sentencepiece() -> TokenCodec:
    """As Llama's: words begin with ▁, what has no token comes as bytes, and a text loses its first space."""
    names = ["<unk>", "▁a", "▁b", "c", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = Tokenizer(BPE({name: number for number, name in enumerate(names)}, []))
    tokenizer.decoder = Sequence([ReplaceBack("▁", " "), ByteFallback(), Fuse(), Strip(" ", 1, 0)])
    return TokenCodec(tokenizer.to_str())


def wordpiece() -> TokenCodec:
    names = ["[UNK]", "play", "##ing", "now"]
    tokenizer = Tokenizer(WordLevel({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.decoder = WordPiece(cleanup=False)
    return TokenCodec(tokenizer.to_str())


@pytest.mark.parametrize(
    ("codec", "before", "tokens", "expected"),
    [
        (sentencepiece(), [1], [2, 3, 1], [" b", "c", " a"]),
        (sentencepiece(), [], [2, 1], ["b", " a"]),
        (sentencepiece(), [1], [4 + 0xC3, 4 + 0xA9, 2], ["", "é", " b"]),
        (wordpiece(), [], [1, 2, 3], ["play", "ing", " now"]),
        (wordpiece(), [3], [1, 2], [" play", "ing"]),
    ],
)
def test_spaces_between_words(codec: TokenCodec, before: list[int], tokens: list[int], expected: list[str]) -> None:
    assert pieces(codec, tokens, before) == expected
