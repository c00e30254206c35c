"""The list of stock ops is what the installed packages say."""

import subprocess
import sys

from export.stock import OPS, stock_ops


def test_the_file_is_not_stale() -> None:
    script = "import sys; from export.stock import harvest; sys.stdout.write(harvest())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == OPS.read_text(), "run `python -m export.stock`"


def test_ops_have_kinds() -> None:
    ops = stock_ops()
    assert [ops[name] for name in ("MatMul", "AssignVariableOp", "Assign", "RandomUniform")] == [
        "plain",
        "stateful",
        "stateful",
        "random",
    ]
    assert "FastWordpieceTokenizeWithOffsets" in ops
    assert "SomebodysOwn" not in ops
