"""Texts to sentences and back, around a model that is a table."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.errors import UnusableInputError
from processing.marks import PLACES
from processing.spec import TranslationSpec
from processing.translation import TOGETHER, Translator
from tests.support.small_text_models import END, byte_tokenizer

TOKENIZER = byte_tokenizer()
TOKENIZER.add_tokens(list(PLACES))
SPEC = TranslationSpec(max_tokens=40, pad_id=TOKENIZER.token_to_id(END), source="en", target="es", beams=1)
TRANSLATOR = Translator(TOKENIZER.to_str(), SPEC)

Rows = NDArray[np.int32]


def model(answer: Callable[[str], str], asked: list[str] | None = None) -> Callable[[Rows], Rows]:
    """A model that answers to each sentence what the function says."""

    def run(rows: Rows) -> Rows:
        sentences = [TRANSLATOR.decode(row.tolist()) for row in rows]
        if asked is not None:
            asked.extend(sentences)
        return TRANSLATOR.encode([answer(sentence) for sentence in sentences])

    return run


def translated(text: str, answer: Callable[[str], str] = str.upper, asked: list[str] | None = None) -> str:
    (told,) = TRANSLATOR.translate(TRANSLATOR.read([text]), model(answer, asked))
    return told


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mr. Smith met Dr. Who. He left.", ["Mr. Smith met Dr. Who.", "He left."]),
        ("e.g. this. No. 5 is off... And on", ["e.g. this.", "No. 5 is off... And on"]),
        ('"Well." She said so.', ['"Well." She said so.']),
        ("a\n\n  b\r\nc", ["a", "b", "c"]),
        ("  a  ", ["a"]),
        ("Version 2.0 is out. ¿Qué?", ["Version 2.0 is out.", "¿Qué?"]),
    ],
)
def test_a_text_is_cut_into_sentences_and_put_together_as_it_was(text: str, sentences: list[str]) -> None:
    asked: list[str] = []
    told = translated(text, asked=asked)
    assert sorted(asked) == sorted(sentences)
    assert told.strip() == text.upper().strip()


def test_placeholders_that_the_model_loses_come_back_between_pieces() -> None:
    asked: list[str] = []
    told = translated("Open %s, then {0}: done.", lambda text: text.replace(PLACES[0], "").upper(), asked)
    assert told == "OPEN %s, THEN {0}: DONE."
    assert len(asked) == 4, "the whole, and three pieces"
    assert translated("Save %s", lambda text: text + PLACES[0] + PLACES[3]) == "Save %s"


def test_a_mnemonic_survives_the_pieces() -> None:
    assert translated("~Open %s", lambda text: text.replace(PLACES[0], "").upper()) == "~OPEN %s"


def test_what_has_no_letter_is_not_asked() -> None:
    asked: list[str] = []
    assert translated("12 %s …", asked=asked) == "12 %s …"
    assert asked == []


def test_many_sentences_go_in_portions_and_come_back_in_order() -> None:
    sizes: list[int] = []
    texts = [chr(ord("a") + number % 26) * (1 + number % 7) for number in range(2 * TOGETHER + 3)]

    def run(rows: Rows) -> Rows:
        sizes.append(len(rows))
        return model(str.upper)(rows)

    assert TRANSLATOR.translate(TRANSLATOR.read(texts), run) == [text.upper() for text in texts]
    assert sizes == [TOGETHER, TOGETHER, 3]


@pytest.mark.parametrize("text", ["", "  \n ", "\t"])
def test_a_blank_text_is_refused(text: str) -> None:
    with pytest.raises(UnusableInputError, match="text 1 is empty"):
        TRANSLATOR.read(["a", text])


def test_a_sentence_that_is_too_long_is_refused_or_cut() -> None:
    with pytest.raises(UnusableInputError, match="text 0 has a sentence of more than 40 tokens, beginning with 'XXX"):
        TRANSLATOR.read(["Short. " + "X" * 41])
    (told,) = TRANSLATOR.translate(TRANSLATOR.read(["y" * 50], cut=True), model(str.upper))
    assert set(told) == {"Y"}
    assert len(told) < 40
