"""Versions whose files never come, as on a network folder that is away: whoever else there is goes on."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from tests.support import saved_models
from tests.support.processes import ModelServerProcess, until
from wire.client import ModelServerClient
from wire.errors import NotServedError, UnreachableError

_HUNG = 3  # more than TensorFlow's own pool has threads where there are two cores


def put_hung(version: Path) -> None:
    """A version whose weights hang whoever reads them."""
    made = version.with_name(f".staging-{version.name}")
    saved_models.put("plus-2", made)
    weights = made / "variables" / "variables.data-00000-of-00001"
    weights.unlink()
    os.mkfifo(weights)
    made.rename(version)


def test_hung_versions_keep_nobody_from_loading_or_answering(tmp_path: Path) -> None:
    saved_models.put("slow", tmp_path / "slow" / "1")
    with ModelServerProcess(tmp_path) as server, ModelServerClient(server.target) as client:

        def answers(model: str, **inputs: np.ndarray) -> bool:
            try:
                return bool(client.predict(model, inputs, timeout_s=10).outputs)
            except (NotServedError, UnreachableError):
                return False

        def loads(model: str) -> bool:
            try:
                return client.status(model, timeout_s=10)[0].state == "LOADING"
            except NotServedError:  # not seen yet
                return False

        steps = np.array(1, np.int32)
        until(lambda: answers("slow", steps=steps), "a model that runs in TensorFlow's pool answers")
        for number in range(_HUNG):
            (tmp_path / f"hung-{number}").mkdir()
            put_hung(tmp_path / f"hung-{number}" / "1")
            until(partial(loads, f"hung-{number}"), "it begins to load")
        saved_models.put("plus-2", tmp_path / "late" / "1")
        until(lambda: answers("late", x=np.ones(1, np.float32)), "a model that comes later loads")
        assert answers("slow", steps=steps)
