"""A version with a LiteRT twin, exported in a process of its own: `python -m tests.support.twins FOLDER`.

A small classifier of token ids `[rows, tokens]`, any number of both, with the documents `manifest` and `card`. Its twin
lacks the signature `raw`, which takes the ids as texts. `RECORDED` answers are recorded.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from store.contents import seal
from store.golden import Golden, write_goldens
from store.layout import VersionDir
from tests.support.manifests import manifest
from tests.support.once import made_once

TOKENS = 50
LENGTHS = (1, 3, 8)  # of the requests whose answers are recorded, for each signature
RECORDED = 2 * len(LENGTHS)
MANIFEST = manifest("tokens").model_copy(update={"recorded": RECORDED})
DOCUMENTS = {"manifest": MANIFEST.document(), "card": "für alle".encode()}


@cache
def version() -> VersionDir:
    """The version, made once per run of the tests; not to be changed."""
    return VersionDir(made_once("twin", _make) / "1")


def _make(made: Path) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    subprocess.run([sys.executable, "-m", __name__, str(made / "1")], check=True, env=environment, timeout=300)


def put(target: Path) -> VersionDir:
    """A copy, which appears at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.parent / f".staging-{target.name}"
    shutil.copytree(version().path, staging)
    staging.rename(target)
    return VersionDir(target)


def _main(folder: Path) -> None:
    import keras
    import tensorflow as tf

    from export.archive import serving_function, write_saved_model
    from export.goldens import CheckedGolden
    from export.records import Record, serving_records, strings
    from export.twin import write_twin
    from export.warm_up import write_warm_up

    keras.utils.set_random_seed(1)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    vectors = keras.layers.Embedding(TOKENS, 8, mask_zero=True)(token_ids)
    model = keras.Model(token_ids, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(vectors)))
    inputs = tf.TensorSpec([None, None], tf.int32, name="token_ids")
    serve = serving_function(model, inputs)

    def raw(text: Any) -> Any:
        return serve(tf.strings.to_number(tf.strings.split(text), tf.int32).to_tensor())

    goldens = []
    for length in LENGTHS:
        ids = np.arange(1, length + 1, dtype=np.int32)[np.newaxis]
        golden = Golden.of(f"{length}-tokens", "application/json", b"{}", [], 1e-4)
        goldens.append(CheckedGolden(golden, ids, np.asarray(model(ids))))
    records = serving_records(goldens, inputs.name)
    for record, checked in zip(list(records), goldens, strict=True):
        text = " ".join(map(str, checked.inputs[0])).encode()
        records.append(Record(record.name, "raw", {"text": strings(text)}, record.outputs))
    others = {"raw": tf.function(raw, input_signature=[tf.TensorSpec([None], tf.string, name="text")])}
    write_saved_model(folder, model, serve, DOCUMENTS, others)
    made = VersionDir(folder)
    made.extra.mkdir()
    write_warm_up(made.warm_up, "tokens", records)
    write_twin(made, serve, goldens, DOCUMENTS, pad=0)
    write_goldens(made.golden, [Golden.of("one", "application/json", b"{}", [], 1e-4)])
    seal(made, MANIFEST)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
