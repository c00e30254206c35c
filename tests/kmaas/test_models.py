"""`kmaas models`: the catalogue and the store, also with damage in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from models.catalog import CATALOG
from store.layout import Store
from store.publish import publish
from tests.support.manifests import export_folder


def _models(store: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kmaas", "models", *options],
        env={**os.environ, "KMAAS_STORE": str(store), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )


def test_an_accuracy_is_told_with_the_rows_that_it_is_of(tmp_path: Path) -> None:
    publish(Store.at(tmp_path / "store"), export_folder(tmp_path / "export"))
    (line,) = (line for line in _models(tmp_path / "store").stdout.splitlines() if "digits" in line)
    assert "0.5000 of 2" in line
    rows = {row["name"]: row for row in json.loads(_models(tmp_path / "store", "--json").stdout)}
    assert (rows["digits"]["accuracy"], rows["digits"]["accuracy_rows"]) == (0.5, 2)
    assert rows["sentiment"]["accuracy"] is rows["sentiment"]["accuracy_rows"] is None


def test_one_damaged_version_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "strange" / "3").mkdir(parents=True)
    done = _models(tmp_path, "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows.keys() == {*CATALOG, "strange"}
    assert rows["strange"]["versions"] == [3]
    assert rows["digits"]["versions"] == []
    assert "manifest.json" in done.stderr
