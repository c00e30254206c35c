"""The table of tasks the gateway knows."""

from collections.abc import Iterable

from pydantic import ValidationError

from gateway.errors import UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import AnyTask, Documents
from gateway.tasks.image_classification import ImageClassification
from gateway.tasks.text_classification import TextClassification
from processing.errors import ProcessingError
from store.manifest import Manifest


def table_of(tasks: Iterable[type[AnyTask]]) -> dict[str, type[AnyTask]]:
    table: dict[str, type[AnyTask]] = {}
    for task in tasks:
        if task.name in table:
            raise ValueError(f"two tasks are called {task.name}")
        table[task.name] = task
    return table


TASKS = table_of([TextClassification, ImageClassification])


def build_task(manifest: Manifest, documents: Documents, limits: Limits) -> AnyTask:
    """The task of one version. Raises `UnfitVersionError` when it is unknown or lacks what it needs."""
    task = TASKS.get(manifest.task)
    if task is None:
        raise UnfitVersionError(f"task {manifest.task!r} is not one of {', '.join(TASKS)}")
    try:
        return task.of(manifest, documents, limits)
    except (ValidationError, ProcessingError) as exc:
        raise UnfitVersionError(f"its processing cannot be read: {exc}") from exc
