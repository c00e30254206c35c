"""The page's panel for pictures in which things are found, in a real browser."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.support.browsing import copied_line_says, quiet_page
from tests.support.processes import GatewayProcess
from tests.support.small_detector import drawn

WEAK = drawn(("red", 2, 1), ("#8080ff", 5, 6), size=(640, 640), cell=80)


def give(page: Page, content: bytes, name: str = "squares.png") -> None:
    file: FilePayload = {"name": name, "mimeType": "image/png", "buffer": content}
    page.locator("#file").set_input_files(file)


def things(page: Page) -> Any:
    return expect(page.get_by_role("list", name="What was found").locator("li"))


def pixel(page: Page, x: float, y: float) -> list[int]:
    """Red, green and blue of the shown picture, at a place of 0…1."""
    found: list[int] = page.locator("#found-picture").evaluate(
        """(canvas, [x, y]) => [...canvas.getContext("2d").getImageData(
            Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data].slice(0, 3)""",
        [x, y],
    )
    return found


def test_boxes_are_drawn_over_the_picture_and_listed(page: Page, tmp_path: Path) -> None:
    page.goto("/#squares")
    expect(page.locator("#stage-hint")).to_have_text("Drop or paste a picture")
    give(page, WEAK)
    things(page).to_have_count(1)
    things(page).to_contain_text(["red160, 80 to 240, 160"])
    expect(page.locator("#announcement")).to_contain_text("red, 80.")
    expect(page.get_by_role("img", name="The picture with boxes around what was found: red")).to_be_visible()
    assert pixel(page, 200 / 640, 120 / 640) == [255, 0, 0]  # within the square
    assert pixel(page, 400 / 640, 120 / 640) == [255, 255, 255]
    edge = pixel(page, 240 / 640, 120 / 640)
    assert edge not in ([255, 0, 0], [255, 255, 255])
    (tmp_path / "squares.png").write_bytes(WEAK)
    [red] = json.loads(copied_line_says(page, tmp_path))
    assert red["box"] == {"xmin": 160, "ymin": 80, "xmax": 240, "ymax": 160}


def test_the_least_score_can_be_chosen_and_the_line_for_the_shell_has_it(page: Page, tmp_path: Path) -> None:
    page.goto("/#squares")
    give(page, WEAK, "it's.png")
    things(page).to_have_count(1)
    page.get_by_label("Least score").fill("0.3")
    things(page).to_contain_text(["red", "blue"])
    (tmp_path / "it's.png").write_bytes(WEAK)
    assert [one["label"] for one in json.loads(copied_line_says(page, tmp_path))] == ["red", "blue"]
    page.get_by_label("Least score").fill("0.9")
    things(page).to_have_count(0)
    expect(page.locator("#found-none")).to_have_text("Nothing with a score of 0.9 or more.")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#found-none")).to_have_text("Give it a photograph.")
    expect(page.locator("#found-picture")).to_be_hidden()


def test_a_picture_that_comes_before_the_models_is_asked_once_they_are_there(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/models", hold)
    with page.expect_request("**/models"):
        page.goto("/#squares")
    give(page, WEAK)
    expect(page.locator("#file-name")).to_have_text("squares.png")
    for route in held:
        route.continue_()
    things(page).to_have_count(1)


def test_a_pasted_picture_can_be_saved_whatever_its_least_score_is(page: Page) -> None:
    page.goto("/#squares")
    expect(page.get_by_label("Least score")).to_be_visible()
    page.get_by_label("Least score").fill("0.3")
    page.locator("#stage").evaluate(
        """(stage, content) => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
            stage.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, clipboardData }));
        }""",
        base64.b64encode(WEAK).decode(),
    )
    things(page).to_contain_text(["red", "blue"])
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save pasted-image.png").click()
    assert Path(saved.value.path()).read_bytes() == WEAK


def test_what_is_no_picture_is_refused_in_words(page: Page) -> None:
    page.goto("/#squares")
    give(page, b"no picture", "notes.txt")
    expect(page.locator("#problem")).to_contain_text("HTTP 400")
    give(page, WEAK)
    things(page).to_have_count(1)
    expect(page.locator("#problem")).to_be_hidden()


def test_the_same_picture_is_asked_of_a_classifier_and_a_drawing_is_no_photograph(page: Page) -> None:
    page.goto("/#squares")
    give(page, WEAK)
    things(page).to_have_count(1)
    page.goto("/#digits")
    expect(page.locator("#ranking li").first).to_be_visible()
    expect(page.locator("#threshold-choice")).to_be_hidden()
    expect(page.locator("#found")).to_be_hidden()
    page.get_by_role("button", name="Draw a 7").click()
    page.goto("/#squares")
    expect(page.locator("#found-none")).to_have_text("Give it a photograph.")


@pytest.mark.parametrize("size", [(400, 100), (100, 400)])
def test_it_fits_a_narrow_phone(browser: Browser, served: GatewayProcess, size: tuple[int, int]) -> None:
    with quiet_page(browser, served.url, viewport={"width": 360, "height": 740}) as page:
        page.goto("/#squares")
        give(page, drawn(("red", 0, 0), size=size, cell=50))
        things(page).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
