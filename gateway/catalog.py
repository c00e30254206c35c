"""What is told of models: the typed documents of `GET /models` and `GET /models/{model}`."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from gateway.routing.figures import RouteStatus
from gateway.tasks.base import names_of
from gateway.version import ServedVersion
from gateway.view import UNLOADABLE, ModelView
from store.manifest import Batching, Manifest, Metric, Origin, Parity, SignatureSpec


class VersionLine(BaseModel):
    """A version in the model server's words: START, LOADING, AVAILABLE, UNLOADING or END."""

    version: int
    state: str
    current: bool
    reason: str | None  # why the gateway does not use it
    servers: int  # on how many model servers it answers
    left_out: list[str]  # why other model servers that have it get no requests for it


class ModelSummary(BaseModel):
    """One model. What is told of the current version is null while there is none; `reason` says why.

    `tasks` are all that it can be asked for by Hugging Face's names, its own `task` first; and `faces` of a model that
    answers `/v1/faces`.
    """

    name: str
    ready: bool
    reason: str | None
    task: str | None
    tasks: tuple[str, ...] | None
    description: str | None
    version: int | None
    digest: str | None
    versions: list[VersionLine]


class PublicManifest(BaseModel):
    """The part of a manifest that is everyone's: no paths, no commit."""

    model_config = ConfigDict(from_attributes=True)

    model: str
    version: int
    task: str
    description: str
    created: datetime
    digest: str
    origins: tuple[Origin, ...]
    frameworks: dict[str, str]
    parameters: int
    signatures: dict[str, SignatureSpec]
    processing: dict[str, JsonValue]
    labels: tuple[str, ...]
    multi_label: bool  # several labels may be right, or none: a score is the probability of its label alone
    languages: tuple[str, ...]
    metrics: tuple[Metric, ...]
    robustness: tuple[Metric, ...]
    temperature: float
    parity: tuple[Parity, ...]
    batching: Batching | None
    goldens: dict[str, int]
    absent: dict[str, str]


class ModelDetail(ModelSummary):
    """One model, with the manifest of its current version, and its route if it has one."""

    manifest: PublicManifest | None
    route: RouteStatus | None


class ModelList(BaseModel):
    """All models, by name in order."""

    models: list[ModelSummary]


def summary(name: str, view: ModelView, route: RouteStatus | None) -> ModelSummary:
    return ModelSummary(**_facts(name, view, route))


def detail(name: str, view: ModelView, route: RouteStatus | None) -> ModelDetail:
    manifest = PublicManifest.model_validate(view.current.manifest) if view.current else None
    return ModelDetail(**_facts(name, view, route), manifest=manifest, route=route)


def _facts(name: str, view: ModelView, route: RouteStatus | None) -> dict[str, Any]:
    routed = set(route.versions.values()) if route else set()
    manifest: Manifest | None = view.current.manifest if view.current else None
    return {
        "name": name,
        "ready": manifest is not None,
        "reason": view.fault if manifest else view.reason,
        "task": manifest.task if manifest else None,
        "tasks": _tasks(view.current) if view.current else None,
        "description": manifest.description if manifest else None,
        "version": manifest.version if manifest else None,
        "digest": manifest.digest if manifest else None,
        "versions": [
            _line(view, line.version, line.state, line.error, routed=line.version in routed)
            for line in view.statuses or ()
        ],
    }


def _tasks(version: ServedVersion) -> tuple[str, ...]:
    return (*names_of(version.task), *((version.faces.name,) if version.faces else ()))


def _line(view: ModelView, version: int, state: str, error: str | None, *, routed: bool) -> VersionLine:
    """The server's own error may name paths of its machine: it is told that there is one."""
    current = view.current is not None and view.current.number == version
    reason = "another version is promoted" if view.passed_over(version) and not (current or routed) else None
    if error:
        reason = UNLOADABLE
    return VersionLine(
        version=version,
        state=state,
        current=current,
        reason=view.unfit.get(version, reason),
        servers=view.servers(version),
        left_out=list(view.left_out.get(version, ())),
    )
