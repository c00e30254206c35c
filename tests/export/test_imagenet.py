"""`imagenet` as a version, with a tiny network in its place: a thousand labels, photographs, and both servers."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from PIL import Image

from export.minimum import Minimum, lacking
from export.trained import Trained
from export.version import export_version
from models.efficientnet_lite import LITE0, Stage, efficientnet_lite
from models.imagenet import LABELS, SPEC, ImagenetConfig
from processing.image import Pixels, decode
from processing.photo_form import photo_form, photo_window
from processing.spec import ImageSpec, parse_spec
from store.layout import Store, VersionDir
from store.manifest import Manifest
from store.publish import publish
from tests.support.photographed import PHOTOS, SIZE, trained_by
from tests.support.processes import GatewayProcess, ModelServerProcess
from training.config import load_config
from training.imagenet import ImagenetRecipe
from wire.client import ModelServerClient

TINY = replace(LITE0, stem=8, head=16, stages=(Stage(1, 3, 2, 1, 8), Stage(1, 3, 2, 6, 8)))
ENTRY = replace(SPEC, build=lambda _config: efficientnet_lite(TINY, "imagenet"))
BODY = PHOTOS[0].body


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    import keras

    folder = tmp_path_factory.mktemp("run")
    config = load_config(SPEC)
    assert isinstance(config, ImagenetConfig)
    recipe = ImagenetRecipe(config, PHOTOS, folder)
    keras.utils.set_random_seed(4)
    model = ENTRY.build(config)
    seen = keras.Model(model.inputs[0], model.get_layer("pool").output)(recipe.held_out()[0][:1])
    spread = 20 / np.linalg.norm(seen)  # so that logits lie clearly apart
    model.get_layer("logits").set_weights([np.random.default_rng(0).normal(0, spread, (16, 1000)), np.zeros(1000)])
    return trained_by(recipe, ENTRY, config, model, folder)


@pytest.fixture(scope="module")
def version(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> VersionDir:
    folder = tmp_path_factory.mktemp("exported") / "export"
    export_version(trained, folder, runtime="saved_model")
    return VersionDir(folder)


@pytest.fixture(scope="module")
def manifest(version: VersionDir) -> Manifest:
    return Manifest.read(version.manifest)


@pytest.fixture(scope="module")
def spec(manifest: Manifest) -> ImageSpec:
    found = parse_spec(manifest.processing)
    assert isinstance(found, ImageSpec)
    return found


@pytest.fixture(scope="module")
def server(version: VersionDir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    store = Store.at(tmp_path_factory.mktemp("shelf") / "store")
    publish(store, version.path)
    with ModelServerProcess(store.root) as process:
        yield process


@pytest.fixture(scope="module")
def gateway(server: ModelServerProcess) -> Iterator[GatewayProcess]:
    with GatewayProcess(server.target) as process:
        process.wait_ready()
        yield process


def test_the_manifest_has_a_thousand_labels_and_goldens_of_those_that_are_there(manifest: Manifest) -> None:
    assert manifest.labels == LABELS
    assert manifest.signatures.keys() == {"serving_default", "raw", "explain", "manifest"}
    assert manifest.goldens == {"daisy": 4, "palace": 4, "tripod": 4}
    assert manifest.temperature == 1.0
    assert lacking(manifest, Minimum(parity_inputs=24)) == []


def test_three_ways_of_preprocessing_give_the_same(manifest: Manifest) -> None:
    figures = {parity.between: (parity.inputs, parity.mean, parity.largest) for parity in manifest.parity}
    assert figures["training", "gateway"][0] == 24
    assert figures["training", "gateway"][2] <= 3  # of OpenCV's and Pillow's colours for print
    inputs, mean, largest = figures["gateway", "raw"]
    assert inputs == 24
    assert largest <= 2
    assert mean < 0.1


def test_the_card_does_not_list_a_thousand_labels(version: VersionDir) -> None:
    card = version.card.read_text()
    assert "Labels: 1,000, from “tench, Tinca tinca” to “toilet tissue, toilet paper, bathroom tissue”" in card
    assert "goldfish" not in card
    assert "3 photographs of known content, as they are" in card
    assert "no package has them" in card
    assert "Confusion" not in card


def test_a_photograph_is_answered_with_five_labels_and_with_all_if_asked(
    gateway: GatewayProcess, trained: Trained, spec: ImageSpec
) -> None:
    answer = gateway.post("/models/imagenet", BODY).json()
    assert len(answer) == 5
    model = ENTRY.build(trained.config)
    model.load_weights(trained.weights)
    logits = np.asarray(model(photo_form(decode(BODY, max_pixels=10**6), spec)[np.newaxis], training=False))[0]
    assert [one["label"] for one in answer] == [LABELS[position] for position in np.argsort(-logits)[:5]]
    client = InferenceClient(model=f"{gateway.url}/models/imagenet")
    everything = client.image_classification(BODY, top_k=1000)
    assert {one.label for one in everything} == set(LABELS)
    assert sum(one.score for one in everything) == pytest.approx(1, abs=1e-4)


def test_raw_bytes_are_answered_as_through_the_gateway(server: ModelServerProcess, gateway: GatewayProcess) -> None:
    best = gateway.post("/models/imagenet", BODY).json()[0]
    with ModelServerClient(server.target) as client:
        given = {"image_bytes": np.array([BODY], object)}
        outputs = client.predict("imagenet", given, signature="raw", timeout_s=30).outputs
    label = int(outputs["probabilities"][0].argmax())
    assert LABELS[label] == best["label"]
    assert outputs["probabilities"][0, label] == pytest.approx(best["score"], abs=1e-4)


def test_heat_lies_in_the_window_of_an_upright_picture(gateway: GatewayProcess, spec: ImageSpec) -> None:
    """The picture comes back as large as it was; beside the middle that the model sees it is as it was."""
    answer = gateway.post("/models/imagenet/explain", BODY, Accept="image/png")
    assert answer.headers["Content-Type"] == "image/png"
    before, after = decode(BODY, max_pixels=10**6), decode(answer.body, max_pixels=10**6)
    assert before.shape == after.shape == (*reversed(SIZE), 3)
    window = photo_window(before, spec)
    columns = _changed(before, after).any(axis=0)
    rows = _changed(before, after).any(axis=1)
    assert columns.sum() > window.width / 4
    assert not columns[: int(window.left)].any()
    assert not columns[int(window.left + window.width) + 1 :].any()
    assert not rows[: int(window.top)].any()
    assert not rows[int(window.top + window.height) + 1 :].any()


def _changed(before: Pixels, after: Pixels) -> Any:
    return (before != after).any(axis=2)


def test_another_label_of_the_thousand_is_explained_when_asked(gateway: GatewayProcess) -> None:
    asked = {"inputs": base64.b64encode(BODY).decode(), "parameters": {"label": "crane (machine)"}}
    kind = "application/json"
    answer = gateway.post("/models/imagenet/explain", json.dumps(asked).encode(), kind, Accept=kind)
    assert answer.json()["label"] == "crane (machine)"


@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000)])
def test_thin_pictures_are_answered_and_explained(gateway: GatewayProcess, size: tuple[int, int]) -> None:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    assert len(gateway.post("/models/imagenet", buffer.getvalue()).json()) == 5
    explained = gateway.post("/models/imagenet/explain", buffer.getvalue(), Accept="image/png")
    assert decode(explained.body, max_pixels=10**6).shape == (size[1], size[0], 3)


def test_a_picture_under_another_media_type_is_read_by_its_bytes(gateway: GatewayProcess) -> None:
    expected = gateway.post("/models/imagenet", BODY, "image/png").json()
    assert gateway.post("/models/imagenet", BODY, "image/jpeg").json() == expected
