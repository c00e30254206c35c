"""The catalogue: every model that can be trained or imported, in one table. A model may have several networks, and what
is trained on data that users bring has names of their own.
"""

from collections.abc import Sequence

from models import (
    audio_classifier,
    chat,
    checkpoint,
    commands,
    detect,
    detect_ssd,
    digits,
    embeddings,
    faces,
    fashion_resnet,
    fashion_vgg,
    image_classifier,
    image_embeddings,
    imagenet,
    picture_checkpoint,
    sentiment,
    sentiment_minilm,
    sentiment_neutral,
    speech_checkpoint,
    text_classifier,
    topics,
    transcribe,
    transcribe_base,
    transcribe_moonshine,
    translation,
    wardrobe,
    writer,
)
from models.errors import DuplicateModelError, NeedsDataError, UnknownModelError, UnknownNetworkError
from models.spec import ModelConfig, ModelSpec


def _table(*specs: ModelSpec) -> dict[str, ModelSpec]:
    table: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.entry in table:
            raise DuplicateModelError(spec.entry)
        table[spec.entry] = spec
    return table


NETWORKS = _table(
    digits.SPEC,
    fashion_resnet.SPEC,
    fashion_vgg.SPEC,
    sentiment.SPEC,
    sentiment_minilm.SPEC,
    sentiment_neutral.SPEC,
    embeddings.SPEC,
    imagenet.SPEC,
    picture_checkpoint.SPEC,
    image_embeddings.SPEC,
    topics.SPEC,
    chat.SPEC,
    checkpoint.SPEC,
    writer.SPEC,
    translation.ENGLISH_SPANISH,
    translation.ENGLISH_FRENCH,
    translation.PAIR,
    detect.SPEC,
    detect_ssd.SPEC,
    wardrobe.SPEC,
    faces.SPEC,
    transcribe.SPEC,
    transcribe_base.SPEC,
    transcribe_moonshine.SPEC,
    speech_checkpoint.SPEC,
    speech_checkpoint.MOONSHINE_SPEC,
    commands.SPEC,
)

OWN = _table(text_classifier.SPEC, image_classifier.SPEC, audio_classifier.SPEC)
"""What is trained on a user's own data, and therefore never by its name alone."""

CATALOG = {spec.name: spec for spec in NETWORKS.values() if spec.network is None}

ALL = "all"


def find(name: str, network: object = None) -> ModelSpec:
    """Raises `UnknownModelError`, and `UnknownNetworkError` for a network that the model does not have."""
    if name in OWN and network is None:
        return OWN[name]
    select([name])
    of_name = [spec for spec in NETWORKS.values() if spec.name == name]
    for spec in of_name:
        if spec.network == network:
            return spec
    raise UnknownNetworkError(name, network, [spec.network for spec in of_name if spec.network])


def spec_of(config: ModelConfig) -> ModelSpec:
    """The entry whose configuration this is: each has a type of its own; or the user's own that it describes."""
    found = next(spec for spec in (*NETWORKS.values(), *OWN.values()) if spec.config is type(config))
    return found if found.of is None else found.of(config)


def select(names: Sequence[str]) -> list[ModelSpec]:
    """The entries of these names, in their order and each once; `all` stands for every one whose terms are clear.

    Raises:
        UnknownModelError: names them, and those there are.
        NeedsDataError: one is trained on data of yours.
    """
    if brought := [name for name in names if name in OWN]:
        raise NeedsDataError(brought[0])
    clear = [name for name, spec in CATALOG.items() if not spec.licence_unclear]
    wanted = list(dict.fromkeys(other for name in names for other in (clear if name == ALL else [name])))
    if unknown := [name for name in wanted if name not in CATALOG]:
        raise UnknownModelError(unknown, CATALOG)
    return [CATALOG[name] for name in wanted]
