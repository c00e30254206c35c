"""A GPT-2 of 13.8 million weights that are drawn, always the same; and a server of it, as tutorials build one.

`python -m bench.peers.poet PORT`: Flask around keras-hub's `generate`, one request after another.
"""

import sys
import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    from flask import Flask, Response

VOCABULARY = 8000
CONTEXT_TOKENS = 256
_TRACED = (16, 64)  # tokens of a prompt, and of its continuation


def backbone() -> "keras.Model":
    import keras
    from keras_hub.models import GPT2Backbone

    keras.utils.set_random_seed(1)
    return GPT2Backbone(
        vocabulary_size=VOCABULARY,
        num_layers=6,
        num_heads=6,
        hidden_dim=384,
        intermediate_dim=1536,
        max_sequence_length=CONTEXT_TOKENS,
        dropout=0.0,
    )


def create_app() -> "Flask":
    """`POST /generate` with `token_ids` and `tokens` to the greedy continuation, as `token_ids`."""
    from flask import Flask, jsonify, request
    from keras_hub.models import GPT2CausalLM

    app = Flask(__name__)
    model = GPT2CausalLM(backbone(), preprocessor=None)
    model.compile(sampler="greedy")
    one = threading.Lock()

    def generate(prompt: list[int], tokens: int) -> list[int]:
        padded = np.zeros((1, len(prompt) + tokens), np.int32)
        padded[0, : len(prompt)] = prompt
        there = np.arange(padded.shape[1])[np.newaxis] < len(prompt)
        with one:
            written = model.generate({"token_ids": padded, "padding_mask": there}, stop_token_ids=None)
        return [int(token) for token in np.asarray(written["token_ids"])[0, len(prompt) :]]

    @app.post("/generate")
    def answer() -> "Response":
        asked = request.get_json()
        return jsonify(token_ids=generate(asked["token_ids"], asked["tokens"]))

    prompt, tokens = _TRACED
    generate([0] * prompt, tokens)
    return app


if __name__ == "__main__":
    create_app().run(port=int(sys.argv[1]), threaded=True)
