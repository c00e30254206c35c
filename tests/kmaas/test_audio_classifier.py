"""A user's own classifier of recordings on the command line: what is refused, in a line."""

from pathlib import Path

from click.testing import CliRunner

from kmaas.config import Config
from kmaas.train import train
from tests.support.own_sounds import write_folder


def test_what_cannot_be_trained_is_said_in_a_line_and_leaves_no_run(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "sounds", 9)
    config = Config(runs=tmp_path / "runs")
    whole = ["audio-classifier", "--data", str(data)]
    for arguments, said in (
        (["audio-classifier"], "--data must say where your rows are"),
        (["audio-classifier", "--data", str(tmp_path / "nowhere")], "cannot be used"),
        ([*whole, "--text-column", "text"], "--text-column is for rows of another kind"),
        ([*whole, "--label-column", "label"], "--label-column is for rows of another kind"),
        ([*whole, "--backbone", "imagenet"], "--backbone is for rows of another kind"),
        ([*whole, "--name", "commands"], "the catalogue has a model 'commands'"),
        ([*whole, "--set", "fewest_rows=50"], "with 0 labels of 50 or more"),
        ([*whole, "--set", "views=0"], "views"),
    ):
        done = CliRunner().invoke(train, arguments, obj=config)
        told = f"{done.output} {done.exception}"
        assert done.exit_code != 0
        assert said in told, told
    assert not (tmp_path / "runs").exists()
