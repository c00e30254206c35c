"""Whether what is kept gives the answers of the whole text, alone and beside others; and what is recorded of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.errors import CacheError
from export.goldens import Answer, Array
from export.records import Record
from store.manifest import DECODE_SIGNATURE, PREFILL_SIGNATURE, RELEASE_SIGNATURE, Cache
from store.twin import gap

_ALLOWED = 1e-4  # see `store.twin.gap`
_GROWN = 4  # tokens at the end of a text that are told one by one, and so many that are found after it
_RECORDS = 2

Texts = Mapping[str, Array]  # token ids `[tokens]` by the name of the golden


def check_cache(functions: Mapping[str, Any], answer: Answer, texts: Texts, cache: Cache) -> float:
    """Reads each text but its last tokens, in pieces, then lets it grow by these: by itself, and with as many others as
    there are slots. What follows it is found token by token, and at once.

    Args:
        functions: the `tf.function` of each keeping signature.
        answer: token ids `[1, tokens]` to `logits` `[1, vocabulary]`, by nothing but these.

    Returns:
        The largest gap of the logits.

    Raises:
        CacheError: a gap is too large, a slot is not held, or tokens found at once are others.
    """
    whole = {name: _whole(answer, token_ids) for name, token_ids in texts.items()}
    names = list(texts)
    groups = [names[start : start + cache.slots] for start in range(0, len(names), cache.slots)]
    alone = [[name] for name in names]
    return max(
        _grow(functions, {name: (texts[name], whole[name]) for name in group}, cache) for group in alone + groups
    )


def cache_records(functions: Mapping[str, Any], texts: Texts, cache: Cache) -> list[Record]:
    """Requests that keep nothing, which a model server can be asked at any time: the beginning of a text, and its first
    token."""
    records = []
    for name, token_ids in list(texts.items())[:_RECORDS]:
        piece = token_ids[: cache.piece]
        records.append(_record(name, functions, PREFILL_SIGNATURE, _prefill(0, piece, 0)))
        records.append(_record(name, functions, DECODE_SIGNATURE, _decode([0], [0], [int(token_ids[0])])))
    return records


def _whole(answer: Answer, token_ids: Array) -> list[Array]:
    """The logits after all but the last tokens, and after each of these."""
    read = max(1, len(token_ids) - _GROWN)
    return [np.asarray(answer(token_ids[np.newaxis, :end])["logits"])[0] for end in range(read, len(token_ids) + 1)]


def _grow(functions: Mapping[str, Any], texts: Mapping[str, tuple[Array, list[Array]]], cache: Cache) -> float:
    leases = {name: number for number, name in enumerate(texts, start=1)}
    largest, at = 0.0, {}
    for name, (token_ids, expected) in texts.items():
        at[name] = len(token_ids) - len(expected) + 1
        for start in range(0, at[name], cache.piece):
            piece = token_ids[start : min(start + cache.piece, at[name])]
            found = _asked(functions, PREFILL_SIGNATURE, _prefill(leases[name], piece, start), [name])
        largest = max(largest, _compare(name, expected[0], found[0]))
    for step in range(1, max(len(expected) for _, expected in texts.values())):
        growing = [name for name, (_, expected) in texts.items() if step < len(expected)]
        places = [at[name] + step - 1 for name in growing]
        told = [int(texts[name][0][place]) for name, place in zip(growing, places, strict=True)]
        inputs = _decode([leases[name] for name in growing], places, told)
        for name, row in zip(growing, _asked(functions, DECODE_SIGNATURE, inputs, growing), strict=True):
            largest = max(largest, _compare(name, texts[name][1][step], row))
    _write_on(functions, texts, leases, cache)
    functions[RELEASE_SIGNATURE](np.array(list(leases.values()), np.int64))
    return largest


def _write_on(
    functions: Mapping[str, Any],
    texts: Mapping[str, tuple[Array, list[Array]]],
    leases: Mapping[str, int],
    cache: Cache,
) -> None:
    """Raises `CacheError` when several steps of one call are not those of several calls."""
    names = [name for name, (token_ids, _) in texts.items() if len(token_ids) + _GROWN <= cache.length]
    if not names:
        return
    holders, places = [leases[name] for name in names], [len(texts[name][0]) - 1 for name in names]
    last = [int(texts[name][0][-1]) for name in names]
    told, rows = last, []
    for step in range(_GROWN):
        inputs = _decode(holders, [place + step for place in places], told)
        rows.append(_asked(functions, DECODE_SIGNATURE, inputs, names))
        told = rows[-1].argmax(axis=1).tolist()
    outputs = _run(functions, DECODE_SIGNATURE, _decode(holders, places, last, _GROWN))
    for row, name in enumerate(names):
        found = outputs["token_ids"][row, : outputs["counts"][row]].tolist()
        expected = [int(logits[row].argmax()) for logits in rows][: len(found)]
        if not found or (found != expected and not _is_a_tie([logits[row] for logits in rows], found)):
            raise CacheError(name, f"the tokens found at once are {found}, and one by one {expected}")


def _is_a_tie(rows: Sequence[Array], found: Sequence[int]) -> bool:
    """Whether the first token that differs is as probable as the one that was found before."""
    differs = next(step for step, token in enumerate(found) if token != rows[step].argmax())
    logits = rows[differs]
    as_good = logits.copy()
    as_good[found[differs]] = logits.max()
    return gap(logits, as_good) <= _ALLOWED


def _asked(functions: Mapping[str, Any], signature: str, inputs: Mapping[str, Array], names: Sequence[str]) -> Array:
    """The logits of rows that are held."""
    outputs = _run(functions, signature, inputs)
    for name, held in zip(names, outputs["held"].tolist(), strict=True):
        if not held:
            raise CacheError(name, f"{signature} holds no slot for it")
    return outputs["logits"]


def _compare(name: str, expected: Array, found: Array) -> float:
    apart = gap(expected, found)
    if not apart <= _ALLOWED:
        raise CacheError(
            name, f"logits differ by {apart:.1e} from those of the whole text, expected at most {_ALLOWED}"
        )
    return apart


def _record(name: str, functions: Mapping[str, Any], signature: str, inputs: Mapping[str, Array]) -> Record:
    return Record(name, signature, inputs, _run(functions, signature, inputs))


def _run(functions: Mapping[str, Any], signature: str, inputs: Mapping[str, Array]) -> dict[str, NDArray[Any]]:
    import tensorflow as tf

    function = functions[signature]
    outputs = function(*[tf.constant(inputs[spec.name]) for spec in function.input_signature])
    return {alias: np.asarray(values) for alias, values in outputs.items()}


def _prefill(lease: int, token_ids: Array, start: int) -> dict[str, Array]:
    return {
        "lease": np.array([lease], np.int64),
        "start": np.array([start], np.int32),
        "token_ids": token_ids[np.newaxis].astype(np.int32),
        "lengths": np.array([len(token_ids)], np.int32),
    }


def _decode(leases: Sequence[int], positions: Sequence[int], tokens: Sequence[int], steps: int = 1) -> dict[str, Array]:
    return {
        "lease": np.array(leases, np.int64),
        "position": np.array(positions, np.int32),
        "token_id": np.array(tokens, np.int32),
        "steps": np.full(len(leases), steps, np.int32),
    }
