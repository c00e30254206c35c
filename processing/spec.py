"""The `processing` document of a manifest: how raw input becomes the tensors of `serving_default`."""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Resize(_Frozen):
    """What a model sees of a photograph, brought to the size of the input as Pillow does by `interpolation`.

    By `fit` the share `crop` of either side is seen: with `crop` of the largest part in its middle that has the shape
    of the input; with `stretch` of all of it, whatever its shape. With `shorter` as much is seen as with `crop`, but
    all of the picture is made as small first, and cut then, as torchvision does; of one that is more than eight times
    as long as wide so much of the middle.
    """

    crop: Annotated[float, Field(gt=0, le=1)]
    interpolation: Literal["bilinear", "bicubic"]
    fit: Literal["crop", "stretch", "shorter"] = "crop"


class ImageSpec(_Frozen):
    """An encoded picture becomes uint8 `[height, width, channels]` under the input name `input`.

    `form` names what brings a decoded picture to that shape, see `processing.forms`; `resize` is
    of the form `photo` alone.
    """

    kind: Literal["image"] = "image"
    input: str = "image"
    form: Literal["digit", "garment", "letterbox", "photo"]
    height: int
    width: int
    channels: Literal[1, 3]
    resize: Resize | None = None

    @model_validator(mode="after")
    def _has_what_its_form_needs(self) -> Self:
        if (self.form == "photo") != (self.resize is not None):
            raise ValueError("the form photo needs resize, and no other has it")
        if self.resize is not None and self.resize.fit == "shorter" and self.height != self.width:
            raise ValueError(f"fit shorter needs a square input, received {self.height}×{self.width}")
        if self.form in ("letterbox", "photo") and self.channels != 3:
            raise ValueError(f"the form {self.form} has 3 channels, received {self.channels}")
        return self

    @property
    def resized(self) -> Resize:
        """Of a photograph."""
        if self.resize is None:
            raise ValueError(f"the form {self.form} has no resize")
        return self.resize


class TextSpec(_Frozen):
    """A text becomes int32 `[tokens]` under the input name `input`, by the version's own `tokenizer.json`.

    Texts longer than `max_tokens` are cut there; shorter ones of a batch are padded with `pad_id`.
    """

    kind: Literal["text"] = "text"
    input: str = "token_ids"
    max_tokens: int
    pad_id: int


class Drawing(_Frozen):
    """How tokens are drawn where nobody says otherwise, as whoever made the model recommends it."""

    temperature: Annotated[float, Field(gt=0, le=2)]
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None


class LanguageSpec(_Frozen):
    """A text to be continued becomes int32 `[tokens]` under the input name `input`, by the version's `tokenizer.json`.

    Prompt and continuation together are at most `context_tokens`; one of `end_ids` ends the continuation.
    """

    kind: Literal["language"] = "language"
    input: str = "token_ids"
    context_tokens: Annotated[int, Field(ge=2)]
    end_ids: tuple[int, ...] = ()
    drawing: Drawing | None = None


class RecordingSpec(_Frozen):
    """A recording becomes float32 `[samples]` in [-1, 1] under the input name `input`, one channel.

    Shorter ones of a batch are followed by zeros: silence behind a recording is nothing to a model.
    """

    input: str = "samples"
    sample_rate: Annotated[int, Field(ge=1)]


class AudioSpec(RecordingSpec):
    """A recording, of which a model hears all."""

    kind: Literal["audio"] = "audio"


ANY_LANGUAGE = -1  # the one that is spoken most probably


class Steering(NamedTuple):
    """Of a model that is told what to write, see `SpeechSpec`."""

    previous_id: int
    no_times_id: int
    first_time_id: int
    time_step_s: float


class SpeechSpec(RecordingSpec):
    """A recording of speech; one call hears `window_s` seconds at most. `language` is the one that is spoken, by its
    ISO 639-1 code; None: one of `languages`, each with its token.

    What is said are tokens of the version's `tokenizer.json`, `most_tokens` of a window, filled up with `end_id`. They
    follow `start_id`, before which may stand `previous_id` and a text that came before; `context_tokens` are all
    together. Of several languages that of one, or `ANY_LANGUAGE`, follows the start, and `transcribe_id`, or
    `translate_id` for English. Behind a `no_times_id` there is plain text; else each piece of it stands between the
    tokens of two times, of which `first_time_id` is the window's beginning and each further one `time_step_s` later.
    Of a model that writes plain text alone, behind nothing but the start, the last four are None.
    """

    kind: Literal["speech"] = "speech"
    language: str | None = None
    languages: dict[str, int] = {}
    window_s: Annotated[float, Field(gt=0)]
    context_tokens: Annotated[int, Field(ge=1)]
    most_tokens: Annotated[int, Field(ge=1)]
    start_id: int
    transcribe_id: int | None = None
    translate_id: int | None = None
    no_times_id: int | None = None
    previous_id: int | None = None
    end_id: int
    first_time_id: int | None = None
    time_step_s: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_steered_by_all_or_none(self) -> Self:
        told = (self.no_times_id, self.previous_id, self.first_time_id, self.time_step_s)
        if self.steering is None and any(one is not None for one in told):
            raise ValueError("no_times_id, previous_id, first_time_id and time_step_s are all there, or none is")
        if self.steering is None and (self.languages or {self.transcribe_id, self.translate_id} != {None}):
            raise ValueError("a model that writes plain text alone is told no language and no task")
        return self

    @property
    def steering(self) -> Steering | None:
        """None: the model writes plain text alone."""
        before, plain, first, step_s = self.previous_id, self.no_times_id, self.first_time_id, self.time_step_s
        if before is None or plain is None or first is None or step_s is None:
            return None
        return Steering(before, plain, first, step_s)


class TranslationSpec(_Frozen):
    """A text becomes rows of int32 `[tokens]` under the input name `input`, a sentence each, by the version's
    `tokenizer.json`; shorter ones are padded with `pad_id`.

    A sentence of more than `max_tokens` is not translated. `source` and `target` are languages by their ISO 639-1
    codes. `beams` translations at once are searched for at most.
    """

    kind: Literal["translation"] = "translation"
    input: str = "token_ids"
    max_tokens: Annotated[int, Field(ge=2)]
    pad_id: int
    source: str
    target: str
    beams: Annotated[int, Field(ge=1)]


ExportedSpec = ImageSpec | TextSpec | LanguageSpec | AudioSpec | SpeechSpec | TranslationSpec
"""What versions are exported with."""
ProcessingSpec = Annotated[ExportedSpec, Field(discriminator="kind")]

_SPEC: TypeAdapter[ExportedSpec] = TypeAdapter(ProcessingSpec)


def parse_spec(document: JsonValue) -> ExportedSpec:
    """Raises `pydantic.ValidationError` for a document of another shape or kind."""
    return _SPEC.validate_python(document)
