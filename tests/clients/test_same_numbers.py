"""One request through every dialect: the same numbers. docs/dialects/README.md has the matrix that these tests are."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pytest
from openai import OpenAI

from gateway.dialects.table import DIALECTS
from gateway.tasks.table import TASKS
from processing.audio import decode as decode_audio
from processing.digit_form import digit_form
from processing.forms import form_of
from processing.image import decode
from tests.support.client_programs import ROOT
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.small_detector import CONFIG, FORM, drawn
from tests.support.small_models import picture
from tests.support.small_pictures import FORM as HUES_FORM
from tests.support.small_pictures import coloured
from tests.support.small_sounds import RATE, tone
from tests.support.small_speech import recording
from tests.support.small_text_models import WORDS
from wire import messages
from wire.client import ModelServerClient
from wire.methods import MODEL_INFER
from wire.tensors import Array

Numbers = list[float] | str  # of tasks that answer with text, that

TEXT = "an unforgettable, wonderful film, boring"
TOKEN_IDS = np.array([[10, 7, 1, 6, 9, 1, 3]], np.int32)  # what the tokenizer of the test's model makes of it
PICTURE = picture()
PARAMETERS: Mapping[str, dict[str, Any]] = {
    "sentiment": {"top_k": 10},
    "strokes": {"top_k": 10},
    "writer": {"max_new_tokens": 5, "do_sample": False},
    "squares": {"threshold": 0.1},
}
PIXELS = digit_form(decode(PICTURE, max_pixels=10**6))[np.newaxis]
SQUARES = drawn(("red", 2, 1), ("blue", 5, 6))
SQUARE_PIXELS = form_of(FORM).tensor(decode(SQUARES, max_pixels=10**6))[np.newaxis]
TONE = tone(1000)
TONE_SAMPLES = decode_audio(TONE, sample_rate=RATE, max_seconds=1)[np.newaxis]
BROWN = coloured(180, 90, 40)
BROWN_PIXELS = form_of(HUES_FORM).tensor(decode(BROWN, max_pixels=10**6))[np.newaxis]


@dataclass(frozen=True)
class Asked:
    """Where to ask, and what: a model's input in the form of each kind of dialect, and the output to compare."""

    gateway: GatewayProcess
    server: ModelServerProcess
    model: str
    item: str | bytes
    tensor: tuple[str, Array] = ("", np.zeros(0))
    output: str = ""

    @property
    def text(self) -> bytes:
        """As JSON of Hugging Face's."""
        item = self.item if isinstance(self.item, str) else base64.b64encode(self.item).decode()
        parameters = {"parameters": PARAMETERS[self.model]} if self.model in PARAMETERS else {}
        return json.dumps({"inputs": item, **parameters}).encode()

    def read(self, answer: Any) -> Numbers:
        """What Hugging Face's answer to one item says: the scores in the order of the labels, a vector, a text, or the
        scores of what was found and zeros behind them."""
        match answer:
            case {"text": str(text)} | [{"generated_text": str(text)}] | [{"translation_text": str(text)}]:
                return text
            case [{"box": _}, *_]:
                return [*(found["score"] for found in answer), *[0.0] * (CONFIG.most - len(answer))]
            case [[float(), *_] as vector]:
                return list(vector)
            case [[*lines]] | [*lines]:
                told = {line["label"]: line["score"] for line in lines}
                labels = self.gateway.get(f"/models/{self.model}").json()["manifest"]["labels"]
                return [told[label] for label in labels]
        raise AssertionError(answer)


def huggingface_json(asked: Asked) -> Numbers:
    return asked.read(asked.gateway.post(f"/models/{asked.model}", asked.text, "application/json").json())


def huggingface_bytes(asked: Asked) -> Numbers:
    assert isinstance(asked.item, bytes)
    return asked.read(asked.gateway.post(f"/models/{asked.model}", asked.item).json())


def openai(asked: Asked) -> Numbers:
    with OpenAI(base_url=f"{asked.gateway.url}/v1", api_key="none", max_retries=0) as client:
        match asked.model:
            case "embeddings":
                [embedded] = client.embeddings.create(model=asked.model, input=str(asked.item)).data
                return embedded.embedding
            case "writer":
                limits = {"max_tokens": PARAMETERS["writer"]["max_new_tokens"], "temperature": 0}
                completed = client.completions.create(model=asked.model, prompt=str(asked.item), **limits)
                text: str = completed.choices[0].text
                return text
            case "speech":
                assert isinstance(asked.item, bytes)
                file = ("speech.wav", asked.item, "audio/wav")
                return client.audio.transcriptions.create(model=asked.model, file=file).text
    raise AssertionError(asked.model)


def _datatype(tensor: Array) -> str:
    return {"float32": "FP32", "int32": "INT32", "uint8": "UINT8"}[tensor.dtype.name]


def inference_json(asked: Asked) -> Numbers:
    name, tensor = asked.tensor
    given = {"name": name, "shape": tensor.shape, "datatype": _datatype(tensor), "data": tensor.tolist()}
    body = json.dumps({"inputs": [given], "outputs": [{"name": asked.output}]}).encode()
    [output] = asked.gateway.post(f"/v2/models/{asked.model}/infer", body).json()["outputs"]
    return list(output["data"])


def inference_binary(asked: Asked) -> Numbers:
    name, tensor = asked.tensor
    given = {"name": name, "shape": tensor.shape, "datatype": _datatype(tensor)}
    told = {**given, "parameters": {"binary_data_size": tensor.nbytes}}
    wanted = {"name": asked.output, "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [told], "outputs": [wanted]}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    answer = asked.gateway.post(f"/v2/models/{asked.model}/infer", head + tensor.tobytes(), **length)
    return list(np.frombuffer(answer.body[int(answer.headers["Inference-Header-Content-Length"]) :], "<f4").tolist())


def inference_grpc(asked: Asked) -> Numbers:
    name, tensor = asked.tensor
    request = messages.ModelInferRequest(model_name=asked.model, raw_input_contents=[tensor.tobytes()])
    request.inputs.add(name=name, datatype=_datatype(tensor), shape=tensor.shape)
    request.outputs.add(name=asked.output)
    with grpc.insecure_channel(asked.gateway.grpc) as channel:
        ask: Any = channel.unary_unary(
            MODEL_INFER.path,
            request_serializer=MODEL_INFER.request.SerializeToString,
            response_deserializer=MODEL_INFER.response.FromString,
        )
        answer = ask(request, timeout=60)
    return list(np.frombuffer(answer.raw_output_contents[0], "<f4").tolist())


def tensorflow_rest(asked: Asked) -> Numbers:
    name, tensor = asked.tensor
    body = json.dumps({"inputs": {name: tensor.tolist()}}).encode()
    outputs = asked.gateway.post(f"/v1/models/{asked.model}:predict", body).json()["outputs"]
    [row] = outputs.get(asked.output, outputs) if isinstance(outputs, dict) else outputs  # one output has no name
    return list(row)


def tensorflow_grpc(asked: Asked) -> Numbers:
    return _predicted(asked.gateway.grpc, asked)


def model_server(asked: Asked) -> Numbers:
    return _predicted(asked.server.target, asked)


def _predicted(target: str, asked: Asked) -> Numbers:
    name, tensor = asked.tensor
    with ModelServerClient(target) as client:
        [row] = client.predict(asked.model, {name: tensor}, timeout_s=60).outputs[asked.output].tolist()
    return list(row)


# The rows of the matrix, by what docs/dialects/README.md calls them.
WAYS: Mapping[str, Callable[[Asked], Numbers]] = {
    "Hugging Face, JSON": huggingface_json,
    "Hugging Face, bare bytes": huggingface_bytes,
    "Open Inference Protocol, JSON": inference_json,
    "Open Inference Protocol, binary": inference_binary,
    "Open Inference Protocol, gRPC": inference_grpc,
    "TensorFlow Serving, REST": tensorflow_rest,
    "TensorFlow Serving, gRPC": tensorflow_grpc,
    "model server itself, gRPC": model_server,
    "OpenAI": openai,
}


def matrix() -> dict[str, dict[str, str]]:
    """The published matrix: by row and column, `=` or `–`."""
    page = (ROOT / "docs" / "dialects" / "README.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    head, _, *lines = rows
    return {line[0]: dict(zip(head[1:], line[1:], strict=True)) for line in lines}


def test_the_matrix_has_these_rows_and_columns() -> None:
    published = matrix()
    assert list(published) == list(WAYS)
    for way, cells in published.items():
        assert list(cells) == list(TASKS)
        assert set(cells.values()) <= {"=", "–"}, way


def test_every_dialect_has_a_page_or_a_word() -> None:
    page = (ROOT / "docs" / "dialects" / "README.md").read_text()
    named = set(re.findall(r"`gateway/dialects/([a-z_0-9]+)", page))
    own = {"native", "pages", "explanations"}
    assert {dialect.name.replace("-", "_") for dialect in DIALECTS} - own <= named


@pytest.fixture
def asked(
    task: str,
    gateway: GatewayProcess,
    model_server: ModelServerProcess,
    texts: GatewayProcess,
    text_server: ModelServerProcess,
) -> Asked:
    match task:
        case "text-classification":
            return Asked(gateway, model_server, "sentiment", TEXT, ("token_ids", TOKEN_IDS), "probabilities")
        case "image-classification":
            return Asked(gateway, model_server, "strokes", PICTURE, ("image", PIXELS), "probabilities")
        case "feature-extraction":
            ids = ("token_ids", np.array([[WORDS.index(word) for word in ["a", "good", "film"]]], np.int32))
            return Asked(texts, text_server, "embeddings", "a good film", ids, "embedding")
        case "text-generation":
            return Asked(texts, text_server, "writer", "ab")
        case "automatic-speech-recognition":
            return Asked(texts, text_server, "speech", recording([0.5, 0.0, 0.5]))
        case "audio-classification":
            return Asked(texts, text_server, "pitch", TONE, ("samples", TONE_SAMPLES), "probabilities")
        case "translation":
            return Asked(texts, text_server, "shout", "be loud")
        case "object-detection":
            return Asked(texts, text_server, "squares", SQUARES, ("image", SQUARE_PIXELS), "scores")
        case "image-feature-extraction":
            return Asked(texts, text_server, "hues", BROWN, ("image", BROWN_PIXELS), "embedding")
    raise AssertionError(f"{task} is not in the matrix yet")


@pytest.mark.parametrize(
    ("way", "task"), [(way, task) for way, cells in matrix().items() for task, cell in cells.items() if cell == "="]
)
def test_the_same_numbers(way: str, task: str, asked: Asked) -> None:
    expected = huggingface_json(asked)
    assert len(expected) > 1
    if isinstance(expected, str):
        assert WAYS[way](asked) == expected
    else:
        assert len({round(number, 6) for number in expected}) > 1  # numbers that could differ
        assert WAYS[way](asked) == pytest.approx(expected, abs=1e-6)
