"""Which models to serve: one `ModelConfig` each, read from TensorFlow Serving's `ModelServerConfig`.

What is refused, and in which words, is what a client of HandleReloadConfigRequest or the operator of a config file sees
of TensorFlow Serving.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.errors import ModelConfigError
from serving.lifecycle.policy import Every, Latest, Policy, Specific
from serving.text_proto import parse_text_proto
from wire import messages

PLATFORM = "tensorflow"  # the only one

_MODEL_TYPE_TENSORFLOW = 1  # of the deprecated enum ModelType, in which 0 is unset


@dataclass(frozen=True)
class ModelConfig:
    """One model: where its versions are, which of them to serve, and the labels by which they may be asked for."""

    name: str
    base_path: Path
    policy: Policy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)


Configs = Mapping[str, ModelConfig]


def read_config(path: Path) -> Configs:
    """The models of a config file (text `ModelServerConfig`), by name.

    Raises:
        ModelConfigError: it cannot be read, is not such a text, or asks for what cannot be.
    """
    try:
        message = parse_text_proto(path.read_bytes(), messages.ModelServerConfig)
    except OSError as exc:
        raise ModelConfigError(f"Could not read {path}: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise ModelConfigError(
            f"Error parsing text-format tensorflow.serving.ModelServerConfig: {exc}; in {path}"
        ) from exc
    return configs_of(message)


def configs_of(message: Any, known: Collection[str] = ()) -> Configs:
    """The models of a `ModelServerConfig`, by name. `known` are those served already.

    Raises:
        ModelConfigError: one of them cannot be, so none is taken.
    """
    if message.WhichOneof("config") != "model_config_list":
        raise ModelConfigError(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently "
            "supported"
        )
    listed = message.model_config_list.config
    for name, times in Counter(config.name for config in listed).items():
        if times > 1:
            raise ModelConfigError(f"Illegal to list model {name} multiple times in config list")
    return {config.name: config_of(config, known) for config in listed}


def config_of(message: Any, known: Collection[str] = ()) -> ModelConfig:
    """The model of a `tensorflow.serving.ModelConfig`. `known` are those served already.

    Raises:
        ModelConfigError: it cannot be.
    """
    if not message.name:
        raise ModelConfigError(f"Expected every model to have a name; got none for base_path()={message.base_path}")
    for fault in _faults(message, known):
        raise ModelConfigError(fault)
    policy = _policy(message.model_version_policy)
    return ModelConfig(message.name, Path(message.base_path), policy, dict(message.version_labels))


def named_model(name: str, base_path: str) -> ModelConfig:
    """The one model of the flags `--model_name` and `--model_base_path`.

    Raises:
        ModelConfigError: the path is not absolute.
    """
    return config_of(messages.ModelConfig(name=name, base_path=base_path, model_platform=PLATFORM))


def _faults(message: Any, known: Collection[str]) -> Iterator[str]:
    """What is wrong with one model, first things first."""
    name, base_path, platform = message.name, message.base_path, message.model_platform
    if "\0" in base_path:
        yield f"Model {name} has base_path()={base_path!r}, which no folder can be called: it contains a NUL character"
    if "://" in base_path:
        yield (
            f"Model {name} has base_path()={base_path}, but only folders of this machine are watched: mount it, and "
            "give its absolute path"
        )
    if not Path(base_path).is_absolute():
        yield f"Expected model {name} to have an absolute path or URI; got base_path()={base_path}"
    if message.model_type and platform:
        yield (
            "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform, "
            f"model name is {name}"
        )
    if message.model_type not in (0, _MODEL_TYPE_TENSORFLOW):
        yield f"ModelServerConfig::model_type choice {message.model_type} not supported, model name is {name}"
    if not message.model_type and not platform:
        yield (
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, "
            f"model name is {name}"
        )
    if platform not in ("", PLATFORM) and name in known:
        yield (
            f"Illegal to change a model's platform. For model {name} platform was {PLATFORM} and new platform "
            f"requested is {platform}"
        )
    if platform not in ("", PLATFORM):
        yield f"Model {name} requests unsupported platform {platform}"
    if message.logging_config.HasField("log_collector_config"):
        yield "No request-logger-creator provided."


def _policy(message: Any) -> Policy:
    match message.WhichOneof("policy_choice"):
        case "all":
            return Every()
        case "specific":
            return Specific(frozenset(message.specific.versions))
        case _:
            return Latest(message.latest.num_versions or 1)
