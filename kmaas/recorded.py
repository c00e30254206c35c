"""Recorded answers, asked of a running model server: of the signatures that no golden asks."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from google.protobuf.message import DecodeError

from serving.errors import ProofError
from serving.runtimes.proof import Recorded, Run, Sample, check_answer
from store.layout import VersionDir
from store.manifest import Manifest
from wire.client import ModelServerClient, Prediction
from wire.errors import ModelServerError, TensorError, WireError
from wire.tensors import Array


def check_others(
    client: ModelServerClient,
    version: VersionDir,
    manifest: Manifest,
    asked: Collection[str],
    *,
    tolerance: float,
    timeout_s: float,
) -> tuple[str, ...]:
    """Asks the first request that is recorded for each signature but those that are `asked` otherwise. Returns their
    names.

    Args:
        version: where the records are; the server has the same version.
        manifest: the one in the graph.
        tolerance: of each number, see `store.twin.gap`.
        timeout_s: of each call. The first may open what a twin has left closed.

    Raises:
        ProofError: one is not answered, or otherwise than recorded; or there are fewer records than the manifest
            promises, or none that can be read.
    """
    recorded = Recorded(version, manifest.signatures)
    predict = partial(client.predict, manifest.model, timeout_s=timeout_s, version=version.number)
    found: list[str] = []
    try:
        for number, sample in enumerate(recorded if version.warm_up.is_file() else ()):
            if sample.signature not in (*asked, *found):
                _check(sample, partial(_ask, predict), tolerance, f"request {number}")
                found.append(sample.signature)
    except (DecodeError, OSError, WireError) as exc:
        raise ProofError(f"the recorded answers cannot be read: {exc}") from exc
    recorded.check_complete(manifest.recorded)
    return tuple(found)


def _check(sample: Sample, ask: Run, tolerance: float, what: str) -> None:
    try:
        check_answer(sample, ask, tolerance, what)
    except (ModelServerError, TensorError) as exc:
        raise ProofError(f"{what} of signature {sample.signature} is not answered: {_words(exc)}") from exc


def _ask(predict: Callable[..., Prediction], signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
    return predict(inputs, signature=signature).outputs


def _words(error: ModelServerError | TensorError) -> str:
    """Below the first line are nodes of the graph."""
    details = error.details if isinstance(error, ModelServerError) else str(error)
    return details.partition("\n")[0] or "without a reason"
