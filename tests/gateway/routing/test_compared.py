"""What shadows, and canaries, are compared by: the answers to what was asked for, in every dialect."""

import json
from pathlib import Path

import pytest

from tests.gateway.conftest import Shelf
from tests.gateway.routing.conftest import both_of
from tests.support.admin import RoutedGateway
from tests.support.processes import until

PROMPT = {"model": "writer", "max_tokens": 3}


def copies(gateway: RoutedGateway, model: str, outcome: str, count: int) -> None:
    until(
        lambda: gateway.counted("kmaas_shadow_copies", model=model, to="2", outcome=outcome) == count,
        f"{count} copies {outcome}",
    )


def test_vectors_how_alike_sentences_are_and_which_labels_fit(shelf: Shelf, tmp_path: Path) -> None:
    with both_of(shelf, "embeddings", "embeddings", tmp_path) as gateway:
        gateway.route("embeddings", to=1, shadow={"to": 2})
        for body in (
            {"inputs": "good"},
            {"inputs": {"source_sentence": "good", "sentences": ["bad", "film"]}},
            {"inputs": "good", "parameters": {"candidate_labels": ["bad", "film"]}},
        ):
            assert gateway.post("/models/embeddings", json.dumps(body).encode()).status == 200
        copies(gateway, "embeddings", "agreed", 3)


@pytest.mark.parametrize(
    ("second", "temperature", "outcome"), [("writer", 2, "agreed"), ("writer-other", 0, "disagreed")]
)
def test_texts_of_every_dialect(shelf: Shelf, tmp_path: Path, second: str, temperature: int, outcome: str) -> None:
    """One that is drawn is drawn with the same seed."""
    told = {**PROMPT, "temperature": temperature}
    asked = [
        ("/v1/completions", {**told, "prompt": "ab"}),
        ("/v1/completions", {**told, "prompt": ["ab", "cd"]}),
        ("/v1/completions", {**told, "prompt": "ab", "n": 2, "seed": 7}),
        ("/v1/completions", {**told, "prompt": "ab", "stream": True}),
        ("/models/writer", {"inputs": "ab", "parameters": {"max_new_tokens": 3}}),
        ("/models/writer", {"inputs": "ab", "parameters": {"max_new_tokens": 3}, "stream": True}),
    ]
    with both_of(shelf, "writer", second, tmp_path) as gateway:
        gateway.route("writer", to=1, shadow={"to": 2})
        for path, body in asked:
            assert gateway.post(path, json.dumps(body).encode()).status == 200
        copies(gateway, "writer", outcome, len(asked))
