"""How trials are shown."""

import io

from rich.console import Console

from kmaas.trials import line, table
from training.search import Trial

TRIALS = [
    Trial(1, {"dropout": 0.1, "batch_size": 32}, 2, 0.5),
    Trial(2, {"dropout": 0.25, "batch_size": 64}, 2, 0.75),
    Trial(3, {"dropout": 0.3, "batch_size": 64}, 2, 0.75),
]


def test_a_line_has_everything_of_a_trial() -> None:
    assert line(TRIALS[1]) == "trial 2: accuracy 0.7500, epochs 2, dropout 0.25, batch_size 64"


def test_a_table_has_a_row_for_each_and_marks_the_best() -> None:
    found = table(["dropout", "batch_size"], TRIALS)
    assert [column.header for column in found.columns] == ["trial", "dropout", "batch_size", "epochs", "accuracy"]
    assert [row.style for row in found.rows] == [None, "bold green", None]
    console = Console(file=io.StringIO(), width=80)
    console.print(found)
    assert isinstance(console.file, io.StringIO)
    assert "│ 2     │ 0.25    │ 64         │ 2      │ 0.7500   │" in console.file.getvalue()


def test_a_table_without_trials_has_its_columns() -> None:
    assert table(["dropout"], []).row_count == 0
