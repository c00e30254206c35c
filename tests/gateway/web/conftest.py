"""A browser, and a gateway whose model server answers when it is let, over small models."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browsing import chromium, quiet_page
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.streams import Gate

MODELS = ("writer", "embeddings", "shout", "moods", "digits", "squares", "faces")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(text_server: ModelServerProcess) -> Iterator[Proxy]:
    with Proxy(text_server.target) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def served(proxy: Proxy) -> Iterator[GatewayProcess]:
    """One text is written at a time, and limits are small enough to exceed."""
    limits = {"items": 4, "text_chars": 1000}
    with GatewayProcess(proxy.target, models=MODELS, streams=1, limits=limits) as process:
        process.wait_ready()
        yield process


@pytest.fixture
def gate(proxy: Proxy, served: GatewayProcess) -> Iterator[Gate]:
    """Each step of a text waits until it is let through. Afterwards nothing is being written any more."""
    proxy.distort = gate = Gate()
    yield gate
    proxy.distort = lambda response: response
    gate.let(1000)
    body = b'{"inputs": "a", "parameters": {"max_new_tokens": 1}}'
    until(lambda: served.post("/models/writer", body).status == 200, "the place is free again")


@pytest.fixture
def page(browser: Browser, served: GatewayProcess) -> Iterator[Page]:
    with quiet_page(browser, served.url) as opened:
        yield opened
