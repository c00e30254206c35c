"""How a version is opened, from the settings, and what it must prove first."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving.errors import Code, ConfigFileError, LoadError, RequestError
from serving.runtimes.opening import open_runtime, runtime_options
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.runtime import Runtime
from serving.settings import ServeSettings
from store.golden import INDEX
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support import sabotage, twins
from wire import messages
from wire.tensors import Array

OPTIONS = RuntimeOptions(intra_op_threads=1, inter_op_threads=1)


def test_what_runtimes_know_of_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "session.pbtxt"
    config.write_text("allow_soft_placement: true")
    settings = ServeSettings(
        saved_model_tags="serve,gpu",
        tensorflow_session_parallelism=3,
        tensorflow_session_config_file=config,
        xla_cpu_compilation_enabled=True,
        litert_runtime=False,
    )
    options = runtime_options(settings)
    assert options.tags == ("serve", "gpu")
    assert (options.intra_op_threads, options.inter_op_threads) == (3, 3)
    assert messages.message("tensorflow.ConfigProto").FromString(options.session_config).allow_soft_placement
    assert options.xla
    assert not options.litert


@pytest.mark.parametrize("content", [b"no_such_option: 1", b"\xff", None])
def test_a_session_config_file_that_does_not_fit(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "session.pbtxt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigFileError, match=r"session\.pbtxt.*expected a text tensorflow\.ConfigProto"):
        runtime_options(ServeSettings(tensorflow_session_config_file=path))


# --- What a version of ours must prove


@pytest.fixture
def ours(tmp_path: Path) -> VersionDir:
    """A version with a twin, recorded answers, a manifest and goldens."""
    return twins.put(tmp_path / "1")


@pytest.mark.parametrize("litert", [True, False])
def test_a_version_that_answers_as_recorded_opens(ours: VersionDir, *, litert: bool) -> None:
    runtime = open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert runtime.facts["runtime"] == ("litert" if litert else "saved_model")
    runtime.close()


@pytest.mark.parametrize("litert", [True, False])
def test_a_version_that_answers_otherwise_than_recorded_does_not_open(ours: VersionDir, *, litert: bool) -> None:
    """Nor does its twin, which answers as the SavedModel."""
    sabotage.change_recorded(ours, "serving_default", "logits", 1e-3)
    with pytest.raises(LoadError) as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert caught.value.message == (
        "request 0 of signature serving_default is answered otherwise than recorded: logits differs by 1.0e-03, "
        "expected at most 0.0001; export the version again"
    )
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


def test_every_signature_must_answer_as_recorded(ours: VersionDir) -> None:
    sabotage.change_recorded(ours, "raw", "logits", 1e-3)
    with pytest.raises(LoadError, match="request 3 of signature raw is answered otherwise than recorded") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=False))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


def test_outputs_of_a_signature_that_changed_places_are_seen(ours: VersionDir) -> None:
    sabotage.swap_outputs(ours.path, "raw", "logits", "probabilities")
    sabotage.reseal(ours)
    with pytest.raises(LoadError, match="request 3 of signature raw is answered otherwise than recorded: logits"):
        open_runtime(ours.path, replace(OPTIONS, litert=False))


def test_a_signature_that_is_gone_is_missed(ours: VersionDir) -> None:
    sabotage.remove_signature(ours.path, "raw")
    sabotage.reseal(ours)
    with pytest.raises(LoadError, match="an answer of signature raw is recorded, which the version does not have"):
        open_runtime(ours.path, OPTIONS)


def test_a_signature_that_refuses_what_it_answered_is_given_up(ours: VersionDir) -> None:
    sabotage.change_requests(ours, "raw", np.array([b"no number"], object))
    with pytest.raises(LoadError, match=r"request 3 of signature raw is not answered: .*convert string: no") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=False))
    assert (caught.value.code, caught.value.final) == (Code.INVALID_ARGUMENT, True)


@pytest.mark.parametrize("litert", [True, False])
def test_records_that_went_missing_are_missed(ours: VersionDir, *, litert: bool) -> None:
    """By the twin too, which is not asked them."""
    sabotage.forget_recorded(ours, "raw")
    text = r"3 recorded answers were found \(3 of serving_default\), the manifest promises 6"
    with pytest.raises(LoadError, match=text) as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


# --- What a twin leaves to the SavedModel beside it


def _ask_raw(runtime: Runtime) -> list[Array]:
    return runtime.run("raw", {"text": np.array([b"1 2 3"], object)}, ["logits"], 120)


def test_the_saved_model_beside_a_twin_proves_itself_before_its_first_answer(
    ours: VersionDir, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "serving.runtimes.proof")
    runtime = open_runtime(ours.path, OPTIONS)
    assert set(runtime.unopened) == {"raw"}
    assert "answers as recorded" not in caplog.text
    assert _ask_raw(runtime)[0].shape == (1, 3)
    assert f"{ours.path} answers as recorded: raw, serving_default" in caplog.text
    assert set(runtime.unopened) == set()
    runtime.close()


def test_a_saved_model_beside_a_twin_that_answers_otherwise_never_answers(ours: VersionDir) -> None:
    """The twin does, as long as the version is there."""
    sabotage.change_recorded(ours, "raw", "logits", 1e-3)
    runtime = open_runtime(ours.path, OPTIONS)
    for _ in range(2):
        with pytest.raises(
            RequestError,
            match="signature raw is not in the version's LiteRT twin, and its SavedModel does not open: request 3 of "
            "signature raw is answered otherwise than recorded: logits differs by",
        ) as caught:
            _ask_raw(runtime)
        assert caught.value.code is Code.INTERNAL
        shutil.rmtree(ours.path / "variables", ignore_errors=True)  # another try would end otherwise
    assert runtime.run("serving_default", {"token_ids": np.ones((1, 2), np.int32)}, ["logits"], 5)[0].shape == (1, 3)
    runtime.close()


# --- How near is right


def test_within_the_tolerance_of_the_goldens_it_opens(ours: VersionDir) -> None:
    sabotage.change_recorded(ours, "serving_default", "logits", 1e-5)
    open_runtime(ours.path, replace(OPTIONS, litert=False)).close()


def test_a_twin_that_fails_leaves_the_proof_to_the_saved_model(
    ours: VersionDir, caplog: pytest.LogCaptureFixture
) -> None:
    (ours.twin / "model.tflite").write_bytes(b"x")
    caplog.set_level("INFO", "serving.runtimes.proof")
    runtime = open_runtime(ours.path, OPTIONS)
    assert runtime.facts["runtime"] == "saved_model"
    assert f"{ours.path} answers as recorded: raw, serving_default" in caplog.text
    runtime.close()


@pytest.mark.parametrize("tolerance", ["1e9", "0.0011", "1e400", "NaN"])
@pytest.mark.parametrize("litert", [True, False])
def test_no_tolerance_switches_the_proof_off(ours: VersionDir, tolerance: str, *, litert: bool) -> None:
    index = ours.golden / INDEX
    index.write_text(index.read_text().replace('"tolerance":0.0001', f'"tolerance":{tolerance}'))
    sabotage.change_recorded(ours, "serving_default", "logits", 5)
    with pytest.raises(LoadError, match=r"the recorded answers cannot be read: .*\n0\.tolerance") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


@pytest.mark.parametrize("manifest", [None, "{}"], ids=["no manifest", "another's manifest"])
def test_answers_that_others_recorded_are_not_compared(ours: VersionDir, manifest: str | None) -> None:
    sabotage.change_recorded(ours, "serving_default", "logits", 1e-3)
    shutil.rmtree(ours.golden)
    sabotage.remove_signature(ours.path, "manifest")
    ours.manifest.unlink()
    if manifest is not None:
        ours.manifest.write_text(manifest)
    open_runtime(ours.path, replace(OPTIONS, litert=False)).close()


# --- What a version of ours must have


@pytest.mark.parametrize("litert", [True, False])
@pytest.mark.parametrize("trace", ["goldens", "signature"])
@pytest.mark.parametrize("manifest", [None, "{}"], ids=["no manifest", "another's manifest"])
def test_a_version_of_ours_needs_its_manifest(
    ours: VersionDir, manifest: str | None, trace: str, *, litert: bool
) -> None:
    """What is left tells whose it is. A copy that is not whole yet may come to be."""
    if trace == "goldens":
        sabotage.remove_signature(ours.path, "manifest")
    else:
        shutil.rmtree(ours.golden)
    ours.manifest.unlink()
    if manifest is not None:
        ours.manifest.write_text(manifest)
    with pytest.raises(LoadError, match=r"manifest\.json") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, manifest is not None)


@pytest.mark.parametrize("litert", [True, False])
@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_a_file_that_is_not_what_was_exported_keeps_the_version_from_opening(
    ours: VersionDir, name: str, *, litert: bool
) -> None:
    with (ours.path / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(LoadError, match=f"{name} is not what was exported: it has sha256 .*; export the ver") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


def test_a_weight_that_no_golden_asks_for_is_seen(ours: VersionDir) -> None:
    """The last token's: no recorded request has it."""
    sabotage.change_weight(ours.path, (twins.TOKENS, 8), -50)
    with pytest.raises(LoadError, match=r"variables/variables\.data-00000-of-00001 is not what was exported"):
        open_runtime(ours.path, OPTIONS)
    sabotage.reseal(ours)
    open_runtime(ours.path, OPTIONS).close()


@pytest.mark.parametrize("litert", [True, False])
def test_a_manifest_that_is_not_the_graphs_keeps_the_version_from_opening(ours: VersionDir, *, litert: bool) -> None:
    """Nobody switches the proof off by promising nothing."""
    ours.warm_up.unlink()
    changed = Manifest.read(ours.manifest).model_copy(update={"recorded": 0, "digest": "sha256:other", "version": 7})
    ours.manifest.write_bytes(changed.document())
    text = "manifest.json is not what was exported: it differs from the graph's in digest, recorded; export"
    with pytest.raises(LoadError, match=text) as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


def test_a_file_that_is_missing_may_come(ours: VersionDir) -> None:
    (ours.path / "variables" / "variables.index").unlink()
    with pytest.raises(LoadError, match=r"cannot be read: .*variables\.index") as caught:
        open_runtime(ours.path, OPTIONS)
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, False)


def test_of_what_an_older_kmaas_exported_no_file_is_compared(
    ours: VersionDir, caplog: pytest.LogCaptureFixture
) -> None:
    ours.manifest.write_bytes(Manifest.read(ours.manifest).model_copy(update={"files": {}}).document())
    open_runtime(ours.path, OPTIONS).close()
    assert "was exported by an older kmaas: its files are not compared" in caplog.text


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda version: version.warm_up.write_bytes(b"garbage"), "not a whole TFRecord file"),
        (lambda version: (version.golden / INDEX).write_text("[]"), "expected at least one golden"),
        (lambda version: (version.golden / INDEX).write_text("?"), "goldens does not fit its schema"),
        (lambda version: (version.golden / INDEX).unlink(), "No such file"),
        (lambda version: shutil.rmtree(version.golden), "No such file"),
    ],
)
def test_records_that_cannot_be_read_keep_a_version_of_ours_from_opening(
    ours: VersionDir, spoil: Callable[[VersionDir], object], reason: str
) -> None:
    spoil(ours)
    with pytest.raises(LoadError, match=f"the recorded answers cannot be read: .*{reason}") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=False))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)
