"""The table of dialects."""

from functools import cache
from typing import Any

from gateway.dialects.dialect import Dialect
from gateway.dialects.explanations import EXPLANATIONS
from gateway.dialects.faces import FACES
from gateway.dialects.galleries.routes import GALLERIES
from gateway.dialects.huggingface import HUGGING_FACE
from gateway.dialects.native import NATIVE
from gateway.dialects.open_inference import OPEN_INFERENCE
from gateway.dialects.openai.routes import OPENAI
from gateway.dialects.pages import PAGES
from gateway.dialects.tensorflow_serving import TENSORFLOW_SERVING
from gateway.dialects.v1_models import V1_MODELS
from gateway.openapi import Description, document

DIALECTS: tuple[Dialect, ...] = (
    NATIVE,
    HUGGING_FACE,
    EXPLANATIONS,
    FACES,
    OPENAI,
    GALLERIES,
    V1_MODELS,
    TENSORFLOW_SERVING,
    OPEN_INFERENCE,
    PAGES,
)


def dialect_of(blueprint: str | None, path: str) -> Dialect:
    """Whose a request is: that of the route, else that whose path it looks like, else the native one."""
    for dialect in DIALECTS:
        if dialect.name == blueprint:
            return dialect
    return next((dialect for dialect in DIALECTS if path.startswith(dialect.prefixes or ("\0",))), NATIVE)


@cache  # it takes as long as half of all imports, and few ask
def described() -> dict[str, Any]:
    """The OpenAPI document of all dialects."""
    return document(Description.joined([dialect.describe() for dialect in DIALECTS]))
