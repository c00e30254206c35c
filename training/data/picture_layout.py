"""How pictures are brought to the input of somebody's network, as its makers tell it in one of three ways."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from models.picture_checkpoint import Colours
from processing.spec import Resize
from training.errors import CheckpointError

Interpolation = Literal["bilinear", "bicubic"]
Fit = Literal["stretch", "shorter"]

_PILLOW: Mapping[object, Interpolation] = {2: "bilinear", 3: "bicubic"}  # its numbers for them
_NAMED: Mapping[object, Interpolation] = {"bilinear": "bilinear", "bicubic": "bicubic"}
_SMALL = 384  # of Hugging Face's ConvNext processor: as large an input shows all of a picture
_CROP = 224 / 256  # where the same one does not tell

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """`scale` and `offset` of each colour's levels, 0 to 255; `height` and `width` of the input."""

    height: int
    width: int
    resize: Resize
    scale: Colours
    offset: Colours


def of_converter(folder: Path, converter: Any) -> Layout:
    """Of keras-hub's `ImageConverter`. It looks at few pixels where a picture is to be made smaller, we at all of them
    (docs/decisions/0026). Raises `CheckpointError`."""
    if converter is None or converter.image_size is None:
        raise CheckpointError(folder, "it does not tell the size of its input")
    if converter.pad_to_aspect_ratio:
        raise CheckpointError(folder, "it puts pictures into a frame (pad_to_aspect_ratio), which is not offered")
    (height, width), resize = converter.image_size, _named(folder, _NAMED, converter.interpolation)
    return Layout(
        height=height,
        width=width,
        resize=Resize(crop=1.0, interpolation=resize, fit="crop" if converter.crop_to_aspect_ratio else "stretch"),
        scale=_colours(folder, 1.0 if converter.scale is None else converter.scale),
        offset=_colours(folder, 0.0 if converter.offset is None else converter.offset),
    )


def of_timm(folder: Path, config: Facts) -> Layout:
    """Of timm's `config.json`. Raises `CheckpointError`."""
    told = config.get("pretrained_cfg", {})
    try:
        (_, height, width), crop = told["input_size"], float(told["crop_pct"])
        scale, offset = _standardised(folder, 1 / 255, told["mean"], told["std"])
        resize = Resize(crop=crop, interpolation=_named(folder, _NAMED, told["interpolation"]), fit="shorter")
    except (KeyError, TypeError, ValueError) as exc:
        raise CheckpointError(folder, f"its pretrained_cfg does not tell how pictures are read: {exc!r}") from exc
    return Layout(height=height, width=width, resize=resize, scale=scale, offset=offset)


def of_processor(folder: Path, told: Facts) -> Layout:
    """Of Hugging Face's `preprocessor_config.json`. Raises `CheckpointError`."""
    if not told.get("do_resize", True):
        raise CheckpointError(folder, "it takes pictures of one size alone (do_resize is false)")
    interpolation = _named(folder, _PILLOW, told.get("resample", 2))
    scale, offset = _standardised(
        folder,
        told.get("rescale_factor", 1 / 255) if told.get("do_rescale", True) else 1.0,
        told.get("image_mean", [0.0]) if told.get("do_normalize", True) else [0.0],
        told.get("image_std", [1.0]) if told.get("do_normalize", True) else [1.0],
    )
    height, width, crop, fit = _sides(folder, told)
    resize = Resize(crop=crop, interpolation=interpolation, fit=fit)
    return Layout(height=height, width=width, resize=resize, scale=scale, offset=offset)


def _sides(folder: Path, told: Facts) -> tuple[int, int, float, Fit]:
    """Height and width of the input, the share of the picture that is seen, and how it is brought to that."""
    size = told.get("size", 224)
    size = {"height": size, "width": size} if isinstance(size, int) else size
    match size:
        case {"height": int(height), "width": int(width)} if not told.get("do_center_crop"):
            return height, width, 1.0, "stretch"
        case {"shortest_edge": int(edge)} if told.get("do_center_crop"):
            side = told.get("crop_size", edge)
            height, width = (side, side) if isinstance(side, int) else (side["height"], side["width"])
            return height, width, min(1.0, max(height, width) / edge), "shorter"
        case {"shortest_edge": int(edge)} if edge >= _SMALL:
            return edge, edge, 1.0, "stretch"
        case {"shortest_edge": int(edge)}:
            return edge, edge, float(told.get("crop_pct") or _CROP), "shorter"
    raise CheckpointError(folder, f"its pictures are brought to the size {size!r}, which is not understood")


def _named(folder: Path, names: Mapping[object, Interpolation], told: object) -> Interpolation:
    if told not in names:
        able = ", ".join(str(name) for name in names)
        raise CheckpointError(folder, f"it resizes pictures by {told!r}; expected one of {able}")
    return names[told]


def _standardised(folder: Path, factor: float, mean: Any, deviation: Any) -> tuple[Colours, Colours]:
    """Scale and offset of what is multiplied by a factor, then moved by its mean and divided by its deviation."""
    means, deviations = _colours(folder, mean), _colours(folder, deviation)
    scale = tuple(factor / of for of in deviations)
    offset = tuple(-at / of for at, of in zip(means, deviations, strict=True))
    return _colours(folder, scale), _colours(folder, offset)


def _colours(folder: Path, told: Any) -> Colours:
    """One number for all colours, or one for each."""
    numbers = [float(number) for number in (told if isinstance(told, list | tuple) else [told])]
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise CheckpointError(folder, f"it scales colours by {told!r}; expected a number, or three")
    return numbers[0], numbers[1], numbers[2]
