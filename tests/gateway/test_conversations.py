"""Texts whose model server remembers them: many at once, by the gateway's own decoding, as if each were alone."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any

import numpy as np
import pytest
from openai import OpenAI

from bench.stack import free_port
from tests.gateway.conftest import Shelf
from tests.support.clients import Clients
from tests.support.processes import Answer, GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.small_text_models import CONTEXT, SLOTS
from tests.support.stacks import workers
from tests.support.streams import Events, Gate
from wire.client import ModelServerClient
from wire.errors import ModelServerError

PROMPTS = ("roses", "a", "violets are blue, and so is the sea.", "zzz", "hello", "the quick brown fox", "q.", "wx,yz")


def ask(gateway: GatewayProcess, model: str, prompt: str, **parameters: object) -> Answer:
    body = {"inputs": prompt, "parameters": {"max_new_tokens": 12, **parameters}}
    return gateway.post(f"/models/{model}", json.dumps(body).encode())


def written(gateway: GatewayProcess, model: str, prompt: str, **parameters: object) -> str:
    answer = ask(gateway, model, prompt, **parameters)
    assert answer.status == 200, answer.body
    return str(answer.json()[0]["generated_text"])


def test_a_text_is_the_one_that_is_written_without_a_cache(texts: GatewayProcess) -> None:
    for prompt in PROMPTS:
        assert written(texts, "poet", prompt) == written(texts, "poet-plain", prompt)


def test_texts_differ_by_all_that_came_before(texts: GatewayProcess) -> None:
    """Else the other tests would say little."""
    assert len({written(texts, "poet", prompt) for prompt in PROMPTS}) == len(PROMPTS)
    assert written(texts, "poet", "rxses") != written(texts, "poet", "roses")


def test_many_at_once_are_as_each_alone(texts: GatewayProcess) -> None:
    """More than there are slots, of all lengths, drawn and not: nobody sees anybody else's letters."""
    asked = [
        (PROMPTS[number % len(PROMPTS)] + "abc"[number % 3], {"max_new_tokens": 3 + number, "seed": number, **drawing})
        for number in range(3 * SLOTS)
        for drawing in ({}, {"temperature": 0.9, "top_p": 0.95})
    ]
    expected = [written(texts, "poet-plain", prompt, **parameters) for prompt, parameters in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda one: written(texts, "poet", one[0], **one[1]), asked))
    assert found == expected


def test_several_continuations_of_one_prompt(texts: GatewayProcess) -> None:
    def completions(model: str) -> list[str]:
        client = OpenAI(base_url=f"{texts.url}/v1", api_key="any")
        told = client.completions.create(model=model, prompt="roses", n=3, seed=4, max_tokens=10, temperature=1.2)
        return [choice.text for choice in told.choices]

    assert completions("poet") == completions("poet-plain")
    assert len(set(completions("poet"))) == 3


def test_a_context_may_be_filled_to_its_last_token(texts: GatewayProcess) -> None:
    prompt = "a" * (CONTEXT - 5)
    assert written(texts, "poet", prompt, max_new_tokens=50) == written(texts, "poet-plain", prompt, max_new_tokens=50)
    assert ask(texts, "poet", "a" * CONTEXT).status == 422


@contextmanager
def streamed(gateway: GatewayProcess, prompt: str, tokens: int) -> Iterator[Iterator[str]]:
    """The letters of a text, as they come."""
    body = {"inputs": prompt, "stream": True, "parameters": {"max_new_tokens": tokens}}
    with Events(gateway, "/models/poet", body) as events:
        yield (event["token"]["text"] for event in events.data())


def test_who_leaves_gives_his_slot_back(texts: GatewayProcess) -> None:
    for _ in range(2 * SLOTS):
        with streamed(texts, "roses", CONTEXT) as letters:
            assert next(letters)
    assert written(texts, "poet", "roses") == written(texts, "poet-plain", "roses")


@pytest.fixture
def poets(shelf: Shelf) -> Shelf:
    shelf.publish("poet", "poet-plain")
    return shelf


def test_a_server_that_starts_again_is_told_the_text_again(poets: Shelf) -> None:
    with ModelServerProcess(poets.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        expected = written(gateway, "poet-plain", "roses", max_new_tokens=40)
        with streamed(gateway, "roses", 40) as letters:
            text = [next(letters) for _ in range(5)]
            server.signal(signal.SIGKILL)
            server.wait()
            with ModelServerProcess(poets.store.root, server.port):
                text += letters
        assert "".join(text) == expected


def test_a_text_that_nobody_follows_is_not_begun_anew_when_the_server_starts_again(poets: Shelf) -> None:
    """What was written so far is read again; at its end it is still the version that began it."""
    read: list[bytes] = []

    def note(request: Any) -> bool:
        if request.model_spec.name == "poet" and request.model_spec.signature_name == "prefill":
            read.append(request.inputs["token_ids"].SerializeToString())
        return True

    with (
        ModelServerProcess(poets.store.root) as server,
        Proxy(server.target) as proxy,
        GatewayProcess(proxy.target, models=("poet", "poet-plain")) as gateway,
        ThreadPoolExecutor() as pool,
    ):
        gateway.wait_ready()
        expected = written(gateway, "poet-plain", "roses", max_new_tokens=60)
        proxy.held, proxy.distort = note, (gate := Gate())
        asked = pool.submit(written, gateway, "poet", "roses", max_new_tokens=60)
        gate.let(1)
        until(lambda: gate.waiting == 2, "it is read, and being written")
        server.signal(signal.SIGKILL)
        server.wait()
        with ModelServerProcess(poets.store.root, server.port):
            gate.let(1000)
            assert asked.result() == expected
    assert read.count(read[0]) == 1


def test_a_text_goes_on_where_another_server_is(poets: Shelf) -> None:
    with ModelServerProcess(poets.store.root) as one, ModelServerProcess(poets.store.root) as other:
        servers = {one.target: one, other.target: other}
        with GatewayProcess(tuple(servers)) as gateway:
            gateway.wait_ready()
            until(lambda: served_by(gateway) == 2, "both prove themselves")
            expected = written(gateway, "poet-plain", "roses", max_new_tokens=40)
            with streamed(gateway, "roses", 40) as letters:
                text = [next(letters) for _ in range(5)]
                asked = {target: slots_taken(target) for target in servers}
                assert sorted(asked.values()) == [0, 1], "a text stays where its slot is"
                [its] = [target for target, taken in asked.items() if taken]
                servers[its].signal(signal.SIGKILL)
                text += letters
            assert "".join(text) == expected


def test_a_text_goes_on_when_its_version_is_swapped(poets: Shelf) -> None:
    """For one of the same content: what was kept is read again, and the text is the same."""
    with (
        ModelServerProcess(poets.store.root) as server,
        Proxy(server.target) as proxy,
        GatewayProcess(proxy.target, models=("poet", "poet-plain")) as gateway,
    ):
        gateway.wait_ready()
        expected = written(gateway, "poet-plain", "roses", max_new_tokens=30)
        proxy.distort = gate = Gate()
        gate.let(5)
        with streamed(gateway, "roses", 30) as letters:
            text = [next(letters) for _ in range(5)]
            poets.publish("poet")
            until(lambda: gateway.answers_from("poet", 2), "version 2 is in the place of 1")
            gate.let(100)
            text += letters
        assert "".join(text) == expected


def served_by(gateway: GatewayProcess) -> int:
    return min(int(gateway.get(f"/models/{name}").json()["versions"][0]["servers"]) for name in ("poet", "poet-plain"))


def slots_taken(target: str) -> int:
    """By others than this: so many leases of its own find no slot."""
    client = ModelServerClient(target)
    leases = np.arange(1, SLOTS + 1, dtype=np.int64)
    held = client.predict("poet", prompts(leases), timeout_s=20, signature="prefill").outputs["held"]
    client.predict("poet", {"lease": leases}, timeout_s=20, signature="release")
    client.close()
    return SLOTS - int(held.sum())


def prompts(leases: np.ndarray) -> dict[str, np.ndarray]:
    ones = np.ones(len(leases), np.int32)
    return {"lease": leases, "start": 0 * ones, "token_ids": ones[:, np.newaxis], "lengths": ones}


def test_who_finds_no_slot_is_told_so(poets: Shelf) -> None:
    with (
        ModelServerProcess(poets.store.root) as server,
        GatewayProcess(server.target, deadline_s=3.0) as gateway,
    ):
        gateway.wait_ready()
        client, leases = ModelServerClient(server.target), np.arange(1, SLOTS + 1, dtype=np.int64)

        def all_held() -> bool:
            told = client.predict("poet", prompts(leases), timeout_s=20, signature="prefill").outputs
            return bool(told["held"].all())

        until(all_held, "no golden holds a slot any more")
        refused = ask(gateway, "poet", "roses")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "3")
        assert f"{SLOTS} texts are being continued" in refused.json()["error"]

        client.predict("poet", {"lease": leases[:1]}, timeout_s=20, signature="release")
        assert ask(gateway, "poet", "roses").status == 200
        client.close()


def test_a_gateway_that_starts_while_no_slot_is_free_says_so(poets: Shelf) -> None:
    """Its proof needs one: callers are told 503, and it is proved as soon as there is one."""
    with ModelServerProcess(poets.store.root) as server:
        client, leases = ModelServerClient(server.target), np.arange(1, SLOTS + 1, dtype=np.int64)

        def all_held() -> bool:
            with suppress(ModelServerError):  # it is being loaded
                return bool(
                    client.predict("poet", prompts(leases), timeout_s=20, signature="prefill").outputs["held"].all()
                )
            return False

        until(all_held, "no slot is free")
        with GatewayProcess(server.target) as gateway:
            until(lambda: gateway.get("/models/poet-plain").status == 200, "the gateway answers")
            refused = ask(gateway, "poet", "roses")
            assert (refused.status, "Retry-After" in refused.headers) == (503, True)
            client.predict("poet", {"lease": leases}, timeout_s=20, signature="release")
            until(lambda: ask(gateway, "poet", "roses").status == 200, "it is proved", timeout_s=5)
        client.close()


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_texts_go_on_soon_after_their_server_was_frozen(poets: Shelf, *, local: bool) -> None:
    """What was given up there is given back, and so it is proved again, for which it needs a slot."""
    with (
        ModelServerProcess(poets.store.root, local=local) as server,
        GatewayProcess((server.target, f"127.0.0.1:{free_port()}")) as gateway,
    ):
        until(lambda: ask(gateway, "poet", "roses").status == 200, "it is proved")
        body = json.dumps({"inputs": "roses", "stream": True, "parameters": {"max_new_tokens": 50}}).encode()
        clients = Clients(gateway, "poet", body, 2 * SLOTS)
        with clients.asking():
            clients.wait_for(2 * SLOTS)
            server.signal(signal.SIGSTOP)
            until(lambda: f'{{server="{server.target}",state="silent"}} 1.0' in metrics(gateway), "it is missed")
            server.signal(signal.SIGCONT)
            until(lambda: ask(gateway, "poet", "a").status == 200, "texts are written again", timeout_s=5)
    assert clients.statuses.keys() <= {200, 503}
    lasts = [answer.body.decode().strip().rpartition("data:")[2] for answer in clients.answers if answer.status == 200]
    assert len({json.loads(last)["generated_text"] for last in lasts}) == 1


def test_texts_go_on_soon_after_the_gateway_s_workers_were_killed(poets: Shelf) -> None:
    """Who takes their places gives back what they held; by itself it would lapse after 15 s."""

    def stream() -> None:
        body = {"inputs": "roses", "stream": True, "parameters": {"max_new_tokens": 50}}
        with suppress(OSError, HTTPException):
            gateway.post("/models/poet", json.dumps(body).encode())

    with (
        ModelServerProcess(poets.store.root) as server,
        ModelServerClient(server.target) as client,
        GatewayProcess(server.target, workers=2) as gateway,
        ThreadPoolExecutor(4 * SLOTS) as threads,
    ):
        until(lambda: ask(gateway, "poet", "roses").status == 200, "it is proved")
        before = workers(gateway.pid)
        for _ in range(4 * SLOTS):
            threads.submit(stream)
        until(lambda: not has_a_slot(client), "no slot is free")
        server.signal(signal.SIGSTOP)
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        until(lambda: len(workers(gateway.pid) - before) == 2, "there are others")
        until(gateway.alive, "they listen")
        server.signal(signal.SIGCONT)
        until(lambda: ask(gateway, "poet", "a").status == 200, "texts are written again", timeout_s=8)


def has_a_slot(client: ModelServerClient) -> bool:
    lease = np.array([1], np.int64)
    told = client.predict("poet", prompts(lease), timeout_s=20, signature="prefill").outputs
    client.predict("poet", {"lease": lease}, timeout_s=20, signature="release")
    return bool(told["held"].all())


def metrics(gateway: GatewayProcess) -> str:
    return gateway.get("/metrics").body.decode()


def test_workers_share_the_slots(poets: Shelf) -> None:
    with ModelServerProcess(poets.store.root) as server, GatewayProcess(server.target, workers=2) as gateway:
        gateway.wait_ready()
        asked = [PROMPTS[number % len(PROMPTS)] for number in range(4 * SLOTS)]
        expected = {prompt: written(gateway, "poet-plain", prompt) for prompt in PROMPTS}
        with ThreadPoolExecutor(len(asked)) as pool:
            found = list(pool.map(lambda prompt: written(gateway, "poet", prompt), asked))
        assert found == [expected[prompt] for prompt in asked]


@pytest.mark.parametrize("signature", ["prefill", "decode", "release"])
def test_nobody_asks_what_is_kept_through_the_gateway(texts: GatewayProcess, signature: str) -> None:
    body = {"signature_name": signature, "inputs": {"lease": [1]}}
    refused = texts.post("/v1/models/poet:predict", json.dumps(body).encode())
    assert (refused.status, "not found in signature def" in refused.body.decode()) == (400, True)
