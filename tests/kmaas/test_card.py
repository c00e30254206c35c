"""`kmaas card`: what the store has, and clear words where it has none."""

from pathlib import Path

import pytest

from store.layout import Store
from store.publish import publish
from store.signing import Signer
from tests.support.decided import label
from tests.support.manifests import export_folder
from tests.support.runs import Workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Two versions of `digits` with cards, a third without."""
    place = Workplace.at(tmp_path)
    for number in (1, 2, 3):
        folder = export_folder(tmp_path / f"export-{number}")
        if number < 3:
            (folder / "assets.extra" / "card.md").write_text(f"# version {number}\n")
            (folder / "assets.extra" / "card.html").write_text(f"<h1>version {number}</h1>")
        publish(Store.at(place.store), folder)
    return place


def test_the_card_of_a_version(place: Workplace, tmp_path: Path) -> None:
    assert place.kmaas("card", "digits", "1").stdout == "# version 1\n"
    done = place.kmaas("card", "digits", "2", "--html", str(tmp_path / "card.html"))
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "card.html").read_text() == "<h1>version 2</h1>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits",), "digits/3/assets.extra/card.md; versions have one that this kmaas exported"),
        (("digits", "7"), "the store has no digits version 7"),
        (("nothing",), "the store has no nothing"),
        (("../x",), "model name '../x' is not usable"),
        (("digits", "1", "--html", "/nowhere/at/all"), "Could not open file '/nowhere/at/all'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(place: Workplace, arguments: tuple[str, ...], message: str) -> None:
    done = place.kmaas("card", *arguments)
    assert done.returncode == 1
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_card_of_what_a_label_names(place: Workplace, tmp_path: Path) -> None:
    """Without a version it is the one that answers."""
    store = Store.at(place.store)
    label(store, "digits", 1, Signer.at(tmp_path / "key.pem"))
    label(store, "digits", 2, Signer.at(tmp_path / "key.pem"), "canary")
    assert place.kmaas("card", "digits").stdout == "# version 1\n"
    assert place.kmaas("card", "digits", "canary").stdout == "# version 2\n"
    store.version("digits", 1).card.write_bytes(b"\xff")
    assert "it is not UTF-8" in place.kmaas("card", "digits").stderr
