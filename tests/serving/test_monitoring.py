"""Where the metrics are found."""

from pathlib import Path

import pytest

from serving.errors import ConfigFileError
from serving.monitoring import metrics_path

DEFAULT = "/monitoring/prometheus/metrics"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("prometheus_config { enable: true }", DEFAULT),
        ('prometheus_config { enable: true, path: "/metrics" }', "/metrics"),
        ('prometheus_config { enable: false, path: "/metrics" }', None),
        ("", None),
    ],
)
def test_the_file_says_where(tmp_path: Path, text: str, path: str | None) -> None:
    (tmp_path / "file").write_text(text)
    assert metrics_path(tmp_path / "file") == path


def test_without_a_file_they_are_on() -> None:
    assert metrics_path(None) == DEFAULT


@pytest.mark.parametrize("text", ["prometheus_config {", "nothing: 1", 'prometheus_config { path: "metrics" }', None])
def test_a_file_that_is_not_what_it_should_be_is_named(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigFileError, match=f"'{file}': expected a text tensorflow.serving.MonitoringConfig"):
        metrics_path(file)
