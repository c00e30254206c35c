"""20 Newsgroups as Orange keeps them."""

import pytest

from training.data.newsgroups import Post, posts
from training.errors import DataError

HEAD = "Category\tText\nd\tstring\nclass\t\n"


def test_rows_follow_the_three_of_the_head() -> None:
    table = f'{HEAD}\nsci.space\tthe "moon" is far\nsci.med\t{"a " * 100_000}\n'
    assert posts(table) == [Post('the "moon" is far', "sci.space"), Post("a " * 100_000, "sci.med")]


@pytest.mark.parametrize(
    ("table", "said"), [("", "head"), ("Text\tCategory\nstring\td\n\tclass\n", "head"), (f"{HEAD}sci.space\n", "a row")]
)
def test_another_table_is_refused(table: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        posts(table)
