"""The model card over HTTP: in two forms, without scripts, and always of the version that answers."""

from tests.gateway.conftest import Shelf
from tests.support.processes import GatewayProcess, ModelServerProcess, ask, until


def test_html_unless_markdown_is_preferred(gateway: GatewayProcess) -> None:
    for accept, media_type, beginning in (
        (None, "text/html", b"<h1>digits of seed 1</h1>"),
        ("*/*", "text/html", b"<h1>"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html", b"<h1>"),
        ("text/markdown", "text/markdown", b"# digits of seed 1"),
        ("text/html;q=0.5, text/markdown", "text/markdown", b"# "),
        ("image/png", "text/html", b"<h1>"),
    ):
        answer = ask(f"{gateway.url}/models/digits/card", headers={"Accept": accept} if accept else {})
        assert answer.status == 200
        assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert answer.body.startswith(beginning)
        assert answer.headers["X-Model-Version"] == "1"
        assert answer.headers["Vary"] == "Accept"


def test_no_script_can_run_in_it(gateway: GatewayProcess) -> None:
    headers = gateway.get("/models/digits/card").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert policy["img-src"] == "data:"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_version_without_one_and_a_model_that_is_not_there_are_told_apart(gateway: GatewayProcess) -> None:
    for model, kind in (("sentiment", "no-card"), ("nothing", "unknown-model")):
        answer = gateway.get(f"/models/{model}/card")
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == f"urn:kmaas:problem:{kind}"


def test_a_pinned_digest_holds_for_the_card(gateway: GatewayProcess) -> None:
    url = f"{gateway.url}/models/digits/card"
    assert ask(url, headers={"X-Model-Digest": "sha256:digits-1"}).status == 200
    refused = ask(url, headers={"X-Model-Digest": "sha256:digits-2"})
    assert (refused.status, refused.json()["type"]) == (412, "urn:kmaas:problem:digest")
    assert "digits is answered by version 1 with the digest sha256:digits-1" in refused.json()["detail"]
    assert refused.headers["X-Model-Digest"] == "sha256:digits-1"


def test_the_card_goes_with_its_version(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        assert b"seed 1" in gateway.get("/models/digits/card").body
        shelf.publish("digits-b")
        until(lambda: gateway.answers_from("digits", 2), "version 2 is current")
        assert b"seed 2" in gateway.get("/models/digits/card").body
        server.kill()
        until(lambda: gateway.get("/models/digits/card").status == 503, "the outage is noticed")
