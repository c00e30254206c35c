"""The catalogue: every model that can be trained or imported, in one table."""

from collections.abc import Sequence

from models import chat, digits, embeddings, sentiment
from models.errors import DuplicateModelError, UnknownModelError
from models.spec import ModelSpec


def _table(*specs: ModelSpec) -> dict[str, ModelSpec]:
    table: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in table:
            raise DuplicateModelError(spec.name)
        table[spec.name] = spec
    return table


CATALOG = _table(digits.SPEC, sentiment.SPEC, embeddings.SPEC, chat.SPEC)

ALL = "all"


def find(name: str) -> ModelSpec:
    return select([name])[0]


def select(names: Sequence[str]) -> list[ModelSpec]:
    """The entries of these names, in their order and each once; `all` stands for the whole catalogue.

    Raises:
        UnknownModelError: names them, and those there are.
    """
    wanted = list(CATALOG) if ALL in names else list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in CATALOG]:
        raise UnknownModelError(unknown, CATALOG)
    return [CATALOG[name] for name in wanted]
