"""The SavedModel beside a twin: opened once, tried again only where that can end otherwise."""

from pathlib import Path

import pytest

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.beside import Beside
from serving.runtimes.runtime import Runtime
from tests.serving.runtimes import Opened


@pytest.mark.parametrize(("final", "tries"), [(False, 2), (True, 1)])
def test_one_that_does_not_open_is_tried_again_unless_that_is_vain(*, final: bool, tries: int) -> None:
    tried: list[int] = []

    def refused() -> Runtime:
        tried.append(len(tried))
        raise LoadError(Code.DATA_LOSS, "it answers otherwise", final=final)

    beside = Beside(refused)
    for _ in range(2):
        with pytest.raises(RequestError, match=r"signature raw .* it answers otherwise") as caught:
            beside.run("raw", {}, [], None)
        assert caught.value.code is Code.INTERNAL
    assert len(tried) == tries
    assert not beside.is_open


def test_it_is_opened_by_the_first_call_and_closed_with_the_twin(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    beside = Beside(lambda: opened)
    assert not beside.is_open
    assert beside.run("raw", {}, [], None) == beside.run("raw", {}, [], None) == []
    beside.close()
    assert opened.closed.is_set()
