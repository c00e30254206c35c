"""Goldens of a version: held-out requests with the answers of the trained model, by the real preprocessing."""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from export.errors import NoGoldensError
from models.detection import Choice, choose
from models.example import Example
from models.translation import search_of
from processing.boxes import THRESHOLD, Outputs, detections
from processing.classification import MEDIA_TOP_K, ranked, sigmoid, softmax
from processing.forms import form_of
from processing.image import decode
from processing.request import preprocessing
from processing.spec import ExportedSpec, ImageSpec, LanguageSpec, TextSpec, TranslationSpec
from processing.tokens import TokenCodec
from processing.translation import Translator
from store.golden import Golden

if TYPE_CHECKING:
    from models.search import Search
    from models.transformer import EncoderDecoder

TOLERANCE = 1e-4
_PER_LABEL = 4
_WITHOUT_LABELS = 16
_TEXTS = 8  # a token of each is a call
_TRANSLATIONS = 8
_PICTURES = 12  # a large one is a megabyte, as a tensor, in the file of warm-up requests
_MAX_PIXELS = 2**24
_CLEAR_SCORE = 1e-4  # between neighbouring scores of what was found
_REPLACEMENT = "\ufffd"  # of what is no whole character: how much of it is shown is a matter of streaming
_CLEAR_GAP = 0.01  # between neighbouring logits: less, and rounding on another machine could swap two labels

Array = NDArray[Any]
Answer = Callable[[Array], Mapping[str, Array]]
"""A batch of inputs to the outputs by name."""


@dataclass(frozen=True)
class CheckedRequest(ABC):
    """A golden with the tensors between request and answer: `inputs` `[1, …]`."""

    golden: Golden
    inputs: Array

    @property
    @abstractmethod
    def outputs(self) -> Mapping[str, Array]:
        """What `serving_default` answers, by name, one row each."""


@dataclass(frozen=True)
class CheckedVector(CheckedRequest):
    """Of a model that answers a vector: `embedding` `[1, width]`."""

    embedding: NDArray[np.float32]

    @property
    def outputs(self) -> Mapping[str, Array]:
        return {"embedding": self.embedding}


@dataclass(frozen=True)
class CheckedText(CheckedRequest):
    """Of a language model: `logits` `[1, vocabulary]` of the first token of its text."""

    logits: NDArray[np.float32]

    @property
    def outputs(self) -> Mapping[str, Array]:
        return {"logits": self.logits}


@dataclass(frozen=True)
class CheckedTranslation(CheckedRequest):
    """Of a model that translates: `translation` `[1, most]`, `score` `[1]`."""

    translation: NDArray[np.int32]
    score: NDArray[np.float32]

    @property
    def outputs(self) -> Mapping[str, Array]:
        return {"translation": self.translation, "score": self.score}


@dataclass(frozen=True)
class CheckedDetections(CheckedRequest):
    """Of a detector: `found` is what it answers, see `models.detection.choose`, one row each."""

    found: Mapping[str, Array]

    @property
    def outputs(self) -> Mapping[str, Array]:
        return self.found


@dataclass(frozen=True)
class CheckedGolden(CheckedRequest):
    """Of a classifier: `logits` `[1, labels]`."""

    logits: NDArray[np.float32]
    temperature: float = 1.0
    multi_label: bool = False

    @property
    def outputs(self) -> Mapping[str, Array]:
        return {"logits": self.logits, "probabilities": self.probabilities}

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """`[1, labels]`"""
        function = sigmoid if self.multi_label else softmax
        return function(self.logits, self.temperature).astype(np.float32)


def make_goldens(
    examples: Sequence[Example],
    labels: Sequence[str],
    spec: ExportedSpec,
    tokenizer: str | None,
    predict: Callable[[Array], NDArray[np.float32]],
    *,
    temperature: float = 1.0,
    multi_label: bool = False,
) -> list[CheckedGolden]:
    """Up to four goldens for each label, those first that the model reads rightly.

    Examples whose labels lie so close that another machine may order them otherwise are passed over.

    Args:
        predict: the model's input `[1, …]` to logits `[1, labels]`.

    Raises:
        NoGoldensError: all were.
    """
    preprocess, function = preprocessing(spec, tokenizer), sigmoid if multi_label else softmax
    chosen: list[CheckedGolden] = []
    for number, label in enumerate(labels):
        clear: list[tuple[bool, CheckedGolden]] = []
        for example in (example for example in examples if example.label == label):
            inputs = preprocess(example.body)
            logits = predict(inputs)
            shown = _shown(example, len(labels)) if isinstance(spec, TextSpec) else MEDIA_TOP_K
            if is_clear(logits[0], shown):
                (best,) = ranked(function(logits, temperature), labels, shown)
                answer: list[JsonValue] = [{"label": name, "score": score} for name, score in best]
                expected: JsonValue = [answer] if isinstance(spec, TextSpec) else answer
                golden = Golden.of(example.name, example.media_type, example.body, expected, TOLERANCE)
                checked = CheckedGolden(golden, inputs, logits, temperature, multi_label)
                clear.append((logits[0].argmax() != number, checked))
        chosen += [golden for _, golden in sorted(clear, key=lambda item: item[0])[:_PER_LABEL]]
    if not chosen:
        raise NoGoldensError(len(examples))
    return chosen


def _shown(example: Example, labels: int) -> int:
    """How many labels the answer to a request for a text has."""
    asked = json.loads(example.body).get("parameters", {}).get("top_k", labels)
    return min(int(asked), labels)


def make_vector_goldens(
    examples: Sequence[Example],
    spec: ExportedSpec,
    tokenizer: str | None,
    predict: Callable[[Array], NDArray[np.float32]],
) -> list[CheckedVector]:
    """The first examples, with the vectors that `predict` gives: the model's input `[1, …]` to `[1, width]`.

    Raises:
        NoGoldensError: there are none, or no vector has finite numbers alone.
    """
    preprocess = preprocessing(spec, tokenizer)
    chosen = []
    for example in examples[:_WITHOUT_LABELS]:
        inputs = preprocess(example.body)
        vector = predict(inputs)
        if np.isfinite(vector).all():
            golden = Golden.of(example.name, example.media_type, example.body, vector.tolist(), TOLERANCE)
            chosen.append(CheckedVector(golden, inputs, vector))
    if not chosen:
        raise NoGoldensError(len(examples))
    return chosen


def make_detection_goldens(
    examples: Sequence[Example],
    labels: Sequence[str],
    spec: ImageSpec,
    predict: Callable[[Array], NDArray[np.float32]],
    choice: Choice,
) -> list[CheckedDetections]:
    """Pictures of which it is clear what is told and in which order, those first that something is found in, and
    among these one of each label before a second of any.

    Args:
        predict: the model's input `[1, …]` to candidates `[1, candidates, 4 + labels]`.

    Raises:
        NoGoldensError: there are none.
    """
    form, clear = form_of(spec), list[tuple[tuple[bool, int], CheckedDetections]]()
    counts = Counter[str]()
    for example in examples:
        picture = decode(example.body, max_pixels=_MAX_PIXELS)
        inputs = form.tensor(picture)[np.newaxis]
        found = {name: np.asarray(values) for name, values in choose(predict(inputs), choice).items()}
        (outputs,) = Outputs.rows(found)
        if not _are_apart(outputs.scores[: outputs.count], choice.least_score):
            continue
        height, width, _ = picture.shape
        told = detections(outputs, labels, form.window(picture), (height, width), THRESHOLD)
        expected: list[JsonValue] = [
            {"score": one.score, "label": one.label, "box": dict(one.box._asdict())} for one in told
        ]
        golden = Golden.of(example.name, example.media_type, example.body, expected, TOLERANCE)
        if told:
            counts[example.label] += 1
        clear.append(((not told, counts[example.label]), CheckedDetections(golden, inputs, found)))
    if not clear:
        raise NoGoldensError(len(examples))
    return [golden for _, golden in sorted(clear, key=lambda item: item[0])[:_PICTURES]]


def make_text_goldens(
    examples: Sequence[Example],
    spec: LanguageSpec,
    tokenizer: str,
    predict: Callable[[Array], NDArray[np.float32]],
) -> list[CheckedText]:
    """The first prompts whose greedy continuation is clear at each token, with the text that the gateway answers.

    Args:
        examples: bodies as Hugging Face's clients send them, each with its `max_new_tokens`.
        predict: token ids `[1, tokens]` to the logits `[1, vocabulary]` of the token that follows.

    Raises:
        NoGoldensError: there is none.
    """
    preprocess, codec = preprocessing(spec, tokenizer), TokenCodec(tokenizer)
    chosen: list[CheckedText] = []
    for example in examples:
        if len(chosen) == _TEXTS:
            break
        inputs = preprocess(example.body)
        logits = predict(inputs)
        tokens = _continued(spec, inputs, logits, predict, json.loads(example.body)["parameters"]["max_new_tokens"])
        text = codec.decode(tokens or ())
        if tokens and _REPLACEMENT not in text:
            golden = Golden.of(example.name, example.media_type, example.body, [{"generated_text": text}], TOLERANCE)
            chosen.append(CheckedText(golden, inputs, logits))
    if not chosen:
        raise NoGoldensError(len(examples))
    return chosen


def make_translation_goldens(
    examples: Sequence[Example], spec: TranslationSpec, tokenizer: str, network: "EncoderDecoder"
) -> list[CheckedTranslation]:
    """The first sentences whose translation is clear at each token, by Keras alone and from the beginning for each
    token: with that the loop of the graph, which keeps what it has computed, is compared.

    Raises:
        NoGoldensError: there is none.
    """
    translator, search = Translator(tokenizer, spec), search_of(spec)
    chosen: list[CheckedTranslation] = []

    def run(rows: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.concatenate([_written(network, search, row[row != spec.pad_id]).translation for row in rows])

    for example in examples:
        if len(chosen) == _TRANSLATIONS:
            break
        reading = translator.read([json.loads(example.body)["inputs"]])
        if len(reading.sentences) != 1:
            continue
        (inputs,) = translator.encode(reading.sentences)
        try:
            written = _written(network, search, inputs)
            (text,) = translator.translate(reading, run)
        except UnclearError:
            continue
        if text and _REPLACEMENT not in text:
            expected: JsonValue = [{"translation_text": text}]
            golden = Golden.of(example.name, example.media_type, example.body, expected, TOLERANCE)
            chosen.append(CheckedTranslation(golden, inputs[np.newaxis], written.translation, written.score))
    if not chosen:
        raise NoGoldensError(len(examples))
    return chosen


class UnclearError(Exception):
    """Rounding could choose another text, or none comes to an end."""


class _Written(NamedTuple):
    translation: NDArray[np.int32]
    score: NDArray[np.float32]


def _written(network: "EncoderDecoder", search: "Search", source: Array) -> _Written:
    """The most probable token each time, `[1, most]` and `[1]`. Raises `UnclearError`."""
    from scipy.special import logsumexp

    tokens: list[int] = [network.begin_id]
    total = 0.0
    barred = [network.pad_id, network.begin_id, *(place for place in search.place_ids if place not in source)]
    for _ in range(search.most):
        logits = np.array(network.taught(source[np.newaxis], np.array([tokens], np.int32)))[0, -1].astype(np.float64)
        logits[barred] = -np.inf
        if not is_clear(logits, 1):
            break
        tokens.append(int(logits.argmax()))
        total += float(logits.max() - logsumexp(logits))
        if tokens[-1] == search.end_id:
            written = tokens[1:]
            padded = np.full((1, search.most), network.pad_id, np.int32)
            padded[0, : len(written)] = written
            return _Written(padded, np.array([total / len(written)], np.float32))
    raise UnclearError


def _continued(
    spec: LanguageSpec,
    inputs: Array,
    logits: NDArray[np.float32],
    predict: Callable[[Array], NDArray[np.float32]],
    most: int,
) -> list[int] | None:
    """The greedy continuation, whose first token has `logits`; None where rounding could choose another token."""
    tokens: list[int] = []
    while is_clear(logits[0], 1):
        tokens.append(int(logits[0].argmax()))
        if tokens[-1] in spec.end_ids or len(tokens) == min(most, spec.context_tokens - inputs.shape[1]):
            return tokens
        logits = predict(np.array([[*inputs[0], *tokens]], inputs.dtype))
    return None


def _are_apart(scores: NDArray[np.floating], least: float) -> bool:
    """Whether their order, which of them are told, and that they are above the `least`, survives rounding."""
    marks = np.sort([*scores, THRESHOLD, least])
    return bool(np.isfinite(marks).all() and (np.diff(marks) >= _CLEAR_SCORE).all())


def is_clear(logits: NDArray[np.floating], shown: int) -> bool:
    """Whether the order of the labels shown, and which they are, survives rounding; so of tokens."""
    descending = np.sort(logits)[::-1][: shown + 1]
    return bool((descending[:-1] - descending[1:] >= _CLEAR_GAP).all())
