"""Sequential tests of a rate that may be looked at after every observation. Source of the method: see `log_evidence`.

`docs/decisions/0011-canary-test.md` says what follows for canaries.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Alternatives by how much higher their log odds are than those of the limit: from barely worse to almost always.
_SHIFTS = np.geomspace(0.1, 12.0, 24)


def log_evidence(events: Any, trials: Any, limit: float) -> Any:
    """The logarithm of an e-value against "the rate of the events is at most `limit`".

    Under that hypothesis the chance that it ever exceeds ln(1/α), however long and however often one looks, is at most
    α. It is the mixture, over fixed alternatives p > `limit`, of the likelihood ratios

        (p / limit)^events · ((1 − p) / (1 − limit))^(trials − events)

    Each is a supermartingale that begins at 1 under every rate up to the limit, so the mixture is one, and Ville's
    inequality bounds its maximum. (Wald 1945; Robbins 1970, "Statistical methods related to the law of the iterated
    logarithm"; Ramdas et al. 2023, "Game-theoretic statistics and safe anytime-valid inference".)

    Args:
        events, trials: counts, or arrays of counts of one shape. The rate of the next trial may depend on the past and
            change all the time, as long as it stays within the limit.
        limit: above 0, below 1.
    """
    of_event, of_other = _ratios(limit)
    events, trials = np.asarray(events, float), np.asarray(trials, float)
    logs = events[..., None] * of_event + (trials - events)[..., None] * of_other
    highest = logs.max(axis=-1)
    return highest + np.log(np.exp(logs - highest[..., None]).mean(axis=-1))


@lru_cache(maxsize=64)
def _ratios(limit: float) -> tuple[Floats, Floats]:
    log_odds = np.log(limit / (1 - limit)) + _SHIFTS
    log_p, log_q = -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds)
    return log_p - np.log(limit), log_q - np.log1p(-limit)
