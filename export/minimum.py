"""The least evidence with which a version is promoted: section `[promotion.minimum]` of `kmaas.toml`."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from store.layout import MOST_WARM_UP
from store.manifest import Manifest

Count = Annotated[int, Field(ge=0)]

_SHOWN = 5  # labels, of perhaps dozens
_EVIDENCE = ("parity", "batching", "recorded", "goldens")  # fields of the manifest


class Minimum(BaseModel):
    """Frozen; unknown keys are refused.

    Attributes:
        parity_inputs: real inputs on which each two ways of preprocessing were compared.
        goldens: held-out requests that the version carries with their answers.
        few_labels: a model with at most so many labels needs a golden of each: as many can be replayed at every load.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parity_inputs: Count = 64
    goldens: Count = 8
    few_labels: Count = 32


def unsaid(manifest: Manifest) -> list[str]:
    """The fields of evidence that the manifest's document lacks: the kmaas that exported the version did not know them.
    That they are empty here says nothing."""
    return [name for name in _EVIDENCE if name not in manifest.model_fields_set]


def lacking(manifest: Manifest, minimum: Minimum) -> list[str]:
    """What the version was shown by less than the minimum, with the amounts; empty if by nothing. That the figures
    themselves are right, export has seen to: else there would be no version. What is `unsaid` is not looked at."""
    unknown = unsaid(manifest)
    faults = {
        "parity": _parity(manifest, minimum.parity_inputs),
        "goldens": _goldens(manifest, minimum),
        "batching": _batches(manifest),
    }
    return [fault for name, found in faults.items() if name not in unknown for fault in found]


def too_few_recorded(manifest: Manifest) -> str | None:
    """Why a model server has too little to prove the version by: fewer recorded answers than goldens, as far as these
    go into the warm-up file. With 0 it would prove nothing."""
    goldens = sum(manifest.goldens.values())
    least = min(goldens, MOST_WARM_UP - 1)  # one of them has no answer
    if {"recorded", "goldens"} & set(unsaid(manifest)) or manifest.recorded >= least:
        return None
    return (
        f"the manifest counts {manifest.recorded} recorded answers and {goldens} goldens: at least {least} are needed "
        "for a model server to prove it by"
    )


def _parity(manifest: Manifest, least: int) -> Iterator[str]:
    fewest = min((parity.inputs for parity in manifest.parity), default=0)
    if fewest < least:
        yield f"{fewest} parity inputs, at least {least} needed"


def _goldens(manifest: Manifest, minimum: Minimum) -> Iterator[str]:
    count = sum(manifest.goldens.values())
    if count < minimum.goldens:
        yield f"{count} goldens, at least {minimum.goldens} needed"
    if len(manifest.labels) <= minimum.few_labels:
        missing = [f"'{label}'" for label in manifest.labels if not manifest.goldens.get(label)]
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        if missing:
            yield f"no golden for label {', '.join(missing[:_SHOWN])}{more}"


def _batches(manifest: Manifest) -> Iterator[str]:
    if manifest.batching is None:
        yield "no answer was compared with the same one in a batch"
