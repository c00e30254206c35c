"""Questions by the kind of their answers."""

from collections import Counter

import pytest

from kmaas.config import Config
from training.data import questions
from training.data.questions import KINDS, Question
from training.errors import DataError

HEAD = ",label-coarse,label-fine,text\n"


def test_a_row_is_a_question_and_its_kind() -> None:
    assert questions.questions(HEAD + '0,3,4,"Who wrote ""Emma"" ?"\n1,5,0,Where is Bath ?\n') == [
        Question('Who wrote "Emma" ?', KINDS.index("person")),
        Question("Where is Bath ?", KINDS.index("location")),
    ]


@pytest.mark.parametrize("row", ["0,6,4,Who ?", "0,-1,4,Who ?", "0,three,4,Who ?", "0,3,Who ?", "0,3,4,Who,5"])
def test_a_row_that_is_none_is_told(row: str) -> None:
    with pytest.raises(DataError, match="has a row"):
        questions.questions(HEAD + row)


@pytest.mark.parametrize("table", ["text,label\nWho ?,3\n", ""])
def test_another_table_is_refused(table: str) -> None:
    with pytest.raises(DataError, match="columns"):
        questions.questions(table)


def test_the_test_set_is_that_of_trec() -> None:
    found = questions.load(Config().cache)
    counts = Counter(KINDS[question.kind] for question in found)
    assert counts == {
        "description": 138,
        "entity": 94,
        "abbreviation": 9,
        "person": 65,
        "number": 113,
        "location": 81,
    }
    assert found[0].text == "How far is it from Denver to Aspen ?"
