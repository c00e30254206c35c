"""How a version is opened, from the settings."""

from pathlib import Path

import pytest

from serving.errors import ConfigFileError
from serving.runtimes.opening import runtime_options
from serving.settings import ServeSettings
from wire import messages


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
