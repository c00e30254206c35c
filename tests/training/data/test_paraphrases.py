"""Sentences that say the same, by their common translation."""

from itertools import chain

import pytest

from kmaas.config import Config
from training.data import paraphrases
from training.data.paraphrases import Sentence, pairs
from training.errors import DataError

TERMS = "CC-BY 2.0 (France) Attribution: tatoeba.org"


def _line(english: str, spanish: str, number: int) -> str:
    return f"{english}\t{spanish}\t{TERMS} #{number} (someone) & #99 (someone else)"


def _table(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_two_of_each_sense_are_a_pair() -> None:
    found = pairs(
        _table(
            _line("I can't come.", "No puedo venir.", 1),
            _line("The sky is clear.", "El cielo está despejado.", 2),
            _line("I am not able to come.", "No puedo venir.", 3),
            _line("I'm unable to come.", "¡No puedo venir!", 4),
        )
    )
    [pair] = found
    assert len(set(pair)) == 2
    assert {sentence.number for sentence in pair} < {1, 3, 4}
    assert all(sentence.text.endswith("come.") for sentence in pair)


def test_another_spelling_is_no_other_sentence() -> None:
    assert pairs(_table(_line("I'm here.", "Estoy aquí.", 1), _line("i'm HERE!", "Estoy aquí.", 2))) == []


def test_a_sentence_of_several_senses_is_left_out() -> None:
    found = pairs(
        _table(
            _line("You may go.", "Puedes ir.", 1),
            _line("You may go.", "Puede ir.", 1),
            _line("You can go.", "Puedes ir.", 2),
            _line("You are allowed to go.", "Puedes ir.", 3),
        )
    )
    assert [set(pair) for pair in found] == [{Sentence(2, "You can go."), Sentence(3, "You are allowed to go.")}]


@pytest.mark.parametrize("line", ["Go.", "Go.\tVe.", "Go.\tVe.\tfrom somewhere", "Go.\tVe.\t#1\t#2"])
def test_a_line_of_another_form_is_an_error(line: str) -> None:
    with pytest.raises(DataError, match="expected a sentence, its translation and where they are from"):
        pairs(_table(_line("Come.", "Ven.", 1), line))


def test_there_are_thousands_and_none_is_in_two_pairs() -> None:
    found = paraphrases.load(Config().cache)
    assert len(found) == 4157
    numbers = [sentence.number for sentence in chain.from_iterable(found)]
    assert len(set(numbers)) == len(numbers)
    assert found == paraphrases.load(Config().cache)
