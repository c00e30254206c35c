"""Routes of models that write: limits and canaries, where an answer comes in pieces or in OpenAI's dialect."""

import json
from pathlib import Path

import pytest

from tests.gateway.conftest import Shelf
from tests.gateway.routing.conftest import both_of, version
from tests.support.admin import RoutedGateway
from tests.support.processes import Answer, ModelServerProcess, until
from tests.support.small_speech import recording


@pytest.mark.parametrize("named_by", ["the path", "the body"])
def test_a_route_s_limit_of_bytes_holds_in_openai_s_dialect(
    text_server: ModelServerProcess, tmp_path: Path, named_by: str
) -> None:
    prefix = "/models/writer" if named_by == "the path" else ""
    say = {"model": "writer", "max_tokens": 1}
    asked = {
        f"{prefix}/v1/completions": say | {"prompt": "ab"},
        f"{prefix}/v1/chat/completions": say | {"messages": [{"role": "user", "content": "ab"}]},
    }
    if named_by == "the body":
        asked["/v1/embeddings"] = {"model": "embeddings", "input": "ab"}
    with RoutedGateway(text_server.target, tmp_path / "state") as gateway:
        gateway.wait_ready()
        for model in ("writer", "embeddings", "speech"):
            gateway.route(model, limits={"body_bytes": 200})
        for path, document in asked.items():
            body = json.dumps(document).encode()
            assert gateway.post(path, body, "application/json").status == 200, path
            refused = gateway.post(path, body + b" " * 200, "application/json")
            assert (refused.status, "at most 200 are" in refused.json()["error"]["message"]) == (413, True), path
        if named_by == "the body":
            head = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
            fields = (head % (b"model", b"") + b"speech\r\n", head % (b"file", b'; filename="a.wav"'), recording([0.5]))
            body = b"".join([*fields, b"\r\n--x--\r\n"])
            refused = gateway.post("/v1/audio/transcriptions", body, "multipart/form-data; boundary=x")
            assert (refused.status, "at most 200 are" in refused.json()["error"]["message"]) == (413, True)


def test_a_canary_whose_streams_fail_after_their_first_piece_is_withdrawn(shelf: Shelf, tmp_path: Path) -> None:
    with both_of(shelf, "writer", "writer", tmp_path) as gateway:
        gateway.route(
            "writer", to=1, split=[{"to": 2, "percent": 50, "canary": {"errors": 0.05}}], sticky="X-Sticky-Key"
        )

        def streamed(prompt: str, number: int) -> Answer:
            body = {"inputs": prompt, "stream": True, "parameters": {"max_new_tokens": 3}}
            return gateway.post("/models/writer", json.dumps(body).encode(), **{"X-Sticky-Key": f"caller-{number}"})

        places = [version(streamed("a", number)) for number in range(60)]
        [figures] = gateway.shown("writer")["status"]["canaries"]
        assert figures["canary"]["failed"] == {"events": 0, "trials": places.count("2")}
        for number, place in enumerate(places):
            answer = streamed("?" if place == "2" else "a", number)
            assert (answer.status, b"error_type" in answer.body) == (200, place == "2")
        until(lambda: gateway.shown("writer")["route"]["split"] == [], "the canary is withdrawn")
        assert gateway.audit[-1]["why"].startswith("errors: ")
