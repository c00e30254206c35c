"""Routes at work: a real gateway, real model servers, versions that answer differently."""

import json
import math
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.server import SHARED_FOLDER
from store.signing import Signer
from tests.gateway.conftest import Shelf
from tests.gateway.routing.conftest import version
from tests.support import decided
from tests.support.admin import RoutedGateway
from tests.support.clients import Clients
from tests.support.processes import Answer, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.small_models import picture
from tests.support.stacks import workers
from wire.client import ModelServerClient

PICTURE = picture()


def test_a_split_gives_each_version_its_share(gateway: RoutedGateway) -> None:
    gateway.route("digits", to=1, split=[{"to": 2, "percent": 10}])
    seen = Counter(version(gateway.post("/models/digits", PICTURE)) for _ in range(600))
    assert abs(seen["2"] - 60) < 4.5 * math.sqrt(600 * 0.1 * 0.9)
    assert seen["1"] + seen["2"] == 600
    assert gateway.counted("kmaas_routed_requests", model="digits", by="split", to="2") == seen["2"]
    assert gateway.counted("kmaas_routed_requests", model="digits", by="to", to="1") == seen["1"]


def test_calls_with_one_key_stay_with_one_version(gateway: RoutedGateway) -> None:
    gateway.route("digits", to=1, split=[{"to": 2, "percent": 50}], sticky="X-Sticky-Key")

    def places() -> dict[str, str]:
        keys = [f"caller-{number}" for number in range(30)]
        return {key: version(gateway.post("/models/digits", PICTURE, **{"X-Sticky-Key": key})) for key in keys}

    before = places()
    assert set(before.values()) == {"1", "2"}
    assert places() == before
    gateway.route("digits", to=1, split=[{"to": 2, "percent": 80}], sticky="X-Sticky-Key")
    grown = places()
    assert all(grown[key] == "2" for key, place in before.items() if place == "2")


def test_testers_choose_where_the_route_lets_them(gateway: RoutedGateway) -> None:
    def chosen(wanted: str) -> Answer:
        return gateway.post("/models/digits", PICTURE, **{"X-Model-Version": wanted})

    assert (chosen("1").status, "testers" in chosen("1").json()["detail"]) == (403, True)
    gateway.route("digits", to=1)
    assert chosen("2").status == 403
    gateway.route("digits", to=1, testers=True)
    assert (version(chosen("2")), version(chosen("1"))) == ("2", "1")
    assert version(gateway.post("/models/digits", PICTURE)) == "1"
    assert (chosen("9").status, chosen("nobody").status) == (404, 404)
    wrong = chosen("Not a version")
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "X-Model-Version")


def test_a_pinned_digest_is_answered_by_the_part_that_has_it(gateway: RoutedGateway) -> None:
    gateway.route("digits", to=1, split=[{"to": 2, "percent": 50}])
    for number in ("1", "2"):
        pin = {"X-Model-Digest": f"sha256:digits-{number}"}
        assert {version(gateway.post("/models/digits", PICTURE, **pin)) for _ in range(8)} == {number}
    assert gateway.post("/models/digits", PICTURE, **{"X-Model-Digest": "sha256:other"}).status == 412


def test_a_shadow_is_compared_and_never_answers(gateway: RoutedGateway) -> None:
    gateway.route("digits", to=1, shadow={"to": 2})
    answers = [gateway.post("/models/digits", PICTURE) for _ in range(10)]
    assert {version(answer) for answer in answers} == {"1"}

    def compared() -> Any:
        return (gateway.get("/models/digits").json()["route"]["comparisons"] or [{"compared": 0}])[0]

    until(lambda: bool(compared()["compared"] == 10), "every copy is compared")
    line = compared()
    assert (line["to"], line["agreed"], line["agreement"]) == (2, 0, 0.0), "the two digits agree on this picture"
    assert line["worst_distance"] > 0
    assert gateway.shown("digits")["status"]["comparisons"] == [line]
    assert gateway.counted("kmaas_shadow_copies", model="digits", to="2", outcome="disagreed") == 10
    gateway.route("sentiment", shadow={"to": 1})
    assert gateway.post("/models/sentiment", b'{"inputs": "good"}').status == 200
    assert gateway.shown("sentiment")["status"]["comparisons"] == [], "a version is not its own shadow"


def test_a_shadow_that_hangs_delays_and_fails_nobody(two_versions: ModelServerProcess, tmp_path: Path) -> None:
    """The answers come while the shadow holds every copy that it was given."""
    settings = {"models": ("digits",), "shadow_threads": 1, "shadow_requests": 2, "deadline_s": 8.0}
    with Proxy(two_versions.target) as proxy, RoutedGateway(proxy.target, tmp_path / "state", **settings) as gateway:
        gateway.wait_ready()
        gateway.route("digits", to=1, shadow={"to": 2})
        proxy.held = lambda request: request.model_spec.version.value == 2
        proxy.open.clear()
        try:
            assert {version(gateway.post("/models/digits", PICTURE)) for _ in range(40)} == {"1"}
            dropped = gateway.shown("digits")["status"]["comparisons"][0]["dropped"]
        finally:
            proxy.open.set()
        assert dropped >= 37, "one is being asked, two wait"
        assert gateway.counted("kmaas_shadow_copies", model="digits", to="2", outcome="dropped") == dropped


def test_routes_change_under_load_without_a_failed_request(gateway: RoutedGateway) -> None:
    clients = Clients(gateway, "digits", PICTURE, 8)
    routes: list[dict[str, Any]] = [
        {"to": 1},
        {"to": 2},
        {"to": 1, "split": [{"to": 2, "percent": 50}]},
        {"to": 2, "shadow": {"to": 1}, "limits": {"items": 1}},
    ]
    with clients.asking():
        for route in routes * 2:
            gateway.route("digits", **route)
            clients.wait_for(30)
        assert gateway.ask("DELETE", "/routes/digits").status == 200
        clients.wait_for(30)
    assert clients.statuses.keys() == {200}
    told = clients.different("X-Model-Version", "X-Model-Digest")
    seen = [(answer.headers["X-Model-Version"], answer.headers["X-Model-Digest"]) for answer in told]
    assert sorted(seen) == [("1", "sha256:digits-1"), ("2", "sha256:digits-2")]


def test_a_route_s_limits_and_deadline_are_its_model_s(two_versions: ModelServerProcess, tmp_path: Path) -> None:
    models = ("digits", "sentiment")
    with Proxy(two_versions.target) as proxy, RoutedGateway(proxy.target, tmp_path / "s", models=models) as gateway:
        gateway.wait_ready()
        both = b'{"inputs": ["good", "bad"]}'
        gateway.route("sentiment", limits={"items": 1, "text_chars": 10, "body_bytes": 60})
        refused = [gateway.post("/models/sentiment", body) for body in (both, b'{"inputs": "%b"}' % (b"good " * 3))]
        assert [answer.status for answer in refused] == [413, 413]
        assert "at most 1 are" in refused[0].json()["detail"]
        assert "at most 60 are" in gateway.post("/models/sentiment", both + b" " * 60).json()["detail"]
        assert gateway.post("/models/sentiment", b'{"inputs": "good"}').status == 200
        gateway.route("digits", limits={"image_pixels": 96 * 96 - 1}, to=1)
        assert gateway.post("/models/digits", PICTURE).status == 413
        gateway.route("digits", to=1, deadline_s=0.3)
        assert gateway.post("/models/digits", PICTURE).status == 200
        proxy.open.clear()
        try:
            late = gateway.post("/models/digits", PICTURE)
        finally:
            proxy.open.set()
        assert (late.status, "within 0.3 s" in late.json()["detail"]) == (504, True)
        assert gateway.ask("DELETE", "/routes/sentiment").status == 200
        assert gateway.post("/models/sentiment", both).status == 200


def test_a_part_that_cannot_answer_leaves_its_calls_to_the_others(
    two_versions: ModelServerProcess, model_server: ModelServerProcess, tmp_path: Path
) -> None:
    with (
        Proxy(two_versions.target) as proxy,
        RoutedGateway(proxy.target, tmp_path / "state", models=("digits",)) as gateway,
    ):
        gateway.wait_ready()
        with ModelServerClient(model_server.target) as client:
            until(lambda: client.status("digits", timeout_s=10)[0].state == "AVAILABLE", "the other server has loaded")
        gateway.route("digits", to=1, split=[{"to": 2, "percent": 100}])
        clients = Clients(gateway, "digits", PICTURE, 4)
        with clients.asking():
            clients.wait_for(20)
            proxy.targets[:] = [model_server.target]  # has version 1 alone
            until(lambda: clients.answers[-1].headers.get("X-Model-Version") == "1", "the other version answers")
            clients.wait_for(20)
            proxy.targets[:] = [two_versions.target]
            until(lambda: clients.answers[-1].headers.get("X-Model-Version") == "2", "the part is back")
            clients.wait_for(20)
        assert clients.statuses.keys() == {200}
        assert gateway.counted("kmaas_routed_requests", model="digits", by="diverted", to="2") >= 20


def test_a_canary_that_disagrees_is_withdrawn_with_an_audit_line(gateway: RoutedGateway) -> None:
    canary = {"to": 2, "percent": 50, "canary": {"disagreement": 0.1}}
    gateway.route("digits", to=1, split=[canary], sticky="X-Sticky-Key")
    clients = Clients(gateway, "digits", PICTURE, 2)
    with clients.asking():
        until(lambda: gateway.shown("digits")["route"]["split"] == [], "the canary is withdrawn")
        clients.wait_for(20)
    assert clients.statuses.keys() == {200}
    assert {version(answer) for answer in clients.answers[-10:]} == {"1"}
    shown = gateway.shown("digits")
    assert (shown["by"], shown["route"]["sticky"]) == ("canary", "X-Sticky-Key")
    line = gateway.audit[-1]
    assert (line["who"], line["model"]) == ("canary", "digits")
    assert line["before"]["split"] == [canary]
    assert "split" not in line["after"]
    assert line["why"].startswith("disagreements: ")
    assert gateway.counted("kmaas_canary_withdrawals", model="digits", to="2") == 1


@pytest.mark.parametrize("alike", [False, True])
def test_a_canary_is_withdrawn_for_failing_more_than_the_version_beside_it(
    alike: bool, two_versions: ModelServerProcess, tmp_path: Path
) -> None:
    """Where both fail alike, the model server is to blame, and no version."""

    def spoilt(response: Any) -> Any:
        if alike or response.model_spec.version.value == 2:
            response.outputs.pop("probabilities", None)
        return response

    with (
        Proxy(two_versions.target) as proxy,
        RoutedGateway(proxy.target, tmp_path / "state", models=("digits",)) as gateway,
    ):
        gateway.wait_ready()
        gateway.route("digits", to=1, split=[{"to": 2, "percent": 50, "canary": {"errors": 0.05}}])
        proxy.distort = spoilt
        statuses = [gateway.post("/models/digits", PICTURE).status for _ in range(60)]
        if alike:
            assert set(statuses) == {502}
            assert gateway.shown("digits")["route"]["split"] != []
        else:
            until(lambda: gateway.shown("digits")["route"]["split"] == [], "the canary is withdrawn")
            assert gateway.audit[-1]["why"].startswith("errors: ")
            assert {version(gateway.post("/models/digits", PICTURE)) for _ in range(10)} == {"1"}


def test_another_model_stands_in_for_one_that_cannot_answer(two_versions: ModelServerProcess, tmp_path: Path) -> None:
    routes = {"ghost": {"fallback": "strokes"}, "digits": {"fallback": "strokes"}, "sentiment": {"fallback": "ghost"}}
    with (
        Proxy(two_versions.target) as proxy,
        RoutedGateway(
            proxy.target, tmp_path / "s", models=("ghost", "digits", "strokes", "sentiment"), routes=routes
        ) as gateway,
    ):
        gateway.wait_ready()
        answer = gateway.post("/models/ghost", PICTURE)
        assert (answer.status, answer.headers["X-Model"], answer.json()[0]["label"]) == (200, "strokes", "level")
        assert gateway.counted("kmaas_routed_requests", model="ghost", by="fallback", to="strokes") == 1
        pinned = gateway.post("/models/ghost", PICTURE, **{"X-Model-Digest": "sha256:digits-1"})
        assert (pinned.status, pinned.headers.get("X-Model")) == (503, "ghost")
        faulty = gateway.post("/models/digits", b"no picture")
        assert (faulty.status, faulty.headers["X-Model"]) == (400, "digits"), "the caller's fault is nobody else's"
        assert gateway.post("/models/ghost", b"no picture").status == 400
        assert gateway.post("/models/digits", PICTURE).headers["X-Model"] == "digits"
        proxy.distort = lambda response: (
            response if response.model_spec.name != "digits" else response.ClearField("outputs") or response
        )
        assert gateway.post("/models/digits", PICTURE).headers["X-Model"] == "strokes"
        proxy.distort = lambda response: response.ClearField("outputs") or response
        assert gateway.post("/models/digits", PICTURE).status == 502, "nobody can answer: the first one's refusal"
        assert gateway.post("/models/sentiment", b'{"inputs": "good"}').status == 502


def test_what_was_changed_survives_a_restart_until_the_settings_change(
    two_versions: ModelServerProcess, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with RoutedGateway(two_versions.target, state, routes={"digits": {"to": 1}}) as gateway:
        gateway.wait_ready()
        assert version(gateway.post("/models/digits", PICTURE)) == "1"
        gateway.route("digits", to=2)
    with RoutedGateway(two_versions.target, state, routes={"digits": {"to": 1}}) as gateway:
        gateway.wait_ready()
        assert version(gateway.post("/models/digits", PICTURE)) == "2"
        assert gateway.shown("digits")["by"] == "127.0.0.1"
    with RoutedGateway(two_versions.target, state, routes={"digits": {"to": 1, "testers": True}}) as gateway:
        gateway.wait_ready()
        assert version(gateway.post("/models/digits", PICTURE)) == "1"
        assert gateway.shown("digits")["by"] is None


def test_another_model_stands_in_for_one_that_is_gone(two_versions: ModelServerProcess, tmp_path: Path) -> None:
    """The model server lists its models, and has none of that name."""
    routes = {"ghost": {"fallback": "strokes"}, "spirit": {"fallback": "ghost"}}
    with RoutedGateway(two_versions.target, tmp_path / "state", routes=routes) as gateway:
        gateway.wait_ready()
        assert gateway.post("/models/ghost", PICTURE).headers["X-Model"] == "strokes"
        assert gateway.post("/models/spirit", PICTURE).status == 404, "a model that stands in has no other stand in"
        assert gateway.post("/models/nobody", PICTURE).status == 404


def test_workers_share_their_routes_and_the_admin_api_outlives_any_of_them(
    two_versions: ModelServerProcess, tmp_path: Path
) -> None:
    with RoutedGateway(two_versions.target, tmp_path / "state", workers=2) as gateway:
        gateway.wait_ready()

        def answers() -> set[str | None]:
            """Each call is a connection of its own: the workers take turns by chance. One may not be ready yet."""
            asked = [gateway.post("/models/digits", PICTURE) for _ in range(30)]
            return {answer.headers.get("X-Model-Version") for answer in asked}

        def changed(number: int) -> bool:
            return gateway.ask("PUT", "/routes/digits", {"to": number}).status == 200

        for number in (1, 2):
            until(lambda number=number: changed(number), "the worker with the admin API is ready")  # type: ignore[misc]  # a default
            until(lambda number=number: answers() == {str(number)}, "every worker follows")  # type: ignore[misc]  # a default
        for worker in workers(gateway.pid):
            os.kill(worker, signal.SIGKILL)
            until(lambda worker=worker: not Path(f"/proc/{worker}").exists(), "it is gone")  # type: ignore[misc]  # a default
            until(gateway.administered, "another worker has the admin API")
            assert gateway.shown("digits")["route"]["to"] == 2


def test_what_all_workers_see_of_a_route_is_told_and_outlives_any_of_them(
    two_versions: ModelServerProcess, tmp_path: Path
) -> None:
    with RoutedGateway(two_versions.target, tmp_path / "state", workers=2) as gateway:
        gateway.wait_ready()
        gateway.route(
            "digits", to=2, split=[{"to": 1, "percent": 50, "canary": {"errors": 0.5, "disagreement": 0.999}}]
        )

        def dealt() -> int:
            asked = [gateway.post("/models/digits", PICTURE) for _ in range(40)]
            return sum(answer.headers.get("X-Model-Version") == "1" for answer in asked)  # without a route 2 answers

        def counted() -> int:
            canaries = gateway.shown("digits")["status"]["canaries"]
            return sum(canary["canary"]["failed"]["trials"] for canary in canaries)

        seen = dealt() + dealt()
        until(lambda: counted() == seen, "all of them are counted")
        until(lambda: _told_by_workers(gateway) == seen, "each has told what it counted")
        os.kill(min(workers(gateway.pid)), signal.SIGKILL)
        until(gateway.administered, "another worker has the admin API")
        until(lambda: counted() == seen, "none is forgotten")


def _told_by_workers(gateway: RoutedGateway) -> int:
    """As `counted`, of the files alone: all that is left of a worker that was killed."""
    environment = Path(f"/proc/{min(workers(gateway.pid))}/environ").read_bytes().decode().split("\0")
    folder = Path(dict(line.partition("=")[::2] for line in environment)[SHARED_FOLDER])
    told = [json.loads(file.read_bytes())["digits"]["canaries"] for file in folder.glob("routes-*.json")]
    return sum(canary["canary"]["failed"]["trials"] for canaries in told for canary in canaries)


def test_a_route_follows_labels_and_a_canary_s_counts_begin_anew_with_its_label(shelf: Shelf, tmp_path: Path) -> None:
    signer = Signer.at(tmp_path / "key.pem")
    shelf.publish("digits-a", "digits-b")
    decided.label(shelf.store, "digits", 1, signer)
    decided.label(shelf.store, "digits", 2, signer, "canary")
    with (
        ModelServerProcess(shelf.store.root) as server,
        RoutedGateway(server.target, tmp_path / "state") as gateway,
    ):
        gateway.wait_ready()
        gateway.route("digits", to="stable", split=[{"to": "canary", "percent": 50, "canary": {"errors": 0.1}}])
        assert gateway.shown("digits")["status"]["versions"] == {"to": 1, "split[0].to": 2}
        assert {version(gateway.post("/models/digits", PICTURE)) for _ in range(30)} == {"1", "2"}
        reasons = {line["version"]: line["reason"] for line in gateway.get("/models/digits").json()["versions"]}
        assert reasons == {1: None, 2: None}, "the canary is used, though it is not promoted"
        shelf.publish("digits-a")
        decided.label(shelf.store, "digits", 3, signer, "canary")
        until(lambda: gateway.shown("digits")["status"]["versions"]["split[0].to"] == 3, "the route follows the label")
        assert {version(gateway.post("/models/digits", PICTURE)) for _ in range(30)} == {"1", "3"}
        [canary] = gateway.shown("digits")["status"]["canaries"]
        assert canary["version"] == 3
        assert canary["canary"]["failed"]["trials"] <= 30


def test_tensors_are_dealt_out_and_limited_like_every_other_call(gateway: RoutedGateway) -> None:
    def predict(path: str = "/v1/models/digits", rows: int = 1, chosen: str | None = None) -> Answer:
        body = json.dumps({"instances": np.zeros((rows, 28, 28, 1), int).tolist()}).encode()
        return gateway.post(f"{path}:predict", body, **({"X-Model-Version": chosen} if chosen else {}))

    gateway.route("digits", to=1, split=[{"to": 2, "percent": 50}], testers=True, limits={"items": 2})
    assert {version(predict()) for _ in range(30)} == {"1", "2"}
    assert {version(predict(f"/v1/models/digits/versions/{number}")) for number in "11"} == {"1"}
    assert {version(predict(chosen="2")) for _ in range(5)} == {"2"}
    assert predict(rows=3).status == 413
    assert {version(gateway.get("/v1/models/digits/metadata")) for _ in range(10)} == {"1"}, "a look is not dealt out"
