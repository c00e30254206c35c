"""What was made once for a content of data and code is not made again, and anew for another."""

import types
from pathlib import Path

import numpy as np

from training.data.kept import Arrays, kept


def test_the_same_content_is_made_once_and_another_anew(tmp_path: Path) -> None:
    code = types.ModuleType("code")
    code.__file__ = str(tmp_path / "code.py")
    Path(code.__file__).write_text("1")
    asked: list[str] = []

    def ask(name: str, data: list[object], answer: object = 1) -> Arrays:
        def make() -> Arrays:
            asked.append(name)
            return {"σ 1 %, b": np.array([answer]), "a": np.zeros((0, 2), np.uint8)}

        return kept(tmp_path, "arrays", data, [code], make)  # type: ignore[arg-type]  # only some kinds are asked here

    first = ask("first", [np.arange(4), 1, None])
    again = ask("again", [np.arange(4), 1, None], answer=2)
    assert [*again] == ["σ 1 %, b", "a"]
    assert again["σ 1 %, b"].tolist() == first["σ 1 %, b"].tolist() == [1]
    assert (again["a"].dtype.name, again["a"].shape) == ("uint8", (0, 2))
    ask("a seed", [np.arange(4), 2, None])
    ask("a shape", [np.arange(4).reshape(2, 2), 1, None])
    ask("a kind", [np.arange(4, dtype=np.uint64), 1, None])
    Path(code.__file__).write_text("2")
    assert ask("the code", [np.arange(4), 1, None], answer=3)["σ 1 %, b"].tolist() == [3]
    assert asked == ["first", "a seed", "a shape", "a kind", "the code"]
    assert {path.suffix for path in (tmp_path / "data").iterdir() if not path.name.startswith(".")} == {".npz"}
