"""A text in a language that a model does not know is answered, with a warning."""

import json
from typing import Any

import pytest

from tests.support.processes import Answer, GatewayProcess
from tests.support.sentences import ENGLISH, FRENCH, SPANISH

WARNING = 'unknown-language;language="{}";items="{}";known="en"'


def asked(gateway: GatewayProcess, path: str, inputs: Any) -> Answer:
    answer = gateway.post(path, json.dumps({"inputs": inputs}).encode(), "application/json")
    assert answer.status == 200, answer.body
    return answer


@pytest.mark.parametrize(
    ("inputs", "warning"),
    [
        (FRENCH, WARNING.format("fr", "0")),
        ([ENGLISH, FRENCH, SPANISH, FRENCH], f"{WARNING.format('fr', '1 3')}, {WARNING.format('es', '2')}"),
        (ENGLISH, None),
        ("Un film magnifique", None),
        ("<b>1</b> 2 3 😀", None),
    ],
)
def test_the_header_says_which_texts_are_in_which_language(gateway: GatewayProcess, inputs: Any, warning: str) -> None:
    assert asked(gateway, "/models/sentiment", inputs).headers.get("X-Model-Warning") == warning


def test_sentences_that_are_compared_are_looked_at(texts: GatewayProcess) -> None:
    answer = asked(texts, "/models/embeddings", {"source_sentence": ENGLISH, "sentences": [FRENCH, ENGLISH]})
    assert answer.headers.get("X-Model-Warning") == WARNING.format("fr", "1")
    by_openai = json.dumps({"model": "embeddings", "input": [SPANISH]}).encode()
    answer = texts.post("/v1/embeddings", by_openai, "application/json")
    assert answer.headers.get("X-Model-Warning") == WARNING.format("es", "0")


def test_an_explanation_has_the_warning_in_it(gateway: GatewayProcess) -> None:
    answer = asked(gateway, "/models/sentiment/explain", FRENCH)
    assert answer.json()["warnings"] == ["the text seems to be in the language fr; the model knows en"]
    assert answer.headers.get("X-Model-Warning") == WARNING.format("fr", "0")
    assert asked(gateway, "/models/sentiment/explain", ENGLISH).json()["warnings"] == []


def test_texts_are_counted_by_their_language(gateway: GatewayProcess) -> None:
    line = 'kmaas_unknown_language_texts_total{language="es",model="sentiment"}'

    def counted() -> float:
        lines = gateway.get("/metrics").body.decode().splitlines()
        return sum(float(told.rpartition(" ")[2]) for told in lines if told.startswith(line))

    before = counted()
    asked(gateway, "/models/sentiment", [SPANISH, SPANISH, ENGLISH])
    assert counted() == before + 2


def test_what_a_model_knows_is_told_of_it(gateway: GatewayProcess) -> None:
    assert gateway.get("/models/sentiment").json()["manifest"]["languages"] == ["en"]
    assert gateway.get("/models/digits").json()["manifest"]["languages"] == []
