"""The page's panels for recordings, in a real browser whose microphone hears a file."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.support.browsing import chromium, copied_line_says, quiet_page
from tests.support.processes import GatewayProcess
from tests.support.recordings import wav
from tests.support.small_sounds import tone
from tests.support.small_speech import recording

HEARD = (300, 3000)  # Hz, two seconds each, again and again
SPOKEN = recording([0.5, 0.0, 0.5])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    seconds = np.arange(2 * 48_000) / 48_000
    samples = np.concatenate([0.5 * np.sin(2 * np.pi * hz * seconds) for hz in HEARD])
    hiss = np.random.default_rng(0).uniform(-0.15, 0.15, len(samples))  # nobody speaks in a pure tone
    heard.write_bytes(wav((samples + hiss)[:, np.newaxis], 48_000))
    fake = ("device-for-media-stream", "ui-for-media-stream")
    with chromium(*(f"--use-fake-{what}" for what in fake), f"--use-file-for-fake-audio-capture={heard}") as running:
        yield running


@pytest.fixture
def page(browser: Browser, texts: GatewayProcess) -> Iterator[Page]:
    with quiet_page(browser, texts.url) as opened:
        yield opened


def choose(page: Page, model: str) -> None:
    page.goto(f"/#{model}")
    expect(page.get_by_role("heading", level=1)).to_have_text(model)


def give(page: Page, content: bytes, name: str = "a.wav") -> None:
    file: FilePayload = {"name": name, "mimeType": "audio/wav", "buffer": content}
    page.locator("#sound-file").set_input_files(file)


def inked(page: Page, canvas: str) -> bool:
    """Whether something is drawn on it."""
    drawn: bool = page.locator(canvas).evaluate(
        """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
            .some((value, i) => i % 4 === 3 && value > 0)"""
    )
    return drawn


def segments(page: Page) -> Any:
    return expect(page.get_by_role("list", name="What is said").locator(".words"))


def test_a_recording_gets_labels_and_pictures(page: Page, tmp_path: Path) -> None:
    choose(page, "pitch")
    expect(page.locator("#sound-hint")).to_be_visible()
    assert not inked(page, "#mel")
    give(page, tone(2000))
    expect(page.locator("#best-label")).to_have_text("high")
    expect(page.get_by_role("img", name="Waveform of 0.3 s")).to_be_visible()
    assert inked(page, "#waveform")
    assert inked(page, "#mel")
    (tmp_path / "a.wav").write_bytes(tone(2000))
    assert json.loads(copied_line_says(page, tmp_path))[0]["label"] == "high"
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#best-label")).to_have_text("–")


def test_the_mel_picture_tells_pitches_apart(page: Page) -> None:
    """Of a tone its own band is the loudest, where the scale says."""
    choose(page, "pitch")
    bands = page.evaluate(
        """async () => {
            const { melPicture } = await import("/web/mel.js");
            return [500, 1000, 4000].map((hz) => {
                const samples = Float32Array.from({ length: 16000 }, (_, i) => Math.sin((Math.PI * hz * i) / 8000));
                const column = [...melPicture(samples, 16000, 3, 40)].slice(40, 80);
                return column.indexOf(Math.max(...column));
            });
        }"""
    )
    step = 2595 * np.log10(1 + 8000 / 700) / 41
    expected = [2595 * np.log10(1 + hz / 700) / step - 1 for hz in (500, 1000, 4000)]
    assert bands == [pytest.approx(band, abs=0.6) for band in expected]


def test_what_is_said_appears_with_its_times_and_can_be_saved(
    page: Page, tmp_path: Path, texts: GatewayProcess
) -> None:
    choose(page, "speech")
    expect(page.get_by_role("button", name="Listen")).to_be_hidden()
    give(page, SPOKEN)
    segments(page).to_have_text(["loud", "quiet", "loud"])
    expect(page.locator("#announcement")).to_have_text("loud quiet loud")
    expect(page.locator("#legend")).to_contain_text("× speech")
    (tmp_path / "a.wav").write_bytes(SPOKEN)
    assert '"start":0.5,"end":1.0,"text":"quiet"' in copied_line_says(page, tmp_path)
    for form in ("srt", "vtt"):
        with page.expect_download() as saved:
            page.get_by_role("link", name=f"Save as {form}").click()
        assert saved.value.suggested_filename == f"a.{form}"
        body = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("model", "speech"), ("response_format", form))
        ).encode()
        body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + SPOKEN + b"\r\n--x--\r\n"
        answer = texts.post("/v1/audio/transcriptions", body, "multipart/form-data; boundary=x")
        assert Path(saved.value.path()).read_bytes() == answer.body
    page.get_by_role("button", name="0:01.0").click()
    expect(page.locator(".segments li").nth(2)).to_have_class("played")


def test_nobody_speaks_and_what_is_no_recording_is_refused_in_words(page: Page) -> None:
    choose(page, "speech")
    give(page, recording([0.0]))
    expect(page.locator("#transcript")).to_contain_text("Nobody speaks.")
    give(page, b"no recording", "notes.txt")
    expect(page.locator("#problem")).to_contain_text("begins as none")
    give(page, SPOKEN)
    segments(page).to_have_count(3)
    expect(page.locator("#problem")).to_be_hidden()


def test_a_recording_of_the_microphone_is_transcribed_played_and_saved(page: Page) -> None:
    choose(page, "speech")
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#sound-name")).to_contain_text(re.compile(r"Recording, [1-4]\."))
    page.get_by_role("button", name="Stop recording").click()
    segments(page).to_contain_text(["loud", "loud"])
    expect(page.locator("#player")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save recording.wav").click()
    written = Path(saved.value.path()).read_bytes()
    channels, rate = struct.unpack("<HI", written[22:28])
    assert (channels, rate) == (1, 16_000)
    assert 1 <= (len(written) - 44) / 32_000 < 60
    choose(page, "pitch")
    expect(page.locator("#ranking li").first).to_contain_text("100.0 %")  # the same recording, asked at once


def test_commands_are_spotted_until_another_model_is_chosen(page: Page) -> None:
    choose(page, "pitch")
    page.get_by_role("button", name="Listen").click()
    spotted = page.get_by_role("log", name="Heard so far").locator("li")
    expect(spotted.nth(1)).to_be_visible(timeout=30_000)
    first, second = (spotted.nth(number).locator(".label").inner_text() for number in (0, 1))
    assert {first, second} == {"low", "high"}
    expect(page.get_by_role("button", name="Stop listening")).to_be_visible()
    choose(page, "moods")
    choose(page, "pitch")
    expect(page.get_by_role("button", name="Listen")).to_be_visible()
    expect(page.locator("#sound-name")).to_have_text("window.wav")  # the last one stays


def test_who_listens_can_record_at_once(page: Page) -> None:
    choose(page, "pitch")
    page.get_by_role("button", name="Listen").click()
    expect(page.locator("#ranking li").first).to_be_visible()
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#sound-name")).to_contain_text(re.compile(r"Recording, [1-4]\."))
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator("#sound-name")).to_have_text("recording.wav")


def test_a_command_is_told_once_until_it_was_gone(page: Page) -> None:
    choose(page, "pitch")
    told = page.evaluate(
        """async () => {
            const { Spotter } = await import("/web/spotting.js");
            const spotter = new Spotter({ on: 0.8, off: 0.4, windows: 2, rest_s: 1 });
            const windows = [
                [0.0, "yes", 0.9], [0.25, "silence", 0.9], [0.5, "yes", 0.9],  // never twice in a row
                [0.75, "yes", 0.95],                                           // told
                [1.0, "yes", 0.99], [1.25, "yes", 0.5], [2.5, "yes", 0.9], [2.75, "yes", 0.9],  // still the same
                [3.0, "yes", 0.3], [3.25, "yes", 0.9], [3.5, "yes", 0.9],      // told again
                [3.75, "no", 0.9], [4.0, "no", 0.9], [4.25, "no", 0.9],        // too soon after it
                [4.5, "no", 0.9],                                              // told
                [6.0, "unknown", 1.0], [6.25, "unknown", 1.0],                 // no command
            ];
            return windows.flatMap(([at_s, label, score]) => spotter.hear(at_s, [{ label, score }]) ?? []);
        }"""
    )
    assert [(one["at_s"], one["label"]) for one in told] == [(0.75, "yes"), (3.5, "yes"), (4.5, "no")]


def test_it_fits_a_narrow_phone(browser: Browser, texts: GatewayProcess) -> None:
    with quiet_page(browser, texts.url, viewport={"width": 360, "height": 740}) as page:
        for model in ("pitch", "speech"):
            choose(page, model)
            give(page, SPOKEN, "a-recording-with-quite-a-long-name-that-has-no-place-on-a-phone.wav")
            expect(page.locator("#origin")).to_contain_text("Answered by")
            assert page.evaluate("document.documentElement.scrollWidth") == 360
