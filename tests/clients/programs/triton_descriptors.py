"""What the messages and methods of tritonclient's own protobuf files are, as JSON."""

import json
import sys
from typing import Any

from tritonclient.grpc import service_pb2


def described(descriptor: Any) -> dict[str, Any]:
    found = {
        descriptor.full_name: {field.name: [field.number, field.type, field.is_repeated] for field in descriptor.fields}
    }
    for nested in descriptor.nested_types:
        found |= described(nested)
    return found


messages: dict[str, Any] = {}
for message in service_pb2.DESCRIPTOR.message_types_by_name.values():
    messages |= described(message)
methods = {
    method.name: [
        method.input_type.full_name,
        method.output_type.full_name,
        method.client_streaming,
        method.server_streaming,
    ]
    for method in service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods
}
json.dump({"messages": messages, "methods": methods}, sys.stdout)
