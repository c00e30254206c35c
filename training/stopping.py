"""When a training has learnt all it will: pure functions of the losses on held-out rows, an epoch each."""

import math
from collections.abc import Sequence


def best_epoch(losses: Sequence[float]) -> int:
    """The first of those with the least loss, counted from 1; 0 where there is none. What is no number is no loss."""
    known = [math.inf if math.isnan(loss) else loss for loss in losses]
    return known.index(min(known)) + 1 if known else 0


def has_ended(losses: Sequence[float], patience: int) -> bool:
    """Whether `patience` epochs in a row were no better than the best one before."""
    return len(losses) - best_epoch(losses) >= patience if losses else False
