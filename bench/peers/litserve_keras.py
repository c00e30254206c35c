"""LitServe with its batching: `python -m bench.peers.litserve_keras FOLDER PORT`.

Its documentation's advice for throughput: `max_batch_size`, a short `batch_timeout`, `fast_queue`. A worker runs one
batch at a time; a second one would halve the cores of the first.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Depends, Request, Response
from numpy.typing import NDArray

from bench.peers.keras_model import KerasModel


async def _body(request: Request) -> bytes:
    body: bytes = await request.body()
    return body


class KerasAPI(litserve.LitAPI):  # type: ignore[misc]  # its package has no types
    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(**settings)
        self._folder = folder

    def setup(self, device: str) -> None:  # noqa: ARG002 (LitServe's form)
        self._model = KerasModel(self._folder)

    def decode_request(self, request: Annotated[bytes, Depends(_body)], context: dict[str, bytes]) -> NDArray[Any]:
        context["body"] = request
        return self._model.read(request)

    def batch(self, inputs: list[NDArray[Any]]) -> NDArray[Any]:
        return self._model.read.joined(inputs)

    def predict(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        return self._model.traced(batch)

    def unbatch(self, output: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return list(output)

    def encode_response(self, output: NDArray[np.float32], context: dict[str, bytes]) -> Response:
        return Response(self._model.write(output, context["body"]), media_type="application/octet-stream")


if __name__ == "__main__":
    api = KerasAPI(Path(sys.argv[1]), max_batch_size=32, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False)
