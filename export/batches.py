"""Several inputs as one batch."""

from collections.abc import Sequence

import numpy as np

from export.goldens import Array
from processing.spec import ExportedSpec, TextSpec, TranslationSpec


def pad_of(spec: ExportedSpec) -> int:
    """What fills the shorter inputs of a batch of unequal ones: of recordings, silence. Pictures have one size, and
    prompts of unequal lengths share no batch."""
    return spec.pad_id if isinstance(spec, TextSpec | TranslationSpec) else 0


def batch_of(rows: Sequence[Array], pad: int) -> Array:
    """Rows without a batch dimension; shorter ones are filled up with `pad` at their end."""
    widest = np.max([row.shape for row in rows], axis=0)
    return np.stack([_filled_up(row, widest, pad) for row in rows])


def _filled_up(row: Array, widest: Array, pad: int) -> Array:
    lacking = [(0, wide - have) for wide, have in zip(widest, row.shape, strict=True)]
    return np.pad(row, lacking, constant_values=pad)
