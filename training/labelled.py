"""What the recipes of classifiers of texts share, whose rows have labels and are dealt out to three parts."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.spec import TrainConfig
from processing.spec import TextSpec
from processing.text import TextEncoder
from store.evaluation import Robustness
from training.adversarial import Embedded, attack_embeddings
from training.baseline import baseline_predictions, baseline_sets
from training.batches import alike, lengths_of, predicted
from training.data.own_rows import LabelledText
from training.data.split import PARTS, Part
from training.disturbance import Attack, Sample, robustness
from training.disturbed_texts import TEXT_DISTURBANCES
from training.evaluation import Measured
from training.label_sets import SetCodes, Sets, chosen, measure_sets
from training.latency import stacked
from training.measure import BATCH, Rows, accuracy, measure
from training.progress import Progress
from training.recipe import Array

if TYPE_CHECKING:
    import keras

_EXAMPLES = 64
_EXAMPLE_CHARS = 400
_SHOWN = 5  # labels in the answer to an example, where there are more
_SAMPLE = 500  # test texts that are disturbed
_BASELINE_NAME = "TF-IDF with logistic regression"
_LENGTHS = {"1 to 10 words": (1, 10), "11 to 50 words": (11, 50), "51 words or more": (51, np.inf)}


@dataclass(frozen=True)
class Labels:
    """What a model answers, and what it is called."""

    model: str
    names: tuple[str, ...]
    several: bool = False


class LabelledTextsRecipe(ABC):
    chat_template: str | None = None

    def __init__(
        self,
        config: TrainConfig,
        labels: Labels,
        parts: Mapping[Part, Sequence[LabelledText]],
        spec: TextSpec,
        tokenizer: str,
        *,
        source: str,
    ) -> None:
        """`source` names the rows in words."""
        self._config, self._labels = config, labels
        self.pad: int | None = spec.pad_id
        self._pad = spec.pad_id
        self.tokenizer: str | None = tokenizer
        self._encoder = TextEncoder(tokenizer, spec)
        self._train, self._validation, self._test = (
            _thinned([text for text in parts[part] if self._encoder.readable(text.text)], config.rows) for part in PARTS
        )
        self._inputs, self._targets = self._encoded(self._train), self._target_of(self._train)
        self._test_name = f"{len(self._test):,} rows of {source} that were kept aside"
        self._codes = SetCodes(self._sets(self._test))

    @abstractmethod
    def embedded(self, model: "keras.Model") -> Embedded:
        """Where what is looked up for tokens can be attacked."""

    def loss(self) -> "keras.losses.Loss":
        import keras

        if self._labels.several:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.CategoricalCrossentropy(from_logits=True)

    def epoch(self, number: int) -> tuple[Array, Array]:
        rng = np.random.default_rng((self._config.seed, number))
        order = alike(
            rng.permutation(len(self._inputs)), lengths_of(self._inputs, self._pad), self._config.batch_size, rng
        )
        return self._inputs[order], self._targets[order]

    def held_out(self) -> tuple[Array, Array]:
        """The rows for validation: those of the test have no say in when the training ends."""
        return self._encoded(self._validation), self._target_of(self._validation)

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        config, rows = self._config, self._rows()
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {self._labels.model}", 1)
        if self._labels.several:
            truth = self._sets(self._test)
            measured = measure_sets(model, self._labels.names, rows, robust, config.seed, truth=truth)
            theirs = (self._baseline_sets() == truth).all(axis=1)
        else:
            measured = measure(model, self._labels.names, rows, robust, config.seed)
            theirs = self._baseline() == rows.truth
        baseline = accuracy(_BASELINE_NAME, theirs, rows.data)
        references = (baseline, *measured.evaluation.references)
        return Measured(measured.evaluation.model_copy(update={"references": references}), measured.held_out)

    def examples(self) -> tuple[list[Example], Array]:
        """Of each label in turns, short ones first. One of several labels is an example of that whose turn it is."""
        short = sorted(self._test, key=lambda text: (len(text.text) > _EXAMPLE_CHARS, text.number))
        left = {label: [text for text in short if label in text.labels] for label in self._labels.names}
        used: set[int] = set()
        examples: list[Example] = []
        texts: list[LabelledText] = []
        while len(examples) < _EXAMPLES and any(left.values()):
            for label, of_label in left.items():
                of_label[:] = [text for text in of_label if text.number not in used]
                if of_label:
                    text = of_label.pop(0)
                    used.add(text.number)
                    name = f"row-{text.number}"
                    examples.append(Example.of(name, "application/json", self._body(text), label))
                    texts.append(text)
        return examples, self._encoded(texts)

    def _body(self, text: LabelledText) -> bytes:
        body: dict[str, object] = {"inputs": text.text}
        if len(self._labels.names) > _SHOWN:
            body["parameters"] = {"top_k": _SHOWN}
        return json.dumps(body, ensure_ascii=False).encode()

    def _rows(self) -> Rows:
        words = np.array([len(text.text.split()) for text in self._test])
        digest = hashlib.sha256()
        for text in self._test:
            digest.update(f"{json.dumps(text.labels)} {text.text}\n".encode())
        return Rows(
            inputs=self._encoded(self._test),
            truth=self._truth(self._test),
            data=self._test_name,
            sha256=digest.hexdigest(),
            slices={
                "length": {name: (least <= words) & (words <= most) for name, (least, most) in _LENGTHS.items()},
                "label": {label: self._sets(self._test)[:, number] for number, label in enumerate(self._labels.names)},
            },
            alone=[self._encoder.encode([text.text])[0] for text in _thinned(self._test, BATCH)],
            pad=self._pad,
        )

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        sample_texts = _thinned(self._test, _SAMPLE)
        truth = self._truth(sample_texts)
        sample = Sample(
            [text.text for text in sample_texts],
            truth,
            f"{len(sample_texts)} of the {self._test_name}",
            lambda text: self._encoder.encode([text])[0],
            lambda rows: self._answers(predicted(model, stacked(rows, self._pad), self._pad)),
        )
        attacks: Sequence[Attack] = ()
        if not self._labels.several:
            attacks = attack_embeddings(self.embedded(model), self._encoded(sample_texts), truth)
        return robustness(sample, TEXT_DISTURBANCES, attacks, self._config.seed, progress)

    def _answers(self, logits: Array) -> NDArray[np.int32]:
        """As `_truth` has them."""
        if self._labels.several:
            return self._codes.of(chosen(logits))
        return np.asarray(logits.argmax(axis=1), np.int32)

    def _truth(self, texts: Sequence[LabelledText]) -> NDArray[np.int32]:
        """Positions of labels, or numbers of sets of them."""
        sets = self._sets(texts)
        return self._codes.of(sets) if self._labels.several else np.asarray(sets.argmax(axis=1), np.int32)

    def _sets(self, texts: Sequence[LabelledText]) -> Sets:
        return np.array([[label in text.labels for label in self._labels.names] for text in texts], np.bool_)

    def _target_of(self, texts: Sequence[LabelledText]) -> NDArray[np.float32]:
        return self._sets(texts).astype(np.float32)

    def _encoded(self, texts: Sequence[LabelledText]) -> NDArray[np.int32]:
        return self._encoder.encode([text.text for text in texts])

    def _baseline(self) -> NDArray[np.integer]:
        return baseline_predictions(_texts(self._train), self._truth_of_train(), _texts(self._test))

    def _truth_of_train(self) -> NDArray[np.int32]:
        return np.asarray(self._sets(self._train).argmax(axis=1), np.int32)

    def _baseline_sets(self) -> Sets:
        return baseline_sets(_texts(self._train), self._sets(self._train), _texts(self._test))


def _thinned(texts: list[LabelledText], rows: int | None) -> list[LabelledText]:
    """At most `rows` of them, evenly."""
    if rows is None or len(texts) <= rows:
        return texts
    return [texts[position * len(texts) // rows] for position in range(rows)]


def _texts(texts: Sequence[LabelledText]) -> list[str]:
    return [text.text for text in texts]
