"""A wrong version never answers: whatever is changed, export, load or gateway refuses, and says what and by how much.

Every refusal comes from the real commands, on small real trainings.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from store.golden import INDEX
from store.layout import Store, VersionDir
from store.publish import publish
from tests.support import small_models
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.runs import LEARNT, Workplace
from tests.support.sabotage import (
    change_documents,
    change_recorded,
    change_weight,
    code_with,
    forget_recorded,
    reseal,
    swap_outputs,
)
from training.run import Run
from wire.client import ModelServerClient, VersionStatus


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.at(tmp_path_factory.mktemp("wrong"))


@pytest.fixture(scope="module")
def digits(place: Workplace) -> Path:
    return place.exported("digits", *LEARNT)


@pytest.fixture(scope="module")
def sentiment(place: Workplace) -> Path:
    return place.exported("sentiment")


def _untwinned(run: Path) -> Path:
    """Its export without the twin, which would answer in place of the SavedModel."""
    shutil.rmtree(VersionDir(run / "export").twin, ignore_errors=True)  # there is none if it lost the race
    return run / "export"


@pytest.fixture(scope="module")
def digits_version(digits: Path) -> Path:
    return _untwinned(digits)


@pytest.fixture(scope="module")
def sentiment_version(sentiment: Path) -> Path:
    return _untwinned(sentiment)


def _refused(done: subprocess.CompletedProcess[str], text: str) -> None:
    assert done.returncode == 1
    assert re.search(text, done.stderr), done.stderr
    assert "nothing was exported" in done.stderr
    assert "Traceback" not in done.stderr


def _copied(run: Path, folder: Path) -> Path:
    """A run of one's own, never exported."""
    return Path(shutil.copytree(run, folder / run.name, ignore=shutil.ignore_patterns("export")))


def _measured_so(run: Path) -> None:
    """The evaluation says that it measured the files as they are now."""
    (run / "evaluation" / "contents.json").write_text(json.dumps(Run.open(run).contents()))


# --- What export refuses


def test_labels_in_another_order(place: Workplace, digits: Path, tmp_path: Path) -> None:
    labels = "0128456739"
    code = code_with(tmp_path / "code", "models/digits.py", 'tuple("0123456789")', f'tuple("{labels}")')
    done = replace(place, code=code).kmaas("export", str(_copied(digits, tmp_path)))
    _refused(done, rf"the labels are {', '.join(labels)}, in the evaluation of the run they were 0, 1, 2, 3, 4, 5, 6,")


def test_a_file_of_the_run_that_is_not_what_was_evaluated(place: Workplace, sentiment: Path, tmp_path: Path) -> None:
    """Whether or not any example is answered otherwise."""
    run = _copied(sentiment, tmp_path)
    (run / "tokenizer.json").write_text((run / "tokenizer.json").read_text() + " ")
    _refused(
        place.kmaas("export", str(run)),
        r"tokenizer\.json of .* changed since the run was evaluated; `kmaas evaluate .*` measures it as it is now",
    )


def test_a_changed_weight_of_the_run(place: Workplace, digits: Path, tmp_path: Path) -> None:
    import h5py  # type: ignore[import-untyped]  # it ships no types

    run = _copied(digits, tmp_path)
    with h5py.File(run / "model.weights.h5", "r+") as weights:
        biases: list[h5py.Dataset] = []
        weights.visititems(lambda _, found: biases.append(found) if getattr(found, "shape", ()) == (10,) else None)
        [bias] = biases
        bias[-1] += 0.5
    _measured_so(run)
    _refused(
        place.kmaas("export", str(run)),
        r"example digit-0-0 is answered otherwise than when the run was evaluated: answers differ by \d\.\de[-+]0\d, "
        r"expected at most 0\.0001",
    )


def test_a_tokenizer_that_does_not_lower_the_case(place: Workplace, sentiment: Path, tmp_path: Path) -> None:
    run = _copied(sentiment, tmp_path)
    document = json.loads((run / "tokenizer.json").read_bytes())
    steps = document["normalizer"]["normalizers"]
    steps.remove({"type": "Lowercase"})
    (run / "tokenizer.json").write_text(json.dumps(document))
    _measured_so(run)
    _refused(
        place.kmaas("export", str(run)),
        r"training and gateway preprocessing differ by \d+ token ids on average and by \d+ at most, in "
        r"(negative|positive)-\d+ \(\d+ of its \d+ numbers\); expected at most 0 and 0",
    )


def test_padding_that_is_not_masked(place: Workplace, sentiment: Path, tmp_path: Path) -> None:
    """Alone no text has padding, and every answer is right."""
    mask = 'ops.cast(ops.not_equal(token_ids, 0), "float32")'
    code = code_with(tmp_path / "code", "models/valence.py", mask, 'ops.ones_like(token_ids, dtype="float32")')
    done = replace(place, code=code).kmaas("export", str(_copied(sentiment, tmp_path)))
    _refused(
        done,
        r"golden (negative|positive)-\d+ in a batch of 2 is answered otherwise than alone: (logits|probabilities) "
        r"differ by \d\.\de[-+]0\d, expected at most 0\.0001",
    )


def test_a_batch_normalisation_left_in_training(place: Workplace, tmp_path: Path) -> None:
    """Trained with it: the run is as it was evaluated."""
    layer = 'layers.MaxPooling2D(name="pool_1"),'
    left = (
        'type("Left", (layers.BatchNormalization,), {"call": lambda self, x, training=None, mask=None: '
        'layers.BatchNormalization.call(self, x, training=True)})(name="left"),'
    )
    code = code_with(tmp_path / "code", "models/digits.py", layer, f"{layer} {left}")
    broken = replace(place, code=code)
    done = broken.kmaas("export", str(broken.train("digits", *LEARNT)))
    _refused(
        done,
        r"golden digit-\d-\d in a batch of 2 is answered otherwise than alone: logits differ by \d\.\de[-+]0\d, "
        r"expected at most 0\.0001; .*BatchNormalization with training=False",
    )


# --- What the model server refuses


def _status(server: ModelServerProcess, model: str) -> dict[int, VersionStatus]:
    with ModelServerClient(server.target) as client:
        return {line.version: line for line in client.status(model, timeout_s=30)}


CHANGED: Mapping[str, tuple[Callable[[Path], object], str, str]] = {
    "a weight": (
        lambda version: change_weight(version, (10,), 0.5),
        "0 of signature serving_default",
        r"logits differs by \d\.\de[-+]0\d",
    ),
    "the graph of raw": (
        lambda version: swap_outputs(version, "raw", "logits", "probabilities"),
        "40 of signature raw",
        r"(logits|probabilities) differs by \d\.\de[-+]0\d",
    ),
    "the answer of explain": (
        lambda version: change_recorded(VersionDir(version), "explain", "heat", 0.5),
        "48 of signature explain",
        r"heat differs by 5\.0e-01",
    ),
}


def test_what_is_changed_in_a_version(digits_version: Path, tmp_path: Path) -> None:
    """The old version goes on, and nothing is tried again in vain."""
    store = Store.at(tmp_path / "store")
    publish(store, digits_version)
    with ModelServerProcess(store.root, None, "--load_retry_interval_micros", "600000000") as server:
        until(lambda: _is(server, 1, "AVAILABLE"), "version 1 is available")
        for number, (what, (spoil, request, difference)) in enumerate(CHANGED.items(), 2):
            changed = Path(shutil.copytree(digits_version, tmp_path / what))
            spoil(changed)
            reseal(VersionDir(changed))
            publish(store, changed)
            until(partial(_is, server, number, "END"), f"the version with {what} changed has ended")
            lines = _status(server, "digits")
            assert lines[1].state == "AVAILABLE"
            assert re.fullmatch(
                rf"request {request} is answered otherwise than recorded: {difference}, expected at most 0\.0001; "
                "export the version again",
                lines[number].error or "",
            ), what


WITHOUT: Mapping[str, tuple[Callable[[VersionDir], object], str]] = {
    "no records": (
        lambda version: version.warm_up.unlink(),
        "0 recorded answers were found, the manifest promises 50",
    ),
    "an empty file": (
        lambda version: version.warm_up.write_bytes(b""),
        "0 recorded answers were found, the manifest promises 50",
    ),
    "none of a signature": (
        lambda version: forget_recorded(version, "raw"),
        "42 recorded answers were found (2 of explain, 40 of serving_default), the manifest promises 50",
    ),
    "a damaged manifest": (lambda version: version.manifest.write_bytes(b"{"), "does not fit its schema"),
    "no manifest": (lambda version: version.manifest.unlink(), "manifest.json"),
    "a weight that changes no answer": (
        lambda version: change_weight(version.path, (10,), 1e-9),
        "is not what was exported",
    ),
    "a tolerance of anything": (
        lambda version: (version.golden / INDEX).write_text(
            (version.golden / INDEX).read_text().replace('"tolerance":0.0001', '"tolerance":1e9', 1)
        ),
        "0.tolerance",
    ),
}


def test_versions_without_what_they_would_be_proved_by(digits_version: Path, tmp_path: Path) -> None:
    store = Store.at(tmp_path / "store")
    for number, (spoil, _) in enumerate(WITHOUT.values()):
        spoil(VersionDir(shutil.copytree(digits_version, store.base(f"digits-{number}") / "1")))
    with ModelServerProcess(store.root, None, "--max_num_load_retries", "0") as server:
        for number, (without, (_, text)) in enumerate(WITHOUT.items()):
            model = f"digits-{number}"
            until(partial(_is, server, 1, "END", model), f"the version with {without} has ended")
            assert text in (_status(server, model)[1].error or ""), without


def _is(server: ModelServerProcess, version: int, state: str, model: str = "digits") -> bool:
    try:
        line = _status(server, model).get(version)
    except Exception:  # the server does not listen yet, or has not looked yet
        return False
    return line is not None and line.state == state


# --- What the gateway refuses


def _shifted(document: bytes) -> bytes:
    """A manifest whose labels are moved on by one."""
    if b'"labels"' not in document:
        return document
    manifest = json.loads(document)
    manifest["labels"] = [*manifest["labels"][1:], manifest["labels"][0]]
    return json.dumps(manifest).encode()


def _case_kept(document: bytes) -> bytes:
    return document.replace(b'{"type":"Lowercase"}', b'{"type":"NFC"}')


@pytest.mark.parametrize(
    ("model", "change", "text"),
    [
        (
            "digits",
            _shifted,
            r"golden digit-\d-\d is answered wrongly: answer\[0\]\.label: expected '\d', received '\d'",
        ),
        (
            "sentiment",
            _case_kept,
            r"golden (negative|positive)-\d+ is answered wrongly: answer\[0\]\[0\]\.\w+: expected .*, received ",
        ),
    ],
)
def test_a_changed_document_of_a_version(
    request: pytest.FixtureRequest, tmp_path: Path, model: str, change: Callable[[bytes], bytes], text: str
) -> None:
    """The model server answers the tensors as before; what they mean has changed."""
    version: Path = request.getfixturevalue(f"{model}_version")
    store = Store.at(tmp_path / "store")
    publish(store, version)
    changed = Path(shutil.copytree(version, tmp_path / "changed"))
    change_documents(changed, change)
    beside = VersionDir(changed).manifest
    beside.write_bytes(change(beside.read_bytes()))  # else the model server would see that they differ
    reseal(VersionDir(changed))
    with ModelServerProcess(store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        publish(store, changed)
        until(lambda: "golden" in json.dumps(gateway.get("/readyz").json()), "the gateway reports the version")
        assert re.search(f"version 2: {text}", gateway.get("/readyz").json()["reasons"][model])


def test_colours_in_another_order(tmp_path: Path) -> None:
    """In the gateway's own preprocessing; a golden in two colours tells."""
    store = Store.at(tmp_path / "store")
    publish(store, small_models.exports() / "digits-coloured")
    decoded = "return _pixels(_upright(picture))"
    code = code_with(tmp_path / "code", "processing/image.py", decoded, f"{decoded}[..., ::-1]")
    with ModelServerProcess(store.root) as server:
        with GatewayProcess(server.target) as gateway:
            gateway.wait_ready()
        with GatewayProcess(server.target, code=code) as gateway:
            until(lambda: "golden" in json.dumps(gateway.get("/readyz").json()), "the gateway reports the version")
            reason = gateway.get("/readyz").json()["reasons"]["digits"]
    assert re.search(
        r"golden seven is answered wrongly: answer\[\d\]\.(score: expected 0\.\d+ ± 0\.0001, received 0\.\d+"
        r"|label: expected '\d', received '\d')",
        reason,
    )
