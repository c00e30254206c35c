"""Small real models, a real model server over them, and a gateway in front."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from store.layout import Store
from store.publish import publish
from tests.support import small_models
from tests.support.company import COMPANY
from tests.support.processes import GatewayProcess, ModelServerProcess


@pytest.fixture(scope="session")
def exports() -> Path:
    return small_models.exports()


@dataclass
class Shelf:
    """A store of a test's own, and the exports to publish into it."""

    store: Store
    exports: Path

    def publish(self, *names: str) -> None:
        for name in names:
            publish(self.store, self.exports / name)


@pytest.fixture
def shelf(exports: Path, tmp_path: Path) -> Shelf:
    return Shelf(Store.at(tmp_path / "store"), exports)


@pytest.fixture(scope="module")
def model_server(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelServerProcess:
    """Serves `digits`, `sentiment` and `strokes` to tests that change nothing."""

    def made() -> ModelServerProcess:
        shelf = Shelf(Store.at(tmp_path_factory.mktemp("shared") / "store"), exports)
        shelf.publish("digits-a", "sentiment", "strokes")
        return ModelServerProcess(shelf.store.root)

    return COMPANY.shared("the model server", made)


@pytest.fixture(scope="module")
def text_server(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelServerProcess:
    """Serves `writer`, `poet`, `poet-plain`, `embeddings`, `speech`, `shout`, `moods`, `digits`, `squares`, `faces`,
    `hues` and `pitch`, to tests that change nothing."""

    def made() -> ModelServerProcess:
        shelf = Shelf(Store.at(tmp_path_factory.mktemp("texts") / "store"), exports)
        shelf.publish("writer", "embeddings", "speech", "shout", "moods", "digits-a", "poet", "poet-plain")
        shelf.publish("squares", "faces", "hues", "pitch")
        return ModelServerProcess(shelf.store.root)

    return COMPANY.shared("the texts' model server", made)


@pytest.fixture(scope="module")
def texts(text_server: ModelServerProcess, tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    """In front of `text_server`, ready, with limits small enough to exceed."""
    limits, state = {"text_chars": 1000, "items": 4, "audio_seconds": 5}, tmp_path_factory.mktemp("state")
    process = COMPANY.shared(
        "the texts' gateway", lambda: GatewayProcess(text_server.target, limits=limits, state=state)
    )
    process.wait_ready()
    return process


@pytest.fixture(scope="module")
def gateway(model_server: ModelServerProcess, tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    """In front of `model_server`, ready, with limits small enough to exceed."""
    limits, state = {"text_chars": 1000, "items": 4}, tmp_path_factory.mktemp("state")
    process = COMPANY.shared("the gateway", lambda: GatewayProcess(model_server.target, limits=limits, state=state))
    process.wait_ready()
    return process


@pytest.fixture(scope="module")
def two_versions(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelServerProcess:
    """`digits` 1 and 2, both loaded, which answer differently; `sentiment` and `strokes`. Nobody changes it."""

    def made() -> ModelServerProcess:
        shelf = Shelf(Store.at(tmp_path_factory.mktemp("two") / "store"), exports)
        shelf.publish("digits-a", "digits-b", "sentiment", "strokes")
        config = shelf.store.root.parent / "models.config"
        rows = [
            f'config {{ name: "{name}" base_path: "{shelf.store.base(name)}" model_platform: "tensorflow" '
            "model_version_policy { all {} } }"
            for name in ("digits", "sentiment", "strokes")
        ]
        config.write_text(f"model_config_list {{ {' '.join(rows)} }}")
        return ModelServerProcess(shelf.store.root, None, "--model_config_file", str(config))

    return COMPANY.shared("the model server of two versions", made)
