"""Which configurations are taken, and in which words the others are refused."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from serving.errors import Code, ModelConfigError
from serving.lifecycle.model_config import ModelConfig, configs_of, named_model, read_config
from serving.lifecycle.policy import Every, Latest, Policy, Specific
from wire import messages

WHOLE = """
    model_config_list {
      config {
        name: "half" base_path: "/models/half" model_platform: "tensorflow"
        model_version_policy { specific { versions: 3 versions: 5 } }
        version_labels { key: "stable" value: 3 }
        version_labels { key: "canary" value: 5 }
      }
      config { name: "Old Name" base_path: "/models/old" model_type: TENSORFLOW }
    }
"""


def message(text: str) -> Any:
    return text_format.Parse(text, messages.ModelServerConfig(), descriptor_pool=messages.pool())


def of_one(fields: str) -> str:
    return f"model_config_list {{ config {{ {fields} }} }}"


def test_a_config_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(WHOLE)
    assert read_config(file) == {
        "half": ModelConfig("half", Path("/models/half"), Specific(frozenset({3, 5})), {"stable": 3, "canary": 5}),
        "Old Name": ModelConfig("Old Name", Path("/models/old"), Latest(1), {}),
    }


def test_an_empty_list_is_no_models() -> None:
    assert configs_of(message("model_config_list {}")) == {}


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", Latest(1)),
        ("model_version_policy {}", Latest(1)),
        ("model_version_policy { latest {} }", Latest(1)),
        ("model_version_policy { latest { num_versions: 3 } }", Latest(3)),
        ("model_version_policy { all {} }", Every()),
        ("model_version_policy { specific {} }", Specific(frozenset())),
    ],
)
def test_policies(text: str, policy: Policy) -> None:
    config = message(of_one(f'name: "m" base_path: "/m" model_platform: "tensorflow" {text}'))
    assert configs_of(config)["m"].policy == policy


NEITHER = "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform"
NO_LIST = (
    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", NO_LIST),
        ("custom_model_config {}", NO_LIST),
        (
            """model_config_list { config { name: "m" base_path: "/a" model_platform: "tensorflow" }
                                   config { name: "m" base_path: "/b" model_platform: "tensorflow" } }""",
            "Illegal to list model m multiple times in config list",
        ),
        (
            of_one('name: "m" base_path: "models/m" model_platform: "tensorflow"'),
            "Expected model m to have an absolute path or URI; got base_path()=models/m",
        ),
        (
            of_one('name: "m" model_platform: "tensorflow"'),
            "Expected model m to have an absolute path or URI; got base_path()=",
        ),
        (
            of_one('name: "m" base_path: "gs://models/m" model_platform: "tensorflow"'),
            "Model m has base_path()=gs://models/m, but only folders of this machine are watched: mount it, and give "
            "its absolute path",
        ),
        (
            of_one(r'name: "m" base_path: "/m\000" model_platform: "tensorflow"'),
            "Model m has base_path()='/m\\x00', which no folder can be called: it contains a NUL character",
        ),
        (of_one('name: "m" base_path: "/m"'), f"{NEITHER}, model name is m"),
        (
            of_one('name: "m" base_path: "/m" model_type: TENSORFLOW model_platform: "tensorflow"'),
            "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform, "
            "model name is m",
        ),
        (
            of_one('name: "m" base_path: "/m" model_type: OTHER'),
            "ModelServerConfig::model_type choice 2 not supported, model name is m",
        ),
        (of_one('name: "m" base_path: "/m" model_platform: "torch"'), "Model m requests unsupported platform torch"),
        (
            of_one('name: "known" base_path: "/m" model_platform: "torch"'),
            "Illegal to change a model's platform. For model known platform was tensorflow and new platform "
            "requested is torch",
        ),
        (
            of_one(
                'name: "m" base_path: "/m" model_platform: "tensorflow" '
                'logging_config { log_collector_config { type: "x" } }'
            ),
            "No request-logger-creator provided.",
        ),
        (
            of_one('base_path: "/m" model_platform: "tensorflow"'),
            "Expected every model to have a name; got none for base_path()=/m",
        ),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ModelConfigError) as caught:
        configs_of(message(text), known={"known"})
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, said)


def test_a_file_that_is_no_config(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    with pytest.raises(ModelConfigError, match=r"Could not read .*models\.config: No such file"):
        read_config(file)
    for text in (b"model_config_lists {}", b"\xff\xfe"):
        file.write_bytes(text)
        expected = "^INVALID_ARGUMENT: Error parsing text-format tensorflow.serving.ModelServerConfig: "
        with pytest.raises(ModelConfigError, match=expected):
            read_config(file)


def test_the_one_model_of_the_flags() -> None:
    assert named_model("m", "/models/m") == ModelConfig("m", Path("/models/m"))
    with pytest.raises(ModelConfigError, match=r"got base_path\(\)=models$"):
        named_model("m", "models")
