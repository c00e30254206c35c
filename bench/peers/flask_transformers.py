"""Flask around `transformers`' `generate`, one request after another, as tutorials build it.

`python -m bench.peers.flask_transformers FOLDER PORT`. PyTorch takes as many threads as it does by itself.
"""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from flask import Flask, Response, jsonify, request
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.generation.streamers import BaseStreamer
from werkzeug.serving import WSGIRequestHandler


class _Tokens(BaseStreamer):  # type: ignore[misc]  # its types are not there when ours are checked
    """Tells of each token as it is written; of the prompt, which comes first, nothing."""

    def __init__(self) -> None:
        self._told: SimpleQueue[int | None] = SimpleQueue()
        self._prompted = False

    def put(self, value: Any) -> None:
        if self._prompted:
            self._told.put(int(value.reshape(-1)[0]))
        self._prompted = True

    def end(self) -> None:
        self._told.put(None)

    def __iter__(self) -> Iterator[int]:
        while (token := self._told.get()) is not None:
            yield token


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._one = threading.Lock()

    def logits(self, prompt: list[int]) -> list[float]:
        """Of the token that follows."""
        with self._one, torch.inference_mode():
            found: list[float] = self._model(torch.tensor([prompt])).logits[0, -1].tolist()
        return found

    def generate(self, prompt: list[int], tokens: int, streamer: _Tokens | None = None) -> list[int]:
        """The greedy continuation, of just so many tokens."""
        ids = torch.tensor([prompt])
        settings = GenerationConfig(max_new_tokens=tokens, do_sample=False, pad_token_id=0, eos_token_id=None)
        with self._one:
            written = self._model.generate(
                ids, attention_mask=torch.ones_like(ids), generation_config=settings, streamer=streamer
            )
        found: list[int] = written[0, len(prompt) :].tolist()
        return found


def create_app(writer: _Writer) -> Flask:
    """`POST /generate` with `token_ids` and `tokens`; with `stream` an event for each token. `POST /logits`."""
    app = Flask(__name__)

    @app.post("/generate")
    def generate() -> Response:
        asked = request.get_json()
        if not asked.get("stream"):
            return jsonify(token_ids=writer.generate(asked["token_ids"], asked["tokens"]))
        streamer = _Tokens()
        threading.Thread(target=writer.generate, args=(asked["token_ids"], asked["tokens"], streamer)).start()
        return Response((f"data: {token}\n\n" for token in streamer), mimetype="text/event-stream")

    @app.post("/logits")
    def logits() -> Response:
        return jsonify(logits=writer.logits(request.get_json()["token_ids"]))

    return app


if __name__ == "__main__":
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    create_app(_Writer(Path(sys.argv[1]))).run(port=int(sys.argv[2]), threaded=True)
