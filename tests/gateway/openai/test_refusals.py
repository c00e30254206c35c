"""What OpenAI's API refuses: by the `openai` package, and in raw requests where that would not send them."""

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from gateway.dialects.openai.chat import ChatRequest
from gateway.errors import UnsupportedError
from tests.gateway.openai.asking import SPOKEN, post, refused, user
from tests.support.processes import GatewayProcess, ask

ROOT = Path(__file__).resolve().parents[3]


def test_errors_are_those_the_client_knows(client: OpenAI, texts: GatewayProcess) -> None:
    with pytest.raises(openai.NotFoundError, match="'none'") as missing:
        client.embeddings.create(model="none", input="x")
    assert (missing.value.code, missing.value.param, missing.value.type) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )
    with pytest.raises(openai.BadRequestError, match="image-classification") as wrong:
        client.embeddings.create(model="digits", input="x")
    assert (wrong.value.code, wrong.value.param) == ("wrong_task", "model")
    with pytest.raises(openai.BadRequestError, match="feature-extraction"):
        client.chat.completions.create(model="embeddings", messages=user("a"))
    with pytest.raises(openai.BadRequestError, match="automatic-speech-recognition"):
        client.audio.transcriptions.create(model="writer", file=SPOKEN)
    refused(ask(f"{texts.url}/v1/completions"), 405, param=None, says="GET")
    refused(texts.post("/v1/audio/nothing", b""), 404, param=None, says="/v1/audio/nothing")


CHAT = {"model": "writer", "messages": user("a"), "max_tokens": 1}
COMPLETE = {"model": "writer", "prompt": "a", "max_tokens": 1}
EMBED = {"model": "embeddings", "input": "good"}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("chat/completions", {**CHAT, "tools": [{"type": "function"}]}, "tools"),
        ("chat/completions", {**CHAT, "tool_choice": "required"}, "tool_choice"),
        ("chat/completions", {**CHAT, "response_format": {"type": "json_object"}}, "response_format"),
        ("chat/completions", {**CHAT, "logit_bias": {"1": 2}}, "logit_bias"),
        ("chat/completions", {**CHAT, "modalities": ["text", "audio"]}, "modalities"),
        (
            "chat/completions",
            {**CHAT, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0]",
        ),
        (
            "chat/completions",
            {**CHAT, "messages": [{"role": "assistant", "content": None, "tool_calls": [{}]}]},
            "messages[0].tool_calls",
        ),
        ("chat/completions", {**CHAT, "messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ("chat/completions", {**CHAT, "messages": [{"role": "user"}]}, "messages[0].content"),
        ("chat/completions", {**CHAT, "messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ("chat/completions", {**CHAT, "messages": []}, "messages"),
        ("chat/completions", {**CHAT, "max_tokens": 4, "max_completion_tokens": 9}, "max_tokens"),
        ("chat/completions", {**CHAT, "stream_options": {"include_usage": True}}, "stream_options"),
        ("chat/completions", {**CHAT, "messages": "a"}, "messages"),
        ("chat/completions", {"messages": user("a")}, "model"),
        ("chat/completions", {**CHAT, "n": 0}, "n"),
        ("chat/completions", {**CHAT, "temperature": 3}, "temperature"),
        ("chat/completions", {**CHAT, "temperature": "0"}, "temperature"),
        ("chat/completions", {**CHAT, "top_logprobs": 2}, "top_logprobs"),
        ("chat/completions", {**CHAT, "max_tokens": 0}, "max_tokens"),
        ("chat/completions", {**CHAT, "stop": ["a"] * 17}, "stop"),
        ("chat/completions", {**CHAT, "stop": [""]}, "stop[0]"),
        ("chat/completions", {**CHAT, "stream": 1}, "stream"),
        ("completions", {**COMPLETE, "suffix": "z"}, "suffix"),
        ("completions", {**COMPLETE, "best_of": 3}, "best_of"),
        ("completions", {**COMPLETE, "echo": True, "logprobs": 1}, "logprobs"),
        ("completions", {**COMPLETE, "prompt": ""}, "prompt"),
        ("completions", {**COMPLETE, "prompt": []}, "prompt"),
        ("completions", {**COMPLETE, "prompt": ["a", 1]}, "prompt"),
        ("completions", {**COMPLETE, "prompt": [True]}, "prompt"),
        ("completions", {**COMPLETE, "prompt": None}, "prompt"),
        ("embeddings", {**EMBED, "encoding_format": "int8"}, "encoding_format"),
        ("embeddings", {**EMBED, "input": " "}, "input"),
        ("embeddings", {**EMBED, "input": {}}, "input"),
        ("embeddings", {**EMBED, "input": [99]}, "input"),
        ("embeddings", {"model": "embeddings"}, "input"),
    ],
)
def test_what_is_not_done_is_refused_by_name(texts: GatewayProcess, path: str, body: Any, param: str) -> None:
    refused(post(texts, f"/v1/{path}", body), 400, param=param, says="")


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings"])
@pytest.mark.parametrize("body", [b"", b"{", b"[1", b'{"a": NaN}', b"\xff", b"[" * 100_000, b"5", b"[]", b"null"])
def test_a_body_that_is_no_object_is_400(texts: GatewayProcess, path: str, body: bytes) -> None:
    refused(texts.post(f"/v1/{path}", body), 400, param="body" if body in (b"5", b"[]", b"null") else None, says="")


def test_too_much_is_413_before_any_work(texts: GatewayProcess) -> None:
    refused(post(texts, "/v1/embeddings", {**EMBED, "input": ["good"] * 5}), 413, param=None, says="at most 4")
    refused(post(texts, "/v1/embeddings", {**EMBED, "input": "x" * 1001}), 413, param=None, says="at most 1000")
    refused(post(texts, "/v1/completions", {**COMPLETE, "prompt": "x" * 1001}), 413, param=None, says="at most 1000")
    refused(post(texts, "/v1/completions", {**COMPLETE, "n": 5}), 413, param=None, says="at most 4")
    refused(post(texts, "/v1/chat/completions", {**CHAT, "messages": user("x" * 1001)}), 413, param=None, says="1000")
    refused(texts.post("/v1/completions", bytes(17 * 2**20)), 413, param=None, says=str(16 * 2**20))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"temperature": 3}, "temperature: expected less than or equal to 2, received 3"),
        ({"temperature": "hot"}, "temperature: expected a valid number, received 'hot'"),
        ({"max_tokens": 2.5}, "max_tokens: expected a valid integer, received 2.5"),
        ({"stream": None, "seed": True}, "seed: expected a valid integer, received true"),
        ({"messages": "a" * 200}, "messages: expected a valid list, received a text of 200 characters"),
        ({"messages": {}}, "messages: expected a valid list, received an object"),
    ],
)
def test_what_was_expected_and_what_was_received_are_said(
    texts: GatewayProcess, fields: dict[str, object], says: str
) -> None:
    refused(post(texts, "/v1/chat/completions", {**CHAT, **fields}), 400, param=next(reversed(fields)), says=says)


@pytest.mark.parametrize("nothing", [None, False, [], {}, ""])
def test_what_asks_for_nothing_is_no_reason_to_refuse(texts: GatewayProcess, nothing: object) -> None:
    body = {**CHAT, "tools": nothing, "logit_bias": nothing, "functions": nothing}
    assert post(texts, "/v1/chat/completions", body).status == 200
    harmless = {"tool_choice": "none", "response_format": {"type": "text"}, "modalities": ["text"]}
    assert post(texts, "/v1/chat/completions", {**CHAT, **harmless}).status == 200


def test_fields_that_are_not_known_are_passed_over_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        asked = ChatRequest.of({**CHAT, "user": "secret-1", "secret-2": 1, "x" * 1000: 1, "new\nline": 2}, "id-1")
    assert asked.max_tokens == 1
    [line] = [record.getMessage() for record in caplog.records]
    assert line == "request id-1: passed over 4 fields that are not known"
    with pytest.raises(UnsupportedError, match="tools"):
        ChatRequest.of({**CHAT, "tools": [1]}, "id-1")


def test_the_code_of_the_documentation_works(texts: GatewayProcess) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "dialects" / "openai.md").read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code.replace("http://127.0.0.1:8080", texts.url)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].endswith("2 6")


def test_an_answer_that_is_not_finite_is_502(texts: GatewayProcess) -> None:
    answer = post(texts, "/v1/completions", {**COMPLETE, "prompt": "?", "max_tokens": 5, "temperature": 0})
    assert refused(answer, 502, param=None, says="not finite")["type"] == "server_error"
    assert post(texts, "/v1/completions", COMPLETE).status == 200
