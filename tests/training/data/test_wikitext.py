"""The articles: as their authors divided them, and written as one writes."""

import pytest

from kmaas.config import Config
from training.data import wikitext


def test_articles_are_whole_and_on_one_side_each() -> None:
    articles = wikitext.load(Config().cache)
    assert (len(articles.held_out), len(articles.others)) == (60, 600 + 60)
    first = articles.held_out[0]
    assert first.name == "Robert Boulter"
    assert first.text.startswith("Robert Boulter\n\n")
    assert "He had a guest-starring role on the television series The Bill in 2000. " in first.text
    assert not {text.text for text in articles.held_out} & {text.text for text in articles.others}


@pytest.mark.parametrize(
    ("with_spaces", "written"),
    [
        (" = = Early life = = \n In 1 @,@ 500 m , 3 @.@ 5 s . ", "Early life\nIn 1,500 m, 3.5 s."),
        (' He said : " No ! " , and ( " left " ) . ', 'He said: "No!", and ("left").'),
        (" It 's the boys ' own : they don 't ; £ 5 , 7 % . ", "It's the boys' own: they don't; £5, 7%."),
        (" a – b / c & d = e \n ", "a – b / c & d = e\n"),
    ],
)
def test_spaces_around_signs_go(with_spaces: str, written: str) -> None:
    assert wikitext.detokenised(with_spaces) == written
