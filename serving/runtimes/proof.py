"""What a version must prove itself on: the requests of its warm-up file, with the answers recorded at its export.

Export records what the trained model answers. So a changed weight, graph or kernel shows before anybody is answered.
"""

import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

from google.protobuf.message import DecodeError

from serving.batching.tensors import group, merge, rows_of
from serving.errors import Code, LoadError, ProofError, RequestError
from serving.inference.call import signature_name
from serving.runtimes.runtime import Runtime
from store.errors import ManifestError, StoreError
from store.golden import read_goldens
from store.layout import MOST_WARM_UP, VersionDir
from store.twin import gap
from wire import messages
from wire.errors import WireError
from wire.records import read_records
from wire.tensors import Array, from_proto

Run = Callable[[str, Mapping[str, Array]], Mapping[str, Array]]
"""A signature and its inputs by alias to all its outputs by alias."""

_KEPT = 8  # samples of a signature that are tried in company
_COMPANIES = (2, 3, 8)
_FINAL = (Code.INVALID_ARGUMENT, Code.OUT_OF_RANGE, Code.UNIMPLEMENTED)  # the graph refuses, and would again

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """A request and its answer, tensors by alias."""

    signature: str
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]

    def goes_with(self, other: "Sample") -> bool:
        """Whether the rows of both may share a run, and their answers be told apart again."""
        return all(
            mine.keys() == theirs.keys() and _form(mine) == _form(theirs)
            for mine, theirs in ((self.inputs, other.inputs), (self.outputs, other.outputs))
        )

    @property
    def has_rows(self) -> bool:
        try:
            return rows_of(self.inputs) == rows_of(self.outputs)
        except RequestError:
            return False


class Recorded:
    """The requests of a version that have an answer, in their file's order, one at a time in memory.

    Attributes:
        found: how many of each signature the last iteration came by.
    """

    def __init__(self, version: VersionDir, signatures: Collection[str]) -> None:
        """`signatures` are all that the version has."""
        self.found: Counter[str] = Counter()
        self._version = version
        self._signatures = signatures

    def __iter__(self) -> Iterator[Sample]:
        """Raises:
        OSError, WireError, DecodeError: the file is not what it should be.
        ProofError: a request is of a signature that the version does not have.
        """
        self.found.clear()
        for record in islice(read_records(self._version.warm_up), MOST_WARM_UP):
            log = messages.PredictionLog.FromString(record).predict_log
            if not log.response.outputs:
                continue
            signature = signature_name(log.request.model_spec)
            if signature not in self._signatures:
                raise ProofError(f"an answer of signature {signature} is recorded, which the version does not have")
            self.found[signature] += 1
            yield Sample(
                signature,
                {alias: from_proto(proto) for alias, proto in log.request.inputs.items()},
                {alias: from_proto(proto) for alias, proto in log.response.outputs.items()},
            )

    def check_complete(self, promised: int) -> None:
        """After an iteration. Raises `ProofError` if it came by fewer."""
        found = self.found.total()
        if found < promised:
            each = ", ".join(f"{count} of {signature}" for signature, count in sorted(self.found.items()))
            raise ProofError(
                f"{found} recorded answers were found{each and f' ({each})'}, the manifest promises {promised}"
            )


def prove_version(version: VersionDir, runtime: Runtime, promised: int) -> None:
    """Asks `runtime` every request that the version's export recorded the answer of, of whatever signature. The goldens
    say how near is right.

    Args:
        promised: how many there are, as the manifest says.

    Raises:
        LoadError: an answer is wrong, or the records cannot be read.
    """
    if not (promised or version.warm_up.is_file()):
        return
    outputs = {name: signature.outputs.keys() for name, signature in runtime.signatures.items()}
    try:
        recorded = Recorded(version, outputs)
        samples = recorded if version.warm_up.is_file() else ()
        proved = prove(samples, partial(_run_all, runtime), outputs, _tolerance(version))
        recorded.check_complete(promised)
    except ProofError as exc:
        raise LoadError(Code.DATA_LOSS, f"{exc}; export the version again", final=True) from exc
    except RequestError as exc:
        raise LoadError(exc.code, exc.message, final=exc.code in _FINAL) from exc
    except (DecodeError, StoreError, WireError) as exc:
        raise LoadError(Code.DATA_LOSS, f"the recorded answers cannot be read: {exc}", final=True) from exc
    except OSError as exc:
        raise LoadError(Code.UNKNOWN, f"the recorded answers cannot be read: {exc}") from exc
    _log.info("%s answers as recorded: %s", version.path, ", ".join(sorted(proved)) or "nothing was")


def prove(
    samples: Iterable[Sample], run: Run, outputs: Mapping[str, Collection[str]], tolerance: float
) -> frozenset[str]:
    """Asks `run` for each sample alone, then for some of each signature in one run, as batching would.

    Args:
        outputs: of each signature that is asked; samples of others are passed over.

    Returns:
        The signatures that had samples.

    Raises:
        ProofError: an answer is further than `tolerance` from the one it should give, see `store.twin.gap`, or a sample
            has not all outputs of its signature.
        RequestError: a sample is not answered; the message says which.
    """
    kept: dict[str, list[Sample]] = {}
    for number, sample in enumerate(samples):
        if sample.signature not in outputs:
            continue
        if sample.outputs.keys() != set(outputs[sample.signature]):
            raise ProofError(
                f"the answer of request {number} has {sorted(sample.outputs)}; expected all outputs of "
                f"{sample.signature}: {sorted(outputs[sample.signature])}"
            )
        check_answer(sample, run, tolerance, f"request {number}")
        alike = kept.setdefault(sample.signature, [])
        if len(alike) < _KEPT and (sample.goes_with(alike[0]) if alike else sample.has_rows):
            alike.append(sample)
    for alike in filter(None, kept.values()):
        for size in _COMPANIES:
            check_answer(_together(alike, size), run, tolerance, f"{size} requests in one run")
    return frozenset(kept)


def _tolerance(version: VersionDir) -> float:
    goldens = read_goldens(version.golden)
    if not goldens:
        raise ManifestError(version.golden, "expected at least one golden")
    return min(golden.tolerance for golden in goldens)


def check_answer(sample: Sample, run: Run, tolerance: float, what: str) -> None:
    """One sample of `prove`, called `what` in errors. Raises as that does, and what `run` does."""
    try:
        received = run(sample.signature, sample.inputs)
    except RequestError as exc:
        raise RequestError(exc.code, f"{what} of signature {sample.signature} is not answered: {exc.message}") from exc
    gaps = {
        alias: gap(expected, received[alias]) if alias in received else math.inf
        for alias, expected in sorted(sample.outputs.items())
    }
    alias, apart = max(gaps.items(), key=lambda item: item[1], default=("", 0.0))
    if not apart <= tolerance:
        raise ProofError(
            f"{what} of signature {sample.signature} is answered otherwise than recorded: {alias} differs by "
            f"{apart:.1e}, expected at most {tolerance}"
        )


def _run_all(runtime: Runtime, signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
    outputs = sorted(runtime.signatures[signature].outputs)
    return dict(zip(outputs, runtime.run(signature, inputs, outputs, None), strict=True))


def _together(samples: Sequence[Sample], size: int) -> Sample:
    """`size` of them as one, in turns."""
    chosen = list(islice(cycle(samples), size))
    inputs, outputs = (
        merge(tensors, sorted(tensors[0]), fill=0, pad=False)
        for tensors in ([sample.inputs for sample in chosen], [sample.outputs for sample in chosen])
    )
    return Sample(samples[0].signature, inputs, outputs)


def _form(tensors: Mapping[str, Array]) -> object:
    return group(tensors, sorted(tensors), pad=False)
