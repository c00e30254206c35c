"""The graph decodes pictures as the gateway does, or refuses them."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from export.raw.decoding import MAX_PIXELS, decoded
from processing.image import decode

Decode = Callable[[bytes], Any]


@pytest.fixture(scope="module")
def in_graph() -> Decode:
    import tensorflow as tf

    function = tf.function(decoded, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    return lambda data: function(tf.constant(data)).numpy()


def _encoded(picture: Image.Image, encoding: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, encoding, **options)
    return buffer.getvalue()


def _colourful() -> Image.Image:
    """Smooth, so that JPEG is not asked for what no two decoders agree on."""
    x, y = np.meshgrid(np.linspace(0, 255, 60), np.linspace(0, 255, 40))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=2).astype(np.uint8))


def _translucent() -> Image.Image:
    picture = _colourful()
    picture.putalpha(Image.fromarray(np.arange(2400, dtype=np.uint32).reshape(40, 60).astype(np.uint8)))
    return picture


def _of_kind(kind: str) -> Image.Image:
    """A mode of Pillow's, or one of the kinds that need more than a conversion."""
    match kind:
        case "translucent":
            return _translucent()
        case "16 colours" | "transparent":
            return _colourful().quantize(16)
        case "I;16":
            return Image.fromarray(np.asarray(_colourful().convert("L")).astype(np.uint16) * 257)
    return _colourful().convert(kind)


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        *((mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "I;16", "translucent", "16 colours", "transparent")),
        *((mode, "JPEG") for mode in ("L", "RGB", "CMYK")),
        *((mode, "GIF") for mode in ("L", "RGB")),
        *((mode, "BMP") for mode in ("L", "RGB", "translucent")),
    ],
)
def test_pixels_are_the_gateways(in_graph: Decode, kind: str, encoding: str) -> None:
    data = _encoded(_of_kind(kind), encoding, **({"transparency": 3} if kind == "transparent" else {}))
    expected = decode(data, max_pixels=MAX_PIXELS)
    apart = np.abs(in_graph(data).astype(int) - expected)
    assert in_graph(data).shape == expected.shape
    assert apart.max() <= (1 if encoding == "JPEG" else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("encoding", ["JPEG", "PNG"])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_pictures_are_upright(in_graph: Decode, encoding: str, orientation: int, endian: str) -> None:
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    data = _encoded(_colourful(), encoding, exif=exif)
    expected = decode(data, max_pixels=MAX_PIXELS)
    assert in_graph(data).shape == expected.shape
    np.testing.assert_allclose(in_graph(data).astype(int), expected, atol=1)


def test_of_an_animation_the_first_frame_counts(in_graph: Decode) -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    animation = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert in_graph(animation)[5, 5].tolist() == [255, 0, 0]


def test_no_operation_makes_all_frames_of_an_animation() -> None:
    import tensorflow as tf

    function = tf.function(decoded, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    graph = function.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    assert "DecodeGif" not in {node.op for node in nodes}
    assert [node.attr["expand_animations"].b for node in nodes if node.op == "DecodeImage"] == [False]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no picture"),
        (b"hello" * 20, "no picture"),
        (b"\x89PNG", "or its first bytes only"),
        (_encoded(_colourful(), "WEBP"), "no picture"),
        (_encoded(_colourful(), "TIFF"), "no picture"),
        (b"\0\0\0\x1cftypheic" + bytes(100), "no picture"),
        (_encoded(_colourful())[:-40], "Invalid PNG data"),
        (_encoded(_colourful(), "JPEG")[:-40], "Invalid JPEG data"),
        (_encoded(_colourful(), "GIF")[:300], "Invalid GIF data"),
        (_encoded(_colourful(), "BMP")[:300], "Input size should match"),
        *(
            (_encoded(Image.new("L", (4097, 4096)), encoding), "the picture has 16781312 pixels; at most 16777216")
            for encoding in ("PNG", "JPEG", "GIF")
        ),
    ],
)
def test_what_it_refuses(in_graph: Decode, data: bytes, message: str) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        in_graph(data)


@pytest.mark.parametrize("encoding", ["PNG", "JPEG", "GIF", "BMP"])
def test_damaged_pictures_are_decoded_or_refused(in_graph: Decode, encoding: str) -> None:
    import tensorflow as tf

    numbers = np.random.default_rng(0)
    whole = np.frombuffer(_encoded(_colourful(), encoding), np.uint8)
    refused = 0
    for _ in range(150):
        damaged = whole.copy()
        places = numbers.integers(0, len(whole), numbers.integers(1, 5))
        damaged[places] = numbers.integers(0, 256, len(places))
        try:
            assert in_graph(damaged.tobytes()).dtype == np.uint8
        except tf.errors.InvalidArgumentError:
            refused += 1
    assert refused
