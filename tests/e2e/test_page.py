"""The page, in a real browser before the real stack."""

import base64
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect

from bench.stack import Stack, running_stack
from store.layout import Store
from store.publish import publish
from tests.support.browsing import copied_line_says, field, quiet_page
from tests.support.processes import ask, until

PRAISE = "an unforgettable, wonderful film"
BLAME = "Two hours I will never get back."


def best(page: Page) -> Locator:
    return page.locator("#best-label")


def draw(page: Page, *points: tuple[float, float]) -> None:
    """One stroke of the mouse through points in 0…1 of the drawing area."""
    page.locator("#sketch").scroll_into_view_if_needed()
    box = page.locator("#sketch").bounding_box()
    assert box
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def draw_seven(page: Page) -> None:
    draw(page, (0.3, 0.22), (0.7, 0.21), (0.6, 0.45), (0.46, 0.84))


def picture_of_one() -> bytes:
    picture = Image.new("L", (200, 160), 240)
    ImageDraw.Draw(picture).line([(104, 30), (96, 130)], fill=20, width=12)
    encoded = BytesIO()
    picture.save(encoded, "PNG")
    return encoded.getvalue()


def file(name: str, media_type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


def give(page: Page, event: Literal["drop", "paste"], given: FilePayload) -> None:
    """Hands the page a file as the system does."""
    content = base64.b64encode(given["buffer"]).decode()
    page.locator("#stage").evaluate(
        """(stage, [event, name, type, content]) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type }));
            const options = { bubbles: true, cancelable: true };
            stage.dispatchEvent(
                event === "drop"
                    ? new DragEvent(event, { ...options, dataTransfer: transfer })
                    : new ClipboardEvent(event, { ...options, clipboardData: transfer }),
            );
        }""",
        [event, given["name"], given["mimeType"], content],
    )


def shown_ranking(page: Page) -> list[tuple[str, str]]:
    rows = page.locator("#ranking li").all()
    return [(row.locator(".label").inner_text(), row.locator(".figure").inner_text()) for row in rows]


def as_shown(labels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    def percent(score: float) -> str:
        return "< 0.1 %" if 0 < score < 0.001 else f"{100 * score:.1f} %"

    return [(one["label"], percent(one["score"])) for one in labels]


def test_a_drawn_seven_is_read_while_it_is_drawn(page: Page, tmp_path: Path) -> None:
    page.goto("/#digits")
    draw_seven(page)
    expect(best(page)).to_have_text("7")
    expect(page.locator("#origin")).to_contain_text("Answered by version")
    expect(page.locator("#origin code")).not_to_be_empty()
    with page.expect_response("**/models/digits"):  # before the pen is up
        page.mouse.down()
        page.mouse.move(0, 0, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Undo").click()
    expect(best(page)).to_have_text("7")
    page.get_by_role("button", name="Clear").click()
    expect(best(page)).to_have_text("–")
    expect(page.get_by_role("button", name="Copy")).to_be_disabled()


def test_the_stages_and_the_round_trip_are_shown(page: Page) -> None:
    page.goto("/#digits")
    page.get_by_role("button", name="Draw a 7").click()
    expect(best(page)).to_have_text("7")
    legend = page.locator("#legend")
    for stage in ("decode", "preprocess", "infer", "postprocess", "network", "round trip"):
        term = legend.locator("div", has=page.get_by_text(stage, exact=True))
        expect(term.locator("dd")).to_have_text(re.compile(r"^\d+(\.\d)? ms$"))
    assert page.locator("#stages .stage-infer").evaluate("segment => segment.clientWidth") > 0


def test_every_example_drawing_is_read_right(page: Page) -> None:
    page.goto("/#digits")
    page.get_by_role("button", name="Draw a 7").wait_for()
    for button in page.locator("#sketch-buttons button").all():
        button.click()
        expect(best(page)).to_have_text(button.inner_text())


def test_the_line_of_a_drawing_gives_the_same_answer_in_a_shell(page: Page, tmp_path: Path) -> None:
    page.goto("/#digits")
    page.get_by_role("button", name="Draw a 4").click()
    expect(best(page)).to_have_text("4")
    assert as_shown(json.loads(copied_line_says(page, tmp_path))) == shown_ranking(page)


def test_a_dropped_picture_is_read_and_its_line_takes_the_file(page: Page, tmp_path: Path) -> None:
    name = "it's a one.png"
    (tmp_path / name).write_bytes(picture_of_one())
    page.goto("/#digits")
    expect(page.locator("#sketch")).to_be_visible()
    give(page, "drop", file(name, "image/png", picture_of_one()))
    expect(best(page)).to_have_text("1")
    expect(page.locator("#file-name")).to_have_text(name)
    assert as_shown(json.loads(copied_line_says(page, tmp_path))) == shown_ranking(page)


def test_a_pasted_picture_is_read_and_can_be_saved_for_its_line(page: Page, tmp_path: Path) -> None:
    page.goto("/#digits")
    expect(page.locator("#sketch")).to_be_visible()
    give(page, "paste", file("image.png", "image/png", picture_of_one()))
    expect(best(page)).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save pasted-image.png").click()
    download.value.save_as(tmp_path / download.value.suggested_filename)
    assert as_shown(json.loads(copied_line_says(page, tmp_path))) == shown_ranking(page)


def test_a_chosen_file_is_read(page: Page) -> None:
    page.goto("/#digits")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose file").click()
    chooser.value.set_files([file("one.png", "image/png", picture_of_one())])
    expect(best(page)).to_have_text("1")


def test_a_text_file_dropped_as_a_picture_shows_the_gateways_own_error(page: Page) -> None:
    page.goto("/#digits")
    expect(page.locator("#sketch")).to_be_visible()
    with page.expect_response("**/models/digits") as refused:
        give(page, "drop", file("notes.txt", "text/plain", b"not a picture"))
    problem = refused.value.json()
    expect(page.locator("#problem-title")).to_have_text(problem["title"])
    expect(page.locator("#problem-detail")).to_have_text(problem["detail"])
    expect(page.locator("#problem-source")).to_contain_text(f"HTTP {refused.value.status}")
    expect(page.get_by_role("status")).to_contain_text([problem["title"]])
    page.get_by_role("button", name="Draw a 7").click()
    expect(best(page)).to_have_text("7")


def test_a_text_is_judged_and_its_line_gives_the_same_answer(page: Page, tmp_path: Path) -> None:
    page.goto("/#sentiment")
    field(page, "Text").fill(PRAISE)
    page.keyboard.press("Control+Enter")
    expect(best(page)).to_have_text("positive")
    assert [as_shown(one) for one in json.loads(copied_line_says(page, tmp_path))] == [shown_ranking(page)]


def test_the_words_of_a_text_are_coloured_by_their_weight(page: Page, stack: Stack) -> None:
    text = "😀 un café\n– an unforgettable film"
    whys = f"{stack.url}/models/sentiment/explain"  # the first one opens the SavedModel beside the twin
    until(lambda: ask(whys, b'{"inputs": "a film"}').status == 200, "the SavedModel is open")
    page.goto("/#sentiment")
    field(page, "Text").fill(text)
    page.get_by_role("button", name="Ask").click()
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".weights")).to_have_text(text, use_inner_text=True)
    heaviest = page.locator(".weights mark", has_text="unforgettable")
    expect(heaviest).to_have_attribute("title", re.compile(r"^\+\d\.\d\d$"))
    assert heaviest.evaluate("mark => mark.style.getPropertyValue('--share')") == "60%"
    field(page, "Text").fill(BLAME)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#why")).to_be_hidden()


def test_a_picture_is_shown_with_its_heat_map(page: Page, stack: Stack) -> None:
    until(lambda: ask(f"{stack.url}/models/digits/explain", picture_of_one()).status == 200, "the SavedModel is open")
    page.goto("/#digits")
    expect(page.locator("#sketch")).to_be_visible()
    give(page, "drop", file("one.png", "image/png", picture_of_one()))
    page.get_by_role("button", name="Why?").click()
    canvas = page.locator("#why canvas")
    expect(canvas).to_be_visible()
    assert canvas.evaluate("canvas => [canvas.width, canvas.height]") == [200, 160]
    colourful = """canvas => canvas.getContext("2d").getImageData(0, 0, 200, 160).data
        .some((value, i, data) => i % 4 === 0 && value > data[i + 2] + 50)"""
    assert canvas.evaluate(colourful)
    page.get_by_role("button", name="Draw a 7").click()
    expect(canvas).to_be_hidden()


def test_a_hostile_text_is_quoted_for_the_shell_and_never_markup(page: Page, tmp_path: Path) -> None:
    text = 'it\'s `touch x` $(touch y) \\ "great" <img src=x>\n!! % naïve 🎬'
    page.goto("/#sentiment")
    field(page, "Text").fill(text)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#origin")).to_contain_text("Answered by")
    assert [as_shown(one) for one in json.loads(copied_line_says(page, tmp_path))] == [shown_ranking(page)]
    assert list(tmp_path.iterdir()) == []


def test_a_blank_text_shows_the_gateways_own_error(page: Page) -> None:
    page.goto("/#sentiment")
    field(page, "Text").fill("  ")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#problem-source")).to_contain_text("HTTP 422")
    expect(page.locator("#problem-detail")).not_to_be_empty()


def test_an_older_answer_never_replaces_a_newer_one(page: Page) -> None:
    held: list[Route] = []
    page.goto("/#sentiment")
    field(page, "Text").fill(PRAISE)
    page.route("**/models/sentiment", lambda route: route.continue_() if held else held.append(route), times=2)
    with page.expect_request(lambda request: request.method == "POST"):
        field(page, "Text").press("Control+Enter")
    with page.expect_event("requestfailed") as given_up:
        page.get_by_role("button", name=BLAME).click()
    assert PRAISE in (given_up.value.post_data or "")
    expect(best(page)).to_have_text("negative")


def test_models_are_chosen_by_address_and_by_keyboard(page: Page) -> None:
    page.goto("/#sentiment")
    expect(page.get_by_role("heading", level=1)).to_have_text("sentiment")
    expect(page).to_have_title("sentiment · kmaas")
    page.get_by_role("link", name="digits").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("digits")
    expect(page.get_by_role("link", name="digits")).to_have_attribute("aria-current", "true")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("sentiment")


def test_an_address_without_a_model_shows_the_first(page: Page) -> None:
    page.goto("/#%E0%A4%A")
    expect(page.get_by_role("heading", level=1)).to_have_text("digits")


def test_a_new_model_and_a_new_version_appear_by_themselves(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    filled, growing = Store.at(stack.store), Store.at(tmp_path)
    publish(growing, filled.version("digits").path)
    with running_stack(growing.root, ("digits",)) as other, quiet_page(browser, other.url) as page:
        page.goto("/")
        page.get_by_role("button", name="Draw a 7").click()
        expect(page.locator("#origin")).to_contain_text("version 1")
        publish(growing, filled.version("digits").path)
        expect(page.locator("#origin")).to_contain_text("version 2", timeout=60_000)
        expect(page.locator("#facts")).to_contain_text("version 2")
        expect(best(page)).to_have_text("7")
        publish(growing, filled.version("sentiment").path)
        page.get_by_role("link", name="sentiment text-classification").click(timeout=60_000)
        page.get_by_role("button", name=PRAISE).click()
        expect(best(page)).to_have_text("positive")
        broken = growing.root / "photos" / "1"
        broken.mkdir(parents=True)
        (broken / "saved_model.pb").write_bytes(b"not a model")
        page.get_by_role("link", name="photos not ready").click(timeout=60_000)
        expect(page.locator("#problem-title")).to_have_text("photos is not ready")
        expect(page.locator("#problem-detail")).to_contain_text("version 1")


def test_a_gateway_out_of_reach_is_told_and_found_again(page: Page) -> None:
    page.goto("/#sentiment")
    field(page, "Text").fill(PRAISE)
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#problem-title")).to_have_text("No answer")
    expect(page.locator("#offline")).to_be_visible(timeout=30_000)
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden(timeout=30_000)
    page.get_by_role("button", name="Ask").click()
    expect(best(page)).to_have_text("positive")


@pytest.mark.parametrize("address", ["/#digits", "/#sentiment", "/docs"])
def test_nothing_overflows_a_narrow_phone(browser: Browser, stack: Stack, address: str) -> None:
    size: Any = {"width": 360, "height": 740}
    with quiet_page(browser, stack.url, viewport=size) as page:
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Models")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_answer_takes_no_more_room_than_its_place(page: Page) -> None:
    page.goto("/#digits")
    expect(page.get_by_role("button", name="Draw a 7")).to_be_visible()
    before = page.locator("#answer").bounding_box()
    page.get_by_role("button", name="Draw a 7").click()
    expect(best(page)).to_have_text("7")
    assert page.locator("#answer").bounding_box() == before
