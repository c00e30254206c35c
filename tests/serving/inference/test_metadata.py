"""GetModelMetadata: which fields may be asked for, and every signature in the answer."""

import pytest

from serving.errors import Code, RequestError
from serving.inference.metadata import check_fields, metadata
from tests.serving.calls import CallOn
from wire import messages


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([], "GetModelMetadataRequest must specify at least one metadata_field"),
        (["signature_def", "other"], "Metadata field other is not supported"),
    ],
)
def test_fields_that_are_refused(fields: list[str], text: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_fields(messages.GetModelMetadataRequest(metadata_field=fields))
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, text)


def test_every_signature_is_told(call: CallOn) -> None:
    check_fields(messages.GetModelMetadataRequest(metadata_field=["signature_def"]))
    response = metadata(call("half-plus-two").servable)
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("half-plus-two", 7, "")
    found = messages.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert {"serving_default", "classify_x_to_y", "__saved_model_init_op"} <= set(found.signature_def)
    assert found.signature_def["regress_x_to_y"].method_name == "tensorflow/serving/regress"
