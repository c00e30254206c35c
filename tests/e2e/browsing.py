"""A real browser, and pages of it that must end without an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What the browser itself says when a test provokes a refusal or takes the network away.
PROVOKED = tuple(
    f"Failed to load resource: {why}" for why in ("the server responded with a status of 4", "net::ERR_INT")
)


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
    assert [text for text in errors if not text.startswith(PROVOKED)] == []
    assert [url for url in strangers if not url.startswith("blob:")] == []
