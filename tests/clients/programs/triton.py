"""tritonclient against a gateway: `triton.py http|grpc HOST:PORT PICTURE`. Prints what it saw as JSON."""

import importlib
import json
import queue
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.utils import InferenceServerException

FACE, ADDRESS, PICTURE = sys.argv[1:]
triton = importlib.import_module(f"tritonclient.{FACE}")
is_http = FACE == "http"


def tensor(name: str, array: Any, datatype: str, **form: bool) -> Any:
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array, **form)
    return given


def output(name: str, **form: bool) -> Any:
    return triton.InferRequestedOutput(name, **form)


def outputs(result: Any) -> dict[str, Any]:
    return {name: result.as_numpy(name).tolist() for name in ("logits", "probabilities") if asked(result, name)}


def asked(result: Any, name: str) -> bool:
    return result.get_output(name) is not None


def refused(call: Callable[[], object]) -> Any:
    """Status and text of the client's own exception."""
    try:
        return {"answered": str(call())}
    except InferenceServerException as exc:
        return {"status": exc.status(), "says": exc.message()}


def ask(client: Any) -> dict[str, Any]:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), dtype=np.uint8)
    image = tensor("image", pictures, "UINT8")
    token_ids = np.array([[5, 8, 9]], np.int32)
    tokens = tensor("token_ids", token_ids, "INT32")
    encoded = tensor("image_bytes", np.array([Path(PICTURE).read_bytes()], object), "BYTES")
    nothing = tensor("image_bytes", np.array([b"x"], object), "BYTES")
    many = tensor("image", np.tile(pictures, (4, 1, 1, 1)), "UINT8")
    as_json = {} if is_http else {"as_json": True}
    seen = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "models_ready": [client.is_model_ready("strokes"), client.is_model_ready("strokes", "1")],
        "server": client.get_server_metadata(**as_json),
        "model": client.get_model_metadata("strokes", **as_json),
        "pictures": pictures.ravel().tolist(),
        "image": outputs(client.infer("strokes", [image])),
        "version": outputs(client.infer("strokes", [image], model_version="1")),
        "one_output": outputs(client.infer("strokes", [image], outputs=[output("probabilities")])),
        "tokens": outputs(client.infer("sentiment", [tokens])),
        "bytes": outputs(client.infer("strokes", [encoded])),
        "id": identity(client.infer("strokes", [image], request_id="mine")),
        "async": outputs(asynchronous(client, image)),
        "unknown_model": refused(lambda: client.infer("none", [image])),
        "unknown_version": refused(lambda: client.infer("strokes", [image], model_version="9")),
        "unknown_input": refused(lambda: client.infer("strokes", [tensor("nope", pictures, "UINT8")])),
        "unknown_output": refused(lambda: client.infer("strokes", [image], outputs=[output("nope")])),
        "wrong_type": refused(lambda: client.infer("strokes", [tensor("image", pictures.astype(np.int8), "INT8")])),
        "wrong_shape": refused(lambda: client.infer("strokes", [tensor("image", pictures[:, :5], "UINT8")])),
        "too_many": refused(lambda: client.infer("strokes", [many])),
        "not_in_the_graph": refused(lambda: client.infer("sentiment", [tensor("token_ids", token_ids + 900, "INT32")])),
        "no_picture": refused(lambda: client.infer("strokes", [nothing])),
        "sequence": refused(lambda: client.infer("strokes", [image], sequence_id=7)),
        "statistics": refused(lambda: client.get_inference_statistics("strokes")),
        "configuration": refused(lambda: client.get_model_config("strokes")),
        "explained": explained(client, pictures),
    }
    if is_http:
        seen |= json_forms(client, pictures, token_ids)
    else:
        seen["compressed"] = outputs(client.infer("strokes", [image], compression_algorithm="gzip"))
        seen["stream"] = stream(client, image, tokens)
    return seen


def identity(result: Any) -> str:
    response = result.get_response()
    return str(response["id"] if is_http else response.id)


def asynchronous(client: Any, image: Any) -> Any:
    if is_http:
        return client.async_infer("strokes", [image]).get_result()
    results: queue.Queue[Any] = queue.Queue()
    client.async_infer("strokes", [image], lambda result, error: results.put(error or result))
    return results.get(timeout=60)


def explained(client: Any, pictures: Any) -> list[int]:
    """A signature that is chosen by its name."""
    label = tensor("label", np.array([1, 1], np.int32), "INT32")
    result = client.infer("strokes", [tensor("image", pictures, "UINT8"), label], parameters={"signature": "explain"})
    return list(result.as_numpy("heat").shape)


def json_forms(client: Any, pictures: Any, token_ids: Any) -> dict[str, Any]:
    image = tensor("image", pictures, "UINT8", binary_data=False)
    mixed = [output("logits", binary_data=False), output("probabilities", binary_data=True)]
    everything = [output("logits", binary_data=False), output("probabilities", binary_data=False)]
    return {
        "json_in": outputs(client.infer("strokes", [image])),
        "json_out": outputs(client.infer("strokes", [tensor("image", pictures, "UINT8")], outputs=everything)),
        "json_both": outputs(client.infer("strokes", [image], outputs=everything)),
        "mixed": outputs(client.infer("strokes", [image], outputs=mixed)),
        "json_tokens": outputs(client.infer("sentiment", [tensor("token_ids", token_ids, "INT32", binary_data=False)])),
    }


def stream(client: Any, image: Any, tokens: Any) -> list[Any]:
    """Three requests on one stream, of which the second is refused."""
    results: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: results.put((result, error)))
    client.async_stream_infer("strokes", [image], request_id="1")
    client.async_stream_infer("none", [image], request_id="2")
    client.async_stream_infer("sentiment", [tokens], request_id="3")
    received = [results.get(timeout=60) for _ in range(3)]
    client.stop_stream()
    return [str(error) if error else {identity(result): outputs(result)} for result, error in received]


with triton.InferenceServerClient(ADDRESS) as open_client:
    json.dump(ask(open_client), sys.stdout)
