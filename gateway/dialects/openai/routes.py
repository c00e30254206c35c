"""OpenAI's API: its routes, and how they are described."""

import time
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gateway import openapi, sse
from gateway.body import JSON
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.dialects.openai import embeddings
from gateway.dialects.openai.chat import ChatChunk, ChatCompletion, ChatRequest
from gateway.dialects.openai.completions import Completion, CompletionChunk, CompletionsRequest
from gateway.dialects.openai.embeddings import EmbeddingsRequest, EmbeddingsResponse
from gateway.dialects.openai.errors import OpenAIError, failing, refuse
from gateway.dialects.openai.sampled import Answer
from gateway.dialects.openai.transcriptions import (
    TextDelta,
    TextDone,
    TextSegment,
    Transcription,
    TranscriptionRequest,
    VerboseTranscription,
)
from gateway.errors import TaskError
from gateway.form import MULTIPART, form_of
from gateway.generation.language_model import Generated, LanguageModel
from gateway.openapi import CHOICE, MODEL, PIN, TEXT, Description
from gateway.parts import Parts
from gateway.stream import Stream
from gateway.tasks.feature_extraction import FeatureExtraction, FeatureExtractionResponse
from gateway.tasks.speech_recognition import SpeechRecognition, Transcript
from gateway.tasks.text_generation import TextGeneration
from gateway.version import ServedVersion

_T = TypeVar("_T")
_REFUSALS = (400, 403, 404, 405, 408, 412, 413, 415, 500, 502, 503, 504)


def _routes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/v1/embeddings")
    def embed() -> Response:
        return _embed(parts)

    @routes.post("/v1/chat/completions")
    def chat() -> Response:
        return _generate(parts, ChatRequest, "chatcmpl")

    @routes.post("/models/<model>/v1/chat/completions")
    def chat_with(model: str) -> Response:
        return _generate(parts, ChatRequest, "chatcmpl", model)

    @routes.post("/v1/completions")
    def complete() -> Response:
        return _generate(parts, CompletionsRequest, "cmpl")

    @routes.post("/models/<model>/v1/completions")
    def complete_with(model: str) -> Response:
        return _generate(parts, CompletionsRequest, "cmpl", model)

    @routes.post("/v1/audio/transcriptions")
    def transcribe() -> Response:
        return _transcribe(parts)

    @routes.post("/v1/audio/translations")
    def translate() -> Response:
        return _transcribe(parts, translated=True)


def _generate(
    parts: Parts, schema: type[ChatRequest] | type[CompletionsRequest], kind: str, model: str | None = None
) -> Response:
    """`model` is the one of the path, which counts more than the body's."""
    with exchange.generating(parts, model) as turn:
        trace = exchange.trace()
        asked = schema.read(turn.body, trace.request_id)
        call = exchange.named(parts, model or asked.named_model, turn.deadline)
        used: list[LanguageModel] = []

        def language_model(version: ServedVersion) -> LanguageModel:
            used[:] = [_task(version, TextGeneration).model]
            return used[0]

        reply = parts.pipeline.reply(call, asked.generation, task_of=language_model)

        def digest() -> str:
            return trace.version.manifest.digest if trace.version else ""

        answer = Answer(f"{kind}-{trace.request_id}", int(time.time()), call.model, digest)
        if isinstance(reply, Stream):
            events = asked.events(answer, reply, used[0])
            return exchange.stream(parts, reply, events, failing(request.path), turn.held)
        generated = Generated.model_validate(reply)
        return exchange.json(asked.response(answer, generated, used[0]).model_dump())


def _embed(parts: Parts) -> Response:
    with exchange.received(parts) as (deadline, body):
        asked = EmbeddingsRequest.read(body, exchange.trace().request_id)
        call, features = exchange.named(parts, asked.named_model, deadline), asked.features()
        counted = 0

        def read(task: FeatureExtraction) -> Any:
            nonlocal counted
            counted = task.count(features)
            return features

        vectors = parts.pipeline.answer(call, read, task_of=lambda version: _task(version, FeatureExtraction))
        response = embeddings.response(asked, call.model, FeatureExtractionResponse.model_validate(vectors), counted)
        return exchange.json(response.model_dump())


def _transcribe(parts: Parts, *, translated: bool = False) -> Response:
    with exchange.generating(parts) as turn:
        form = form_of(turn.body, request.mimetype, request.mimetype_params)
        asked = TranscriptionRequest.of(form, exchange.trace().request_id)
        call = exchange.named(parts, asked.named_model, turn.deadline)

        def read(_task: SpeechRecognition) -> Any:
            return asked.recording(translated=translated)

        reply = parts.pipeline.reply(call, read, task_of=lambda version: _task(version, SpeechRecognition))
        if isinstance(reply, Stream):
            return exchange.stream(parts, reply, asked.events(reply), failing(request.path), turn.held)
        return asked.response(Transcript.model_validate(reply), translated=translated)


def _task(version: ServedVersion, kind: type[_T]) -> _T:
    """Raises `TaskError` when the version does something else."""
    if not isinstance(version.task, kind):
        raise TaskError(version.model, version.manifest.task, getattr(kind, "name", kind.__name__))
    return version.task


def _describe() -> Description:
    chat = _json_route("Ask for the next message of a conversation", ChatRequest, ChatCompletion, streamed=ChatChunk)
    completion = _json_route("Continue prompts", CompletionsRequest, Completion, streamed=CompletionChunk)
    paths: dict[str, Any] = {
        "/v1/embeddings": {"post": _json_route("Ask for vectors of texts", EmbeddingsRequest, EmbeddingsResponse)},
        "/v1/chat/completions": {"post": chat},
        "/models/{model}/v1/chat/completions": {"parameters": [MODEL], "post": chat},
        "/v1/completions": {"post": completion},
        "/models/{model}/v1/completions": {"parameters": [MODEL], "post": completion},
        "/v1/audio/transcriptions": {"post": _transcriptions("Ask what was said in a recording")},
        "/v1/audio/translations": {"post": _transcriptions("Ask what was said in a recording, in English")},
    }
    models: tuple[type[BaseModel], ...] = (
        *(EmbeddingsRequest, EmbeddingsResponse, ChatRequest, ChatCompletion, ChatChunk),
        *(CompletionsRequest, Completion, CompletionChunk, Transcription, VerboseTranscription),
        *(TextDelta, TextSegment, TextDone, OpenAIError),
    )
    return Description(paths, models)


def _json_route(
    summary: str, asked: type[BaseModel], answered: type[BaseModel], *, streamed: type[BaseModel] | None = None
) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: openapi.any_of([answered])}
    if streamed:
        told = (
            f"Events with `data:` {streamed.__name__}, the last one `[DONE]`; after an error its object is the last one"
        )
        content[sse.MEDIA_TYPE] = {"schema": {"type": "string", "description": told}}
    return _route(summary, {JSON: openapi.any_of([asked])}, content, _REFUSALS)


def _transcriptions(summary: str) -> dict[str, Any]:
    fields = {
        "file": {"type": "string", "contentMediaType": "audio/wav"},
        "model": {"type": "string", "examples": ["speech"]},
        "language": {"type": "string", "description": "One that the model knows: `en` or `english`"},
        "prompt": {"type": "string", "description": "A text that came before, with names as they are to be written"},
        "response_format": {"enum": ["json", "text", "srt", "verbose_json", "vtt"]},
        "timestamp_granularities[]": {
            "type": "array",
            "items": {"enum": ["segment", "word"]},
            "description": "With verbose_json: the times of what is told; segments where nothing is said",
        },
        "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        "stream": {
            "type": "boolean",
            "description": "With json, text or verbose_json: what is said, while it is heard",
        },
    }
    form = {"schema": {"type": "object", "properties": fields, "required": ["file", "model"]}}
    answers = {"anyOf": [openapi.ref(Transcription), openapi.ref(VerboseTranscription)]}
    told = (
        "Events with `data:` TextDelta, with `verbose_json` TextSegment behind it, the last one TextDone; after an "
        "error its object is the last one"
    )
    content = {
        JSON: {"schema": answers},
        "text/plain": TEXT,
        sse.MEDIA_TYPE: {"schema": {"type": "string", "description": told}},
    }
    return _route(summary, {MULTIPART: form}, content, _REFUSALS)


def _route(summary: str, body: dict[str, Any], content: dict[str, Any], refusals: tuple[int, ...]) -> dict[str, Any]:
    def refused(status: int) -> dict[str, Any]:
        return {"description": openapi.REFUSALS[status], "content": openapi.json(OpenAIError)}

    return {
        "summary": summary,
        "parameters": [PIN, CHOICE],
        "requestBody": {"required": True, "content": body},
        "responses": {
            "200": {"description": "The answer", "headers": openapi.answer_headers(), "content": content},
            **{str(status): refused(status) for status in sorted(refusals)},
        },
    }


OPENAI = Dialect("openai", _routes, _describe, refuse, ("/v1/embeddings", "/v1/chat/", "/v1/completions", "/v1/audio/"))
