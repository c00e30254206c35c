"""What tasks for pictures share: how one or several are sent, and how much of them is taken."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from pydantic import Discriminator, Field, Tag

from gateway.errors import OverLimitError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import Checkpoint, Media, Request, one_or_many
from gateway.tasks.classification import check_items
from processing.errors import ProcessingError
from processing.image import Pixels, decode, pixels_of
from processing.spec import ImageSpec, parse_spec
from store.manifest import Manifest

_T = TypeVar("_T")


class PicturesRequest(Request):
    """One encoded picture or several."""

    inputs: Annotated[
        Annotated[Media, Tag("one")] | Annotated[list[Media], Field(min_length=1), Tag("many")],
        Discriminator(one_or_many),
    ]

    @property
    def pictures(self) -> list[bytes]:
        return [self.inputs] if isinstance(self.inputs, bytes) else self.inputs


def image_spec(task: str, manifest: Manifest) -> ImageSpec:
    """How the version takes pictures. Raises `UnfitVersionError` where it takes something else."""
    spec = parse_spec(manifest.processing)
    if not isinstance(spec, ImageSpec):
        raise UnfitVersionError(f"{task} needs processing of the kind image, received {spec.kind}")
    return spec


def decoded(pictures: Sequence[bytes], limits: Limits, checkpoint: Checkpoint, use: Callable[[Pixels], _T]) -> list[_T]:
    """What `use` makes of each picture, which is decoded just before.

    Raises:
        OverLimitError: too many pictures, or together too many pixels.
        ProcessingError: one is of no use; of several it is said which.
        Whatever `checkpoint` raises.
    """
    check_items(len(pictures), limits.items)
    if len(pictures) > 1:  # of one alone `decode` looks at the header itself
        pixels = sum(_each(pictures, pixels_of))
        if pixels > limits.image_pixels:
            raise OverLimitError("pixels", pixels, limits.image_pixels, "image_pixels")

    left = limits.image_pixels

    def used(data: bytes) -> _T:
        nonlocal left
        checkpoint()
        picture = decode(data, max_pixels=left)
        left -= picture.shape[0] * picture.shape[1]  # a file may tell fewer than it has
        return use(picture)

    return _each(pictures, used)


def _each(pictures: Sequence[bytes], act: Callable[[bytes], _T]) -> list[_T]:
    """`act` on each picture; an error says which one of several is at fault."""
    results: list[_T] = []
    for position, data in enumerate(pictures):
        try:
            results.append(act(data))
        except ProcessingError as exc:
            if len(pictures) == 1:
                raise
            raise type(exc)(f"picture {position} of the list: {exc}") from exc
    return results
