"""The catalogue: every model that can be trained or imported, in one table. A model may have several networks."""

from collections.abc import Sequence

from models import chat, checkpoint, digits, embeddings, sentiment, sentiment_minilm, writer
from models.checkpoint import CheckpointConfig, spec_for
from models.errors import DuplicateModelError, UnknownModelError, UnknownNetworkError
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
    sentiment.SPEC,
    sentiment_minilm.SPEC,
    embeddings.SPEC,
    chat.SPEC,
    checkpoint.SPEC,
    writer.SPEC,
)

CATALOG = {spec.name: spec for spec in NETWORKS.values() if spec.network is None}

ALL = "all"


def find(name: str, network: object = None) -> ModelSpec:
    """Raises `UnknownModelError`, and `UnknownNetworkError` for a network that the model does not have."""
    select([name])
    of_name = [spec for spec in NETWORKS.values() if spec.name == name]
    for spec in of_name:
        if spec.network == network:
            return spec
    raise UnknownNetworkError(name, network, [spec.network for spec in of_name if spec.network])


def spec_of(config: ModelConfig) -> ModelSpec:
    """The entry whose configuration this is: each has a type of its own. A checkpoint says itself what it is called."""
    if isinstance(config, CheckpointConfig):
        return spec_for(config)
    return next(spec for spec in NETWORKS.values() if spec.config is type(config))


def select(names: Sequence[str]) -> list[ModelSpec]:
    """The entries of these names, in their order and each once; `all` stands for the whole catalogue.

    Raises:
        UnknownModelError: names them, and those there are.
    """
    wanted = list(CATALOG) if ALL in names else list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in CATALOG]:
        raise UnknownModelError(unknown, CATALOG)
    return [CATALOG[name] for name in wanted]
