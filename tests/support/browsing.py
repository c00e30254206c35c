"""A real browser, and pages of it that must end without an error."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What the browser itself says when a test provokes a refusal, or takes or breaks the network.
PROVOKED = tuple(
    f"Failed to load resource: {why}"
    for why in (
        "the server responded with a status of 4",
        "the server responded with a status of 503",
        "net::ERR_INT",
        "net::ERR_CONNECTION_RE",
    )
)


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, "chromium is not installed; expected Debian's package: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *arguments])
        yield running
        running.close()


@contextmanager
def quiet_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page that must end without an error in its console and without a request to another origin."""
    errors: list[str] = []
    strangers: list[str] = []
    context: BrowserContext = browser.new_context(base_url=url, **options)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(url) else strangers.append(request.url))
    yield page
    context.close()
    unprovoked = [text for text in errors if not text.startswith(PROVOKED)]
    assert not unprovoked, unprovoked  # pytest tells nothing more of a module that is no test
    assert [url for url in strangers if not url.startswith("blob:")] == []


def field(page: Page, name: str) -> Locator:
    """The one that is shown, of several panels that have one."""
    return page.get_by_role("textbox", name=name, exact=True)


def copied_line_says(page: Page, folder: Path) -> str:
    """What the shell says to the line that the copy button copies."""
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    line: str = page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(["sh"], input=line, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
