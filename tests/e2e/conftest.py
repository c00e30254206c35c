"""The whole stack, as `kmaas up` runs it, with the real starter models in a store of its own.

The models are trained once: `kmaas up` finds the finished runs of the same code and data in var/runs again.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from bench.stack import Stack, running_stack
from tests.support.browsing import chromium, quiet_page

STARTERS = ("digits", "sentiment")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack") / "store", STARTERS) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    with quiet_page(browser, stack.url) as opened:
        yield opened
