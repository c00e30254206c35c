"""MultiInference: one list of examples, several signatures of one version."""

from typing import Any

from serving.errors import Code, RequestError
from serving.inference.call import Call, signature_name
from serving.inference.checks import check_method_name
from serving.inference.classify import check_classifier, write_classes
from serving.inference.examples import examples
from serving.inference.methods import CLASSIFY, REGRESS
from serving.inference.regress import check_regressor, write_values
from wire import messages


def multi_inference(call: Call, request: Any) -> Any:
    """`MultiInferenceRequest` to `MultiInferenceResponse`, results in the order of the tasks.

    TensorFlow Serving fetches the outputs of all tasks in one session run; here each task's signature runs by itself,
    one after another on the same version, so that each may come from another runtime or join another batch. The graph
    parses the examples once per task, and state that a run changes is seen by the next task.

    Raises:
        RequestError: with TensorFlow Serving's codes and texts, before anything runs where the request is at fault.
    """
    _check_tasks(call, request.tasks)
    given = examples(request.input)
    response = messages.MultiInferenceResponse()
    for task in request.tasks:
        name = signature_name(task.model_spec)
        result = response.results.add()
        if task.method_name == CLASSIFY:
            write_classes(call, name, given, result.classification_result)
        else:
            write_values(call, name, given, result.regression_result)
        call.name(result.model_spec, name)
    model = call.servable.model
    call.metrics.request_example_counts.observe(len(given), model=model)
    call.metrics.request_example_count_total.inc(len(given), model=model)
    return response


def _check_tasks(call: Call, tasks: Any) -> None:
    model, seen = "", set()
    for task in tasks:
        spec = task.model_spec
        if not spec.name:
            raise _invalid("Found ModelSpec with an empty model name.")
        model = model or spec.name
        if spec.name != model:
            raise _invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        name = signature_name(spec)
        if name in seen:
            raise _invalid(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        signature = call.signature(name)
        if signature is None:
            raise _invalid(f"Requested signature not found in model graph: {name}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise RequestError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        check_method_name(call, signature, task.method_name)
        if task.method_name == CLASSIFY:
            check_classifier(signature)
        else:
            check_regressor(signature)


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
