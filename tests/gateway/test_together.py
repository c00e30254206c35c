"""Requests that share a run on the model server: each is answered as if it were alone."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from store.golden import difference
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.small_models import picture

_ROUNDING = 1e-6
_NOT_A_PICTURE = b"\x89PNG\r\n\x1a\n but no more"


@pytest.mark.parametrize("slow_s", [0.05, 0.2])
def test_those_who_wait_share_a_run_and_each_has_its_own_answer(
    model_server: ModelServerProcess, slow_s: float
) -> None:
    """With requests among them that are refused."""
    pictures = [picture(digit, side=side) for digit in range(8) for side in (48, 96)]
    with (
        Proxy(model_server.target) as proxy,
        GatewayProcess(proxy.target, models=("digits",)) as gateway,
        ThreadPoolExecutor(24) as clients,
    ):
        gateway.wait_ready()
        alone = [gateway.post("/models/digits", body).json() for body in pictures]
        proxy.slow_s, proxy.asked = slow_s, 0
        bodies = [*pictures, _NOT_A_PICTURE] * 6
        answers = list(clients.map(lambda body: gateway.post("/models/digits", body), bodies))
    assert {answer.status for answer in answers} == {200, 400}
    for number, answer in enumerate(answers):
        place = number % (len(pictures) + 1)
        if place == len(pictures):
            assert answer.status == 400
        else:
            assert difference(alone[place], answer.json(), _ROUNDING) is None
    assert proxy.asked < len(bodies) / 2


def test_texts_of_unlike_lengths_share_a_run(text_server: ModelServerProcess) -> None:
    """Each has its own vector, which is the mean over its words."""
    texts = [" ".join(["good", *["film"] * more]) for more in range(7)]
    with (
        Proxy(text_server.target) as proxy,
        GatewayProcess(proxy.target, models=("embeddings",)) as gateway,
        ThreadPoolExecutor(16) as clients,
    ):
        gateway.wait_ready()

        def vector(text: str) -> object:
            return gateway.post("/models/embeddings", json.dumps({"inputs": text}).encode()).json()

        alone = [vector(text) for text in texts]
        proxy.slow_s, proxy.asked = 0.1, 0
        assert list(clients.map(vector, texts * 6)) == [
            pytest.approx(np.array(expected), abs=_ROUNDING) for expected in alone * 6
        ]
    assert proxy.asked < len(texts) * 6 / 2


def test_a_server_that_hangs_costs_all_that_wait_no_more_than_their_time(model_server: ModelServerProcess) -> None:
    with (
        Proxy(model_server.target) as proxy,
        GatewayProcess(proxy.target, models=("digits",), deadline_s=1.0) as gateway,
        ThreadPoolExecutor(12) as clients,
    ):
        gateway.wait_ready()
        proxy.open.clear()
        try:
            late = list(clients.map(lambda _: gateway.post("/models/digits", picture()), range(12)))
        finally:
            proxy.open.set()
        assert {answer.status for answer in late} == {504}
        until(lambda: gateway.post("/models/digits", picture()).status == 200, "answers again")
