"""What is told of a route while it is in force: the typed documents of the admin API and of `GET /models/{model}`."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from gateway.routing.route import Route, Selector


class TallyFigures(BaseModel):
    """So many events in so many calls."""

    model_config = ConfigDict(from_attributes=True)

    events: int
    trials: int


class SideFigures(BaseModel):
    """Calls that failed, and answers that were slow."""

    model_config = ConfigDict(from_attributes=True)

    failed: TallyFigures
    slow: TallyFigures


class CanaryFigures(BaseModel):
    """A canary beside the route's own version, since it began."""

    to: int | str
    version: int
    canary: SideFigures
    stable: SideFigures
    disagreed: TallyFigures


class ComparisonFigures(BaseModel):
    """Answers of `to` compared with those of the route's own version. `agreement` is null before the first."""

    to: int | str
    compared: int
    agreed: int
    agreement: float | None
    mean_distance: float | None
    worst_distance: float | None
    failed: int  # it did not answer
    absent: int  # there was no such version to ask
    dropped: int  # too many copies waited


class RouteStatus(BaseModel):
    """A route, and what was seen of it since it is in force, by all workers: of the others up to half a second ago."""

    route: Route
    versions: dict[str, int | None]  # those it names, by field; null: cannot answer now
    canaries: list[CanaryFigures]
    comparisons: list[ComparisonFigures]


class RouteDocument(BaseModel):
    """A model's route. `configured` is the one of the settings; `changed_at` and `by` are null while that counts."""

    model: str
    route: Route | None
    configured: Route | None
    changed_at: datetime | None
    by: str | None
    status: RouteStatus | None


class RouteList(BaseModel):
    """All models that have a route, or had one."""

    routes: list[RouteDocument]


class Withdrawal(BaseModel):
    """Which part of the split, and shadow, is taken out of a route, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"to": "canary", "why": "callers complain"}]}
    )

    to: Selector
    why: str | None = None
