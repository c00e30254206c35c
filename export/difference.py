"""How the answers of two versions differ, row by row."""

from typing import Any

from export.promotion import Subject
from store.paired import mcnemar, paired_difference

_SEED = 1  # of the bootstrap: the same answers give the same interval


def paired(before: Subject, after: Subject) -> dict[str, Any] | None:
    """Figures of the answers to the same held-out rows; None where there are no such."""
    old, new = before.held_out, after.held_out
    if old is None or new is None or old.rows != new.rows:
        return None
    won, lost, chance = mcnemar(new.right, old.right)
    accuracy = float(old.right.mean()), float(new.right.mean())
    return {
        "rows": len(old.truth),
        "accuracy": accuracy,
        "difference": accuracy[1] - accuracy[0],
        "interval": paired_difference(new.right, old.right, _SEED),
        "won": won,
        "lost": lost,
        "mcnemar": chance,
    }
