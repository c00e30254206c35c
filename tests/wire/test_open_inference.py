"""Our `open_inference.proto` has the numbers and types of the protocol as a client's own package has them."""

from typing import Any

from google.protobuf.descriptor import Descriptor

from tests.support.client_programs import run_program
from wire import messages
from wire.methods import INFERENCE_SERVICE


def fields(descriptor: Descriptor) -> dict[str, list[Any]]:
    return {field.name: [field.number, field.type, field.is_repeated] for field in descriptor.fields}


def described(descriptor: Descriptor) -> dict[str, dict[str, list[Any]]]:
    """Every message of the file, by its name, and those inside."""
    found = {descriptor.full_name: fields(descriptor)}
    for nested in descriptor.nested_types:
        found |= described(nested)
    return found


def test_messages_are_those_of_tritonclient() -> None:
    theirs = run_program("triton_descriptors")
    file = messages.ModelInferRequest.DESCRIPTOR.file
    for message in file.message_types_by_name.values():
        for name, expected in described(message).items():
            assert theirs["messages"][name] == expected, name


def test_methods_are_those_of_tritonclient() -> None:
    theirs = run_program("triton_descriptors")
    for method in messages.pool().FindServiceByName(INFERENCE_SERVICE).methods:
        sides = [method.input_type.full_name, method.output_type.full_name]
        assert theirs["methods"][method.name] == [*sides, method.client_streaming, method.server_streaming]
