"""Whether the models and versions that a route names are there, checked, and fit each other."""

from gateway.deadline import Deadline
from gateway.errors import Fault, ModelNotReadyError, UnknownModelError, UnknownVersionError
from gateway.model import Model
from gateway.registry import Registry
from gateway.routing.route import Route


def missing(route: Route, model: Model, registry: Registry, deadline: Deadline) -> list[Fault]:
    """What the route names in vain, by field. Each version named has then answered its goldens.

    Raises:
        ModelNotReadyError, ModelServerDownError, DeadlineError: that cannot be known now.
    """
    faults = []
    for field, to in route.selectors.items():
        try:
            model.version(to, deadline)
        except UnknownVersionError as exc:
            faults.append(Fault(field, str(exc)))
        except ModelNotReadyError as exc:
            number = to if isinstance(to, int) else model.view.labels.get(to)
            if number not in model.view.unfit:
                raise
            faults.append(Fault(field, str(exc)))
    if route.fallback is not None:
        faults += _unfit(route.fallback, model, registry, deadline)
    return faults


def _unfit(fallback: str, model: Model, registry: Registry, deadline: Deadline) -> list[Fault]:
    try:
        other = registry.model(fallback, deadline).found(None)
    except UnknownModelError as exc:
        return [Fault("fallback", str(exc))]
    ours = model.found(None)
    if other is None:
        return [Fault("fallback", f"{fallback} has no version that can answer")]
    if ours is not None and ours.manifest.task != other.manifest.task:
        return [Fault("fallback", f"{fallback} is for {other.manifest.task}, {model.name} for {ours.manifest.task}")]
    return []
