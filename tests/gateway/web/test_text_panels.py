"""The page's panels for texts, in a real browser: each used as a person would, and once wrongly."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browsing import copied_line_says, field, quiet_page
from tests.support.processes import GatewayProcess
from tests.support.proxy import Proxy
from tests.support.sentences import ENGLISH, FRENCH
from tests.support.small_models import MARKUP
from tests.support.streams import Events, Gate
from tests.support.tcp_proxy import TcpProxy

COUNT = {"inputs": "0", "stream": True, "parameters": {"max_new_tokens": 40}}


def ask(page: Page, text: str, name: str = "Text") -> None:
    field(page, name).fill(text)
    page.keyboard.press("Control+Enter")


def best(page: Page) -> Any:
    return expect(page.locator("#best-label"))


def problem(page: Page) -> Any:
    return expect(page.locator("#problem"))


def posted(gateway: GatewayProcess, path: str, body: object) -> Any:
    return gateway.post(path, json.dumps(body).encode()).json()


# --- text-classification


def test_labels_that_stand_by_themselves_are_all_given_and_a_text_may_have_none(page: Page) -> None:
    page.goto("/#moods")
    ask(page, "a good bad film")
    best(page).to_have_text("glad, sad")
    expect(page.locator("#ranking .given .label")).to_have_text(["glad", "sad"])
    ask(page, "film")
    best(page).to_have_text("None of them")
    ask(page, "an odd odd film")
    best(page).to_have_text(MARKUP)  # as text: the page ends without an alert, or a picture that is not there
    ask(page, " ")
    problem(page).to_contain_text("text 0 is empty")
    problem(page).to_contain_text("HTTP 422")


def test_pieces_of_a_word_are_one_word_with_one_weight_and_another_label_can_be_explained(page: Page) -> None:
    text = "😀 Unforgettable bad film"
    page.goto("/#moods")
    ask(page, text)
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".weights")).to_have_text(text, use_inner_text=True)  # once: marks around it are nowhere
    heavy = page.locator(".weights mark", has_text="Unforgettable")
    expect(heavy).to_have_attribute("title", re.compile(r"^\+\d\.\d\d$"))
    expect(page.get_by_role("list", name="The heaviest words").locator("li").first).to_contain_text("Unforgettable +")
    page.get_by_label("What speaks for").select_option("sad")
    expect(page.locator(".weights mark", has_text="bad")).to_have_attribute("title", re.compile(r"^\+"))
    expect(page.get_by_label("What speaks for")).to_have_value("sad")


def test_what_of_a_long_text_no_explanation_read_is_pale_and_the_text_can_be_read_to_its_end(page: Page) -> None:
    page.goto("/#moods")
    ask(page, f"{'film ' * 20}bad bad bad bad bad bad bad bad")
    best(page).to_have_text("None of them")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".weights .unread")).to_contain_text("bad")
    page.get_by_label("Read on past the first 16 tokens").check()
    best(page).to_have_text("sad")
    expect(page.locator("#curl")).to_contain_text('"windows":32')
    page.get_by_role("button", name="Why?").click()  # which knows no windows
    expect(page.locator(".weights .unread")).to_be_visible()


def test_a_text_from_right_to_left_stays_so(page: Page) -> None:
    page.goto("/#moods")
    ask(page, "مرحبا good بالعالم")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".weights")).to_have_css("direction", "rtl")
    expect(page.locator(".weights")).to_have_text("مرحبا good بالعالم", use_inner_text=True)


# --- sentence-similarity, zero-shot-classification


def test_a_text_in_a_language_that_the_model_does_not_know_is_answered_with_a_doubt(page: Page) -> None:
    page.goto("/#embeddings")
    ask(page, f"{ENGLISH}\n{FRENCH}", "Sentences, one a line")
    expect(page.locator("#doubts")).to_have_text("It seems to be in French; this model knows English.")
    ask(page, f"{ENGLISH}\n{ENGLISH}", "Sentences, one a line")
    expect(page.locator("#doubts")).to_be_hidden()


def test_sentences_are_compared_each_to_each_in_a_table_with_headers(
    page: Page, served: GatewayProcess, tmp_path: Path
) -> None:
    sentences = ["good film", "bad film", "<b>awful</b>"]
    asked = {"inputs": {"source_sentence": sentences[0], "sentences": sentences}}
    page.goto("/#embeddings")
    ask(page, "\n\n".join(sentences), "Sentences, one a line")
    expect(page.locator(".most")).to_have_text(re.compile(r"^Most alike: \d and \d, "))
    rows = page.get_by_role("table", name="Cosine of each two sentences").get_by_role("row")
    cells = rows.nth(1).get_by_role("cell").all_inner_texts()
    alike = posted(served, "/models/embeddings", asked)
    assert [float(cell.replace("−", "-")) for cell in cells] == pytest.approx(alike, abs=0.006)
    expect(rows.nth(3).get_by_role("rowheader")).to_have_accessible_name(re.compile("<b>awful</b>"))
    expect(rows.nth(0).get_by_role("columnheader").nth(1)).to_have_accessible_name("2 bad film")
    assert len(json.loads(copied_line_says(page, tmp_path))) == len(sentences)
    ask(page, "\n".join(["film"] * 5), "Sentences, one a line")
    problem(page).to_contain_text("HTTP 413")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#matrix")).to_contain_text("Two sentences or more")


def test_own_labels_are_chosen_from(page: Page, tmp_path: Path) -> None:
    page.goto("/#embeddings")
    page.get_by_role("radio", name="Own labels").check()
    field(page, "Labels, with commas between").fill("wonderful, awful,")
    ask(page, "good film")
    best(page).to_have_text("wonderful")
    [first, _] = json.loads(copied_line_says(page, tmp_path))
    expect(page.locator("#best-score")).to_have_text(f"{100 * first['score']:.1f} %")
    page.get_by_label("Several may fit, or none").check()
    expect(page.locator("#curl")).to_contain_text('"multi_label":true')
    field(page, "A sentence that a label completes").fill("no place for it")
    page.get_by_role("button", name="Ask").click()
    problem(page).to_contain_text("expected a sentence with one {} for the label")
    page.get_by_role("radio", name="Similarity").check()
    problem(page).to_be_hidden()


# --- text-generation


def write(page: Page, text: str) -> None:
    page.goto("/#writer")
    page.get_by_role("radio", name="Continue a text").check()
    ask(page, text, "Beginning of a text")


def test_a_text_is_written_while_one_reads_until_it_is_stopped(page: Page, gate: Gate) -> None:
    page.goto("/#writer")
    page.get_by_role("radio", name="Continue a text").check()
    field(page, "Temperature").fill("0")
    gate.let(3)
    ask(page, "0", "Beginning of a text")
    expect(page.locator(".continuation")).to_have_text("123")
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#written .small")).to_have_text("Stopped.")
    expect(page.locator(".continuation")).to_have_text("123")
    expect(field(page, "Beginning of a text")).to_be_focused()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_written_text_tells_its_pace_and_how_to_get_it_again(page: Page, tmp_path: Path) -> None:
    write(page, "<img src=x onerror=alert(1)> 0")
    expect(page.locator("#written .prompt")).to_have_text("<img src=x onerror=alert(1)> 0")
    expect(page.locator("#written .small")).to_have_text(re.compile(r"^C.*\. Seed \d+ writes it again\.$"))
    legend = page.locator("#legend")
    expect(legend).to_contain_text(re.compile(r"first token\d"))
    expect(legend).to_contain_text(re.compile(r"speed\d.*tokens/s"))
    seed = re.search(r"\d+", page.locator("#written .small").inner_text().split("Seed")[1])
    assert seed
    written = page.locator(".continuation").inner_text()
    field(page, "Seed").fill(seed[0])
    page.get_by_role("button", name="Write").click()
    expect(page.locator("#curl")).to_contain_text(f'"seed":{seed[0]}')
    expect(page.locator("#written .small")).to_contain_text(f"Seed {seed[0]}")
    assert page.locator(".continuation").inner_text() == written
    *_, last = [line for line in copied_line_says(page, tmp_path).splitlines() if line]
    assert json.loads(last.removeprefix("data: "))["generated_text"] == written
    for name, value in {"Temperature": "much", "Max tokens": "0"}.items():
        field(page, name).fill(value)
    page.get_by_role("button", name="Write").click()
    problem(page).to_contain_text("parameters.temperature")
    problem(page).to_contain_text("parameters.max_new_tokens")
    expect(page.locator("#written")).to_be_hidden()


def test_a_connection_that_breaks_in_the_midst_leaves_what_was_written(
    browser: Browser, served: GatewayProcess, gate: Gate
) -> None:
    port = urlsplit(served.url).port
    assert port
    gate.let(2)
    with TcpProxy(port) as network, quiet_page(browser, f"http://{network.target}") as page:
        write(page, "0")
        expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
        expect(page.locator(".continuation")).not_to_be_empty()
        network.resetting = True
        gate.let(1)
        problem(page).to_contain_text("The connection to the gateway was lost")
        expect(page.locator(".continuation")).not_to_be_empty()


def test_news_of_a_model_does_not_end_what_it_is_writing(page: Page, gate: Gate) -> None:
    def with_news(route: Route) -> None:
        listed = route.fetch().json()
        for model in listed["models"]:
            model["reason"] = "version 2 is LOADING"
        route.fulfill(json=listed)

    gate.let(2)
    write(page, "0")
    expect(page.locator(".continuation")).to_have_text("12")
    page.route("**/models", with_news)
    with page.expect_response("**/models/writer"):
        page.evaluate("dispatchEvent(new Event('hashchange'))")
    expect(page.locator("#fault")).to_be_hidden()
    gate.let(1)
    expect(page.locator(".continuation")).to_have_text("123")


def test_a_model_server_that_fails_in_the_midst_is_told_below_what_was_written(
    page: Page, proxy: Proxy, gate: Gate
) -> None:
    gate.let(2)
    write(page, "0")
    expect(page.locator(".continuation")).not_to_be_empty()
    proxy.distort = lambda response: response.__class__()  # an answer without its outputs
    gate.let(1)
    problem(page).to_contain_text("The answer broke off")
    problem(page).to_contain_text("model server")
    expect(page.locator(".continuation")).not_to_be_empty()


def test_a_busy_gateway_says_when_to_try_again(page: Page, served: GatewayProcess, gate: Gate) -> None:
    gate.let(1)
    with Events(served, "/models/writer", COUNT) as events:
        assert next(events.data())["token"]["text"] == "1"
        write(page, "0")
        problem(page).to_contain_text("HTTP 503 · try again in 1 s")
        gate.let(100)


# --- chat-completion


def say(page: Page, text: str) -> None:
    field(page, "Message").fill(text)
    page.keyboard.press("Enter")


def test_a_conversation_goes_on_until_a_new_one_begins(page: Page, tmp_path: Path) -> None:
    page.goto("/#writer")
    field(page, "Temperature").fill("0")
    field(page, "Max tokens").fill("3")
    say(page, "<b>a")
    answers = page.locator(".message.assistant")
    expect(answers).to_have_text([re.compile("bcd.*Cut after 3 tokens")])
    with page.expect_request("**/v1/chat/completions") as second:
        say(page, "w")
    expect(answers.nth(1)).to_contain_text("xyz")
    sent: Any = second.value.post_data_json
    said_before = [("user", "<b>a"), ("assistant", "bcd"), ("user", "w")]
    assert [(one["role"], one["content"]) for one in sent["messages"]] == said_before
    expect(page.locator(".message.user .text")).to_have_text(["<b>a", "w"])
    events = [line for line in copied_line_says(page, tmp_path).splitlines() if line]
    assert events[-1] == "data: [DONE]"
    *told, usage, _ = (event.removeprefix("data: ") for event in events)
    said = [json.loads(one)["choices"][0]["delta"] for one in told]
    assert "".join(delta.get("content", "") for delta in said) == "xyz"
    tokens = page.locator("#legend div", has=page.get_by_text("tokens", exact=True)).locator("dd")
    expect(tokens).to_have_text(str(json.loads(usage)["usage"]["completion_tokens"]))
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".message")).to_have_count(0)
    say(page, "x")
    expect(page.locator(".message .text")).to_have_text(["x", "yz"])


def test_a_message_that_is_refused_goes_back_to_where_it_was_typed(page: Page, gate: Gate) -> None:
    page.goto("/#writer")
    field(page, "Instructions to the assistant").fill("Be brief.")
    say(page, "a")
    problem(page).to_contain_text("no system messages")
    problem(page).to_contain_text("HTTP 400")
    expect(field(page, "Message")).to_have_value("a")
    field(page, "Instructions to the assistant").fill("")
    gate.let(1)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message.assistant .text")).to_have_text("b")  # while the rest is on its way
    problem(page).to_be_hidden()


def test_an_answer_that_is_stopped_stays_and_a_new_conversation_ends_one(page: Page, gate: Gate) -> None:
    page.goto("/#writer")
    field(page, "Temperature").fill("0")
    gate.let(2)
    say(page, "a")
    expect(page.locator(".message.assistant .text")).to_have_text("bc")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".message.assistant")).to_contain_text("Stopped.")
    gate.let(100)  # the step that was under way, and those of the next answer
    expect(page.locator(".message.user")).to_have_count(1)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".message")).to_have_count(0)
    expect(field(page, "Message")).to_have_value("")


# --- translation


def test_a_text_is_translated_and_searched_for_with_as_many_beams_as_the_version_has(
    page: Page, tmp_path: Path
) -> None:
    page.goto("/#shout")
    ask(page, "be loud <i>now</i>", "English")
    translation = page.locator("#translated .text")
    expect(translation).to_have_text("BE LOUD <i>NOW</i>")
    expect(translation).to_have_attribute("lang", "es")
    expect(page.locator("#translated .eyebrow")).to_have_text("Spanish")
    page.get_by_label("Search").select_option("best of 3")
    expect(page.locator("#curl")).to_contain_text('"num_beams":3')
    expect(translation).not_to_have_text("BE LOUD <i>NOW</i>")
    [answer] = json.loads(copied_line_says(page, tmp_path))
    expect(translation).to_have_text(answer["translation_text"])
    ask(page, "a" * 1001, "English")
    problem(page).to_contain_text("1001 characters of text")


# --- All


def test_no_panel_overflows_a_narrow_phone(browser: Browser, served: GatewayProcess) -> None:
    size: Any = {"width": 360, "height": 740}
    with quiet_page(browser, served.url, viewport=size) as page:
        for way in ("moods", "embeddings Similarity", "embeddings Own labels", "writer Chat", "shout"):
            model, _, name = way.partition(" ")
            page.goto(f"/#{model}")
            expect(page.get_by_role("heading", level=1)).to_have_text(model)
            if name:
                page.get_by_role("radio", name=name).check()
            text = page.get_by_role("textbox").first
            text.fill("endless" * 20 + "\n" + "endless" * 21)
            text.press("Control+Enter")
            expect(page.locator("#announcement")).not_to_be_empty()  # the answer, or why there is none
            assert page.evaluate("document.documentElement.scrollWidth") == 360, way


def test_a_line_for_a_text_too_long_for_a_word_of_a_command_goes_through_a_pipe(page: Page, tmp_path: Path) -> None:
    page.goto("/#moods")
    ask(page, "it's long\n" + "😀" * 40_000)
    problem(page).to_contain_text("HTTP 413")
    assert json.loads(copied_line_says(page, tmp_path))["status"] == 413
