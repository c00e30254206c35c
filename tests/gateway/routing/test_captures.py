"""Routes that capture: answered calls on the disk, with no private data in them, whoever asked in whatever way."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.tasks.image_classification import STROKE_PNG
from gateway.tasks.speech_recognition import TENTH_OF_SILENCE
from tests.support.admin import RoutedGateway
from tests.support.processes import Answer, ModelServerProcess, until
from tests.support.small_faces import ANN, pictured
from tests.support.streams import Events

PRIVATE, MASKED = "write to jane@example.com, card 4111 1111 1111 1111", "write to [email], card [card]"
LABELS = {"candidate_labels": ["j@example.com", "film"], "hypothesis_template": "{}"}
MODELS = ("writer", "embeddings", "digits", "speech", "hues", "faces")
OLD = "20200101T000000.000000Z.jsonl"


@pytest.fixture(scope="module")
def capturing(text_server: ModelServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoutedGateway]:
    """Every call of `MODELS` is captured, none of `poet`."""
    state = tmp_path_factory.mktemp("capturing") / "state"
    (state / "captures" / "poet").mkdir(parents=True)
    (state / "captures" / "poet" / OLD).write_text("old\n")
    routes: dict[str, Any] = {model: {"capture": {}} for model in MODELS}
    with RoutedGateway(text_server.target, state, routes=routes) as gateway:
        gateway.wait_ready()
        yield gateway


def ask(gateway: RoutedGateway, path: str, body: object) -> Answer:
    return gateway.post(path, json.dumps(body).encode(), "application/json")


def captured(gateway: RoutedGateway, model: str) -> list[Any]:
    paths = sorted((gateway.state / "captures" / model).glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


@pytest.fixture
def new(capturing: RoutedGateway) -> Callable[[str, int], list[Any]]:
    """The captures of a model that came since the test began, once there are so many."""
    before = {model: len(captured(capturing, model)) for model in MODELS}

    def found(model: str, count: int) -> list[Any]:
        until(lambda: len(captured(capturing, model)) >= before[model] + count, f"{count} calls are captured")
        lines = captured(capturing, model)[before[model] :]
        assert len(lines) == count
        return lines

    return found


New = Callable[[str, int], list[Any]]


def test_a_call_is_kept_with_who_answered_it_and_masked(capturing: RoutedGateway, new: New) -> None:
    parameters = {"max_new_tokens": 1, "return_full_text": True, "details": True, "stop": ["jane@example.com"]}
    answer = ask(capturing, "/models/writer", {"inputs": PRIVATE, "parameters": parameters})
    assert answer.json()[0]["generated_text"].startswith(PRIVATE), "the model reads what was sent"
    [line] = new("writer", 1)
    when = datetime.fromisoformat(line.pop("time"))
    assert when.tzinfo is not None
    assert line.pop("digest") == answer.headers["X-Model-Digest"]
    assert line.pop("request_id") == answer.headers["X-Request-Id"]
    text = line.pop("answer")["texts"][0]
    assert text.startswith(MASKED)
    asked = {**parameters, "stop": ["[email]"]}
    assert line == {
        "model": "writer",
        "version": 1,
        "task": "text-generation",
        "whole": True,
        "request": {"inputs": MASKED, "parameters": asked},
    }


def test_a_stream_is_kept_as_one_text(capturing: RoutedGateway, new: New) -> None:
    body = {"inputs": PRIVATE, "parameters": {"max_new_tokens": 5}}
    told = ask(capturing, "/models/writer", body).json()[0]["generated_text"]
    with Events(capturing, "/models/writer", {**body, "stream": True}) as events:
        assert list(events)
    at_once, streamed = new("writer", 2)
    assert streamed["answer"] == at_once["answer"] == {"texts": [told]}
    assert (streamed["whole"], streamed["request"]["inputs"]) == (True, MASKED)


def test_of_a_stream_that_its_caller_leaves_what_was_told_is_kept(capturing: RoutedGateway, new: New) -> None:
    body = {"inputs": PRIVATE, "parameters": {"max_new_tokens": 2000}, "stream": True}
    with Events(capturing, "/models/writer", body) as events:
        first = next(events.data())["token"]["text"]
    [line] = new("writer", 1)
    assert (line["whole"], line["request"]["inputs"]) == (False, MASKED)
    assert line["answer"]["texts"][0].startswith(first)


def test_a_conversation_is_kept(capturing: RoutedGateway, new: New) -> None:
    chat = {"model": "writer", "max_tokens": 3, "messages": [{"role": "user", "content": PRIVATE}], "temperature": 0}
    said = ask(capturing, "/v1/chat/completions", chat).json()["choices"][0]["message"]["content"]
    with Events(capturing, "/v1/chat/completions", {**chat, "stream": True}) as events:
        assert list(events)
    for line in new("writer", 2):
        assert MASKED in line["request"]["prompts"][0]
        assert line["answer"]["texts"] == [said]


def test_of_vectors_only_their_number_is_kept(capturing: RoutedGateway, new: New) -> None:
    ask(capturing, "/models/embeddings", {"inputs": [PRIVATE, "a film"]})
    ask(capturing, "/models/embeddings", {"inputs": {"source_sentence": PRIVATE, "sentences": ["a film"]}})
    ask(capturing, "/models/embeddings", {"inputs": "a film", "parameters": LABELS})
    vectors, alike, labelled = new("embeddings", 3)
    assert (vectors["request"]["inputs"], vectors["answer"]) == ([MASKED, "a film"], {"vectors": 2})
    assert alike["request"]["inputs"] == {"source_sentence": MASKED, "sentences": ["a film"]}
    assert isinstance(alike["answer"][0], float)
    assert {found["label"] for found in labelled["answer"]} == {"[email]", "film"}


def test_of_vectors_of_pictures_and_faces_only_their_number_is_kept(capturing: RoutedGateway, new: New) -> None:
    assert ask(capturing, "/models/hues", {"inputs": [STROKE_PNG, STROKE_PNG]}).status == 200
    face = base64.b64encode(pictured((ANN, 2, 3))).decode()
    assert ask(capturing, "/v1/faces/embed", {"inputs": face, "all": True}).json()["faces"][0]["vector"]
    [hues], [faces] = new("hues", 1), new("faces", 1)
    assert hues["answer"] == {"vectors": 2}
    assert faces["answer"] == {"faces": [1]}


def test_of_pictures_and_recordings_only_their_size_and_hash_are_kept(capturing: RoutedGateway, new: New) -> None:
    assert ask(capturing, "/models/digits", {"inputs": STROKE_PNG}).status == 200
    timed = {"inputs": TENTH_OF_SILENCE, "parameters": {"return_timestamps": True}}
    assert ask(capturing, "/models/speech", timed).status == 200
    [picture], [recording] = new("digits", 1), new("speech", 1)
    assert (picture["request"]["inputs"]["bytes"], len(picture["request"]["inputs"]["sha256"])) == (82, 64)
    assert picture["answer"][0].keys() == {"label", "score"}
    assert (recording["answer"].keys(), recording["request"]["inputs"]["bytes"]) == ({"text"}, 1644)


def test_what_cannot_be_looked_into_is_counted_and_not_kept(capturing: RoutedGateway, new: New) -> None:
    hidden = capturing.counted("kmaas_captures", model="embeddings", outcome="hidden")
    assert ask(capturing, "/v1/embeddings", {"model": "embeddings", "input": [[1, 2]]}).status == 200
    assert ask(capturing, "/v1/models/embeddings:predict", {"instances": [{"token_ids": [1, 2]}]}).status == 200
    assert ask(capturing, "/models/embeddings", {"inputs": "a film"}).status == 200
    assert new("embeddings", 1)[0]["request"] == {"inputs": "a film"}
    assert capturing.counted("kmaas_captures", model="embeddings", outcome="hidden") == hidden + 1


def test_what_no_route_captures_is_not_kept_and_the_old_is_erased(capturing: RoutedGateway) -> None:
    assert ask(capturing, "/models/poet", {"inputs": "x", "parameters": {"max_new_tokens": 1}}).status == 200
    until(lambda: not list((capturing.state / "captures" / "poet").iterdir()), "what is too old is erased")


def test_a_share_of_the_calls(capturing: RoutedGateway, new: New) -> None:
    """By the request's id, so that it is the same share however often one looks."""
    capturing.route("digits", capture={"percent": 50})
    body = json.dumps({"inputs": STROKE_PNG}).encode()
    try:
        for number in range(40):
            capturing.post("/models/digits", body, "application/json", **{"X-Request-Id": f"call-{number}"})
    finally:
        capturing.route("digits", capture={})
    ask(capturing, "/models/digits", {"inputs": STROKE_PNG})
    until(lambda: captured(capturing, "digits")[-1]["request_id"].startswith("call-") is False, "the last is captured")
    kept = [line for line in captured(capturing, "digits") if line["request_id"].startswith("call-")]
    assert 8 <= len(kept) <= 32


def test_a_disk_that_refuses_fails_nobody(capturing: RoutedGateway, new: New) -> None:
    folder = capturing.state / "captures" / "digits"
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    failed = capturing.counted("kmaas_captures", model="digits", outcome="failed")
    assert ask(capturing, "/models/digits", {"inputs": STROKE_PNG}).status == 200
    until(
        lambda: capturing.counted("kmaas_captures", model="digits", outcome="failed") == failed + 1, "that is counted"
    )
    folder.unlink()
    aside.rename(folder)
    assert ask(capturing, "/models/digits", {"inputs": STROKE_PNG}).status == 200
    assert len(new("digits", 1)) == 1


@pytest.mark.parametrize(
    ("capture", "told"),
    [({"percent": 0}, "capture.percent"), ({"percent": 101}, "capture.percent"), ({"mask": None}, "capture.mask")],
)
def test_a_capture_that_is_none_is_refused(capturing: RoutedGateway, capture: object, told: str) -> None:
    refused = capturing.ask("PUT", "/routes/poet", {"capture": capture})
    assert (refused.status, told in refused.body.decode()) == (422, True)


def test_what_waits_is_written_at_the_end(text_server: ModelServerProcess, tmp_path: Path) -> None:
    with RoutedGateway(text_server.target, tmp_path, routes={"digits": {"capture": {}}}) as gateway:
        gateway.wait_ready()
        for _ in range(20):
            assert ask(gateway, "/models/digits", {"inputs": STROKE_PNG}).status == 200
    assert len(captured(gateway, "digits")) == 20
