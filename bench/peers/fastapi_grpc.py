"""FastAPI on uvicorn as a gateway: body to row, the embedded model server by grpc.aio, labels with scores.

`python -m bench.peers.fastapi_grpc FOLDER PORT SERVER_PORT MODEL INPUT COMMAND…`, the command starts the model server.
A small picture or text is read in the event loop: a pool of threads would cost more than it takes.
"""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import uvicorn
from fastapi import FastAPI, Request, Response

from bench.peers.labels import LabelWriter
from bench.peers.rows import RowReader
from wire.messages import PredictRequest, PredictResponse
from wire.methods import PREDICT
from wire.tensors import from_proto, write_proto


class ModelServer:
    """By grpc.aio, from when the application starts until it ends."""

    predict: Any

    def __init__(self, target: str) -> None:
        self._target = target

    @asynccontextmanager
    async def connected(self, _app: FastAPI) -> AsyncIterator[None]:
        async with grpc.aio.insecure_channel(self._target) as channel:
            call = channel.unary_unary(
                PREDICT.path,
                request_serializer=PredictRequest.SerializeToString,
                response_deserializer=PredictResponse.FromString,
            )
            self.predict = partial(call, wait_for_ready=True)
            yield


def create_app(folder: Path, target: str, model: str, given: str) -> FastAPI:
    read, write = RowReader(folder, "uint8", ()), LabelWriter(folder)
    server = ModelServer(target)
    app = FastAPI(lifespan=server.connected)

    @app.post(f"/models/{model}")  # type: ignore[untyped-decorator]  # its types are not there when ours are checked
    async def predict(request: Request) -> Response:
        asked = PredictRequest()
        asked.model_spec.name = model
        write_proto(read(await request.body()), asked.inputs[given])
        answer = await server.predict(asked)
        return Response(write(from_proto(answer.outputs["logits"])[0]), media_type="application/json")

    return app


def start(create: Callable[[Path, str, str, str], FastAPI]) -> None:
    """Serves what is made of the command line's arguments."""
    model_folder, port, server_port, model_name, input_name, *command = sys.argv[1:]
    with subprocess.Popen([*command, "--stop-on-eof"], stdin=subprocess.PIPE):
        application = create(Path(model_folder), f"127.0.0.1:{server_port}", model_name, input_name)
        uvicorn.run(application, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    start(create_app)
