"""The signature `raw`: strings as clients have them, to the outputs of `serving_default`, all inside the graph."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from export.errors import NotInGraphError
from processing.spec import ExportedSpec, ImageSpec, LanguageSpec, RecordingSpec, TextSpec, TranslationSpec

if TYPE_CHECKING:
    import tensorflow as tf

RAW_SIGNATURE = "raw"


class Raw:
    """The in-graph preprocessing of one version.

    Attributes:
        input: name of the one input, `tf.string [rows]`. TensorFlow Serving's REST takes base64 for names in `_bytes`.
        tracked: what a SavedModel with the signature must track.
    """

    def __init__(self, processing: ExportedSpec, tokenizer: str | None) -> None:
        """Raises `NotInGraphError` when the preprocessing has parts that no graph can do."""
        from export.raw.audio import AudioGraph
        from export.raw.image import ImageGraph
        from export.raw.text import TextGraph

        self.tracked: Sequence[Any] = ()
        preprocess: Callable[[tf.Tensor], tf.Tensor]
        if isinstance(processing, ImageSpec):
            self.input, preprocess = "image_bytes", ImageGraph(processing)
        elif isinstance(processing, RecordingSpec):
            self.input, preprocess = "audio_bytes", AudioGraph(processing)
        elif isinstance(processing, LanguageSpec):
            raise NotInGraphError("a text", "is written token by token, a call for each")
        elif isinstance(processing, TranslationSpec):
            raise NotInGraphError("a tokenizer of byte pairs (BPE)", "has no operation in TF Text")
        else:
            self.input, preprocess = "text", (text_graph := TextGraph(tokenizer or "", processing))
            self.tracked = [text_graph.table]
        self._is_text = isinstance(processing, TextSpec)
        self._preprocess = self._traced(preprocess)  # once, whoever calls it

    def function(self, serve: Any) -> Any:
        """The `tf.function` to save; `serve` is the one behind `serving_default`."""
        return self._traced(lambda given: serve(self._preprocess(given)))

    def preprocess(self, bodies: Sequence[bytes]) -> NDArray[Any]:
        """What the graph makes of the bodies of requests: a batch for `serving_default`."""
        import tensorflow as tf

        return np.asarray(self._preprocess(tf.constant(self.given(bodies))))

    def given(self, bodies: Sequence[bytes]) -> list[bytes]:
        """The input for the bodies of requests to the gateway: texts out of their JSON, others as they are."""
        return [json.loads(body)["inputs"].encode() for body in bodies] if self._is_text else list(bodies)

    def _traced(self, compute: Any) -> Any:
        import tensorflow as tf

        given = tf.TensorSpec([None], tf.string, name=self.input)
        return tf.function(compute, input_signature=[given], autograph=False)
