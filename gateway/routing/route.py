"""What a route says: who answers a model's calls, with how much of what. Settings, frozen and checked as one."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gateway.errors import Fault
from processing.masking import KINDS, Kind

_LABEL = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_INT64_MAX = 2**63 - 1

DISAGREEMENT = "route_disagreement"  # the type of pydantic's error that has `faults` in its context

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]  # the share of calls of which something may be true
Percent = Annotated[float, Field(gt=0, le=100)]
Seconds = Annotated[float, Field(ge=0.001)]  # in less nobody answers


def selector(value: object) -> int | str:
    """What names a version: its number, or a label. Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INT64_MAX:
        return value
    if isinstance(value, str) and _LABEL.fullmatch(value):
        return value
    raise ValueError('expected the number of a version or a label, e.g. 3 or "canary"')


def selector_of(text: str) -> int | str:
    """The same from a header or a command line. Raises `ValueError`."""
    return selector(int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else text)


Selector = Annotated[
    int | str,
    BeforeValidator(selector),
    WithJsonSchema({"type": ["integer", "string"], "minimum": 0, "pattern": f"^{_LABEL.pattern}$"}),
]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _country(code: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if code not in SUPPORTED_REGIONS:
        raise ValueError(f"expected a country's ISO 3166 code such as GB, received {code[:20]!r}")
    return code


class Canary(_Said):
    """When a part of the split is withdrawn: once it is proved, at the level `alpha` for as long as it runs, that more
    than `errors` of its calls fail, or that more than `slow` of its answers take longer than `latency_ms`, either more
    often than those of the route's own version; or that more than `disagreement` of its answers are not that version's.
    """

    errors: Rate | None = None
    latency_ms: Annotated[float, Field(gt=0)] | None = None
    slow: Rate = 0.05
    disagreement: Rate | None = None
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.01

    @property
    def watched(self) -> int:
        """How many things it can be withdrawn for, which share `alpha`."""
        return sum(limit is not None for limit in (self.errors, self.latency_ms, self.disagreement))


class Part(_Said):
    """A part of the calls that another version answers."""

    to: Selector
    percent: Percent
    canary: Canary | None = None


class Shadow(_Said):
    """A version that gets a copy of answered calls. Its answers are compared and thrown away."""

    to: Selector
    percent: Percent = 100.0


class Mask(_Said):
    """What is masked in texts before the model reads them. `region` is the country, by its ISO 3166 code, whose phone
    numbers are known as they are dialled there; the others are known by their +."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = KINDS
    region: Annotated[str, AfterValidator(_country)] | None = None


class Capture(_Said):
    """What share of the answered calls is kept, with private data masked in requests and answers."""

    percent: Percent = 100.0
    mask: Mask = Mask()


class Route(_Said):
    """How the calls of one model are answered, unless a call itself names a version.

    `to` answers what no part of the `split` does; without it the version that the gateway chooses. Calls with the same
    value in the header `sticky` are answered by the same part. `testers` may choose by the header `X-Model-Version`.
    `fallback` is a model of the same task that answers while this one cannot. `tolerance` is the distance up to which
    two answers agree; without it the task's own. `deadline_s` and `limits` are narrower than the gateway's.
    `mask` and `capture` hold for every call, also for one that names its version.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "to": "stable",
                    "split": [
                        {"to": "canary", "percent": 10, "canary": {"errors": 0.01, "disagreement": 0.1}},
                    ],
                    "sticky": "X-Sticky-Key",
                    "testers": True,
                    "deadline_s": 5,
                    "limits": {"items": 16},
                }
            ]
        }
    )

    to: Selector | None = None
    split: tuple[Part, ...] = ()
    shadow: Shadow | None = None
    sticky: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] | None = None
    testers: bool = False
    fallback: Annotated[str, Field(min_length=1)] | None = None
    tolerance: Annotated[float, Field(ge=0, le=1)] | None = None
    deadline_s: Seconds | None = None
    limits: Mapping[str, Positive] = Field(default_factory=dict)
    mask: Mask | None = None
    capture: Capture | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = list(_disagreements(self))
        if faults:
            said = "; ".join(f"{fault.field}: {fault.message}" for fault in faults)
            raise PydanticCustomError(DISAGREEMENT, "{said}", {"said": said, "faults": faults})
        return self

    @property
    def rest(self) -> float:
        """Percent of the calls that `to` answers."""
        return max(0.0, 100.0 - sum(part.percent for part in self.split))

    @property
    def selectors(self) -> Mapping[str, int | str]:
        """The versions it names, by the field that does."""
        named = {"to": self.to, **{f"split[{at}].to": part.to for at, part in enumerate(self.split)}}
        named["shadow.to"] = self.shadow.to if self.shadow else None
        return {field: to for field, to in named.items() if to is not None}

    def without(self, to: int | str) -> "Route":
        """The same without the part of the split, and the shadow, that go to `to`."""
        split = tuple(part for part in self.split if part.to != to)
        shadow = None if self.shadow and self.shadow.to == to else self.shadow
        return self.model_copy(update={"split": split, "shadow": shadow})


def _disagreements(route: Route) -> Iterator[Fault]:
    total = sum(part.percent for part in route.split)
    if total > 100 + 1e-9:
        yield Fault("split", f"its parts are {total:g} percent together; expected at most 100, the rest goes to `to`")
    named = [part.to for part in route.split]
    for at, part in enumerate(route.split):
        if part.to in named[:at]:
            yield Fault(f"split[{at}].to", f"{part.to!r} has a part already")
        if part.to == route.to:
            yield Fault(f"split[{at}].to", f"{part.to!r} is what the route's `to` answers")
        if part.canary and not part.canary.watched:
            yield Fault(f"split[{at}].canary", "expected at least one of errors, latency_ms, disagreement")
        if part.canary and total > 100 - 1e-9:
            yield Fault(f"split[{at}].canary", "a canary is compared with `to`, for which no calls are left")


def misfits(model: str, route: Route, deadline_s: float, limits: Mapping[str, int]) -> list[Fault]:
    """What of a route does not fit the gateway, whose deadline and limits these are."""
    faults = []
    if route.fallback == model:
        faults.append(Fault("fallback", f"{model} cannot stand in for itself"))
    if route.deadline_s is not None and route.deadline_s > deadline_s:
        faults.append(
            Fault("deadline_s", f"expected at most the gateway's own, {deadline_s:g} s, received {route.deadline_s:g}")
        )
    for name, limit in route.limits.items():
        if name not in limits:
            faults.append(Fault(f"limits.{name}", f"is no limit; expected one of {', '.join(limits)}"))
        elif limit > limits[name]:
            faults.append(
                Fault(f"limits.{name}", f"expected at most the gateway's own, {limits[name]}, received {limit}")
            )
    return faults
