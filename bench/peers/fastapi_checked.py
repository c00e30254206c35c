"""`fastapi_grpc` with the duties of a gateway: what it is asked and what it answers is checked, limited and counted.

A request has an id, a limit of bytes and characters, a schema, a time that the call to the model server gets; its
stages are counted by model and status; the answer must be finite, of the right shape, and says which version gave it.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import grpc
import numpy as np
from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import Counter, Histogram, make_asgi_app
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bench.peers.fastapi_grpc import ModelServer, start
from bench.peers.labels import LabelWriter
from bench.peers.rows import RowReader, picture_type
from wire.messages import PredictRequest
from wire.tensors import from_proto, write_proto

_BODY_BYTES = 16 * 2**20
_DEADLINE_S = 30.0
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_REQUESTS = Counter("requests", "Requests answered", ["model", "version", "status"])
_STAGES = Histogram("stage_seconds", "Time in each stage", ["model", "stage"], buckets=_SECONDS)
_WHOLE = Histogram("request_seconds", "From the first line to the answer", ["model"], buckets=_SECONDS)


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inputs: Annotated[str, Field(min_length=1, max_length=2**16)]


class _LabelScore(BaseModel):
    label: str
    score: float


_ANSWER = TypeAdapter(list[_LabelScore])


def create_app(folder: Path, target: str, model: str, given: str) -> FastAPI:
    read, best = RowReader(folder, "uint8", ()), LabelWriter(folder).best
    server = ModelServer(target)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        _STAGES.labels(model, name).observe(time.perf_counter() - began)

    app = FastAPI(lifespan=server.connected)
    app.mount("/metrics", make_asgi_app())

    @app.post(f"/models/{model}")  # type: ignore[untyped-decorator]  # its types are not there when ours are checked
    async def predict(request: Request) -> Response:
        began, version = time.perf_counter(), ""
        request_id = request.headers.get("x-request-id") or uuid.uuid4().hex
        try:
            with stage("receive"):
                body = await _received(request)
            with stage("preprocess"):
                row = read(body) if picture_type(body) else read.of_text(_Text.model_validate_json(body).inputs)
            with stage("infer"):
                asked = PredictRequest()
                asked.model_spec.name = model
                write_proto(row, asked.inputs[given])
                left_s = _DEADLINE_S - (time.perf_counter() - began)
                answer = await server.predict(asked, timeout=left_s)
            version = str(answer.model_spec.version.value)
            with stage("postprocess"):
                logits = from_proto(answer.outputs["logits"])
                if len(logits) != 1 or not np.isfinite(logits).all():
                    raise HTTPException(502, "the model server answered something else than finite numbers of a row")
                told = _ANSWER.dump_json([_LabelScore(label=label, score=score) for label, score in best(logits[0])])
        except HTTPException as exc:
            _REQUESTS.labels(model, version, exc.status_code).inc()
            raise
        except ValueError as exc:  # pydantic's and Pillow's too
            _REQUESTS.labels(model, version, 400).inc()
            raise HTTPException(400, str(exc)) from exc
        except grpc.aio.AioRpcError as exc:
            _REQUESTS.labels(model, version, 503).inc()
            raise HTTPException(503, exc.code().name) from exc
        _REQUESTS.labels(model, version, 200).inc()
        _WHOLE.labels(model).observe(time.perf_counter() - began)
        headers = {"x-request-id": request_id, "x-model": model, "x-model-version": version}
        return Response(told, media_type="application/json", headers=headers)

    return app


async def _received(request: Request) -> bytes:
    pieces, count = [], 0
    async for piece in request.stream():
        count += len(piece)
        if count > _BODY_BYTES:
            raise HTTPException(413, f"expected at most {_BODY_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)


if __name__ == "__main__":
    start(create_app)
