"""Rows to try a signature with: from the version's warm-up requests, else made up."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from serving.batching.tensors import group, pieces, rows_of
from serving.errors import RequestError
from serving.runtimes.measure import made_up, made_up_rows
from wire import messages
from wire.errors import WireError
from wire.methods import DEFAULT_SIGNATURE
from wire.records import read_records
from wire.tensors import Array, from_proto

# Tensors of one call by alias, of one row each.
Rows = Mapping[str, Array]

_RECORDS = 64  # of the file; it may have 1000, of any size
_MOST = 8


def read_samples(warm_up: Path) -> dict[str, list[Rows]]:
    """Rows of the Predict requests in a warm-up file, by signature; what cannot be read gives none.

    Whoever replays the file says what is wrong with it.
    """
    samples: dict[str, list[Rows]] = {}
    try:
        for record in islice(read_records(warm_up), _RECORDS):
            request = messages.PredictionLog.FromString(record).predict_log.request
            rows = samples.setdefault(request.model_spec.signature_name or DEFAULT_SIGNATURE, [])
            if len(rows) < _MOST:
                rows += _rows({alias: from_proto(proto) for alias, proto in request.inputs.items()})
    except (OSError, WireError, DecodeError):
        pass
    return samples


def distinct(signature: Any, samples: Sequence[Rows]) -> list[Rows]:
    """Up to 8 rows of every input, which differ, and may share a batch; none where that cannot be had.

    Where `samples` have not two such, rows of the shape of the first are made up, or of the shape that the signature
    declares.
    """
    aliases = sorted(signature.inputs)
    whole = [row for row in samples if sorted(row) == aliases]
    found = _different(_alike(whole, aliases), aliases)
    if len(found) < 2:
        like = whole[0] if whole else made_up(signature)
        if not like or any(array.shape[:1] != (1,) for array in like.values()):
            return []
        found = _different(made_up_rows(like, _MOST), aliases)
    return found[:_MOST] if len(found) > 1 else []


def _rows(inputs: Mapping[str, Array]) -> list[Rows]:
    try:
        return list(pieces(inputs, [1] * min(_MOST, rows_of(inputs))))
    except RequestError:  # they are not rows
        return []


def _alike(rows: Sequence[Rows], aliases: Sequence[str]) -> list[Rows]:
    return [row for row in rows if group(row, aliases, pad=False) == group(rows[0], aliases, pad=False)]


def _different(rows: Sequence[Rows], aliases: Sequence[str]) -> list[Rows]:
    return list({tuple(_content(row[alias]) for alias in aliases): row for row in rows}.values())


def _content(array: Array) -> Hashable:
    return tuple(array.ravel().tolist()) if array.dtype.hasobject else array.tobytes()
