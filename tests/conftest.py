"""What no test should share with another, or with the gateway of whoever runs them; and which tests go together."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.support.once import shared_folder

# Gateways of tests run beside each other, and have no routes but their own.
os.environ.setdefault("KMAAS_GATEWAY__ADMIN_PORT", "0")
os.environ.setdefault("KMAAS_GATEWAY__STATE", os.path.join(tempfile.gettempdir(), "kmaas-tests-have-no-state"))  # noqa: PTH118 (a string)

shared_folder()

# The fixture of a folder's tests that takes long to set up, the longest first. One worker does it, and begins with it.
DEAR = {"e2e": "stack", "gateway": "exports", "clients": "exports", "export": "run", "contract": "server"}

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take files, and the files whose tests ask for the same dear fixture as one."""
    groups: dict[Path, str] = {}
    for item in items:
        dear = DEAR.get(item.path.relative_to(HERE).parts[0])
        if dear in getattr(item, "fixturenames", ()):
            groups[item.path] = str(dear)
    order = list(dict.fromkeys(DEAR.values()))
    items.sort(key=lambda item: order.index(groups[item.path]) if item.path in groups else len(order))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups.get(item.path, str(item.path))))
