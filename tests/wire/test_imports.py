"""What imports leave out is left out, and had by who asks for it later; what they made is not looked through again."""

import gc
import importlib
import sys
from pathlib import Path

import pytest

from wire.imports import folder_of, for_good, in_parts, without


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that is not imported yet."""
    monkeypatch.delitem(sys.modules, "zipapp", raising=False)
    return "zipapp"


def test_a_module_is_absent_in_the_block_only(unknown: str) -> None:
    with without(unknown, "gc"):
        with pytest.raises(ImportError):
            __import__(unknown)
        assert __import__("gc") is gc  # who has it keeps it
    assert __import__(unknown).__name__ == unknown
    with pytest.raises(KeyError), without("a module", unknown):
        raise KeyError
    assert "a module" not in sys.modules
    assert sys.modules[unknown].__name__ == unknown


def test_parts_are_imported_without_the_whole_which_who_asks_for_it_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "divisible" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("from divisible.inner import part\nwhole = part")
    (package / "__init__.py").touch()
    (package / "part.py").write_text("made = object()")
    monkeypatch.syspath_prepend(tmp_path)
    with in_parts("divisible"):
        part = importlib.import_module("divisible.inner.part")
        assert not hasattr(sys.modules["divisible"], "whole")
    assert "divisible" not in sys.modules
    whole = importlib.import_module("divisible")
    assert whole.whole is part
    with in_parts("divisible"):
        assert sys.modules["divisible"] is whole
    with pytest.raises(ModuleNotFoundError, match="indivisible"), in_parts("indivisible"):
        importlib.import_module("indivisible.part")
    for name in [name for name in sys.modules if name.startswith("divisible")]:
        monkeypatch.delitem(sys.modules, name)


def test_a_package_is_found_without_being_imported(unknown: str) -> None:
    assert folder_of(unknown) == folder_of("gzip")  # both of Python's own
    assert unknown not in sys.modules
    assert folder_of("indivisible") is None


def test_what_is_there_for_good_is_not_collected_and_the_rest_is() -> None:
    try:
        with for_good():
            assert not gc.isenabled()
            kept: list[object] = []
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert all(one is not kept for one in gc.get_objects())
        gc.disable()
        with for_good():
            pass
        assert not gc.isenabled()  # as it was
    finally:
        gc.enable()
        gc.unfreeze()
