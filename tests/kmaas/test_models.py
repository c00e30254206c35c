"""`kmaas models`: the catalogue and the store, also with damage in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from models.catalog import CATALOG


def test_one_damaged_version_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "strange" / "3").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "kmaas", "models", "--json"],
        env={**os.environ, "KMAAS_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows.keys() == {*CATALOG, "strange"}
    assert rows["strange"]["versions"] == [3]
    assert rows["digits"]["versions"] == []
    assert "manifest.json" in done.stderr
