"""REST's `:predict` on a version."""

from typing import Any

from serving.inference.call import Call
from serving.inference.predict import check_method_name, predict_arrays
from wire.methods import DEFAULT_SIGNATURE
from wire.rest.json import signature_name
from wire.rest.predict import outputs_text, read_inputs


def predict_json(call: Call, document: dict[str, Any]) -> str:
    """The answer to a predict body.

    Raises:
        RequestError, RestError: with TensorFlow Serving's codes and texts.
    """
    name = signature_name(document) or DEFAULT_SIGNATURE
    inputs = read_inputs(document, call.signature(name))
    check_method_name(call, call.servable.interfaces[name])
    return outputs_text(document, predict_arrays(call, name, inputs))
