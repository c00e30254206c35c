"""The SavedModel beside a twin: opened once, tried again only where that can end otherwise."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import grpc
import numpy as np
import pytest

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.beside import Beside
from serving.runtimes.runtime import Runtime
from tests.serving.runtimes import Opened
from tests.support import sabotage, twins
from tests.support.processes import ModelServerProcess, until
from wire.client import ModelServerClient
from wire.errors import ModelServerError, StillOpeningError


@pytest.mark.parametrize(("final", "tries"), [(False, 2), (True, 1)])
def test_one_that_does_not_open_is_tried_again_unless_that_is_vain(*, final: bool, tries: int) -> None:
    tried: list[int] = []

    def refused() -> Runtime:
        tried.append(len(tried))
        raise LoadError(Code.DATA_LOSS, "it answers otherwise", final=final)

    beside = Beside(refused)
    for _ in range(2):
        with pytest.raises(RequestError, match=r"signature raw .* it answers otherwise") as caught:
            beside.run("raw", {}, [], None)
        assert caught.value.code is Code.INTERNAL
    assert len(tried) == tries
    assert not beside.is_open


def test_it_is_opened_by_the_first_call_and_closed_with_the_twin(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    beside = Beside(lambda: opened)
    assert not beside.is_open
    assert beside.run("raw", {}, [], None) == beside.run("raw", {}, [], None) == []
    beside.close()
    assert opened.closed.is_set()


def test_who_cannot_wait_for_it_is_told_so_while_it_goes_on_being_opened(tmp_path: Path) -> None:
    may_open, opened, tried = Event(), Opened(tmp_path), []

    def slowly() -> Runtime:
        tried.append(1)
        assert may_open.wait(60)
        return opened

    beside = Beside(slowly)
    for _ in range(2):
        with pytest.raises(
            RequestError, match="SavedModel is being opened, of which the signature raw is; ask again"
        ) as caught:
            beside.run("raw", {}, [], 0.5)
        assert caught.value.code is Code.UNAVAILABLE
    assert not beside.is_open
    with ThreadPoolExecutor() as pool:
        patient = pool.submit(beside.run, "raw", {}, [], 60)
        may_open.set()
        assert patient.result() == []
    assert beside.is_open
    assert beside.run("raw", {}, [], 0.5) == []
    assert tried == [1]


def test_what_is_being_opened_when_the_version_goes_is_closed(tmp_path: Path) -> None:
    may_open, opened = Event(), Opened(tmp_path)

    def slowly() -> Runtime:
        assert may_open.wait(60)
        return opened

    beside = Beside(slowly)
    with pytest.raises(RequestError, match="being opened"):
        beside.run("raw", {}, [], 0.1)
    with ThreadPoolExecutor() as pool:
        closing = pool.submit(beside.close)
        may_open.set()
        closing.result()
    assert opened.closed.is_set()


def test_a_server_never_gives_the_answer_of_a_saved_model_that_answers_otherwise(tmp_path: Path) -> None:
    """The version loads, for its twin is fine; the first call of what the twin lacks brings it to light."""
    version = twins.put(tmp_path / "tokens" / "1")
    sabotage.change_recorded(version, "raw", "logits", 1e-3)
    ids, text = np.array([[1, 2, 3]], np.int32), np.array([b"1 2 3"], object)
    with ModelServerProcess(tmp_path) as server, ModelServerClient(server.target) as client:
        until(lambda: _available(client), "the version serves")
        assert "tensorflow" not in Path(f"/proc/{server.pid}/maps").read_text()
        for _ in range(2):
            with pytest.raises(
                ModelServerError, match="request 3 of signature raw is answered otherwise than recorded"
            ) as caught:
                client.predict("tokens", {"text": text}, timeout_s=120, signature="raw")
            assert caught.value.code is grpc.StatusCode.INTERNAL
            assert client.predict("tokens", {"token_ids": ids}, timeout_s=30).outputs["logits"].shape == (1, 3)


def test_a_server_says_that_it_opens_what_the_twin_lacks_and_then_answers(tmp_path: Path) -> None:
    twins.put(tmp_path / "tokens" / "1")
    text = np.array([b"1 2 3"], object)
    with ModelServerProcess(tmp_path) as server, ModelServerClient(server.target) as client:
        until(lambda: _available(client), "the version serves")
        with pytest.raises(StillOpeningError, match="of which the signature raw is; ask again"):
            client.predict("tokens", {"text": text}, timeout_s=3, signature="raw")
        answered = client.predict("tokens", {"text": text}, timeout_s=120, signature="raw")
        assert answered.outputs["logits"].shape == (1, 3)


def _available(client: ModelServerClient) -> bool:
    try:
        return [line.state for line in client.status("tokens", timeout_s=5)] == ["AVAILABLE"]
    except ModelServerError:  # it does not listen yet, or has not found the version yet
        return False
