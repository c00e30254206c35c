"""A version's LiteRT twin: the same answers, faster on CPUs; kept only if that is so."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from export.agreement import Batches, agreement
from export.archive import MANIFEST_SIGNATURE, SERVING_SIGNATURE
from export.batches import batch_of
from export.errors import TwinError
from export.goldens import Answer, CheckedRequest
from export.race import Race
from store.contents import sha256_of
from store.layout import VersionDir
from store.twin import Twin, gap

_TOLERANCE = 1e-4
_BATCHES = (1, 2, 3, 8)
_MODEL, _DOCUMENTS = "model.tflite", "documents.json"


def write_twin(
    version: VersionDir,
    answer: Answer,
    goldens: Sequence[CheckedRequest],
    documents: Mapping[str, bytes],
    *,
    pad: int,
    held_out: Batches = (),
) -> None:
    """Converts `serving_default` to float32 LiteRT, its dimensions as free as the SavedModel's, beside the SavedModel.

    Args:
        answer: what the trained model answers to a batch, by output.
        documents: what the `manifest` signature answers; UTF-8.
        pad: what fills the shorter inputs of a batch of unequal ones.
        held_out: on which the twin must agree with the model besides.

    Raises:
        TwinError: the model cannot be converted, or its twin answers otherwise; there is no twin then.
    """
    try:
        version.twin.mkdir(parents=True)
        _convert(version)
        texts = {section: document.decode() for section, document in documents.items()}
        (version.twin / _DOCUMENTS).write_text(json.dumps(texts))
        run = _runner(version.twin / _MODEL)
        _check(run, answer, goldens, pad)
        Twin(
            model=_MODEL,
            signatures=(SERVING_SIGNATURE,),
            documents={MANIFEST_SIGNATURE: _DOCUMENTS},
            sha256={name: sha256_of(version.twin / name) for name in (_MODEL, _DOCUMENTS)},
            tolerance=_TOLERANCE,
            agreement=agreement(answer, run, held_out, _TOLERANCE),
        ).write(version.twin)
    except BaseException:
        shutil.rmtree(version.twin)
        raise


def twin_model(version: VersionDir) -> Path | None:
    """Its LiteRT file, if it has one."""
    model = version.twin / _MODEL
    return model if model.exists() else None


def keep_winner(version: VersionDir, race: Race) -> None:
    """Tells the twin's speed beside it.

    Raises:
        TwinError: it did not win; there is no twin then.
    """
    try:
        speed = race.won()
    except TwinError:
        shutil.rmtree(version.twin)
        raise
    Twin.read(version.twin).model_copy(update={"speed": speed}).write(version.twin)


def _convert(version: VersionDir) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(version.path), signature_keys=[SERVING_SIGNATURE])
    try:
        (version.twin / _MODEL).write_bytes(converter.convert())
    except Exception as exc:  # the converter has its own error, ValueError and RuntimeError for what it cannot do
        raise TwinError(f"it cannot be converted: {str(exc).strip().partition(chr(10))[0]}") from exc


def _runner(model: Path) -> Answer:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # it ships no types

    run = Interpreter(model_path=str(model)).get_signature_runner(SERVING_SIGNATURE)
    (name,) = run.get_input_details()
    return lambda batch: dict(run(**{name: batch}))


def _check(run: Answer, answer: Answer, goldens: Sequence[CheckedRequest], pad: int) -> None:
    rows = [golden.inputs[0] for golden in goldens]
    for size in _BATCHES:
        for start in range(0, len(rows), size):
            batch = batch_of(rows[start : start + size], pad)
            expected, received = answer(batch), run(batch)
            if expected.keys() != received.keys():
                raise TwinError(f"its outputs are {sorted(received)}, expected {sorted(expected)}")
            for output, values in expected.items():
                apart = gap(np.asarray(values), received[output])
                if not apart <= _TOLERANCE:
                    raise TwinError(
                        f"in batches of {size} its {output} differ by {apart:.1e}, expected at most {_TOLERANCE}"
                    )
