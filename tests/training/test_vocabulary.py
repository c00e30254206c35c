"""The tokenizer made from texts: words, pieces, emoticons, and the same in every process."""

import hashlib
import os
import subprocess
import sys

from tokenizers import Tokenizer

from training.vocabulary import make_tokenizer

TEXTS = ["A wonderful, wonderful film.", "The film isn’t wonderful :)", "hopeless and helpless and HELPLESS"]
_HASH = f"""
import hashlib
from training.vocabulary import make_tokenizer
print(hashlib.sha256(make_tokenizer({TEXTS!r}, ["good", ":)"], 200).encode()).hexdigest())
"""


def _tokens(text: str, size: int = 500) -> list[str]:
    tokenizer = Tokenizer.from_str(make_tokenizer(TEXTS, ["good", ":)", "two words"], size))
    return list(tokenizer.encode(text).tokens)


def test_frequent_and_given_words_are_whole_and_others_are_pieces() -> None:
    assert _tokens("Wonderful GOOD film") == ["wonderful", "good", "film"]
    assert "".join(_tokens("filmless")).replace("##", "") == "filmless"
    assert "[UNK]" not in _tokens("fondness")


def test_emoticons_and_apostrophes() -> None:
    assert _tokens("good:) isn’t")[:2] == ["good", ":)"]
    assert _tokens("isn’t") == _tokens("isn't")


def test_padding_is_the_first_entry_and_the_size_is_kept() -> None:
    tokenizer = Tokenizer.from_str(make_tokenizer(TEXTS, ["good"], 60))
    assert tokenizer.token_to_id("[PAD]") == 0
    assert tokenizer.get_vocab_size() == 60


def test_every_process_makes_the_same() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _HASH],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    here = hashlib.sha256(make_tokenizer(TEXTS, ["good", ":)"], 200).encode()).hexdigest()
    assert digests == {here}
