"""The recipe of a user's own classifier of pictures: a head on frozen features first, then the blocks below it, too."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.efficientnet_lite import output_of_block
from models.example import Example
from models.image_classifier import ImageClassifierConfig, PicturesSource, processing
from processing.image import Pixels
from processing.photo_form import photo_form
from store.evaluation import Robustness
from training.adversarial import attack_pictures
from training.baseline import neighbours
from training.batches import predicted
from training.data.labelled_pictures import LabelledPictures, PictureDemands, labelled_pictures, read_picture
from training.data.own_folder import LabelledFile
from training.data.split import PARTS
from training.disturbance import Sample, robustness
from training.disturbed_pictures import PICTURE_DISTURBANCES
from training.errors import ChangedDataError, UnfitBackboneError
from training.evaluation import Measured
from training.frozen import maps_of, solve_head, views_that_fit
from training.measure import Rows, accuracy, measure
from training.mistakes import worst_mistakes
from training.picture_backbone import PretrainedPictures, load_picture_backbone
from training.pictures import png
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_pictures import WAYS, Sent, reduced
from training.views import view

if TYPE_CHECKING:
    import keras

_EXAMPLES = 64
_EXAMPLE_SIDE = 320  # pixels: the longer side of goldens, and of pictures that are disturbed
_FEWEST_EXAMPLES = 2  # of a label, where there are so many labels
_SAMPLE = 200  # test pictures that are disturbed
_KEPT = 128  # validation pictures on which an export verifies more
_ALONE = 100
_NEIGHBOURS = 5
_SIDES = {"to 100 px": (1, 100), "101 to 500 px": (101, 500), "501 px or more": (501, np.inf)}


def read_labelled_pictures(source: PicturesSource, demands: PictureDemands, progress: Progress) -> LabelledPictures:
    """What `source` has now.

    Raises:
        ChangedDataError: that is something else than `source` says.
        DataError: it cannot be read, or there is nothing in it to be learnt.
    """
    found = labelled_pictures(source, demands, progress)
    if found.report.sha256 != source.sha256:
        raise ChangedDataError(source.path)
    return found


class ImageClassifierRecipe:
    tokenizer: str | None = None
    chat_template: str | None = None
    pad: int | None = None

    def __init__(
        self,
        config: ImageClassifierConfig,
        data: LabelledPictures,
        load: Callable[[], PretrainedPictures],
        progress: Progress,
    ) -> None:
        """`load` is asked only where a model begins."""
        self._config, self._load, self._progress = config, load, progress
        self._spec = processing(config)
        self._thumbnails = data.thumbnails
        self._train, self._validation, self._test = (_thinned(data.part(part), config.rows) for part in PARTS)
        self._test_name = f"{len(self._test):,} pictures of {config.data.path.name} that were kept aside"
        self.facts = DataFacts(
            name=config.data.path.name,
            source="pictures of the user",
            sha256=config.data.sha256,
            training_rows=len(self._train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: ImageClassifierConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        data = read_labelled_pictures(config.data, demands_of(config), progress)
        return cls(config, data, lambda: load_as_configured(config, cache), progress)

    def prepare(self, model: "keras.Model") -> None:
        self._load().fill(model)

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self._config.label_smoothing)

    def upper(self, model: "keras.Model") -> "keras.Model":
        """The unfrozen blocks and what is above them; what those below make of the pictures is computed here."""
        import keras

        for layer in model.layers:  # in the trunk nothing is trained, and statistics stay everywhere
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
        blocks = len(list(self._config.shape.blocks))
        cut = output_of_block(model, blocks - self._config.unfrozen - 1)
        self._look_through(keras.Model(model.inputs[0], cut))
        self._pooled = keras.Model(cut, model.get_layer("pool").output)  # its layers are those of `upper`
        return keras.Model(cut, model.outputs[0], name="upper")

    def fit_head(self, upper: "keras.Model") -> float:
        """Returns the mean loss of the training pictures as they are."""

        def features(maps: Array) -> Array:
            return np.asarray(self._pooled.predict(maps, verbose=0), np.float32)

        seen = np.concatenate([features(maps) for maps in self._maps])
        held_out = features(self._validation_maps)
        targets, held_out_targets = self._targets(self._train), self._targets(self._validation)
        loss = self.loss()

        def lost(rows: Array, of: Array, head: Array) -> float:
            return float(loss(of, rows @ head[:-1] + head[-1]))

        truth = np.tile(self._truth(self._train), len(self._maps))
        kernel, bias = solve_head(seen, truth, len(self._maps), lambda head: lost(held_out, held_out_targets, head))
        upper.get_layer("logits").set_weights([kernel, bias])
        return lost(seen[: len(targets)], targets, np.vstack([kernel, bias]))

    def epoch(self, number: int) -> tuple[Array, Array]:
        """Of each training picture one view, drawn by lot, as the frozen blocks see it."""
        rng = np.random.default_rng((self._config.seed, number))
        order = rng.permutation(len(self._train))
        return self._maps[rng.integers(0, len(self._maps), len(order)), order], self._targets(self._train)[order]

    def followed(self) -> tuple[Array, Array]:
        """The validation pictures, as the frozen blocks see them: those of the test have no say in when it ends."""
        return self._validation_maps, self._targets(self._validation)

    def held_out(self) -> tuple[Array, Array]:
        """Some of the validation pictures."""
        some = _thinned(self._validation, _KEPT)
        return self._inputs(some), self._targets(some)

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        config = self._config
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {config.name}", 1)
        inputs, truth = self._inputs(self._test), self._truth(self._test)
        rows = Rows(
            inputs=inputs,
            truth=truth,
            data=self._test_name,
            sha256=self._digest(),
            slices=self._slices(),
            alone=list(inputs[:_ALONE]),
        )
        measured = measure(model, config.labels, rows, robust, config.seed)
        near = neighbours(self._small(self._train), self._truth(self._train), self._small(self._test), self._nearest)
        baseline = accuracy(f"{self._nearest} nearest neighbours by colours", near == truth, self._test_name)
        evaluation = measured.evaluation
        references = (baseline, *evaluation.references)
        mistakes = worst_mistakes(inputs, truth, predicted(model, inputs, None), config.labels)
        return Measured(evaluation.model_copy(update={"references": references}), measured.held_out, mistakes)

    def examples(self) -> tuple[list[Example], Array]:
        """Of each label in turns the ways to send a picture, of pictures made smaller."""
        each = max(_FEWEST_EXAMPLES, -(-_EXAMPLES // len(self._config.labels)))
        ways = list(WAYS.values())
        examples, inputs = [], []
        for number, label in enumerate(self._config.labels):
            of_label = [picture for picture in self._test if picture.labels == (label,)][:each]
            for position, picture in enumerate(of_label):
                sent: Sent = ways[position % len(ways)](png(reduced(read_picture(picture.path), _EXAMPLE_SIDE)))
                examples.append(Example.of(f"label-{number}-{position}", sent.media_type, sent.body, label))
                inputs.append(photo_form(sent.pixels, self._spec))
        return examples, np.stack(inputs)

    def _look_through(self, trunk: "keras.Model") -> None:
        config = self._config
        numbers = int(np.prod(trunk.output.shape[1:]))
        views = views_that_fit(len(self._train), numbers, config.views)

        def seen(number: int) -> Callable[[int, Pixels], Pixels]:
            """The view of that number; the first is the picture as it is."""

            def of(row: int, picture: Pixels) -> Pixels:
                rng = np.random.default_rng((config.seed, number, row))
                return view(picture, config.augment, rng) if number else picture

            return of

        def reader(pictures: Sequence[LabelledFile]) -> Callable[[int], Pixels]:
            return lambda row: self._form(pictures[row])

        self._maps = maps_of(
            trunk,
            reader(self._train),
            len(self._train),
            self._progress,
            views=[seen(number) for number in range(views)],
        )
        (self._validation_maps,) = maps_of(
            trunk, reader(self._validation), len(self._validation), self._progress, views=[seen(0)]
        )

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = _thinned(self._test, _SAMPLE)
        truth = self._truth(chosen)
        pictures = [reduced(read_picture(picture.path), _EXAMPLE_SIDE) for picture in chosen]
        sample = Sample(
            pictures,
            truth,
            f"{len(chosen)} of the {self._test_name}, their longer side {_EXAMPLE_SIDE} pixels at most",
            lambda picture: photo_form(picture, self._spec),
            lambda forms: predicted(model, np.stack(forms), None).argmax(axis=1),
        )
        attacks = attack_pictures(model, self._inputs(chosen), truth)
        return robustness(sample, PICTURE_DISTURBANCES, attacks, self._config.seed, progress)

    def _slices(self) -> Mapping[str, Mapping[str, NDArray[np.bool_]]]:
        truth = self._truth(self._test)
        heights, widths = np.array(self._shapes).T
        shorter, longer = np.minimum(heights, widths), np.maximum(heights, widths)
        square = longer <= 1.5 * shorter
        return {
            "label": {label: truth == number for number, label in enumerate(self._config.labels)},
            "shorter side": {name: (least <= shorter) & (shorter <= most) for name, (least, most) in _SIDES.items()},
            "shape": {"up to 3:2": square, "longer than 3:2": ~square},
        }

    @cached_property
    def _shapes(self) -> list[tuple[int, int]]:
        """Height and width of each test picture."""
        with ThreadPoolExecutor() as threads:
            shapes = threads.map(lambda picture: read_picture(picture.path).shape, self._test)
            return [(shape[0], shape[1]) for shape in shapes]

    @property
    def _nearest(self) -> int:
        return min(_NEIGHBOURS, len(self._train))

    def _inputs(self, pictures: Sequence[LabelledFile]) -> Pixels:
        with ThreadPoolExecutor() as threads:
            return np.stack(list(threads.map(self._form, pictures)))

    def _form(self, picture: LabelledFile) -> Pixels:
        return photo_form(read_picture(picture.path), self._spec)

    def _small(self, pictures: Sequence[LabelledFile]) -> Pixels:
        return np.stack([self._thumbnails[picture.number] for picture in pictures])

    def _truth(self, pictures: Sequence[LabelledFile]) -> NDArray[np.int32]:
        return np.array([self._config.labels.index(picture.labels[0]) for picture in pictures], np.int32)

    def _targets(self, pictures: Sequence[LabelledFile]) -> NDArray[np.float32]:
        """`[rows, labels]`, 1 for the right one."""
        return np.eye(len(self._config.labels), dtype=np.float32)[self._truth(pictures)]

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for picture in self._test:
            digest.update(f"{picture.labels[0]}\n".encode())
            digest.update(hashlib.sha256(picture.path.read_bytes()).digest())
        return digest.hexdigest()


def demands_of(config: ImageClassifierConfig) -> PictureDemands:
    return PictureDemands(
        fewest=config.fewest_rows, validation=config.validation_share, test=config.test_share, seed=config.seed
    )


def load_as_configured(config: ImageClassifierConfig, cache: Path) -> PretrainedPictures:
    """Raises `UnfitBackboneError` where its weights are no longer those that the run was begun with."""
    loaded = load_picture_backbone(config.backbone.given, cache)
    if loaded.backbone != config.backbone:
        raise UnfitBackboneError(
            config.backbone.given, "it is no longer the one that the run was begun with; train anew"
        )
    return loaded


def _thinned(pictures: Sequence[LabelledFile], most: int | None) -> list[LabelledFile]:
    """At most so many of them, evenly."""
    if most is None or len(pictures) <= most:
        return list(pictures)
    return [pictures[position * len(pictures) // most] for position in range(most)]
