"""The admin API: what it refuses, whom it refuses, what it keeps."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import ValidationError

from gateway.admin.access import check
from gateway.admin.app import create_admin
from gateway.app import create_app
from gateway.errors import HostError, TokenError
from gateway.routing.route import Route
from gateway.settings import GatewaySettings
from tests.gateway.conftest import Shelf
from tests.support.admin import RoutedGateway
from tests.support.processes import ModelServerProcess, until
from tests.support.small_models import picture

PICTURE = picture()
TOKEN = "an open secret"


@pytest.fixture(scope="module")
def gateway(two_versions: ModelServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoutedGateway]:
    with RoutedGateway(two_versions.target, tmp_path_factory.mktemp("admin") / "state") as process:
        process.wait_ready()
        yield process


def faults(gateway: RoutedGateway, route: object, model: str = "digits") -> dict[str, str]:
    """By field, of a route that is refused."""
    answer = gateway.ask("PUT", f"/routes/{model}", route)
    assert answer.status == 422, answer.body
    return {fault["field"]: fault["message"] for fault in answer.json()["errors"]}


def test_a_wrong_change_is_refused_whole_and_each_fault_is_named(gateway: RoutedGateway) -> None:
    gateway.route("digits", to=1)
    before, audit = gateway.shown("digits"), gateway.audit
    values = faults(gateway, {"to": True, "split": [{"to": "A b", "percent": 0}], "frobnicate": 1, "sticky": "a b"})
    assert values.keys() == {"to", "split[0].to", "split[0].percent", "frobnicate", "sticky"}
    sums = faults(gateway, {"to": 1, "split": [{"to": 2, "percent": 60}, {"to": 2, "percent": 41, "canary": {}}]})
    assert sums.keys() == {"split", "split[1].to", "split[1].canary"}
    assert "101 percent together" in sums["split"]
    unfit = faults(gateway, {"fallback": "digits", "deadline_s": 60, "limits": {"items": 10**6, "teeth": 1}})
    assert unfit.keys() == {"fallback", "deadline_s", "limits.items", "limits.teeth"}
    unknown = faults(
        gateway,
        {
            "to": "nobody",
            "split": [{"to": 9, "percent": 1}],
            "shadow": {"to": 8},
            "fallback": "ghost",
            "deadline_s": 99,
        },
    )
    assert unknown.keys() == {"to", "split[0].to", "shadow.to", "fallback", "deadline_s"}
    assert "digits has no version 9 loaded" in unknown["split[0].to"]
    assert "sentiment is for text-classification" in faults(gateway, {"fallback": "sentiment"})["fallback"]
    statuses = [
        gateway.ask("PUT", "/routes/digits", b"{").status,
        gateway.ask("PUT", "/routes/digits", b"[" * 100_000).status,
        gateway.ask("PUT", "/routes/digits", []).status,
        gateway.ask("PUT", "/routes/ghost", {}).status,
        gateway.ask("GET", "/routes/ghost").status,
        gateway.ask("DELETE", "/routes/ghost").status,
        gateway.ask("POST", "/routes/digits/withdraw", {"to": 2}).status,
        gateway.ask("PATCH", "/routes/digits", {}).status,
        gateway.ask("GET", "/nothing").status,
    ]
    assert statuses == [400, 413, 422, 404, 404, 404, 422, 405, 404]
    assert (gateway.shown("digits"), gateway.audit) == (before, audit)


def test_a_deadline_in_which_nobody_can_answer_is_refused(gateway: RoutedGateway) -> None:
    for deadline_s in (1e-300, 0.0009):
        assert faults(gateway, {"deadline_s": deadline_s}).keys() == {"deadline_s"}
    gateway.route("digits", deadline_s=0.001)
    gateway.route("digits", to=1)


def test_of_thousands_of_faults_in_a_route_twenty_are_told(gateway: RoutedGateway) -> None:
    equal = gateway.ask("PUT", "/routes/digits", {"to": 1, "split": [{"to": 1, "percent": 0.01}] * 2000})
    named = gateway.ask("PUT", "/routes/digits", {"limits": {f"{number}{'n' * 500}": 1 for number in range(100)}})
    for answer, more in ((equal, 3979), (named, 80)):
        assert answer.status == 422
        assert len(answer.json()["errors"]) == 21
        assert answer.json()["errors"][-1] == {"field": "body", "message": f"and {more} more"}
        assert len(answer.body) < 20_000


def test_every_change_has_an_audit_line(gateway: RoutedGateway) -> None:
    known = len(gateway.audit)
    split = [{"to": 1, "percent": 5.0}]
    gateway.ask("PUT", "/routes/digits", {"to": 2, "split": split, "shadow": {"to": 1}}, **{"X-Changed-By": "anna"})
    gateway.ask("PUT", "/routes/digits", {"to": 2, "split": split, "shadow": {"to": 1}})
    gateway.ask("POST", "/routes/digits/withdraw", {"to": 1, "why": "we saw enough"})
    gateway.ask("DELETE", "/routes/digits")
    first, second, third = gateway.audit[known:]
    assert first.keys() == {"at", "who", "model", "before", "after", "why"}
    assert (first["who"], second["who"]) == ("anna at 127.0.0.1", "127.0.0.1")
    assert first["after"] == second["before"] == {"to": 2, "split": split, "shadow": {"to": 1}}
    assert (second["after"], second["why"], third["before"]) == ({"to": 2}, "we saw enough", {"to": 2})
    assert third["after"] is None
    assert first["at"] < second["at"] < third["at"]
    nameless = gateway.ask("DELETE", "/routes/digits", **{"X-Changed-By": "a b"})
    assert nameless.json()["errors"][0]["field"] == "X-Changed-By"


def test_changes_at_once_all_count(gateway: RoutedGateway) -> None:
    known = len(gateway.audit)
    with ThreadPoolExecutor(8) as threads:
        done = threads.map(lambda number: gateway.route("digits", to=1 + number % 2, testers=number < 8), range(16))
    assert len(list(done)) == 16
    lines = gateway.audit[known:]
    assert [line["before"] for line in lines[1:]] == [line["after"] for line in lines[:-1]]
    assert json.loads((gateway.state / "routes.json").read_text())["digits"]["route"] == lines[-1]["after"]


def test_a_state_that_is_no_folder_is_told(two_versions: ModelServerProcess, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    refuses_changes(two_versions, tmp_path / "file")


def test_a_damaged_state_is_told_and_not_overwritten(two_versions: ModelServerProcess, tmp_path: Path) -> None:
    (tmp_path / "routes.json").write_text('{"digits": {"rou')
    refuses_changes(two_versions, tmp_path)
    assert (tmp_path / "routes.json").read_text() == '{"digits": {"rou'


def refuses_changes(server: ModelServerProcess, state: Path) -> None:
    with RoutedGateway(server.target, state, routes={"digits": {"to": 1}}) as gateway:
        gateway.wait_ready()
        refused = gateway.ask("PUT", "/routes/digits", {"to": 2})
        assert (refused.status, refused.json()["type"]) == (507, "urn:kmaas:problem:state")
        assert gateway.post("/models/digits", PICTURE).headers["X-Model-Version"] == "1"


def test_with_a_token_nobody_else_is_answered(
    two_versions: ModelServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMAAS_GATEWAY__ADMIN_TOKEN", TOKEN)
    with RoutedGateway(two_versions.target, tmp_path / "state") as gateway:
        gateway.wait_ready()
        refused = gateway.ask("PUT", "/routes/digits", {"to": 1})
        assert (refused.status, refused.headers["Www-Authenticate"]) == (401, "Bearer")
        assert gateway.ask("PUT", "/routes/digits", {"to": 1}, Authorization="Bearer an").status == 401
        assert gateway.audit == []
        assert gateway.ask("PUT", "/routes/digits", {"to": 1}, Authorization=f"Bearer {TOKEN}").status == 200
        assert gateway.get("/routes").status == 404, "the admin API is on its own port only"


@pytest.mark.parametrize("host", ["127.0.0.1:8082", "localhost", "[::1]:8082", "127.1.2.3"])
def test_names_of_this_machine_are_answered(host: str) -> None:
    check(None, None, host, None)


@pytest.mark.parametrize("host", ["attacker.example:8082", "", "localhost.attacker.example", "10.0.0.1"])
def test_a_page_that_had_its_name_resolved_to_this_machine_is_not(host: str) -> None:
    with pytest.raises(HostError):
        check(None, None, host, None)


@pytest.mark.parametrize("origin", ["https://attacker.example", "http://127.0.0.1:8080", "null", ""])
def test_pages_are_not(gateway: RoutedGateway, origin: str) -> None:
    """A form of any page may send this; its answer the page does not need."""
    before = gateway.shown("digits")
    sent = gateway.ask("POST", "/routes/digits/withdraw", {"to": 2}, **{"Origin": origin, "Content-Type": "text/plain"})
    assert (sent.status, sent.json()["type"].rpartition(":")[2]) == (403, "origin")
    assert "the admin API is for programs" in sent.json()["detail"]
    assert gateway.shown("digits") == before
    check(TOKEN, f"Bearer {TOKEN}", "admin.example", origin)


@pytest.mark.parametrize("sent", [None, "", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN} ", "Bearer \udcff"])
def test_only_the_token_is_the_token(sent: str | None) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        check(TOKEN, f"{scheme} {TOKEN}", "admin.example", None)
    with pytest.raises(TokenError):
        check(TOKEN, sent, "localhost", None)


def test_an_address_that_others_reach_needs_a_token() -> None:
    with pytest.raises(ValidationError, match="admin_token"):
        GatewaySettings(admin_host="0.0.0.0")
    with pytest.raises(ValidationError, match="ports of their own"):
        GatewaySettings(port=9000, admin_port=9000)
    GatewaySettings(admin_host="0.0.0.0", admin_port=0)
    settings = GatewaySettings.model_validate({"admin_host": "0.0.0.0", "admin_token": TOKEN})
    assert TOKEN not in repr(settings)


def test_callers_that_say_nothing_do_not_shut_others_out(gateway: RoutedGateway) -> None:
    """More of them than are let in at once; they are left after a while."""
    port = int(gateway.admin.rpartition(":")[2])
    with ExitStack() as silent:
        for _ in range(20):
            silent.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert gateway.post("/models/digits", PICTURE).status == 200
        until(lambda: answers(gateway), "the admin API answers beside them")


def test_callers_that_drip_their_request_do_not_shut_others_out(gateway: RoutedGateway) -> None:
    """Each byte comes soon after the one before, for ever; whoever is cut comes again."""
    address = ("127.0.0.1", int(gateway.admin.rpartition(":")[2]))
    answered = threading.Event()

    def drip() -> None:
        while not answered.is_set():
            with suppress(OSError), socket.create_connection(address) as slow:
                slow.sendall(b"GET /healthz HTTP/1.0\r\nX-Slow: ")
                while not answered.wait(0.1):
                    slow.sendall(b"1")

    with ThreadPoolExecutor(20) as threads:
        try:
            for _ in range(20):
                threads.submit(drip)
            for _ in range(3):
                until(lambda: answers(gateway), "the admin API answers beside them")
        finally:
            answered.set()


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(gateway: RoutedGateway) -> None:
    port = int(gateway.admin.rpartition(":")[2])
    head = b"PUT /routes/digits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as stalled:
        stalled.sendall(head)
        answered = b""
        while piece := stalled.recv(4096):
            answered += piece
    assert answered.startswith(b"HTTP/1.0 400")


def test_whether_a_version_is_there_cannot_be_known_while_the_model_server_is_away(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish("digits-a")
    with (
        ModelServerProcess(shelf.store.root) as server,
        RoutedGateway(server.target, tmp_path / "state", deadline_s=5) as gateway,
    ):
        gateway.wait_ready()
        assert faults(gateway, {"to": 7}).keys() == {"to"}
        server.kill()
        until(lambda: gateway.get("/readyz").status == 503, "the gateway knows that the server is away")
        refused = gateway.ask("PUT", "/routes/digits", {"to": 7})
        assert (refused.status, refused.json()["type"]) == (503, "urn:kmaas:problem:model-not-ready")
        assert "Retry-After" in refused.headers


def answers(gateway: RoutedGateway) -> bool:
    try:
        return gateway.ask("GET", "/healthz").status == 200
    except OSError:
        return False


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(GatewaySettings(model_server="127.0.0.1:1", state=tmp_path))
    yield create_admin(app.extensions["parts"])
    app.extensions["close"]()


def test_every_route_is_described(gateway: RoutedGateway, app: Flask) -> None:
    document = gateway.ask("GET", "/openapi.json").json()
    routes = {
        (str(rule).replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    paths: Any = document["paths"]
    assert {(path, method) for path, item in paths.items() for method in item if method != "parameters"} == routes
    for reference in {part.split('"')[0] for part in json.dumps(document).split('"$ref": "#/')[1:]}:
        target = document
        for step in reference.split("/"):
            target = target[step]


def test_a_model_server_that_is_away_is_no_fault_of_the_route(app: Flask) -> None:
    refused = app.test_client().put("/routes/digits", json={"to": 1}, headers={"Host": "localhost"})
    assert refused.status_code == 503


def test_the_example_is_a_route() -> None:
    for example in Route.model_json_schema()["examples"]:
        Route.model_validate(example)
