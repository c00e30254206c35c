"""What no test should share with another, or with the gateway of whoever runs them; and which tests go together."""

import os
import tempfile
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.company import COMPANY
from tests.support.once import shared_folder
from wire.imports import for_good

# Gateways of tests run beside each other, and have no routes but their own.
os.environ.setdefault("KMAAS_GATEWAY__ADMIN_PORT", "0")
os.environ.setdefault("KMAAS_GATEWAY__STATE", os.path.join(tempfile.gettempdir(), "kmaas-tests-have-no-state"))  # noqa: PTH118 (a string)
# They start processes by the hundred, whose code is compiled once, even where the environment would have it otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

shared_folder()

settings.register_profile("kmaas", deadline=None)  # of an example: on a busy machine it would tell nothing of the code
settings.load_profile("kmaas")

# Files of which one worker takes all, since they share what is dear to set up; those that take longest first. Others go
# to whichever worker is free.
TOGETHER = {
    "tests/e2e": "the stack",
    "tests/gateway": "the small models' servers",
    "tests/clients": "the small models' servers",
    "tests/export": "the tiny runs",
    "tests/contract": "the servers under contract",
}
APART = ("tests/e2e/test_wrong_versions.py",)


def group(nodeid: str) -> str:
    file = nodeid.split("::", maxsplit=1)[0]
    return file if file in APART else TOGETHER.get("/".join(file.split("/")[:2]), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = list(dict.fromkeys(TOGETHER.values()))
    items.sort(key=lambda item: order.index(found) if (found := group(item.nodeid)) in order else len(order))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    with for_good():
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the fixtures of the group's last test."""
    if nextitem is None or group(nextitem.nodeid) != group(item.nodeid):
        COMPANY.end()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it ships no types

    scheduling = LoadFileScheduling(config, log)
    scheduling._split_scope = group
    return scheduling
