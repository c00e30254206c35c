"""Texts to token ids."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer, Lowercase, Replace, Sequence, Strip
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from processing.errors import UnreadableInputError, UnusableInputError
from processing.spec import TextSpec
from processing.text import TextEncoder
from training.vocabulary import make_tokenizer

WORDS = ("[PAD]", "[UNK]", "a", "good", "film")


@pytest.fixture
def encoder() -> TextEncoder:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = Sequence([Lowercase(), Replace("\u200b", ""), Strip()])
    tokenizer.pre_tokenizer = Whitespace()
    return TextEncoder(tokenizer.to_str(), TextSpec(max_tokens=4, pad_id=0))


def test_texts_are_padded_at_the_end_to_the_longest(encoder: TextEncoder) -> None:
    ids = encoder.encode(["a good film", "good"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [[2, 3, 4], [3, 0, 0]]


def test_a_long_text_is_cut(encoder: TextEncoder) -> None:
    assert encoder.encode(["good " * 100]).tolist() == [[3, 3, 3, 3]]


def test_a_long_text_in_windows(encoder: TextEncoder) -> None:
    """Each begins with the last token of the one before; the last has what is left."""
    long = "a good film a good film a good"
    windows = encoder.encode_windows(["good", long], most=9)
    assert windows.token_ids.tolist() == [[3, 0, 0, 0], [2, 3, 4, 2], [2, 3, 4, 2], [2, 3, 0, 0]]
    assert windows.owners.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(windows.shares, [1, 0.4, 0.4, 0.2])
    values = np.array([[0.3, 0.7], [1, 0], [0, 1], [0.5, 0.5]], np.float32)
    np.testing.assert_allclose(windows.averaged(values), [[0.3, 0.7], [0.5, 0.5]], rtol=1e-6)
    assert windows.averaged(values).dtype == np.float32


def test_of_a_text_so_many_windows_and_no_more(encoder: TextEncoder) -> None:
    long = "a good film " * 10_000
    one = encoder.encode_windows([long, "a"], most=1)
    assert one.token_ids.tolist() == encoder.encode([long, "a"]).tolist()
    assert one.averaged(one.token_ids / 7).tolist() == (one.token_ids / 7).tolist()  # the very same numbers
    assert len(encoder.encode_windows([long], most=5).owners) == 5


def test_windows_have_special_tokens_each_which_count_for_nothing() -> None:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate((*WORDS, "[CLS]"))}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 5)])
    windows = TextEncoder(tokenizer.to_str(), TextSpec(max_tokens=3, pad_id=0)).encode_windows(["a good film"], most=2)
    assert windows.token_ids.tolist() == [[5, 2, 3], [5, 4, 0]]
    np.testing.assert_allclose(windows.shares, [2 / 3, 1 / 3])


def test_between_long_texts_there_is_a_checkpoint(encoder: TextEncoder) -> None:
    """And the portions are padded to one width."""
    passed: list[int] = []
    texts = ["good " * 8_000, "a", "film " * 8_000, "a good"]
    ids = encoder.encode(texts, lambda: passed.append(len(passed)))
    assert passed == [0, 1]
    assert ids.tolist() == encoder.encode(["good " * 4, "a", "film " * 4, "a good"]).tolist()

    def over() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        encoder.encode(["a"], over)


def test_unknown_words_have_a_token(encoder: TextEncoder) -> None:
    assert encoder.encode(["GOOD 映画 😀"]).tolist() == [[3, 1, 1]]


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u3000"])
def test_a_blank_text_is_unusable_and_its_position_is_told(encoder: TextEncoder, blank: str) -> None:
    with pytest.raises(UnusableInputError, match="text 1 is empty"):
        encoder.encode(["good", blank])


def test_a_text_of_which_nothing_is_left_is_unusable(encoder: TextEncoder) -> None:
    with pytest.raises(UnusableInputError, match="text 1 has no readable characters"):
        encoder.encode(["good", "\u200b"])
    with pytest.raises(UnusableInputError, match="text 0 has no readable characters"):
        encoder.encode(["\u200b"])


@pytest.fixture
def surrounded() -> TextEncoder:
    """Each text begins with one special token and ends with another, as BERT's do."""
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = Replace("\u200b", "")
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[PAD] $A [UNK]", special_tokens=[("[PAD]", 0), ("[UNK]", 1)])
    return TextEncoder(tokenizer.to_str(), TextSpec(max_tokens=4, pad_id=9))


def test_a_text_that_is_cut_keeps_the_special_tokens_around_it(surrounded: TextEncoder) -> None:
    assert surrounded.encode(["good film " * 9, "a"]).tolist() == [[0, 3, 4, 1], [0, 2, 1, 9]]


@pytest.mark.parametrize("words", range(1, 40))
@pytest.mark.parametrize("most", [3, 4, 7, 12])
def test_of_a_text_that_is_cut_the_end_is_kept_as_tokenizers_does_it(words: int, most: int) -> None:
    numbered = {f"w{number}": number for number in range(100, 140)}
    tokenizer = Tokenizer(WordLevel({"[CLS]": 1, "[SEP]": 2, **numbered}, unk_token="[CLS]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    text = " ".join(list(numbered)[:words])
    encoder = TextEncoder(tokenizer.to_str(), TextSpec(max_tokens=most, pad_id=9))
    tokenizer.enable_truncation(most, direction="left")
    assert encoder.encode([text], keep_end=True).tolist() == [tokenizer.encode(text).ids]


def test_the_end_of_a_text_without_special_tokens(encoder: TextEncoder) -> None:
    assert encoder.encode(["good " * 9 + "a film", "a"], keep_end=True).tolist() == [[3, 3, 2, 4], [2, 0, 0, 0]]


def test_special_tokens_around_it_make_nothing_readable(surrounded: TextEncoder) -> None:
    with pytest.raises(UnusableInputError, match="text 1 has no readable characters"):
        surrounded.encode(["good", "\u200b"])


def test_readable_is_what_can_be_encoded(encoder: TextEncoder, surrounded: TextEncoder) -> None:
    for one in (encoder, surrounded):
        assert [one.readable(text) for text in ("good", "strange", "", " \n", "\u200b")] == [True, True, *[False] * 3]


@pytest.mark.parametrize("document", ["", "{}", "[1]", "not json"])
def test_what_is_no_tokenizer_is_unreadable(document: str) -> None:
    with pytest.raises(UnreadableInputError, match=r"tokenizer\.json"):
        TextEncoder(document, TextSpec(max_tokens=4, pad_id=0))


def test_threads_may_share_it(encoder: TextEncoder) -> None:
    texts = [" ".join(["good"] * (number % 4 + 1)) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        lengths = list(pool.map(lambda text: encoder.encode([text]).shape[1], texts))
    assert lengths == [number % 4 + 1 for number in range(200)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A GOOD film", [("a", "A"), ("good", "GOOD"), ("film", "film")]),
        (" \n un café", [("un", "un"), ("café", "café")]),
        ("un cafe\u0301, cafe\u0301", [("un", "un"), ("café", "cafe\u0301"), (",", ","), ("café", "cafe\u0301")]),
        ("\ufb01lm \uff27ood", [("film", "\ufb01lm"), ("good", "\uff27ood")]),
        (
            "😀 good \U0001f468\u200d\U0001f469",
            [("😀", "😀"), ("good", "good"), ("[UNK]", "\U0001f468\u200d\U0001f469")],
        ),
        ("film " * 9, [("film", "film")] * 8),
    ],
)
def test_tokens_tell_where_they_are_in_the_text_as_it_was_given(text: str, found: list[tuple[str, str]]) -> None:
    """By the tokenizer of the trained models, whose normalisation changes the number of characters."""
    document = make_tokenizer(["a good film , un café 😀"] * 2, [], 200)
    encoder = TextEncoder(document, TextSpec(max_tokens=8, pad_id=0))
    tokens = encoder.tokens(text)
    assert [(token.text, text[token.start : token.end]) for token in tokens] == found
    assert encoder.encode([text]).shape == (1, len(tokens))


def test_the_last_token_before_a_special_one_has_its_marks_too() -> None:
    """BERT's normaliser drops accents, so a letter's mark belongs to no token's own characters."""
    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "un": 2, "cafe": 3}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[PAD] $A [UNK]", special_tokens=[("[PAD]", 0), ("[UNK]", 1)])
    text = "un cafe\u0301"
    tokens = TextEncoder(tokenizer.to_str(), TextSpec(max_tokens=8, pad_id=0)).tokens(text)
    assert [text[token.start : token.end] for token in tokens] == ["", "un", "cafe\u0301", ""]
