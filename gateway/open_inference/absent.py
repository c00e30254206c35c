"""Extensions of the protocol that others have under `/v2` and the gateway has not, known by their paths."""

import re
from typing import Final

_OF_A_MODEL: Final = r"/v2/models/[^/]+(/versions/[^/]+)?"

_EXTENSIONS: Final = (
    (rf"{_OF_A_MODEL}/stats|/v2/models/stats", "the statistics extension", "GET /metrics has figures by model"),
    (rf"{_OF_A_MODEL}/config", "the model configuration extension", "GET /v2/models/MODEL has inputs and outputs"),
    (rf"(/v2|{_OF_A_MODEL})/trace/setting", "the trace extension", "see otlp_endpoint in the gateway's settings"),
    (rf"{_OF_A_MODEL}/generate(_stream)?", "the generate extension", "POST /v1/completions continues texts"),
    (r"/v2/repository/.+", "the model repository extension", "GET /v1/models has the models that there are"),
    (r"/v2/(system|cuda|xpu)sharedmemory/.+", "the shared memory extension", "send tensors in the request"),
    (r"/v2/logging", "the logging extension", "see access_log in the gateway's settings"),
)


def extension_at(path: str) -> tuple[str, str] | None:
    """Which extension is asked for, and what to do instead; None if it is none."""
    return next(((name, instead) for at, name, instead in _EXTENSIONS if re.fullmatch(at, path)), None)
