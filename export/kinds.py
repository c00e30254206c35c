"""What a model answers: labels, a vector, or the token that follows. Whatever an export does otherwise for one of these
kinds is here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from export.agreement import Batches, held_out_rows
from export.archive import embedding_function, language_function, serving_function
from export.batch_safety import check_batch_safety, stranger_for
from export.batches import pad_of
from export.goldens import Answer, Array, CheckedRequest, make_goldens, make_text_goldens, make_vector_goldens
from export.trained import Trained
from processing.spec import ExportedSpec, LanguageSpec
from store.manifest import Batching

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_BEGINNING = 8  # tokens of a prompt; some 150 rows are asked

Predict = Callable[[Array], NDArray[np.float32]]
"""A batch of the model's input to what the Keras model answers."""


@dataclass(frozen=True)
class Kind(ABC):
    """One model's way to answer."""

    trained: Trained
    processing: ExportedSpec

    no_twin: ClassVar[str | None] = None
    """Why there can be no LiteRT twin, None where one is tried."""

    @abstractmethod
    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        """A fresh `tf.function` behind `serving_default`."""

    @abstractmethod
    def goldens(self, predict: Predict) -> Sequence[CheckedRequest]:
        """Raises `NoGoldensError`."""

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
        return serving_function(model, inputs, self.trained.temperature)

    def goldens(self, predict: Predict) -> Sequence[CheckedRequest]:
        of = self.trained
        return make_goldens(
            of.examples, of.spec.labels, self.processing, of.tokenizer, predict, temperature=of.temperature
        )

    def held_out(self, preprocess: Callable[[bytes], Array]) -> Batches:
        return held_out_rows(self.trained, preprocess)


class Vectors(Kind):
    """A vector for each input."""

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        return embedding_function(model, inputs)

    def goldens(self, predict: Predict) -> Sequence[CheckedRequest]:
        return make_vector_goldens(self.trained.examples, self.processing, self.trained.tokenizer, predict)


@dataclass(frozen=True)
class Language(Kind):
    """Logits of the token that follows. Nothing in it knows padding: rows that go together have the same length."""

    processing: LanguageSpec

    no_twin: ClassVar[str | None] = "it would keep all weights a second time"

    def serving(self, model: "keras.Model", inputs: "tf.TensorSpec") -> Any:
        return language_function(model, inputs, self.processing.context_tokens)

    def goldens(self, predict: Predict) -> Sequence[CheckedRequest]:
        return make_text_goldens(self.trained.examples, self.processing, self.trained.tokenizer or "", predict)

    def check_batches(self, answer: Answer, goldens: Sequence[CheckedRequest]) -> Batching:
        """With the first tokens of all prompts, so many of each."""
        length = min(_BEGINNING, *(golden.inputs.shape[1] for golden in goldens))
        begun = [replace(golden, inputs=golden.inputs[:, :length]) for golden in goldens]
        return check_batch_safety(answer, begun, pad=pad_of(self.processing))


def kind_of(trained: Trained) -> Kind:
    processing = trained.spec.processing(trained.config)
    if isinstance(processing, LanguageSpec):
        return Language(trained, processing)
    return Classifier(trained, processing) if trained.spec.labels else Vectors(trained, processing)
