"""A BentoML service: `bentoml serve bench.peers.bentoml_keras:KerasService`, the model's folder in `BENCH_MODEL`.

Bodies go as they are, which BentoML allows for one `bytes` argument. Its batching takes JSON only from outside, which
costs more than it gains. A method that is no coroutine runs in a pool of `threads`.
"""

import os
from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType

from bench.peers.keras_model import KerasModel


@bentoml.service(workers=1, threads=16, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class KerasService:
    def __init__(self) -> None:
        self._model = KerasModel(Path(os.environ["BENCH_MODEL"]))

    @bentoml.api  # type: ignore[untyped-decorator]  # its types are not there when ours are checked
    def predict(self, body: bytes, /) -> Annotated[bytes, ContentType("application/octet-stream")]:
        return self._model.write(self._model.traced(self._model.read(body)), body)
