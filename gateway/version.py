"""One version of a model as the gateway serves it: learnt from the model server, trusted once its goldens are right."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.alone import Release, Run, asking
from gateway.body import read_request
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, RequestError, UnexplainedError, UnfitVersionError
from gateway.servers.server import Server
from gateway.settings import Limits
from gateway.tasks.base import AnyTask, Tensors
from gateway.tasks.explanation import EXPLAIN_SIGNATURE
from gateway.tasks.table import build_explanation, build_faces, build_task
from processing import language
from processing.errors import ProcessingError
from store.errors import ManifestError
from store.golden import Golden, difference, parse_goldens
from store.manifest import Manifest

_SECTIONS = ("manifest", "tokenizer", "golden", "chat_template")
_SLOT_S = 2.0  # callers who wait for the proof are told within their own time that there is none


@dataclass(frozen=True, eq=False)
class ServedVersion:
    """Immutable, equal to nothing but itself, with a task built from this version's own manifest and documents, one
    that explains it if any, and one that knows faces if it does.
    """

    model: str
    number: int
    manifest: Manifest
    task: AnyTask
    goldens: tuple[Golden, ...]
    explanation: AnyTask | None = None
    faces: AnyTask | None = None

    def is_as(self, other: "ServedVersion") -> bool:
        """Whether it answers as the other one does: learnt anew after an outage, it is another object."""
        return (self.number, self.manifest.digest) == (other.number, other.manifest.digest)

    def explained(self) -> AnyTask:
        """Raises `UnexplainedError` when this version cannot explain its answers."""
        if self.explanation is None:
            why = self.manifest.absent.get(
                EXPLAIN_SIGNATURE, f"it was exported without a signature {EXPLAIN_SIGNATURE}"
            )
            raise UnexplainedError(self.model, self.number, why)
        return self.explanation


def learn_version(server: Server, model: str, number: int, limits: Limits, deadline: Deadline) -> ServedVersion:
    """Reads a version's documents from a model server.

    Raises:
        UnfitVersionError: they are missing or cannot be read.
        ModelServerDownError, DeadlineError, VersionGoneError: the server could not be asked; try again later.
    """
    try:
        documents = server.documents(model, number, _SECTIONS, deadline)
        manifest = Manifest.parse(documents["manifest"]).model_copy(update={"version": number})
        goldens = parse_goldens(documents["golden"])
    except (BrokenAnswerError, ManifestError) as exc:
        raise UnfitVersionError(f"no readable manifest: {exc}") from exc
    if manifest.languages:
        language.load()
    given = (manifest, documents, limits)
    return ServedVersion(
        model, number, manifest, build_task(*given), goldens, build_explanation(*given), build_faces(*given)
    )


def replay_goldens(version: ServedVersion, server: Server, deadline: Callable[[], Deadline]) -> None:
    """Asks the version on one server each of its goldens, each with a deadline of its own.

    Raises:
        UnfitVersionError: it has none, or answers one of them wrongly.
        ModelServerDownError, DeadlineError, VersionGoneError: the server could not be asked; try again later.
    """
    if not version.goldens:
        raise UnfitVersionError("it carries no golden requests")
    for golden in version.goldens:
        try:
            until = deadline()
            run, release = running(version, server, until), releasing(version, server)
            wrong = replayed(version, golden, run, release, until, slot_until=until.within(_SLOT_S))
        except (RequestError, ProcessingError, ManifestError, BrokenAnswerError) as exc:
            raise UnfitVersionError(f"golden {golden.name} has no answer: {exc}") from exc
        if wrong:
            raise UnfitVersionError(
                f"golden {golden.name} is answered wrongly: {wrong}; "
                "either the version is damaged or it was exported for another code of `processing`: publish it anew"
            )


def running(version: ServedVersion, server: Server, deadline: Deadline) -> Run:
    """Runs the version on that server."""

    def run(signature: str, given: Tensors) -> Tensors:
        return server.predict(version.model, version.number, signature, given, deadline)

    return run


def releasing(version: ServedVersion, server: Server) -> Release:
    """Has that server forget what it keeps of the version's texts."""
    return partial(server.release, version.model, version.number)


def replayed(
    version: ServedVersion,
    golden: Golden,
    run: Run,
    release: Release,
    deadline: Deadline,
    *,
    slot_until: Deadline | None = None,
) -> str | None:
    """What is wrong with the version's answer to a golden, None if nothing is. Raises what a request would.

    `slot_until`: so long it waits for a slot at most, where the version keeps texts; None: until the deadline.
    """
    task = version.task
    request = read_request(task, golden.body, golden.media_type)
    inputs = task.preprocess(request, deadline.remaining_s)
    outputs = task.infer(request, inputs, asking(run, release, task.signature, slot_until or deadline))
    answer = task.postprocess(request, outputs).model_dump(mode="json", exclude_none=True)
    return difference(golden.expected, answer, golden.tolerance)
