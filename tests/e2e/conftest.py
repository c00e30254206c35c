"""The whole stack, as `kmaas up` runs it, with the real starter models in a store of its own.

The models are trained once: `kmaas up` finds the finished runs of the same code and data in var/runs again.
"""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench.stack import Stack, running_stack
from tests.e2e.browsing import ARGUMENTS, quiet_page

STARTERS = ("digits", "sentiment")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack") / "store", STARTERS) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed; expected Debian's package: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    with quiet_page(browser, stack.url) as opened:
        yield opened
