"""A runtime of MLServer's, served over its gRPC: `python -m bench.peers.mlserver_keras FOLDER GRPC_PORT HTTP_PORT`.

Its documentation's advice for throughput: adaptive batching. Its own process runs the model, as with
`parallel_workers` 0: a pool of one would only add a hop.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers.keras_model import KerasModel


class KerasRuntime(MLModel):  # type: ignore[misc]  # its package has no types
    async def load(self) -> bool:
        self._model = KerasModel(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        logits = self._model.traced(self._batch(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("logits", logits)])

    def _batch(self, given: Any) -> np.ndarray[Any, Any]:
        """Rows of the tensor, or of the pictures or texts in a tensor of BYTES."""
        if given.datatype == "BYTES":
            return self._model.read.joined([self._model.read(body) for body in given.data.root])
        return np.asarray(NumpyCodec.decode_input(given))


async def _serve(folder: str, grpc_port: int, http_port: int) -> None:
    settings = Settings(
        host="127.0.0.1",
        grpc_port=grpc_port,
        http_port=http_port,
        metrics_endpoint=None,
        parallel_workers=0,
        debug=False,
    )
    model = ModelSettings(
        name="model", implementation=KerasRuntime, parameters={"uri": folder}, max_batch_size=32, max_batch_time=0.001
    )
    await MLServer(settings).start([model])


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
