"""FastAPI on uvicorn: a traced function, called in the thread pool: `python -m bench.peers.fastapi_keras FOLDER PORT`.

An endpoint that is no coroutine runs in the pool of 40 threads, so that the event loop goes on.
"""

import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from bench.peers.keras_model import KerasModel


async def _body(request: Request) -> bytes:
    body: bytes = await request.body()
    return body


def create_app(model: KerasModel) -> FastAPI:
    app = FastAPI()

    @app.post("/predict")  # type: ignore[untyped-decorator]  # its types are not there when ours are checked
    def predict(body: Annotated[bytes, Depends(_body)]) -> Response:
        answer = model.write(model.traced(model.read(body)), body)
        return Response(answer, media_type="application/octet-stream")

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(KerasModel(Path(sys.argv[1]))), port=int(sys.argv[2]), log_level="warning")
