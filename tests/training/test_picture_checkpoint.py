"""Classifiers of photographs from somebody's folder: read, computed as PyTorch does, and what is said of bad ones."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import keras_hub
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from models.catalog import find, spec_of
from models.explanation import FeatureMaps
from models.imagenet import LABELS
from models.picture_checkpoint import PictureCheckpointConfig, build, processing
from processing.spec import Resize
from tests.support.picture_checkpoints import CONFIGS, SIDE, write_picture_checkpoint
from training.checkpoints import SETTINGS
from training.config import load_config
from training.data.photographs import Photograph
from training.data.picture_checkpoint import read_picture_checkpoint
from training.errors import ChangedCheckpointError, CheckpointError, TooLargeError
from training.picture_checkpoint import PictureCheckpointRecipe, settings_of

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "picture_checkpoints.json").read_text()
)


def _photograph() -> Photograph:
    buffer = BytesIO()
    Image.new("RGB", (60, 40), "red").save(buffer, "PNG")
    return Photograph("red", buffer.getvalue(), ("daisy",))


def _config(folder: Path, name: str = "imagenet") -> PictureCheckpointConfig:
    config = load_config(find("imagenet"), SETTINGS["imagenet"](str(folder), name))
    assert isinstance(config, PictureCheckpointConfig)
    return config


def _filled(config: PictureCheckpointConfig) -> Any:
    model = build(config)
    PictureCheckpointRecipe(config, [_photograph()]).prepare(model)
    return model


def _picture() -> Any:
    return np.random.default_rng(3).integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.mark.parametrize("family", CONFIGS)
def test_logits_are_those_of_pytorch(family: str, tmp_path: Path) -> None:
    config = _config(write_picture_checkpoint(tmp_path, family))
    logits = np.asarray(_filled(config)(_picture()))[0]
    expected = RECORDED[family]
    np.testing.assert_allclose(logits[: len(expected["logits"])], expected["logits"], atol=1e-5)
    assert logits.argmax() == expected["best"]
    assert config.parameters == read_picture_checkpoint(tmp_path).parameters


def test_it_is_described_by_what_it_says_of_itself(tmp_path: Path) -> None:
    config = _config(write_picture_checkpoint(tmp_path / "my-vit", "vit"), "mine")
    spec = spec_of(config)
    assert (spec.name, spec.model, spec.entry, spec.labels) == ("mine", "imagenet", "imagenet-checkpoint", LABELS)
    assert spec.origins[0].licence == "apache-2.0"
    assert not spec.licence_unclear
    assert "my-vit" in spec.description
    assert config.told()["checkpoint"] == "my-vit"
    assert config.told()["classifier"] == "ViTImageClassifier"
    assert str(tmp_path) not in json.dumps(config.told())
    assert spec_of(_config(write_picture_checkpoint(tmp_path / "b", "vit", licence=None))).licence_unclear


def test_of_maps_that_are_pooled_it_can_be_told_what_an_answer_hangs_on(tmp_path: Path) -> None:
    resnet = _config(write_picture_checkpoint(tmp_path / "resnet", "resnet"))
    model, explain = _filled(resnet), spec_of(resnet).explain
    assert callable(explain)
    opened = explain(model)
    assert isinstance(opened, FeatureMaps)
    maps = opened.maps(_picture())
    assert len(maps.shape) == 4
    np.testing.assert_allclose(opened.logits(maps), model(_picture()), atol=1e-5)
    vit = spec_of(_config(write_picture_checkpoint(tmp_path / "vit", "vit")))
    assert isinstance(vit.explain, str)


@pytest.mark.parametrize(
    ("family", "changes", "expected"),
    [
        ("vit", {}, Resize(crop=1, interpolation="bilinear", fit="stretch")),
        ("vit", {"size": 32, "resample": 3}, Resize(crop=1, interpolation="bicubic", fit="stretch")),
        ("resnet", {}, Resize(crop=0.875, interpolation="bicubic", fit="shorter")),
        ("resnet", {"crop_pct": None}, Resize(crop=0.875, interpolation="bicubic", fit="shorter")),
        ("resnet", {"size": {"shortest_edge": 384}}, Resize(crop=1, interpolation="bicubic", fit="stretch")),
        (
            "vit",
            {"size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}},
            Resize(crop=0.8, interpolation="bilinear", fit="shorter"),
        ),
    ],
)
def test_pictures_are_brought_to_its_input_as_its_makers_tell(
    family: str, changes: dict[str, object], expected: Resize, tmp_path: Path
) -> None:
    folder = write_picture_checkpoint(tmp_path, family)
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    layout = read_picture_checkpoint(folder).layout
    assert layout.resize == expected
    white = np.array(layout.scale) * 255 + layout.offset
    mean, std = ([0.5] * 3, [0.5] * 3) if family == "vit" else ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    np.testing.assert_allclose(white, (1 - np.array(mean)) / std, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_hubs_own_layout_is_read_as_keras_hub_reads_it(tmp_path: Path) -> None:
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )
    converter = keras_hub.layers.ResNetImageConverter(
        image_size=(SIDE, SIDE), scale=[0.02, 0.03, 0.04], offset=[-1.0, -1.1, -1.2]
    )
    classifier = keras_hub.models.ResNetImageClassifier(
        backbone,
        num_classes=len(LABELS),
        activation="softmax",
        preprocessor=keras_hub.models.ResNetImageClassifierPreprocessor(converter),
    )
    classifier.save_to_preset(str(tmp_path))
    config = _config(tmp_path)
    logits = np.asarray(_filled(config)(_picture()))[0]
    odds = np.exp(logits - logits.max())
    np.testing.assert_allclose(odds / odds.sum(), classifier.predict(_picture())[0], atol=1e-6)
    assert processing(config).resize == Resize(crop=1, interpolation="bilinear", fit="crop")


def test_timms_layout_tells_how_pictures_are_read(tmp_path: Path) -> None:
    read = {"input_size": [3, 40, 40], "crop_pct": 0.95, "interpolation": "bicubic"}
    standard = {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.25, 0.5]}
    told = {"architecture": "vgg11", "num_classes": 1000, "pretrained_cfg": read | standard}
    (tmp_path / "config.json").write_text(json.dumps(told))
    save_file({"one": np.ones(3, np.float32)}, tmp_path / "model.safetensors")
    layout = read_picture_checkpoint(tmp_path).layout
    assert layout.resize == Resize(crop=0.95, interpolation="bicubic", fit="shorter")
    np.testing.assert_allclose(np.array(layout.scale) * 255 + layout.offset, [2.5, 2, 1])
    (tmp_path / "config.json").write_text(json.dumps(told | {"pretrained_cfg": read}))
    with pytest.raises(CheckpointError, match="does not tell how pictures are read"):
        read_picture_checkpoint(tmp_path)


def _configured(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _processed(folder: Path, **changes: object) -> None:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _without(name: str, folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors[name]
    save_file(tensors, folder / "model.safetensors")


def _with_more(folder: Path) -> None:
    save_file(load_file(folder / "model.safetensors") | {"other": np.ones(2, np.float32)}, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (partial(_configured, model_type="swin"), "type 'swin'; those that can be read are vit, resnet"),
        (partial(_configured, architecture="regnety_002"), "not 'regnety_002'"),
        (partial(_configured, hidden_act="relu"), "hidden_act is 'relu'"),
        (partial(_configured, id2label={"0": "cat", "1": "dog"}), "it has 2 labels, expected ImageNet's 1000"),
        (partial(_configured, id2label={str(n): f"thing {n}" for n in range(1000)}), "number 0 is 'thing 0'"),
        (partial(_configured, hidden_size=32), "has the shape"),
        (partial(_configured, num_attention_heads=None), "it cannot be read"),
        (partial(_processed, do_resize=False), "do_resize is false"),
        (partial(_processed, resample=0), "it resizes pictures by 0"),
        (partial(_processed, size={"longest_edge": 5}), "which is not understood"),
        (partial(_processed, image_mean=[1, 2]), "it scales colours by [1, 2]"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "it has no preprocessor_config.json"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"torch"), "no whole safetensors"),
        (lambda folder: (folder / "model.safetensors").unlink(), "not from pickled files"),
        (partial(_without, "vit.layernorm.bias"), "its weights lack vit.layernorm.bias"),
        (_with_more, "no place for other"),
    ],
)
def test_what_is_amiss_is_named(spoil: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    spoil(write_picture_checkpoint(tmp_path, "vit"))
    with pytest.raises(CheckpointError) as caught:
        settings_of(str(tmp_path), "mine")
    assert told in str(caught.value)


def test_too_little_memory_and_changed_files_are_told(tmp_path: Path) -> None:
    folder = write_picture_checkpoint(tmp_path / "given", "vit")
    with pytest.raises(TooLargeError, match="weights need"):
        settings_of(str(folder), "mine", free=lambda: 1000)
    config = _config(folder)
    shutil.rmtree(folder)
    write_picture_checkpoint(folder, "resnet")
    with pytest.raises(ChangedCheckpointError, match="no longer those"):
        PictureCheckpointRecipe(config, [_photograph()]).prepare(build(config))


def test_generic_labels_of_a_thousand_are_taken_for_imagenets(tmp_path: Path) -> None:
    folder = write_picture_checkpoint(tmp_path, "vit")
    _configured(folder, id2label={str(number): f"LABEL_{number}" for number in range(1000)})
    assert read_picture_checkpoint(folder).folder == folder
