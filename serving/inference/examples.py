"""The input of Classify, Regress and MultiInference: serialized `tensorflow.Example`s; the graph parses them itself."""

from typing import Any

import numpy as np

from serving.errors import Code, RequestError
from wire.tensors import Array


def examples(given: Any) -> Array:
    """An `Input` as a 1-D tensor of strings, never empty.

    The context's bytes stand before each example's: that is how protobuf merges messages.

    Raises:
        RequestError: INVALID_ARGUMENT, there is none.
    """
    if given.HasField("example_list_with_context"):
        listed = given.example_list_with_context
        context = listed.context.SerializeToString()
    else:
        listed, context = given.example_list, b""
    if not listed.examples:
        raise RequestError(Code.INVALID_ARGUMENT, "Input is empty.")
    tensor = np.empty(len(listed.examples), dtype=object)
    tensor[:] = [context + example.SerializeToString() for example in listed.examples]
    return tensor
