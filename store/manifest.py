"""The manifest: the facts of a version, `assets.extra/manifest.json`."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from store.errors import ManifestError

SCHEMA = 1

PREFILL_SIGNATURE = "prefill"
DECODE_SIGNATURE = "decode"
RELEASE_SIGNATURE = "release"
BEAM_SIGNATURE = "beam"
"""Of a model that translates: the best of several translations."""
STEER_SIGNATURE, ALIGN_SIGNATURE = "steer", "align"
"""Of a model that transcribes: text behind a prompt, and where of a recording each of its tokens is said."""
LANDMARKS_SIGNATURE, EMBED_SIGNATURE = "landmarks", "embed"
"""Of a model of faces: a chip with a face to where its eyes, nose and mouth are, and an aligned one to a vector."""
KEEPING_SIGNATURES = frozenset({PREFILL_SIGNATURE, DECODE_SIGNATURE, RELEASE_SIGNATURE})
"""What they answer depends on what was asked before."""

ContentName = Annotated[str, Field(pattern=r"^(saved_model\.pb|(variables|assets)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+)$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSpec(_Frozen):
    """One input or output of a signature. A free dimension is -1."""

    dtype: str
    shape: tuple[int, ...]


class SignatureSpec(_Frozen):
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


class Origin(_Frozen):
    """Where the weights or the training data come from, and under which terms."""

    licence: str
    source: str
    url: str | None = None
    attribution: str | None = None


class Metric(_Frozen):
    """A figure and the data it was measured on."""

    name: str
    value: float
    data: str
    rows: Annotated[int, Field(ge=0)]
    low: float | None = None
    high: float | None = None


class Parity(_Frozen):
    """Two ways of preprocessing, compared on real inputs.

    `mean` and `largest` are of the absolute differences, in `unit`; `largest` is at most `allowed`.
    """

    between: tuple[str, str]
    inputs: Annotated[int, Field(ge=1)]
    unit: str
    mean: float
    largest: float
    allowed: float


class Batching(_Frozen):
    """What was seen of rows that share a run: no answer differs from the one alone by more than `largest`.

    `sizes` are the numbers of rows that were tried, ascending; `largest` is as `store.twin.gap` has it.
    """

    sizes: Annotated[tuple[int, ...], Field(min_length=1)]
    largest: float
    allowed: float


class Cache(_Frozen):
    """What the keeping signatures of a language model keep on each model server.

    So many conversations at once have a slot, each of `length` tokens at most. `piece` tokens of a prompt are read in
    one run: longer ones would let the other conversations wait.
    """

    slots: Annotated[int, Field(ge=1)]
    length: Annotated[int, Field(ge=2)]
    piece: Annotated[int, Field(ge=1)]


class Manifest(_Frozen):
    """The facts of one version.

    `processing` is the document of `processing.spec`; `version` is assigned when the version is published, so the copy
    that the `manifest` signature carries has none: there the model server's own answer names the version.

    `absent` says of signatures that a version of its task should have, and this one lacks, why. Probabilities are
    softmax(logits / `temperature`), or with `multi_label`, where several labels may be right or none, of each label by
    itself: sigmoid(logit / `temperature`). `robustness` are figures on disturbed held-out rows. `recorded` is the
    number of requests in the warm-up file, of whatever signature, that have their answer beside them: so many a model
    server must find, and answer alike. `goldens` are the held-out requests that the version carries, counted by the
    label that is right, which is empty where a model has none. `languages` are those of texts that the model knows, by
    their ISO 639 codes; empty: nobody says, or it reads no texts. `cache` is of a language model that has the keeping
    signatures. `files` are those of `store.contents` when the version was exported; the copy in the graph, which is
    among them, has none.
    """

    schema_version: int = SCHEMA
    model: str
    version: int | None = None
    task: str
    description: str
    created: datetime
    digest: str
    origins: tuple[Origin, ...]
    data_sha256: str
    code_commit: str
    frameworks: dict[str, str]
    parameters: int
    signatures: dict[str, SignatureSpec]
    processing: dict[str, JsonValue]
    labels: tuple[str, ...]
    multi_label: bool = False
    languages: tuple[str, ...] = ()
    metrics: tuple[Metric, ...]
    robustness: tuple[Metric, ...] = ()
    temperature: Annotated[float, Field(gt=0)] = 1.0
    parity: tuple[Parity, ...] = ()
    batching: Batching | None = None
    cache: Cache | None = None
    absent: dict[str, str] = Field(default_factory=dict)
    recorded: Annotated[int, Field(ge=0)] = 0
    goldens: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    files: dict[ContentName, str] = Field(default_factory=dict)
    run: str

    @model_validator(mode="before")
    @classmethod
    def _schema_is_ours(cls, document: Any) -> Any:
        """Before anything else: the fields of another schema would only be reported as missing and unknown."""
        if isinstance(document, dict) and (found := document.get("schema_version", SCHEMA)) != SCHEMA:
            raise ValueError(f"it has schema_version {found!r}, expected {SCHEMA}; another kmaas wrote it")
        return document

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `ManifestError` when the document is missing, unreadable or does not fit."""
        try:
            return cls.parse(path.read_bytes(), where=path)
        except OSError as exc:
            raise ManifestError(path, exc.strerror or str(exc)) from exc

    @classmethod
    def parse(cls, document: bytes | str, *, where: object = "manifest") -> Self:
        try:
            return cls.model_validate_json(document)
        except ValidationError as exc:
            raise ManifestError(where, str(exc)) from exc

    def document(self) -> bytes:
        return self.model_dump_json(indent=2).encode()


def is_anothers(document: bytes) -> bool:
    """Whether a `manifest.json` is of somebody else's making: JSON, and none of ours."""
    try:
        found = json.loads(document)
    except ValueError:
        return False
    return not (isinstance(found, dict) and "schema_version" in found)
