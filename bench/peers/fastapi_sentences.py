"""FastAPI on uvicorn around `SentenceTransformer.encode`, in the thread pool, as tutorials build it.

`python -m bench.peers.fastapi_sentences FOLDER PORT`. An endpoint that is no coroutine runs in the pool of 40 threads.
"""

import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from bench.peers.sentences import Sentences, answered, asked


async def _body(request: Request) -> bytes:
    body: bytes = await request.body()
    return body


def create_app(encode: Sentences) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/embeddings")  # type: ignore[untyped-decorator]  # its types are not there when ours are checked
    def embeddings(body: Annotated[bytes, Depends(_body)]) -> Response:
        return Response(answered(encode(asked(body))), media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(Sentences(Path(sys.argv[1]))), port=int(sys.argv[2]), log_level="warning")
