"""The rules of promotion, section `[promotion]` of `kmaas.toml`."""

from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field

from export.minimum import Minimum

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PromotionRules(BaseModel):
    """Frozen; unknown keys are refused.

    Attributes:
        accuracy_margin: how much lower the held-out accuracy may be: of two versions that were measured on the same
            rows, the low end of the 95 % interval of their difference; else the difference itself.
        mcnemar_level: below this probability a version that has more rows wrong is worse, margin or not. 0: never.
        latency_ms: the 95th percentile of the golden requests' times on the live model server is at most this; of a
            text that is written, the times of its tokens.
        robustness_floor: every figure on disturbed rows is at least this. Above 0, a version of which there is none is
            refused; with 0 it passes.
        robustness_margin: how much lower each such figure may be than the same one of the version now in place.
        minimum: see there.
        patience_s: how long the model server may take to load the version, and to follow the label.
        key: the file of the ed25519 key that signs decisions; made at its first use.
        trusted_keys: names of the keys whose signatures count; empty: all that lie beside the records.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy_margin: Share = 0.02
    mcnemar_level: Share = 0.05
    latency_ms: Positive = 200.0
    robustness_floor: Share = 0.0
    robustness_margin: Share = 0.05
    minimum: Minimum = Minimum()
    patience_s: Positive = 60.0
    key: Path = Field(default_factory=lambda: user_data_path("kmaas") / "signing-key.pem")
    trusted_keys: tuple[str, ...] = ()
