"""How a version is opened, from the settings, and what it must prove first."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from serving.errors import Code, ConfigFileError, LoadError
from serving.runtimes.opening import open_runtime, runtime_options
from serving.runtimes.options import RuntimeOptions
from serving.settings import ServeSettings
from store.golden import INDEX
from store.layout import VersionDir
from tests.support import twins
from wire import messages

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
    return twins.put_with_manifest(tmp_path / "1")


@pytest.mark.parametrize("litert", [True, False])
def test_a_version_that_answers_as_recorded_opens(ours: VersionDir, *, litert: bool) -> None:
    runtime = open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert runtime.facts["runtime"] == ("litert" if litert else "saved_model")
    runtime.close()


@pytest.mark.parametrize("litert", [True, False])
def test_a_version_that_answers_otherwise_than_recorded_does_not_open(ours: VersionDir, *, litert: bool) -> None:
    """Nor does its twin, which answers as the SavedModel."""
    twins.shift_answers(ours, 1e-3)
    with pytest.raises(LoadError) as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=litert))
    assert caught.value.message == (
        "request 0 of signature serving_default is answered otherwise than recorded: logits differs by 1.0e-03, "
        "expected at most 0.0001; export the version again"
    )
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


def test_within_the_tolerance_of_the_goldens_it_opens(ours: VersionDir) -> None:
    twins.shift_answers(ours, 1e-5)
    open_runtime(ours.path, replace(OPTIONS, litert=False)).close()


def test_a_twin_that_fails_leaves_the_proof_to_the_saved_model(
    ours: VersionDir, caplog: pytest.LogCaptureFixture
) -> None:
    (ours.twin / "model.tflite").write_bytes(b"x")
    caplog.set_level("INFO", "serving.runtimes.proof")
    runtime = open_runtime(ours.path, OPTIONS)
    assert runtime.facts["runtime"] == "saved_model"
    assert f"{ours.path} answers as recorded: serving_default" in caplog.text
    runtime.close()


@pytest.mark.parametrize("manifest", [None, "{}"], ids=["no manifest", "another's manifest"])
def test_answers_that_others_recorded_are_not_compared(ours: VersionDir, manifest: str | None) -> None:
    twins.shift_answers(ours, 1e-3)
    ours.manifest.unlink()
    if manifest is not None:
        ours.manifest.write_text(manifest)
    open_runtime(ours.path, replace(OPTIONS, litert=False)).close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda version: version.warm_up.write_bytes(b"garbage"), "not a whole TFRecord file"),
        (lambda version: (version.golden / INDEX).write_text("[]"), "expected at least one golden"),
        (lambda version: (version.golden / INDEX).write_text("?"), "goldens does not fit its schema"),
    ],
)
def test_records_that_cannot_be_read_keep_a_version_of_ours_from_opening(
    ours: VersionDir, spoil: Callable[[VersionDir], object], reason: str
) -> None:
    spoil(ours)
    with pytest.raises(LoadError, match=f"the recorded answers cannot be read: .*{reason}") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=False))
    assert (caught.value.code, caught.value.final) == (Code.DATA_LOSS, True)


def test_goldens_that_are_missing_may_come(ours: VersionDir) -> None:
    (ours.golden / INDEX).unlink()
    with pytest.raises(LoadError, match=r"the recorded answers cannot be read: .*No such file") as caught:
        open_runtime(ours.path, replace(OPTIONS, litert=False))
    assert not caught.value.final
