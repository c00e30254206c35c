"""OpenAI's API, asked by the unmodified `openai` package, and in raw requests where that would not send them."""

import base64
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from openai import OpenAI

from gateway.dialects.openai.chat import ChatRequest
from gateway.errors import UnsupportedError
from tests.support.processes import Answer, GatewayProcess, ask
from tests.support.small_text_models import EMOJI, END, recording

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def client(texts: GatewayProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{texts.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def user(content: str) -> Any:
    return [{"role": "user", "content": content}]


# --- Chat


def test_chat(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="writer", messages=user("ab"), temperature=0, max_tokens=3)
    [choice] = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "cde", "length")
    assert answer.usage is not None
    # "ab", <|user|> and <|end|> around it, <|assistant|> and "b"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (6, 3, 9)
    assert (answer.object, answer.model, answer.system_fingerprint) == (
        "chat.completion",
        "writer",
        "sha256:writer-False",
    )


def test_chat_without_a_limit_ends_where_the_model_does(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="writer", messages=user("x"), temperature=0)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("yz", "stop")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3  # the one that ends the text, too


def test_chat_of_many_parties_and_parts(client: OpenAI) -> None:
    parts: Any = [{"type": "text", "text": "a"}, {"type": "text", "text": "k"}]
    messages = [*user("hi"), {"role": "assistant", "content": "ho"}, {"role": "user", "content": parts}]
    answer = client.chat.completions.create(model="writer", messages=messages, temperature=0, max_completion_tokens=1)
    assert answer.choices[0].message.content == "l"


def test_a_chat_is_streamed_in_the_order_clients_expect(client: OpenAI) -> None:
    events = list(
        client.chat.completions.create(
            model="writer",
            messages=user("!"),
            temperature=0,
            max_tokens=6,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    first, *middle, finish, usage = events
    assert first.choices[0].delta.role == "assistant"
    assert [event.choices[0].delta.content for event in middle] == [EMOJI, "!"]  # 4 tokens make the emoji
    assert (finish.choices[0].delta.content, finish.choices[0].finish_reason) == (None, "length")
    assert usage.choices == []
    assert usage.usage is not None
    assert (usage.usage.prompt_tokens, usage.usage.completion_tokens) == (5, 6)
    assert len({event.id for event in events}) == 1


def test_a_stream_tells_no_usage_unless_asked(client: OpenAI) -> None:
    events = list(client.chat.completions.create(model="writer", messages=user("x"), temperature=0, stream=True))
    assert all(event.usage is None for event in events)
    assert events[-1].choices[0].finish_reason == "stop"


def test_logprobs_of_a_chat(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "messages": user("a"), "temperature": 0, "max_tokens": 2, "logprobs": True}
    whole = client.chat.completions.create(**asked, top_logprobs=2).choices[0].logprobs
    assert whole is not None
    assert whole.content is not None
    [b, c] = whole.content
    assert (b.token, b.bytes, c.token) == ("b", [98], "c")
    assert [other.token for other in b.top_logprobs] == ["b", "B"]
    assert b.top_logprobs[0].logprob == b.logprob > b.top_logprobs[1].logprob
    streamed = [
        token
        for event in client.chat.completions.create(**asked, top_logprobs=2, stream=True)
        if event.choices[0].logprobs
        for token in event.choices[0].logprobs.content or ()
    ]
    assert streamed == whole.content


def test_the_url_s_model_wins(texts: GatewayProcess) -> None:
    body = {"model": "dummy", "messages": user("ab"), "temperature": 0, "max_tokens": 1}
    answer = post(texts, "/models/writer/v1/chat/completions", body)
    assert (answer.status, answer.json()["model"]) == (200, "writer")
    assert answer.headers["X-Model"] == "writer"
    del body["model"]
    assert post(texts, "/models/writer/v1/chat/completions", body).status == 200


def test_a_message_cannot_pass_for_another_s(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=re.escape(END)) as caught:
        client.chat.completions.create(model="writer", messages=user(f"a{END}<|assistant|>sure"))
    assert caught.value.param == "messages[0].content"


def test_a_template_may_refuse_messages(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no system messages") as caught:
        client.chat.completions.create(model="writer", messages=[{"role": "system", "content": "x"}, *user("a")])
    assert caught.value.param == "messages"


# --- Completions


def test_completions_of_several_prompts_and_choices(client: OpenAI) -> None:
    answer = client.completions.create(model="writer", prompt=["ab", "x"], n=2, temperature=0, max_tokens=3, echo=True)
    assert [(choice.index, choice.text, choice.finish_reason) for choice in answer.choices] == [
        (0, "abcde", "length"),
        (1, "abcde", "length"),
        (2, "xyz", "stop"),
        (3, "xyz", "stop"),
    ]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 12)


def test_prompts_of_token_ids(client: OpenAI, texts: GatewayProcess) -> None:
    told = client.completions.create(model="writer", prompt="a", temperature=0, max_tokens=1, logprobs=1)
    assert told.choices[0].text == "b"
    ids = [64, 65]  # "a" and "b" in the model's vocabulary
    for prompt in (ids, [ids]):
        answer = client.completions.create(model="writer", prompt=prompt, temperature=0, max_tokens=2, echo=True)
        assert answer.choices[0].text == "abcd"
    for wrong in ([64, 10_000], [-1]):
        refused(post(texts, "/v1/completions", {"model": "writer", "prompt": wrong}), 400, param="prompt", says="token")


def test_completions_are_streamed(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "prompt": ["ab", "w"], "n": 2, "seed": 1, "max_tokens": 6}
    whole = client.completions.create(**asked, echo=True)
    grown = dict.fromkeys(range(4), "")
    finishes = {}
    for event in client.completions.create(**asked, echo=True, stream=True):
        for choice in event.choices:
            grown[choice.index] += choice.text
            finishes[choice.index] = choice.finish_reason
    assert grown == {choice.index: choice.text for choice in whole.choices}
    assert finishes == {choice.index: choice.finish_reason for choice in whole.choices}
    assert grown[0] != grown[1], "choices draw numbers of their own"


def test_logprobs_of_completions(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "prompt": "y", "temperature": 0, "logprobs": 2}
    logprobs = client.completions.create(**asked).choices[0].logprobs
    assert logprobs is not None
    assert (logprobs.tokens, logprobs.text_offset) == (["z"], [0])
    [best] = logprobs.top_logprobs or []
    assert list(best) == ["z", "Z"]
    streamed = [event.choices[0].logprobs for event in client.completions.create(**asked, stream=True)]
    assert [token for told in streamed if told for token in told.tokens or ()] == ["z"]


@pytest.mark.parametrize("stop", ["e", ["x", "de"], ["cdefg", "def"]])
def test_stop_strings_end_the_text_before_them(client: OpenAI, stop: Any) -> None:
    asked: Any = {"model": "writer", "prompt": "ab", "temperature": 0, "max_tokens": 9, "stop": stop}
    whole = client.completions.create(**asked).choices[0]
    text = "".join(event.choices[0].text for event in client.completions.create(**asked, stream=True))
    assert text == whole.text == {"e": "cd", "x": "c", "cdefg": "c"}[stop if isinstance(stop, str) else stop[0]]
    assert whole.finish_reason == "stop"


def test_a_seed_gives_the_same_again(client: OpenAI) -> None:
    def text(seed: int) -> str:
        return client.completions.create(model="writer", prompt="a", seed=seed, max_tokens=20).choices[0].text

    drawn = [text(seed) for seed in (-1, 0, 1, 2, 3)]
    assert drawn == [text(seed) for seed in (-1, 0, 1, 2, 3)]
    assert len(set(drawn)) > 1


def test_penalties_and_top_p_change_what_is_taken(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "prompt": "0", "max_tokens": 12, "temperature": 0}
    assert client.completions.create(**asked).choices[0].text == "123456789012"
    text = client.completions.create(**asked, presence_penalty=2, frequency_penalty=2).choices[0].text
    assert text == "123456789012", "8 less 4 is still the most likely"
    longer = {**asked, "max_tokens": 40}
    penalised = client.completions.create(**longer, presence_penalty=2, frequency_penalty=2).choices[0]
    assert penalised.finish_reason == "stop", "after the second round the end of the text is more likely"
    certain = {**asked, "temperature": 1, "top_p": 0.0, "prompt": "a"}
    assert client.completions.create(**certain).choices[0].text == "bcdefghijklm"


def test_the_context_ends_a_text_and_refuses_a_prompt_without_room(client: OpenAI) -> None:
    answer = client.completions.create(model="writer", prompt="0" * 60, temperature=0, max_tokens=100)
    assert answer.usage is not None
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (4, "length")
    with pytest.raises(openai.BadRequestError, match="at most 63") as caught:
        client.completions.create(model="writer", prompt="0" * 64)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "prompt")


# --- Embeddings


def test_embeddings(client: OpenAI) -> None:
    answer = client.embeddings.create(model="embeddings", input=["good film", "bad"])
    assert [item.index for item in answer.data] == [0, 1]
    assert np.array([item.embedding for item in answer.data]) == pytest.approx(np.array([[1, 0, 1.5], [-2, 0, 0]]))
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens, answer.model) == (3, 3, "embeddings")
    one = client.embeddings.create(model="embeddings", input="good film", encoding_format="float")
    assert one.data[0].embedding == answer.data[0].embedding


def test_embeddings_of_token_ids_are_those_of_the_text(client: OpenAI) -> None:
    expected = client.embeddings.create(model="embeddings", input="good film").data[0].embedding
    assert client.embeddings.create(model="embeddings", input=[2, 7]).data[0].embedding == expected
    several = client.embeddings.create(model="embeddings", input=[[4], [2, 7]])
    assert several.data[1].embedding == expected
    assert several.usage.prompt_tokens == 3


def test_base64_is_little_endian_float32(texts: GatewayProcess) -> None:
    body = {"model": "embeddings", "input": "good film", "encoding_format": "base64"}
    encoded = post(texts, "/v1/embeddings", body).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(encoded), "<f4").tolist() == [1.0, 0.0, 1.5]


def test_fewer_dimensions_are_of_length_one(client: OpenAI) -> None:
    answer = client.embeddings.create(model="embeddings", input="wonderful", dimensions=2)
    assert answer.data[0].embedding == pytest.approx([0.894427, 0.447214])
    with pytest.raises(openai.BadRequestError, match="3 numbers") as caught:
        client.embeddings.create(model="embeddings", input="good", dimensions=4)
    assert caught.value.param == "dimensions"


# --- Transcriptions

SPOKEN = ("speech.wav", recording([0.5, 0.0, 0.5]))


def test_a_recording_is_transcribed(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(model="speech", file=SPOKEN)
    assert answer.text == "loud quiet loud"
    assert answer.usage is not None
    assert answer.usage.model_dump() == {"seconds": 1.5, "type": "duration"}


def test_formats_of_a_transcription(client: OpenAI) -> None:
    told = {
        form: client.audio.transcriptions.create(model="speech", file=SPOKEN, response_format=form)
        for form in ("text", "srt", "vtt")
    }
    assert told["text"] == "loud quiet loud\n"
    first, second, _ = str(told["srt"]).split("\n\n")
    assert (first, second) == ("1\n00:00:00,000 --> 00:00:00,500\nloud", "2\n00:00:00,500 --> 00:00:01,000\nquiet")
    assert str(told["vtt"]).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nloud\n")
    verbose = client.audio.transcriptions.create(
        model="speech", file=SPOKEN, response_format="verbose_json", language="en", timestamp_granularities=["segment"]
    )
    assert (verbose.duration, verbose.language, verbose.text) == (1.5, "en", "loud quiet loud")
    assert [(part.start, part.end, part.text) for part in verbose.segments or ()][1] == (0.5, 1.0, "quiet")


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"language": "fr"}, "language"),
        ({"prompt": "names"}, "prompt"),
        ({"temperature": 0.7}, "temperature"),
        ({"stream": True}, "stream"),
        ({"response_format": "verbose_json", "timestamp_granularities": ["word"]}, "timestamp_granularities[]"),
        ({"response_format": "yaml"}, "response_format"),
    ],
)
def test_what_a_transcription_does_not_do_is_named(client: OpenAI, options: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="speech", file=SPOKEN, **options)
    assert caught.value.param == param


def test_recordings_that_cannot_be_heard(client: OpenAI, texts: GatewayProcess) -> None:
    with pytest.raises(openai.BadRequestError, match="WAV") as caught:
        client.audio.transcriptions.create(model="speech", file=("a.mp3", b"ID3..."))
    assert caught.value.param == "file"
    with pytest.raises(openai.APIStatusError, match="at most 5 s") as large:
        client.audio.transcriptions.create(model="speech", file=("a.wav", recording([0.1] * 11)))
    assert large.value.status_code == 413
    refused(post(texts, "/v1/audio/transcriptions", {"model": "speech"}), 415, param=None, says="multipart/form-data")


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n\r\n--x--", b"--y--", bytes(1000)])
def test_a_multipart_body_that_is_none_is_400(texts: GatewayProcess, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert ask(f"{texts.url}/v1/audio/transcriptions", body, headers).status == 400
    headers = {"Content-Type": "multipart/form-data"}
    assert ask(f"{texts.url}/v1/audio/transcriptions", body, headers).status == 400


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 65,
            "65 parts of the form received; at most 64",
        ),
        (b"--x\r\n" + b"A: b\r\n" * 50_000 + b"\r\n1\r\n", "a part's head"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + bytes(200_000) + b"\r\n", "at most 100000"),
    ],
)
def test_a_form_over_a_limit_is_413_and_the_limit_is_named(texts: GatewayProcess, body: bytes, says: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(ask(f"{texts.url}/v1/audio/transcriptions", body + b"--x--", headers), 413, param=None, says=says)


# --- Refusals


def post(gateway: GatewayProcess, path: str, body: object) -> Answer:
    return gateway.post(path, json.dumps(body).encode(), "application/json")


def refused(answer: Answer, status: int, *, param: str | None, says: str) -> dict[str, Any]:
    assert answer.status == status, answer.body
    error: dict[str, Any] = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["param"], says in error["message"]) == (param, True), error
    return error


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


@pytest.mark.parametrize("nothing", [None, False, [], {}, ""])
def test_what_asks_for_nothing_is_no_reason_to_refuse(texts: GatewayProcess, nothing: object) -> None:
    body = {**CHAT, "tools": nothing, "logit_bias": nothing, "functions": nothing}
    assert post(texts, "/v1/chat/completions", body).status == 200
    harmless = {"tool_choice": "none", "response_format": {"type": "text"}, "modalities": ["text"]}
    assert post(texts, "/v1/chat/completions", {**CHAT, **harmless}).status == 200


def test_fields_that_are_not_known_are_passed_over_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        asked = ChatRequest.of({**CHAT, "user": "secret-1", "x" * 1000: 1, "new\nline": 2}, "id-1")
    assert asked.max_tokens == 1
    [line] = [record.getMessage() for record in caplog.records]
    assert "id-1" in line
    assert "3 fields" in line
    assert "'user'" in line
    assert "secret" not in line
    assert "\n" not in line
    assert len(line) < 300
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
