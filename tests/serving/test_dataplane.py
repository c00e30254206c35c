"""The dataplane apart from any protocol: which inputs fit a signature, and defaults for absent ones."""

import threading
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from serving.dataplane import Dataplane, check_inputs
from serving.errors import Code, RequestError
from serving.manager import Manager
from serving.runtimes.saved_model import SavedModel
from tests.serving.runtimes import Opener
from tests.support import saved_models
from wire import messages
from wire.tensors import from_proto, to_proto


@pytest.mark.parametrize("sent", [["a", "b"], ["a"], ["b", "a"]])
def test_inputs_that_fit(sent: list[str]) -> None:
    check_inputs(signature(defaults=["b"]), sent)


@pytest.mark.parametrize(
    ("sent", "defaults", "message"),
    [
        ([], [], "input size does not match signature: 0!=2 len({}) != len({a,b}). Sent extra: {}. Missing but "
         "required: {a,b}."),
        (["a", "b", "c"], ["b"], "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). Sent extra: "
         "{c}. Missing but required: {}."),
        (["b"], ["b"], "Signature input alias: a(feed name: a:0) not found in request and no default value provided. "
         "Inputs expected to be in the request {b}, or default input alias set: {b}"),
        (["a", "c"], ["b"], "Inputs contains invalid name. Used request inputs: {a}, request input: {a,c}"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit(sent: list[str], defaults: list[str], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_inputs(signature(defaults), sent)
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, message)


def signature(defaults: list[str]) -> object:
    made = messages.SignatureDef()
    for name in ("a", "b"):
        made.inputs[name].name = f"{name}:0"
    for name in defaults:
        made.defaults[name].dtype = 1
    return made


@pytest.fixture
def dataplane() -> Iterator[Dataplane]:
    manager = Manager(partial(SavedModel, intra_op_threads=1, inter_op_threads=1), retries=0, retry_interval_s=0)
    manager.aspire("m", {1: saved_models.folder() / "defaults"})
    assert manager.wait_settled(120)
    yield Dataplane(manager, polled=threading.Event())
    manager.close(30)


def test_the_catalogue_is_not_told_before_it_is_whole() -> None:
    manager, polled = Manager(Opener(), retries=0, retry_interval_s=0), threading.Event()
    dataplane = Dataplane(manager, polled)
    with pytest.raises(RequestError) as caught:
        dataplane.models()
    assert caught.value.code is Code.UNAVAILABLE
    polled.set()
    assert dataplane.models() == []
    manager.close(30)


def test_a_default_stands_for_an_absent_input(dataplane: Dataplane) -> None:
    request = messages.PredictRequest(model_spec={"name": "m"})
    request.inputs["a"].CopyFrom(to_proto(np.array([1, 2], "f4")))
    assert from_proto(dataplane.predict(request, None).outputs["sum"]).tolist() == [11, 12]
    request.inputs["b"].CopyFrom(to_proto(np.array([1, 1], "f4")))
    assert from_proto(dataplane.predict(request, None).outputs["sum"]).tolist() == [2, 3]
