"""The plays: whole, and none of them both read by the baselines and foretold."""

from kmaas.config import Config
from training.data import shakespeare


def test_plays_are_whole_and_on_one_side_each() -> None:
    plays = shakespeare.load(Config().cache)
    held_out, others = ({play.name for play in some} for some in (plays.held_out, plays.others))
    assert (len(held_out), len(others)) == (4, 33)
    assert not held_out & others
    assert all(len(play.text) > 80_000 for play in (*plays.held_out, *plays.others))
    assert "Out, out, brief candle!" in next(play.text for play in plays.held_out if play.name == "macbeth")
