"""The page's panel for two faces, in a real browser."""

import json
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from tests.support.browsing import copied_line_says
from tests.support.small_faces import ANN, EVE, pictured

ANN_THERE, ANN_HERE, EVE_THERE = (pictured(place) for place in ((ANN, 2, 3), (ANN, 4, 4), (EVE, 2, 3)))


def open_panel(page: Page) -> None:
    page.goto("/#faces")
    page.get_by_role("radio", name="Same person?").check()
    expect(page.locator("#match-none")).to_have_text("Give it two photographs.")


def give(page: Page, which: str, content: bytes, name: str) -> None:
    file: FilePayload = {"name": name, "mimeType": "image/png", "buffer": content}
    page.get_by_label(f"{which} picture, with one face").set_input_files(file)


def test_two_pictures_are_compared_and_what_was_measured_is_told(page: Page, tmp_path: Path) -> None:
    open_panel(page)
    give(page, "First", ANN_THERE, "ann.png")
    expect(page.locator("#match-none")).to_be_visible()
    give(page, "Second", ANN_HERE, 'an "other".png')
    expect(page.locator("#match-verdict")).to_have_text("The same person")
    expect(page.locator("#announcement")).to_contain_text("The same person: distance 0.")
    rates = page.get_by_role("list", name="What was measured").locator("li")
    expect(rates).to_have_text(
        [
            "0 of 4 pairs of two persons were taken for one (95 %: 0.0 % to 49.0 %)",
            "1 of 2 pairs of one person were taken for two (95 %: 9.0 % to 91.0 %)",
        ]
    )
    expect(page.get_by_role("img", name="the face of the first picture")).to_be_visible()
    expect(page.get_by_role("img", name="the face of the second picture")).to_be_visible()
    (tmp_path / "ann.png").write_bytes(ANN_THERE)
    (tmp_path / 'an "other".png').write_bytes(ANN_HERE)
    assert json.loads(copied_line_says(page, tmp_path))["same_person"] is True
    give(page, "Second", EVE_THERE, "eve.png")
    expect(page.locator("#match-verdict")).to_have_text("Two persons")
    page.locator("#faces-panel").get_by_role("button", name="Clear").click()
    expect(page.locator("#match-none")).to_be_visible()
    expect(page.locator("#match-best")).to_be_hidden()
    expect(page.locator("#first-match")).to_be_hidden()


def test_a_picture_that_does_not_do_is_refused_in_words(page: Page) -> None:
    open_panel(page)
    give(page, "First", ANN_THERE, "ann.png")
    give(page, "Second", pictured(), "nobody.png")
    expect(page.locator("#problem-detail")).to_contain_text("picture 1: no face was found")
    page.get_by_role("radio", name="What is where").check()
    expect(page.locator("#picture-panel")).to_be_visible()
    expect(page.locator("#faces-panel")).to_be_hidden()
