"""What a twin must prove itself on: the requests of the version's warm-up file, with the answers of its SavedModel."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from serving.batching.tensors import group, merge, rows_of
from serving.errors import RequestError, TwinError
from store.layout import VersionDir
from store.twin import gap
from wire import messages
from wire.records import read_records
from wire.tensors import Array, from_proto

Run = Callable[[str, Mapping[str, Array]], Mapping[str, Array]]
"""A signature and its inputs by alias to all its outputs by alias."""

_MOST = 1000  # requests, TensorFlow Serving's limit
_KEPT = 8  # samples of a signature that are tried in company
_COMPANIES = (2, 3, 8)


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


def read_samples(version: VersionDir, signatures: Collection[str]) -> Iterator[Sample]:
    """Those of `signatures` that have an answer, one at a time in memory.

    Raises:
        OSError, WireError, DecodeError: the file is not what it should be.
    """
    for record in islice(read_records(version.warm_up), _MOST):
        log = messages.PredictionLog.FromString(record).predict_log
        if log.response.outputs and log.request.model_spec.signature_name in signatures:
            yield Sample(
                log.request.model_spec.signature_name,
                {alias: from_proto(proto) for alias, proto in log.request.inputs.items()},
                {alias: from_proto(proto) for alias, proto in log.response.outputs.items()},
            )


def prove(samples: Iterable[Sample], run: Run, outputs: Mapping[str, Collection[str]], tolerance: float) -> None:
    """Asks `run` for each sample alone, then for some of each signature in one run, as batching would.

    Args:
        outputs: of each signature that is to prove itself.

    Raises:
        TwinError: an answer is further than `tolerance` from the one it should give, see `store.twin.gap`; or a
            signature has no samples, or samples without all its outputs.
    """
    kept: dict[str, list[Sample]] = {}
    for number, sample in enumerate(samples):
        if sample.outputs.keys() != set(outputs[sample.signature]):
            raise TwinError(
                f"the answer of request {number} has {sorted(sample.outputs)}; expected all outputs of "
                f"{sample.signature}: {sorted(outputs[sample.signature])}"
            )
        _check(sample, run, tolerance, f"request {number}")
        alike = kept.setdefault(sample.signature, [])
        if len(alike) < _KEPT and (sample.goes_with(alike[0]) if alike else sample.has_rows):
            alike.append(sample)
    for name in outputs.keys() - kept.keys():
        raise TwinError(f"the warm-up file has no request with an answer for signature {name}")
    for alike in filter(None, kept.values()):
        for size in _COMPANIES:
            _check(_together(alike, size), run, tolerance, f"{size} requests in one run")


def _check(sample: Sample, run: Run, tolerance: float, what: str) -> None:
    received = run(sample.signature, sample.inputs)
    for alias, expected in sample.outputs.items():
        apart = gap(expected, received[alias]) if alias in received else float("inf")
        if not apart <= tolerance:
            raise TwinError(
                f"it answers {what} otherwise than the SavedModel did: {alias} differs by {apart:.1e}, expected at "
                f"most {tolerance}"
            )


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
