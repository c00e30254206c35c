"""A caller's own tensors: what is refused before anything of it is decoded, and in how many words."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from gateway.errors import InvalidTensorsError, OverLimitError
from gateway.settings import Limits
from gateway.tensors import TensorCall, check_tensors
from processing.errors import TooLargeError, UnreadableInputError
from store.manifest import Manifest, SignatureSpec, TensorSpec
from tests.support.manifests import manifest
from tests.support.small_models import picture
from wire import messages
from wire.dtypes import STRING

PICTURE = picture(side=10)
TEXTS = {"kind": "text", "input": "token_ids", "max_tokens": 8}


def served(shape: tuple[int, ...] = (-1,), dtype: str = "string", processing: Any = None) -> Manifest:
    """A version with one signature, `serving_default`, of one input `x`."""
    spec = TensorSpec(dtype=dtype, shape=shape)
    signature = SignatureSpec(inputs={"x": spec}, outputs={"y": spec})
    changed = {"signatures": {"serving_default": signature}, "processing": processing or {"kind": "image"}}
    return manifest().model_copy(update=changed)


def strings(*values: bytes, shape: tuple[int, ...]) -> Any:
    request = messages.PredictRequest()
    proto = request.inputs["x"]
    proto.dtype = STRING.enum
    proto.string_val.extend(values)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return request


@pytest.mark.parametrize("processing", [{"kind": "image"}, TEXTS])
def test_more_strings_than_elements_are_refused_before_one_is_opened(processing: Any) -> None:
    """Each of these would be a fault of its own."""
    request = strings(*[b"x" * 200] * 1000, shape=(1,))
    with pytest.raises(InvalidTensorsError, match="1000 strings; its shape has 1 elements"):
        check_tensors(TensorCall(request), served(processing=processing), Limits(text_chars=100))
    with pytest.raises((UnreadableInputError, OverLimitError)):
        check_tensors(
            TensorCall(strings(b"x" * 200, shape=(1,))), served(processing=processing), Limits(text_chars=100)
        )


def test_the_last_picture_counts_for_those_elements_that_bring_none() -> None:
    """The graph decodes it for each of them."""
    request = strings(PICTURE, shape=(3,))
    assert check_tensors(TensorCall(request), served(), Limits(image_pixels=300)) == "serving_default"
    with pytest.raises(OverLimitError, match="300 pixels received; at most 299"):
        check_tensors(TensorCall(request), served(), Limits(image_pixels=299))
    assert check_tensors(TensorCall(strings(shape=(3,))), served(), Limits(image_pixels=1)) == "serving_default"


def test_what_costs_more_than_its_header_says_is_refused_in_tensors_too() -> None:
    """The graph decodes all frames of an animation, and each scan of a JPEG."""
    frames = [Image.new("RGB", (20, 10), (50 * number, 0, 0)) for number in range(5)]
    animation, drawn = BytesIO(), BytesIO()
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(OverLimitError, match="1000 pixels received"):
        check_tensors(TensorCall(strings(animation.getvalue(), shape=(1,))), served(), Limits(image_pixels=999))
    Image.new("L", (20, 10)).save(drawn, "JPEG", progressive=True)
    jpeg = drawn.getvalue()
    at, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    with pytest.raises(TooLargeError, match="more than 32 scans"):
        check_tensors(TensorCall(strings(jpeg[:end] + jpeg[at:end] * 40 + jpeg[end:], shape=(1,))), served(), Limits())


def test_pictures_in_a_tensor_of_numbers_are_nobody_s() -> None:
    request = messages.PredictRequest()
    request.inputs["x"].dtype = 4
    request.inputs["x"].string_val.extend([b"x"] * 1000)
    request.inputs["x"].tensor_shape.dim.add(size=1)
    assert check_tensors(TensorCall(request), served(dtype="uint8"), Limits()) == "serving_default"


def test_of_a_million_dimensions_the_number_is_told() -> None:
    request = strings(b"a", shape=())
    request.inputs["x"].tensor_shape.MergeFromString(b"\x12\x00" * 10**6)
    with pytest.raises(InvalidTensorsError, match="1000000 dimensions; expected") as caught:
        check_tensors(TensorCall(request), served(), Limits())
    assert len(str(caught.value)) < 200


def test_a_name_of_megabytes_is_not_repeated() -> None:
    long = "n" * 10**6
    other = strings(b"a", shape=(1,))
    other.inputs[long].CopyFrom(other.inputs["x"])
    calls = (
        TensorCall(strings(b"a", shape=(1,)), signature=long),
        TensorCall(strings(PICTURE, shape=(1,)), outputs=(long,)),
        TensorCall(other),
        TensorCall(other, signature="serving_default"),
    )
    for call in calls:
        with pytest.raises(InvalidTensorsError) as caught:
            check_tensors(call, served(), Limits())
        assert "n" * 101 not in str(caught.value)
        assert len(str(caught.value)) < 400
