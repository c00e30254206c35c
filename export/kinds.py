"""What a model answers: labels, a vector, what is where, the token that follows, a translation, or what was said.
Whatever an export does otherwise for one of these kinds is here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from export.agreement import Batches, held_out_rows
from export.archive import (
    beam_function,
    chip_functions,
    detection_function,
    embedding_function,
    language_function,
    serving_function,
    translation_function,
)
from export.batch_safety import check_batch_safety, stranger_for
from export.batches import pad_of
from export.cached.check import cache_records, check_cache
from export.cached.signatures import CachedDecoding
from export.chips import chips_of
from export.goldens import (
    Answer,
    Array,
    CheckedRequest,
    make_detection_goldens,
    make_goldens,
    make_text_goldens,
    make_translation_goldens,
    make_vector_goldens,
)
from export.records import Record
from export.trained import Trained
from export.transcript_goldens import Hear, ear_of_moonshine, ear_of_whisper, make_transcript_goldens
from models import transcribe_moonshine
from models.detection import Choice
from models.faces import FacesConfig, networks_of
from models.language import backbone_of, scores
from models.spec import DetectorConfig, LanguageConfig
from models.transcribe import TranscribeConfig, aligning, listening_of, steering, transcribing
from models.transcribe_moonshine import MoonshineConfig
from models.translation import search_of
from processing.spec import ANY_LANGUAGE, ExportedSpec, ImageSpec, LanguageSpec, SpeechSpec, TranslationSpec
from store.manifest import ALIGN_SIGNATURE, BEAM_SIGNATURE, STEER_SIGNATURE, Batching, Cache

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_PIECE = 64  # tokens of a prompt that are read in one run
_ALIGNED_CLOSE = 1e-2  # it is divided by how much tokens differ, which may be little: what is left is rounding
_WINDOWS = (2, 3, 4, 8)  # together: each takes 30 MB on its way through a network
_PICTURES = (2, 3, 4, 8)  # together: a large one takes 50 MB of memory on its way through a network
_BEGINNING = 8  # tokens of a prompt; some 150 rows are asked

Predict = Callable[[Array], NDArray[np.float32]]
"""A batch of the model's input to what the Keras model answers."""


@dataclass(frozen=True)
class Keeping:
    """Signatures that keep something, a `tf.function` each, requests of them that keep nothing, and what a SavedModel
    must track for them."""

    cache: Cache
    functions: Mapping[str, Any]
    records: Sequence[Record]
    tracked: Sequence[Any]


@dataclass(frozen=True)
class Kind(ABC):
    """One model's way to answer."""

    trained: Trained
    processing: ExportedSpec

    no_twin: ClassVar[str | None] = None
    """Why there can be no LiteRT twin, None where one is tried."""
    slow: ClassVar[bool] = False
    """Whether an answer takes a second, so that servers are to prove it by few."""

    @property
    def ranked(self) -> tuple[str, ...]:
        """The labels of which it tells for each input how probable they are; none if it tells something else."""
        return self.trained.spec.labels

    @abstractmethod
    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        """A fresh `tf.function` behind `serving_default`."""

    @abstractmethod
    def goldens(self, model: "keras.Model", predict: Predict) -> Sequence[CheckedRequest]:
        """Raises `NoGoldensError`."""

    def further(self, _model: "keras.Model", _inputs: "tf.TensorSpec") -> dict[str, Any]:
        """A `tf.function` for each signature that only this kind has."""
        return {}

    def further_records(
        self, _functions: Mapping[str, Any], _goldens: Sequence[CheckedRequest]
    ) -> dict[str, list[Record]]:
        """A request to each of these for each golden, by the signature."""
        return {}

    def keeping(self, _model: "keras.Model", _answer: Answer, _goldens: Sequence[CheckedRequest]) -> Keeping | None:
        """What it keeps of earlier requests, if anything.

        Raises:
            UncachedError, CacheError: that cannot be, or gives other answers.
        """
        return None

    def check_batches(self, answer: Answer, goldens: Sequence[CheckedRequest]) -> Batching:
        """Raises `BatchSafetyError`."""
        stranger = stranger_for(self.processing, goldens)
        return check_batch_safety(answer, goldens, pad=pad_of(self.processing), stranger=stranger)

    def held_out(self, _preprocess: Callable[[bytes], Array]) -> Batches:
        """Rows of known labels, on which a twin has to agree."""
        return ()


class Classifier(Kind):
    """Logits and probabilities of labels."""

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        of = self.trained
        return serving_function(model, inputs, of.temperature, multi_label=of.spec.multi_label)

    def goldens(self, _model: "keras.Model", predict: Predict) -> Sequence[CheckedRequest]:
        of = self.trained
        return make_goldens(
            of.examples,
            of.spec.labels,
            self.processing,
            of.tokenizer,
            predict,
            temperature=of.temperature,
            multi_label=of.spec.multi_label,
        )

    def held_out(self, preprocess: Callable[[bytes], Array]) -> Batches:
        """Of a row of several labels no one is the right one: its goldens alone are compared."""
        return () if self.trained.spec.multi_label else held_out_rows(self.trained, preprocess)


class Vectors(Kind):
    """A vector for each input."""

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        return embedding_function(model, inputs)

    def goldens(self, _model: "keras.Model", predict: Predict) -> Sequence[CheckedRequest]:
        return make_vector_goldens(self.trained.examples, self.processing, self.trained.tokenizer, predict)


@dataclass(frozen=True)
class Detector(Kind):
    """Boxes with labels and scores."""

    processing: ImageSpec
    choice: Choice

    no_twin: ClassVar[str | None] = "LiteRT has no operation that chooses among the boxes of several pictures"

    @property
    def ranked(self) -> tuple[str, ...]:
        return ()

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        return detection_function(model, inputs, self.choice)

    def goldens(self, _model: "keras.Model", predict: Predict) -> Sequence[CheckedRequest]:
        of = self.trained
        return make_detection_goldens(of.examples, of.spec.labels, self.processing, predict, self.choice)

    def check_batches(self, answer: Answer, goldens: Sequence[CheckedRequest]) -> Batching:
        return check_batch_safety(answer, goldens, pad=pad_of(self.processing), sizes=_PICTURES)


@dataclass(frozen=True)
class FaceDetector(Detector):
    """Boxes of faces; beside them landmarks, and vectors, of chips."""

    def further(self, model: "keras.Model", _inputs: "tf.TensorSpec") -> dict[str, Any]:
        return chip_functions(networks_of(model))

    def further_records(
        self, functions: Mapping[str, Any], goldens: Sequence[CheckedRequest]
    ) -> dict[str, list[Record]]:
        """Of each golden with a face that face with the highest score, and what the graph answers."""
        given = [(golden.golden, chips_of(golden.golden, functions)) for golden in goldens]
        return {
            signature: [
                Record(
                    golden.name,
                    signature,
                    {"chip": chips[signature]},
                    {name: np.asarray(values) for name, values in function(chips[signature]).items()},
                )
                for golden, chips in given
                if chips
            ]
            for signature, function in functions.items()
        }


@dataclass(frozen=True)
class Language(Kind):
    """Logits of the token that follows. Nothing in it knows padding: rows that go together have the same length."""

    processing: LanguageSpec
    slots: int

    no_twin: ClassVar[str | None] = "it would keep all weights a second time"

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        return language_function(model, inputs, self.processing.context_tokens)

    def goldens(self, _model: "keras.Model", predict: Predict) -> Sequence[CheckedRequest]:
        return make_text_goldens(self.trained.examples, self.processing, self.trained.tokenizer or "", predict)

    def keeping(self, model: "keras.Model", answer: Answer, goldens: Sequence[CheckedRequest]) -> Keeping:
        backbone = backbone_of(model)
        cache = Cache(slots=self.slots, length=self.processing.context_tokens, piece=_PIECE)
        decoding = CachedDecoding(backbone, partial(scores, backbone), cache, self.processing.end_ids)
        functions = decoding.functions()
        texts = {golden.golden.name: golden.inputs[0] for golden in goldens}
        check_cache(functions, answer, texts, cache)
        return Keeping(cache, functions, cache_records(functions, texts, cache), decoding.tracked)

    def check_batches(self, answer: Answer, goldens: Sequence[CheckedRequest]) -> Batching:
        """With the first tokens of all prompts, so many of each."""
        length = min(_BEGINNING, *(golden.inputs.shape[1] for golden in goldens))
        begun = [replace(golden, inputs=golden.inputs[:, :length]) for golden in goldens]
        return check_batch_safety(answer, begun, pad=pad_of(self.processing))


@dataclass(frozen=True)
class Translation(Kind):
    """The translation of a sentence. Beside the most probable one, token by token, there is a search for a better."""

    processing: TranslationSpec

    no_twin: ClassVar[str | None] = "its loop writes tensors that grow"

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        return translation_function(model, inputs, search_of(self.processing))

    def goldens(self, model: "keras.Model", _predict: Predict) -> Sequence[CheckedRequest]:
        return make_translation_goldens(
            self.trained.examples, self.processing, self.trained.tokenizer or "", model.network
        )

    def further(self, model: "keras.Model", inputs: "tf.TensorSpec") -> dict[str, Any]:
        return {BEAM_SIGNATURE: beam_function(model, inputs, search_of(self.processing, self.processing.beams))}

    def further_records(
        self, functions: Mapping[str, Any], goldens: Sequence[CheckedRequest]
    ) -> dict[str, list[Record]]:
        """With all beams, and what the graph answers."""
        beams = np.array([self.processing.beams], np.int32)
        return {
            signature: [
                Record(
                    golden.golden.name,
                    signature,
                    {self.processing.input: golden.inputs, "num_beams": beams},
                    {name: np.asarray(values) for name, values in function(golden.inputs, beams).items()},
                )
                for golden in goldens
            ]
            for signature, function in functions.items()
        }


@dataclass(frozen=True)
class Hearing(Kind):
    """What is said in a recording, as tokens."""

    processing: SpeechSpec

    no_twin: ClassVar[str | None] = "its loop writes tensors that grow"
    slow: ClassVar[bool] = True

    @abstractmethod
    def ear(self, model: "keras.Model") -> Hear:
        """What a model hears by Keras' own layers."""

    def goldens(self, model: "keras.Model", _predict: Predict) -> Sequence[CheckedRequest]:
        of = self.trained
        return make_transcript_goldens(of.examples, self.processing, of.tokenizer or "", self.ear(model))

    def check_batches(self, answer: Answer, goldens: Sequence[CheckedRequest]) -> Batching:
        return check_batch_safety(answer, goldens, pad=pad_of(self.processing), sizes=_WINDOWS)


@dataclass(frozen=True)
class PlainTranscription(Hearing):
    """Plain text, by a Moonshine."""

    config: MoonshineConfig

    def serving(self, model: "keras.Model", _inputs: "tf.TensorSpec") -> Any:
        return transcribe_moonshine.transcribing(model, self.config)

    def ear(self, model: "keras.Model") -> Hear:
        return ear_of_moonshine(model, transcribe_moonshine.listening_of(self.config))


@dataclass(frozen=True)
class Transcription(Hearing):
    """By a Whisper, which can be steered, and of which can be told when each word was said."""

    config: TranscribeConfig

    def serving(self, model: "keras.Model", _inputs: "tf.TensorSpec") -> Any:
        return transcribing(model, self.config)

    def ear(self, model: "keras.Model") -> Hear:
        return ear_of_whisper(model, listening_of(self.config))

    def further(self, model: "keras.Model", _inputs: "tf.TensorSpec") -> dict[str, Any]:
        return {STEER_SIGNATURE: steering(model, self.config), ALIGN_SIGNATURE: aligning(model, self.config)}

    def further_records(
        self, functions: Mapping[str, Any], goldens: Sequence[CheckedRequest]
    ) -> dict[str, list[Record]]:
        """Greedily behind a plain start, which must be what `serving_default` answers; and what the graph answers of
        the text that is."""
        name, prompt = self.processing.input, np.array([self.config.hearing.prompt], np.int32)
        temperature, seed = np.zeros(1, np.float32), np.zeros(1, np.int32)
        steered = [
            Record(
                golden.golden.name,
                STEER_SIGNATURE,
                {name: golden.inputs, "prompt": prompt, "temperature": temperature, "seed": seed},
                golden.outputs,
            )
            for golden in goldens
        ]
        aligned = [self._aligned(golden, functions[ALIGN_SIGNATURE]) for golden in goldens]
        return {STEER_SIGNATURE: steered, ALIGN_SIGNATURE: aligned}

    def _aligned(self, golden: CheckedRequest, align: Any) -> Record:
        of, tokens = self.config.hearing, golden.outputs["tokens"]
        start = [of.alphabet.start, *(token for token in of.prompt[1:] if token != ANY_LANGUAGE)]
        if (language := golden.outputs.get("language")) is not None:
            start.insert(1, int(language[0]))
        end = int((tokens[0] == of.alphabet.end).argmax()) + 1
        written = np.array([[*start, *tokens[0, :end]]], np.int32)
        found = {name: np.asarray(values) for name, values in align(golden.inputs, written).items()}
        inputs = {self.processing.input: golden.inputs, "tokens": written}
        return Record(golden.golden.name, ALIGN_SIGNATURE, inputs, found, close=_ALIGNED_CLOSE)


def kind_of(trained: Trained) -> Kind:
    processing = trained.spec.processing(trained.config)
    if isinstance(processing, LanguageSpec) and isinstance(trained.config, LanguageConfig):
        return Language(trained, processing, trained.config.slots)
    if isinstance(processing, TranslationSpec):
        return Translation(trained, processing)
    if isinstance(processing, SpeechSpec) and isinstance(trained.config, TranscribeConfig):
        return Transcription(trained, processing, trained.config)
    if isinstance(processing, SpeechSpec) and isinstance(trained.config, MoonshineConfig):
        return PlainTranscription(trained, processing, trained.config)
    if isinstance(processing, ImageSpec) and isinstance(trained.config, DetectorConfig):
        of = trained.config
        kind = FaceDetector if isinstance(of, FacesConfig) else Detector
        return kind(trained, processing, Choice(of.most, of.least_score, of.iou_threshold))
    return Classifier(trained, processing) if trained.spec.labels else Vectors(trained, processing)
