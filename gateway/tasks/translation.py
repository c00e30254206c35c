"""translation: texts in, the same in another language out, sentence by sentence."""

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from gateway.errors import BrokenAnswerError, Fault, InvalidRequestError, OverLimitError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import (
    SERVING_SIGNATURE,
    Ask,
    Checkpoint,
    Documents,
    Request,
    Tensors,
    Told,
    Unsupported,
    one_or_many,
)
from gateway.tasks.classification import check_items
from processing.spec import TranslationSpec, parse_spec
from processing.translation import Reading, Translator
from store.manifest import BEAM_SIGNATURE, Manifest
from wire.tensors import Array

_OUTPUT = "translation"

Positive = Annotated[int, Field(ge=1)]


class GenerateParameters(Request):
    """How translations are searched for: the most probable word each time, or with `num_beams` the best of several.
    `max_new_tokens` cuts each sentence's."""

    num_beams: Positive | None = None
    max_new_tokens: Positive | None = None
    do_sample: Annotated[Literal[False] | None, Unsupported] = None
    num_return_sequences: Annotated[Literal[1] | None, Unsupported] = None


class TranslationParameters(Request):
    """`src_lang` and `tgt_lang` must be those of the model, as `en`, `en-GB`, `eng_Latn` or `en_XX` begin. With a
    `truncation` a sentence that is too long is cut, instead of refused."""

    src_lang: str | None = None
    tgt_lang: str | None = None
    clean_up_tokenization_spaces: bool | None = None
    truncation: Literal["do_not_truncate", "longest_first", "only_first", "only_second"] | None = None
    generate_parameters: GenerateParameters | None = None


class TranslationRequest(Request):
    """A text, or a list of them, to be translated."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": "Good morning."},
                {"inputs": ["Good morning.", "How are you?"], "parameters": {"generate_parameters": {"num_beams": 4}}},
            ]
        }
    )

    inputs: Annotated[
        Annotated[str, Tag("one")] | Annotated[list[str], Field(min_length=1), Tag("many")],
        Discriminator(one_or_many),
    ]
    parameters: TranslationParameters | None = None

    @property
    def texts(self) -> list[str]:
        return [self.inputs] if isinstance(self.inputs, str) else self.inputs

    def with_texts(self, change: Callable[[str], str]) -> Self:
        texts = list(map(change, self.texts))
        return self.model_copy(update={"inputs": texts[0] if isinstance(self.inputs, str) else texts})

    @property
    def asked(self) -> TranslationParameters:
        return self.parameters or TranslationParameters()

    @property
    def generation(self) -> GenerateParameters:
        return self.asked.generate_parameters or GenerateParameters()


class TranslatedText(BaseModel):
    translation_text: str


class TranslationResponse(RootModel[list[TranslatedText]]):
    """A translation for each text, in order."""

    model_config = ConfigDict(json_schema_extra={"examples": [[{"translation_text": "Buenos días."}]]})


class Translation(Told):
    """Sentences to translations, int32 `[rows, tokens]` both, by `serving_default`; with beams by its own signature."""

    name: ClassVar[str] = "translation"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = TranslationRequest
    response: ClassVar[type[BaseModel]] = TranslationResponse
    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: TranslationSpec, translator: Translator, beams: int, limits: Limits) -> None:
        self._spec = spec
        self._translator = translator
        self._beams = beams
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, TranslationSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind translation, received {spec.kind}")
        signature = manifest.signatures.get(cls.signature)
        written = signature.outputs.get(_OUTPUT) if signature else None
        if written is None or len(written.shape) != 2:
            raise UnfitVersionError(f"{cls.name} needs a signature {cls.signature} with an output {_OUTPUT}")
        beams = spec.beams if BEAM_SIGNATURE in manifest.signatures else 1
        return cls(spec, Translator(documents["tokenizer"], spec), beams, limits)

    def preprocess(self, request: TranslationRequest, checkpoint: Checkpoint) -> Reading:
        texts, asked = request.texts, request.asked
        self._check(request)
        check_items(len(texts), self._limits.items)
        longest = max(map(len, texts))
        if longest > self._limits.text_chars:
            raise OverLimitError("characters of text", longest, self._limits.text_chars, "text_chars")
        checkpoint()
        return self._translator.read(texts, cut=asked.truncation not in (None, "do_not_truncate"))

    def infer(self, request: TranslationRequest, reading: Reading, ask: Ask) -> list[str]:
        """At most twice as many rows as there are sentences: see `processing.translation`."""
        beams, most = request.generation.num_beams or 1, request.generation.max_new_tokens

        def run(rows: Array) -> Array:
            inputs: dict[str, Array] = {self._spec.input: rows}
            if beams == 1:
                return self._written(ask(inputs), len(rows), most)
            wanted = np.full(len(rows), beams, np.int32)
            return self._written(ask.other(BEAM_SIGNATURE, inputs | {"num_beams": wanted}), len(rows), most)

        return self._translator.translate(reading, run)

    def postprocess(self, _request: TranslationRequest, translations: list[str]) -> TranslationResponse:
        return TranslationResponse([TranslatedText(translation_text=text) for text in translations])

    def _check(self, request: TranslationRequest) -> None:
        """Raises `InvalidRequestError` for another language than the model's, and more beams than it has."""
        faults = []
        for field, asked, ours in (
            ("src_lang", request.asked.src_lang, self._spec.source),
            ("tgt_lang", request.asked.tgt_lang, self._spec.target),
        ):
            if asked is not None and not _is(asked, ours):
                languages = f"{self._spec.source!r} into {self._spec.target!r}"
                faults.append(
                    Fault(f"parameters.{field}", f"the model translates {languages}, received {asked[:20]!r}")
                )
        beams = request.generation.num_beams or 1
        if beams > self._beams:
            said = f"expected at most {self._beams}, received {beams}"
            faults.append(Fault("parameters.generate_parameters.num_beams", said))
        if faults:
            raise InvalidRequestError(faults)

    def _written(self, outputs: Tensors, rows: int, most: int | None) -> Array:
        written: Any = outputs.get(_OUTPUT)
        if written is None or written.dtype != np.int32 or written.ndim != 2 or len(written) != rows:
            raise BrokenAnswerError(f"the model answered no int32 [{rows}, tokens] as {_OUTPUT}")
        found: Array = written if most is None else written[:, :most]
        return found


_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.IGNORECASE | re.DOTALL)
_THREE_LETTERS = {
    "eng": "en",
    "spa": "es",
    "fra": "fr",
    "deu": "de",
    "ita": "it",
    "por": "pt",
    "nld": "nl",
    "pol": "pl",
}


def _is(asked: str, ours: str) -> bool:
    match = _LANGUAGE.fullmatch(asked)
    code = match[1].lower() if match else ""
    return _THREE_LETTERS.get(code, code) == ours
