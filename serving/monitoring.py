"""Where the metrics are found, as `--monitoring_config_file` says."""

from pathlib import Path

from serving.errors import ConfigFileError
from serving.text_proto import read_text_proto
from wire import messages

METRICS_PATH = "/monitoring/prometheus/metrics"


def metrics_path(file: Path | None) -> str | None:
    """The path on the REST port. None: they are switched off, by a file that does not enable them.

    Without a file they are on, unlike in TensorFlow Serving: they cost nothing until somebody asks.

    Raises:
        ConfigFileError: the file cannot be read, is no `MonitoringConfig`, or names something that is no path.
    """
    if file is None:
        return METRICS_PATH
    config = read_text_proto(file, messages.MonitoringConfig).prometheus_config
    path = str(config.path) or METRICS_PATH
    if not path.startswith("/"):
        raise ConfigFileError(file, "tensorflow.serving.MonitoringConfig", f"path {path!r} does not begin with /")
    return path if config.enable else None
