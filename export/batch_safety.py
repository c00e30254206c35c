"""Whether rows may share a run: each golden must be answered in company as it is alone, whatever its neighbours are.

A model that averages over padding, or normalises by the batch, answers a caller otherwise when others ask beside.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from export.batches import batch_of
from export.errors import BatchSafetyError
from export.goldens import Answer, Array, CheckedRequest
from export.records import Record
from processing.spec import ExportedSpec, ImageSpec, TextSpec, TranslationSpec
from store.manifest import Batching
from store.twin import gap

SIZES = (2, 3, 4, 8, 16, 32, 64)  # the last is the most that the gateway takes in one request

_ALLOWED = 1e-4  # see `store.twin.gap`
_TOGETHER = 8  # rows of the signatures beside `serving_default`
_QUEUED = 100  # batches; TensorFlow Serving's own 10 turn a burst away


def check_batch_safety(
    answer: Answer,
    goldens: Sequence[CheckedRequest],
    *,
    pad: int,
    stranger: Array | None = None,
    sizes: tuple[int, ...] = SIZES,
) -> Batching:
    """Asks each golden alone, then in batches of all `sizes`, short inputs beside long ones.

    Args:
        pad: what fills the shorter inputs of a batch of unequal ones.
        stranger: a long input `[…]`, for models that take several lengths; each golden is asked beside it.

    Raises:
        BatchSafetyError: an answer changes with the company.
    """
    rows = [golden.inputs[0] for golden in goldens]
    alone = [_asked(answer, row[np.newaxis], goldens[number]) for number, row in enumerate(rows)]
    largest = 0.0
    for company in _companies(rows, sizes):
        batch = batch_of([rows[number] for number in company], pad)
        largest = max(largest, _compare(answer, batch, company, goldens, alone))
    if stranger is not None:
        for number, row in enumerate(rows):
            largest = max(largest, _compare(answer, batch_of([row, stranger], pad), [number], goldens, alone))
    return Batching(sizes=sizes, largest=largest, allowed=_ALLOWED)


def check_records_together(function: Any, records: Iterable[Record]) -> None:
    """Asks a signature beside `serving_default` its recorded requests in batches of 8, those together that have inputs
    and outputs of the same shapes: nothing in such a signature knows padding.

    Raises:
        BatchSafetyError: an answer is not the recorded one.
    """
    alike: dict[object, list[Record]] = {}
    for record in records:
        alike.setdefault(_shapes(record), []).append(record)
    for group in alike.values():
        for start in range(0, len(group), _TOGETHER):
            _check_together(function, list(islice(cycle(group[start : start + _TOGETHER]), _TOGETHER)))


def stranger_for(spec: ExportedSpec, goldens: Sequence[CheckedRequest]) -> Array | None:
    """The longest golden over and over: of tokens as many as the model takes, of samples twice as many as it has.

    None: inputs have one size.
    """
    if isinstance(spec, ImageSpec):
        return None
    longest = max((golden.inputs[0] for golden in goldens), key=len)
    return np.resize(longest, spec.max_tokens if isinstance(spec, TextSpec | TranslationSpec) else 2 * longest.size)


def write_batching_parameters(path: Path, batching: Batching) -> None:
    """The file from which a model server learns how to batch this version, as a text `BatchingParameters`.

    It does not say `pad_variable_length_inputs`: servers then fill shorter rows up with their own first element, which
    no mask knows.
    """
    sizes = "".join(f"allowed_batch_sizes: {size}\n" for size in (1, *batching.sizes))
    path.write_text(
        f"# In batches of these sizes each row was answered as it is alone, within {batching.largest:.1e} "
        f"(allowed: {batching.allowed}).\n"
        "# Rows of unequal lengths do not go together: filled up, they would be answered otherwise.\n"
        f"max_batch_size {{ value: {batching.sizes[-1]} }}\n"
        "batch_timeout_micros { value: 0 }\n"
        f"max_enqueued_batches {{ value: {_QUEUED} }}\n"
        f"{sizes}"
    )


def _companies(rows: Sequence[Array], sizes: Sequence[int]) -> Iterator[list[int]]:
    """For each size as many batches as it takes for every row to be in one. Positions, short and long rows in turns."""
    by_length = sorted(range(len(rows)), key=lambda number: rows[number].size)
    half = (len(rows) + 1) // 2
    mixed = [number for pair in zip(by_length[:half], by_length[::-1], strict=False) for number in pair][: len(rows)]
    for size in sizes:
        for start in range(0, len(rows), size):
            yield [mixed[(start + place) % len(rows)] for place in range(size)]


def _compare(
    answer: Answer,
    batch: Array,
    company: Sequence[int],
    goldens: Sequence[CheckedRequest],
    alone: Sequence[Mapping[str, Array]],
) -> float:
    """The largest gap between the answers to the first rows of `batch` and those to the same goldens alone."""
    together = _asked(answer, batch, goldens[company[0]])
    largest = 0.0
    for place, number in enumerate(company):
        for output, values in alone[number].items():
            apart = gap(values[0], together[output][place])
            if not apart <= _ALLOWED:
                difference = f"{output} differ by {apart:.1e}, expected at most {_ALLOWED}"
                raise BatchSafetyError(goldens[number].golden.name, len(batch), difference)
            largest = max(largest, apart)
    return largest


def _shapes(record: Record) -> object:
    return tuple(
        tuple((alias, array.shape) for alias, array in sorted(tensors.items()))
        for tensors in (record.inputs, record.outputs)
    )


def _check_together(function: Any, company: Sequence[Record]) -> None:
    import tensorflow as tf

    inputs = [np.concatenate([record.inputs[spec.name] for record in company]) for spec in function.input_signature]
    together = function(*map(tf.constant, inputs))
    for place, record in enumerate(company):
        for output, values in record.outputs.items():
            apart = gap(values, np.asarray(together[output])[place : place + 1])
            if not apart <= _ALLOWED:
                difference = f"{output} of {record.signature} differ by {apart:.1e}, expected at most {_ALLOWED}"
                raise BatchSafetyError(record.name, len(company), difference)


def _asked(answer: Answer, batch: Array, golden: CheckedRequest) -> dict[str, Array]:
    """Every output, which must have a row for each input."""
    try:
        outputs = {name: np.asarray(values) for name, values in answer(batch).items()}
    except Exception as exc:  # TensorFlow and Keras raise many types for a shape that does not do
        raise BatchSafetyError(golden.golden.name, len(batch), f"it fails: {exc}") from exc
    for name, values in outputs.items():
        if values.shape[:1] != batch.shape[:1]:
            raise BatchSafetyError(
                golden.golden.name, len(batch), f"{name} has shape {list(values.shape)}, expected {len(batch)} rows"
            )
    return outputs
