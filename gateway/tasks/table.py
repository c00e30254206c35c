"""The table of tasks the gateway knows."""

from collections.abc import Iterable

from pydantic import ValidationError

from gateway.errors import UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.audio_classification import AudioClassification
from gateway.tasks.base import AnyTask, Documents
from gateway.tasks.faces import Faces
from gateway.tasks.feature_extraction import FeatureExtraction
from gateway.tasks.image_classification import ImageClassification
from gateway.tasks.image_explanation import ImageExplanation
from gateway.tasks.image_feature_extraction import ImageFeatureExtraction
from gateway.tasks.object_detection import ObjectDetection
from gateway.tasks.speech_recognition import SpeechRecognition
from gateway.tasks.text_classification import TextClassification
from gateway.tasks.text_explanation import TextExplanation
from gateway.tasks.text_generation import TextGeneration
from gateway.tasks.translation import Translation
from processing.errors import ProcessingError
from store.manifest import EMBED_SIGNATURE, LANDMARKS_SIGNATURE, Manifest


def table_of(tasks: Iterable[type[AnyTask]]) -> dict[str, type[AnyTask]]:
    table: dict[str, type[AnyTask]] = {}
    for task in tasks:
        if task.name in table:
            raise ValueError(f"two tasks are called {task.name}")
        table[task.name] = task
    return table


TASKS = table_of(
    [
        TextClassification,
        ImageClassification,
        FeatureExtraction,
        TextGeneration,
        SpeechRecognition,
        AudioClassification,
        Translation,
        ObjectDetection,
        ImageFeatureExtraction,
    ]
)
EXPLANATIONS = table_of([TextExplanation, ImageExplanation])  # by the task whose answers they explain


def build_task(manifest: Manifest, documents: Documents, limits: Limits) -> AnyTask:
    """The task of one version. Raises `UnfitVersionError` when it is unknown or lacks what it needs."""
    task = TASKS.get(manifest.task)
    if task is None:
        raise UnfitVersionError(f"task {manifest.task!r} is not one of {', '.join(TASKS)}")
    return _built(task, manifest, documents, limits)


def build_explanation(manifest: Manifest, documents: Documents, limits: Limits) -> AnyTask | None:
    """What explains the answers of one version; None where it has no such signature, or one for another task.

    Raises:
        UnfitVersionError: it lacks what is needed.
    """
    explanation = EXPLANATIONS.get(manifest.task)
    if explanation is None or explanation.signature not in manifest.signatures:
        return None
    return _built(explanation, manifest, documents, limits)


def build_faces(manifest: Manifest, documents: Documents, limits: Limits) -> AnyTask | None:
    """What knows the faces in pictures; None where the version has not the signatures for it.

    Raises:
        UnfitVersionError: it lacks what is needed beside them.
    """
    if not {LANDMARKS_SIGNATURE, EMBED_SIGNATURE} <= manifest.signatures.keys():
        return None
    return _built(Faces, manifest, documents, limits)


def _built(task: type[AnyTask], manifest: Manifest, documents: Documents, limits: Limits) -> AnyTask:
    try:
        return task.of(manifest, documents, limits)
    except (ValidationError, ProcessingError) as exc:
        raise UnfitVersionError(f"its processing cannot be read: {exc}") from exc
