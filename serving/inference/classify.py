"""Classify: examples in, for each of them classes with labels and scores out."""

from typing import Any

from serving.errors import Code, RequestError
from serving.inference.call import Call, signature_name
from serving.inference.checks import INPUTS, check_input_name, check_one_input, dtype_name, shape, signature_of
from serving.inference.examples import examples
from serving.inference.methods import CLASSIFY
from wire import dtypes, messages
from wire.tensors import Array

_CLASSES, _SCORES = "classes", "scores"


def classify(call: Call, request: Any) -> Any:
    """`ClassificationRequest` to `ClassificationResponse`.

    Raises:
        RequestError: with TensorFlow Serving's codes and texts.
    """
    name = signature_name(request.model_spec)
    signature = signature_of(call, name, CLASSIFY)
    check_classifier(signature)
    response = messages.ClassificationResponse()
    write_classes(call, name, examples(request.input), response.result)
    call.name(response.model_spec, name)
    return response


def check_classifier(signature: Any) -> None:
    """Whether Classify can ask this signature.

    Raises:
        RequestError: it cannot.
    """
    check_one_input(signature)
    if len(signature.outputs) not in (1, 2):
        raise _invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    check_input_name(signature, "classification")
    if not _outputs(signature):
        raise RequestError(
            Code.FAILED_PRECONDITION,
            f'Expected classification signature outputs to contain at least one of "{_CLASSES}" or "{_SCORES}". '
            f"Signature was: {signature}",
        )


def write_classes(call: Call, name: str, given: Array, into: Any) -> None:
    """Fills a `ClassificationResult` from a signature that Classify can ask."""
    aliases = _outputs(call.signature(name))
    found = dict(zip(aliases, call.run(name, {INPUTS: given}, aliases), strict=True))
    for alias, array in found.items():
        _check(alias, array, len(given))
    widths = [array.shape[1] for array in found.values()]
    if widths[0] != widths[-1]:
        raise _invalid(f"Tensors class and score should match in dim_size(1). Got {widths[0]} vs. {widths[-1]}")
    nothing = [[None] * widths[0]] * len(given)
    labels, scores = (found[alias].tolist() if alias in found else nothing for alias in (_CLASSES, _SCORES))
    for labels_of_one, scores_of_one in zip(labels, scores, strict=True):
        classes = into.classifications.add().classes
        for label, score in zip(labels_of_one, scores_of_one, strict=True):
            try:
                classes.add(label=label, score=score)
            except UnicodeDecodeError as exc:  # protobuf's strings are text, a tensor's are bytes
                raise RequestError(Code.INTERNAL, f"label {label!r} is not UTF-8") from exc


def _outputs(signature: Any) -> list[str]:
    return [alias for alias in (_CLASSES, _SCORES) if alias in signature.outputs]


def _check(alias: str, array: Array, examples_given: int) -> None:
    expected = dtypes.STRING if alias == _CLASSES else dtypes.FLOAT
    if array.ndim != 2:
        raise _invalid(f"Expected Tensor shape: [batch_size num_classes] but got {shape(array)}")
    if dtypes.of_numpy(array.dtype) is not expected:
        raise _invalid(f"Expected {alias} Tensor of DT_{expected.name.upper()}. Got: {dtype_name(array)}")
    if len(array) != examples_given:
        raise _invalid(f"Expected {alias} output batch size of {examples_given}. Got: {len(array)}")


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
