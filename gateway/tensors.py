"""A caller's own tensors: which signature they are for, and whether it takes them. Nothing is decoded."""

import math
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway import shown
from gateway.errors import InvalidTensorsError, OverLimitError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE
from processing.errors import ProcessingError
from processing.image import all_pixels_of
from processing.wav import seconds_of
from store.manifest import KEEPING_SIGNATURES, Manifest, SignatureSpec, TensorSpec
from wire.dtypes import BY_ENUM, ENUM_BY_NAME, STRING

# The gateway's own: one tells paths and commits, the others keep something for whoever knows a number.
PRIVATE_SIGNATURES = frozenset({"manifest"}) | KEEPING_SIGNATURES

MOST_TENSORS = 1000  # inputs of a request, or outputs that it asks for

_FREE = -1  # a dimension of any size
_UNTABLED_BYTES = 2  # of an element of bfloat16, where numpy has no such arrays

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class TensorCall:
    """What a caller asks of a version in tensors, instead of in the words of its task.

    Attributes:
        request: a `PredictRequest` with its inputs. The version and the signature are written into it, so it belongs to
            one call.
        signature: None: the one whose inputs have these names.
        outputs: those that are wanted; empty: all. A model server that is asked for some (`output_filter`) does not
            batch, so that is the caller's choice.
        tensor_content: whether the answer's numbers are wanted as memory instead of as typed values.
    """

    request: Any
    signature: str | None = None
    outputs: tuple[str, ...] = ()
    tensor_content: bool = False


def check_public(signature: str) -> None:
    """Raises `InvalidTensorsError` for a signature that is not for callers."""
    if signature in PRIVATE_SIGNATURES:
        raise InvalidTensorsError(
            f"the signature {signature!r} is not offered here; GET /models/MODEL tells what it may"
        )


def public_signatures(manifest: Manifest) -> dict[str, SignatureSpec]:
    """Those that a caller may ask, the default one first, the others by name."""
    names = sorted(manifest.signatures.keys() - PRIVATE_SIGNATURES, key=lambda name: (name != SERVING_SIGNATURE, name))
    return {name: manifest.signatures[name] for name in names}


def check_count(what: str, tensors: Sized) -> None:
    """Raises `OverLimitError` before anything is done with millions of them."""
    if len(tensors) > MOST_TENSORS:
        raise OverLimitError(what, len(tensors), MOST_TENSORS)


def check_tensors(call: TensorCall, manifest: Manifest, limits: Limits) -> str:
    """The name of the signature that is asked.

    Raises:
        InvalidTensorsError: there is no such signature, or it does not take these tensors, or has no such output.
        OverLimitError: more rows, bytes, pixels or characters than are accepted.
        UnreadableInputError: an encoded picture or recording that is none.
    """
    inputs = call.request.inputs
    name, signature = _signature(call.signature, inputs.keys(), manifest)
    if inputs.keys() != signature.inputs.keys():
        raise InvalidTensorsError(
            f"the signature {name!r} takes the inputs {shown.names(signature.inputs)}; received {shown.names(inputs)}"
        )
    for alias, spec in signature.inputs.items():
        _check_tensor(alias, inputs[alias], spec, limits)
        check_content(alias, inputs[alias], manifest, limits)
    for output in call.outputs:
        if output not in signature.outputs:
            raise InvalidTensorsError(
                f"the signature {name!r} has no output {shown.name(output)}; expected some of "
                f"{shown.names(signature.outputs)}"
            )
    return name


def _signature(wanted: str | None, inputs: Iterable[str], manifest: Manifest) -> tuple[str, SignatureSpec]:
    offered = public_signatures(manifest)
    if wanted is not None:
        check_public(wanted)
        if wanted not in offered:
            raise InvalidTensorsError(
                f"there is no signature {shown.name(wanted)}; expected one of {shown.names(offered)}"
            )
        return wanted, offered[wanted]
    names = set(inputs)
    for name, signature in offered.items():
        if signature.inputs.keys() == names:
            return name, signature
    expected = "; ".join(f"{name}: {shown.names(signature.inputs)}" for name, signature in offered.items())
    raise InvalidTensorsError(f"no signature takes the inputs {shown.names(names)}; there are {expected}")


def _check_tensor(name: str, proto: Any, spec: TensorSpec, limits: Limits) -> None:
    expected = ENUM_BY_NAME.get(spec.dtype)
    if proto.dtype != expected:
        raise InvalidTensorsError(f"input {name!r} has another data type than {spec.dtype}, which is expected")
    sides = proto.tensor_shape.dim
    if proto.tensor_shape.unknown_rank or len(sides) != len(spec.shape):
        raise InvalidTensorsError(
            f"input {name!r} has {len(sides)} dimensions; expected {list(spec.shape)}, -1 is any size"
        )
    shape = [side.size for side in sides]
    if any(_misfit(size, wanted) for size, wanted in zip(shape, spec.shape, strict=True)):
        raise InvalidTensorsError(
            f"input {name!r} has the shape {shown.shape(shape)}; expected {list(spec.shape)}, -1 is any size"
        )
    if spec.shape[:1] == (_FREE,) and shape[0] > limits.items:
        raise OverLimitError(f"rows of {name!r}", shape[0], limits.items, "items")
    # In full: a tensor may name a large shape and bring one value, which is repeated.
    element = BY_ENUM[proto.dtype].numpy.itemsize if proto.dtype in BY_ENUM else _UNTABLED_BYTES
    if math.prod(shape) * element > limits.body_bytes:
        raise OverLimitError(f"bytes of {name!r}", math.prod(shape) * element, limits.body_bytes, "body_bytes")


def _misfit(size: int, wanted: int) -> bool:
    return size < 0 or wanted not in (_FREE, size)


def check_content(name: str, proto: Any, manifest: Manifest, limits: Limits) -> None:
    """The limits of the model's task: strings are encoded pictures, recordings or texts, which the graph decodes.

    Raises:
        InvalidTensorsError: strings in another form than typed values, or more of them than the shape has elements.
        OverLimitError: more pixels, characters, tokens or seconds than are accepted.
        UnreadableInputError: an encoded picture or recording that is none.
    """
    strings = _strings(name, proto) if proto.dtype == STRING.enum else ()
    match manifest.processing:
        case {"kind": "image"}:
            pixels = _all_pixels(name, strings, _elements(proto))
            if pixels > limits.image_pixels:
                raise OverLimitError("pixels", pixels, limits.image_pixels, "image_pixels")
        case {"kind": "text", "input": str(tokens), "max_tokens": int(most)}:
            longest = max((len(text.decode(errors="replace")) for text in strings), default=0)
            if longest > limits.text_chars:
                raise OverLimitError("characters of text", longest, limits.text_chars, "text_chars")
            _check_tokens(name, proto, tokens, most)
        case {"kind": "language", "input": str(tokens), "context_tokens": int(most)}:
            _check_tokens(name, proto, tokens, most)
        case {"kind": "audio" | "speech", "input": str(samples), "sample_rate": int(rate)}:
            encoded = _measured("recording", name, strings, seconds_of)
            seconds = math.ceil(_row(proto) / rate if name == samples else max(encoded, default=0))
            if seconds > limits.audio_seconds:
                raise OverLimitError("seconds of sound", seconds, limits.audio_seconds, "audio_seconds")


def _check_tokens(name: str, proto: Any, tokens: str, most: int) -> None:
    """What a model does may grow with their square."""
    if name == tokens and _row(proto) > most:
        raise OverLimitError("tokens", _row(proto), most)


def _row(proto: Any) -> int:
    return math.prod(side.size for side in proto.tensor_shape.dim[1:])


def _strings(name: str, proto: Any) -> Sequence[bytes]:
    """Those of a tensor that is sent as typed values, none of them opened yet."""
    if proto.tensor_content:
        raise InvalidTensorsError(f"input {name!r} has its strings in tensor_content; expected them in string_val")
    strings: Sequence[bytes] = proto.string_val
    elements = _elements(proto)
    if len(strings) > elements:
        raise InvalidTensorsError(f"input {name!r} has {len(strings)} strings; its shape has {elements} elements")
    return strings


def _elements(proto: Any) -> int:
    return math.prod(side.size for side in proto.tensor_shape.dim)


def _all_pixels(name: str, pictures: Sequence[bytes], elements: int) -> int:
    """The last picture stands for those elements that bring none, and is decoded for each."""
    pixels = list(_measured("picture", name, pictures, all_pixels_of))
    return sum(pixels) + (elements - len(pixels)) * pixels[-1] if pixels else 0


def _measured(what: str, name: str, encoded: Sequence[bytes], measure: Callable[[bytes], _Number]) -> Iterable[_Number]:
    for position, data in enumerate(encoded):
        try:
            yield measure(data)
        except ProcessingError as exc:
            raise type(exc)(f"{what} {position} of {name!r}: {exc}") from exc
