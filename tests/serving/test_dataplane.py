"""The dataplane apart from any protocol: which inputs fit a signature, and defaults for absent ones."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving.dataplane import Dataplane
from serving.errors import Code, RequestError
from serving.lifecycle.core import Core
from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.rules import Rules
from serving.metrics import Metrics
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.saved_model import SavedModel
from tests.serving.runtimes import Opener
from tests.support import saved_models
from wire import messages
from wire.tensors import from_proto, to_proto


@pytest.fixture
def dataplane(tmp_path: Path) -> Iterator[Dataplane]:
    options = RuntimeOptions(intra_op_threads=1, inter_op_threads=1)
    manager = Manager(lambda _model, _version, folder: SavedModel(folder, options), Rules(), Metrics())
    core = Core(manager, poll_interval_s=0)
    saved_models.put("defaults", tmp_path / "m" / "1")
    core.start({"m": ModelConfig("m", tmp_path / "m")})
    core.wait_started()
    yield Dataplane(core, Metrics())
    core.stop()
    manager.close(30)


def test_a_default_stands_for_an_absent_input(dataplane: Dataplane) -> None:
    request = messages.PredictRequest(model_spec={"name": "m"})
    request.inputs["a"].CopyFrom(to_proto(np.array([1, 2], "f4")))
    assert from_proto(dataplane.predict(request, None).outputs["sum"]).tolist() == [11, 12]
    request.inputs["b"].CopyFrom(to_proto(np.array([1, 1], "f4")))
    assert from_proto(dataplane.predict(request, None).outputs["sum"]).tolist() == [2, 3]


def test_metadata_of_a_lazy_server_waits_no_longer_than_its_deadline(tmp_path: Path) -> None:
    opener, folder = Opener(), tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    for file in ("good", "held"):
        (folder / file).touch()
    manager = Manager(opener, Rules(lazy=True), Metrics())
    core = Core(manager, poll_interval_s=0)
    core.start({"m": ModelConfig("m", tmp_path / "m")})
    core.wait_started()
    request = messages.GetModelMetadataRequest(model_spec={"name": "m"}, metadata_field=["signature_def"])
    with pytest.raises(RequestError) as caught:
        Dataplane(core, Metrics()).metadata(request, 0.01)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    opener.release.set()
    core.stop()
    manager.close(30)
