"""Warm-up: requests that a version brings along, answered before it serves anyone.

A version's `assets.extra/tf_serving_warmup_requests` is a TFRecord file of `PredictionLog`s.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from serving.errors import Code, LoadError, RequestError
from serving.inference.call import Call, signature_name
from serving.inference.classify import classify
from serving.inference.multi_inference import multi_inference
from serving.inference.predict import predict
from serving.inference.regress import regress
from serving.metrics import Metrics
from serving.servable import Servable
from store.layout import VersionDir
from wire import messages
from wire.errors import RecordError
from wire.records import read_records

_MOST = 1000  # records, TensorFlow Serving's limit

# The kinds of log that can be replayed: the API's name in the metrics, and what answers the request in it.
_REPLAYS: dict[str, tuple[str, Callable[[Call, Any], Any]]] = {
    "predict_log": ("Predict", predict),
    "classify_log": ("Classify", classify),
    "regress_log": ("Regress", regress),
    "multi_inference_log": ("MultiInference", multi_inference),
}

_log = logging.getLogger(__name__)


def replay(
    servable: Servable,
    folder: Path,
    iterations: int,
    metrics: Metrics,
    *,
    check_method_names: bool = False,
    answered: bool = False,
) -> None:
    """Answers each request of the version in `folder` `iterations` times, one after another, if it has any.

    Models and versions that the requests name are ignored: all are asked of `servable`. Requests of signatures that are
    not open yet (`Runtime.unopened`) are passed over.

    Args:
        answered: those with a recorded answer have just been asked, to prove the version: they are passed over too.

    Raises:
        LoadError: a request fails, with its code and message; or the file is broken, or has too many.
    """
    path = VersionDir(folder).warm_up
    if not path.is_file():
        return
    started = time.perf_counter()
    count = 0
    unopened = set(servable.runtime.unopened)
    try:
        for number, log in enumerate(_logs(path)):
            if number == _MOST:
                raise LoadError(
                    Code.INVALID_ARGUMENT, f"Number of warmup records exceeds the maximum ({_MOST}) at {path}"
                )
            if _signatures(log) & unopened or (answered and log.predict_log.response.outputs):
                continue
            for _ in range(iterations):
                _answer(log, servable, metrics, check_method_names=check_method_names)
            count += 1
    except RequestError as exc:
        raise LoadError(exc.code, exc.message) from exc
    seconds = time.perf_counter() - started
    metrics.model_warmup_latency.observe(seconds * 1e6, model_path=str(folder), status=Code.OK.name)
    _log.info("answered %d warm-up requests of %s in %.2f s", count, folder, seconds)


def _logs(path: Path) -> Iterator[Any]:
    try:
        for number, record in enumerate(read_records(path)):
            try:
                yield messages.PredictionLog.FromString(record)
            except DecodeError as exc:
                raise LoadError(
                    Code.INVALID_ARGUMENT, f"Failed to parse warmup record: number {number} from {path}"
                ) from exc
    except RecordError as exc:
        raise LoadError(Code.DATA_LOSS, f"{exc}. Please verify your warmup data is in TFRecord format.") from exc
    except OSError as exc:
        raise LoadError(Code.UNKNOWN, f"{path} cannot be read: {exc.strerror}") from exc


def _signatures(log: Any) -> set[str]:
    """Those that the request in `log` asks, as far as it is of a kind that names some."""
    kind = log.WhichOneof("log_type")
    if kind not in _REPLAYS:
        return set()
    request = getattr(log, kind).request
    return {signature_name(asked.model_spec) for asked in getattr(request, "tasks", [request])}


def _answer(log: Any, servable: Servable, metrics: Metrics, *, check_method_names: bool) -> None:
    kind = log.WhichOneof("log_type")
    if kind is None:
        return
    if kind not in _REPLAYS:
        number = log.DESCRIPTOR.fields_by_name[kind].number
        raise LoadError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}")
    api, answer = _REPLAYS[kind]
    answer(Call(servable, api, None, metrics, check_method_names), getattr(log, kind).request)
