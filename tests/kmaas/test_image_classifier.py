"""A user's own classifier of pictures on the command line: what it is told of, and what is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from kmaas.config import Config
from kmaas.train import train
from tests.support.own_pictures import write_backbone, write_folder

# Keras', while it saves weights.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_what_cannot_be_trained_is_said_in_a_line_and_leaves_no_run(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "shapes", 12)
    rows = tmp_path / "rows.csv"
    rows.write_text("file,kind\n")
    config = Config(runs=tmp_path / "runs")
    whole = ["--data", str(data), "--set", "unfrozen=2"]
    own = ["image-classifier", "--backbone", str(write_backbone(tmp_path / "before"))]
    for arguments, said in (
        (own, "--data must say where your rows are"),
        ([*own, "--data", str(tmp_path / "nowhere")], "--image-column, --label-column must say"),
        ([*own, "--data", str(rows)], "--image-column, --label-column must say"),
        ([*own, "--data", str(data), "--image-column", "file"], "--image-column is for a file of rows"),
        ([*own, "--data", str(data), "--text-column", "text"], "--text-column is for rows of another kind"),
        ([*own, "--data", str(data), "--name", "imagenet"], "the catalogue has a model 'imagenet'"),
        ([*own, *whole, "--set", "fewest_rows=50"], "with 0 labels of 50 or more"),
        ([*own, "--data", str(data), "--set", "unfrozen=20"], "has 4 blocks, received 20"),
        (["text-classifier", "--data", str(rows), "--image-column", "file"], "must say where"),
    ):
        done = CliRunner().invoke(train, arguments, obj=config)
        told = f"{done.output} {done.exception}"
        assert done.exit_code != 0
        assert said in told, told
    assert not (tmp_path / "runs").exists()
