"""Loads an export in a fresh process and compares its answers: `python -m export.reload FOLDER CHECKS`."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.archive import MANIFEST_SIGNATURE, SERVING_SIGNATURE
from export.errors import ReloadError
from export.goldens import CheckedGolden
from export.raw.signature import RAW_SIGNATURE

_CLOSE = 1e-5
_OUTPUTS = ("logits", "probabilities")


@dataclass(frozen=True)
class RawCheck:
    """What the signature `raw` must answer: `outputs` to the strings `given` under its input's name, in one batch."""

    input_name: str
    given: Sequence[bytes]
    outputs: Mapping[str, Any]


def check_reload(
    folder: Path,
    checks: Path,
    input_name: str,
    goldens: Sequence[CheckedGolden],
    documents: Mapping[str, bytes],
    *,
    raw: RawCheck | None = None,
) -> None:
    """Compares in a process that has never seen the Keras model; `checks` is a file that it may write.

    Raises:
        ReloadError: logits or probabilities differ by more than 1e-5, or a document is not what it was.
    """
    arrays: dict[str, Any] = {"input_name": np.array(input_name)}
    for number, golden in enumerate(goldens):
        arrays |= {
            f"inputs_{number}": golden.inputs,
            f"logits_{number}": golden.logits,
            f"probabilities_{number}": golden.probabilities,
        }
    for section, document in documents.items():
        arrays[f"document_{section}"] = np.frombuffer(document, np.uint8)
    if raw is not None:
        arrays |= {"raw_name": np.array(raw.input_name)}
        arrays |= {f"raw_{output}": np.asarray(raw.outputs[output]) for output in _OUTPUTS}
        arrays |= {f"given_{number}": np.frombuffer(text, np.uint8) for number, text in enumerate(raw.given)}
    np.savez(checks, **arrays)
    command = [sys.executable, "-m", __name__, str(folder), str(checks)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise ReloadError((done.stdout.strip() or done.stderr.strip()).rpartition("\n")[2])


def differences(folder: Path, checks: Path) -> list[str]:
    """What the SavedModel in `folder` answers otherwise than `checks` says, in words."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 (registers its operations)

    signatures = tf.saved_model.load(str(folder)).signatures
    found = []
    with np.load(checks) as arrays:
        name = str(arrays["input_name"])
        for key in arrays.files:
            kind, _, which = key.partition("_")
            if kind == "inputs":
                answer = signatures[SERVING_SIGNATURE](**{name: tf.constant(arrays[key])})
                expected = {output: arrays[f"{output}_{which}"] for output in _OUTPUTS}
                found += _compare(f"golden {which}", expected, answer)
            elif kind == "document":
                answer = signatures[MANIFEST_SIGNATURE](section=tf.constant([which]))
                if answer["document"][0].numpy() != arrays[key].tobytes():
                    found.append(f"section {which} of the manifest signature is not the document that was written")
        if "raw_name" in arrays:
            given = [arrays[key].tobytes() for key in arrays.files if key.startswith("given_")]
            answer = signatures[RAW_SIGNATURE](**{str(arrays["raw_name"]): tf.constant(given)})
            found += _compare(RAW_SIGNATURE, {output: arrays[f"raw_{output}"] for output in _OUTPUTS}, answer)
    return found


def _compare(which: str, expected: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    found = []
    for output, values in expected.items():
        gap = float(np.abs(values - answer[output].numpy()).max())
        if not gap <= _CLOSE * max(1.0, float(np.abs(values).max())):
            found.append(f"{which}: {output} differ by {gap:.1e}, expected at most {_CLOSE} (relative)")
    return found


if __name__ == "__main__":
    reasons = differences(Path(sys.argv[1]), Path(sys.argv[2]))
    if reasons:
        sys.exit("; ".join(reasons))
