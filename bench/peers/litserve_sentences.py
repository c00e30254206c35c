"""LitServe with its batching around `SentenceTransformer.encode`, set up as `bench.peers.litserve_keras` is.

`python -m bench.peers.litserve_sentences FOLDER PORT`. Texts of all requests of a batch are encoded in one call.
"""

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Depends, Request, Response
from numpy.typing import NDArray

from bench.peers.sentences import Sentences, answered, asked


async def _body(request: Request) -> bytes:
    body: bytes = await request.body()
    return body


class SentencesAPI(litserve.LitAPI):  # type: ignore[misc]  # its package has no types
    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(**settings)
        self._folder = folder

    def setup(self, device: str) -> None:  # noqa: ARG002 (LitServe's form)
        self._encode = Sentences(self._folder)

    def decode_request(self, request: Annotated[bytes, Depends(_body)]) -> list[str]:
        return asked(request)

    def batch(self, inputs: list[list[str]]) -> list[list[str]]:
        return inputs

    def predict(self, batch: list[list[str]]) -> list[NDArray[np.float32]]:
        ends = np.cumsum([len(texts) for texts in batch])
        return np.split(self._encode(list(chain.from_iterable(batch))), ends[:-1])

    def unbatch(self, output: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        return output

    def encode_response(self, output: NDArray[np.float32]) -> Response:
        return Response(answered(output), media_type="application/json")


if __name__ == "__main__":
    api = SentencesAPI(Path(sys.argv[1]), max_batch_size=32, batch_timeout=0.001, api_path="/v1/embeddings")
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False)
