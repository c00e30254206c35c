"""What breaks, and what is seen meanwhile: printed as a table after the tests."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from store.golden import Golden, parse_goldens
from store.layout import Store
from store.manifest import Manifest
from tests.gateway.conftest import Shelf, exports, shelf
from tests.support.processes import ModelServerProcess, until
from wire.client import ModelServerClient
from wire.errors import ModelServerError

__all__ = ["exports", "shelf"]

Goldens = Mapping[str, tuple[str, Golden]]  # by digest: the model, and what it must answer
See = Callable[..., None]

_SEEN = pytest.StashKey[list[tuple[str, dict[str, object]]]]()


@pytest.fixture
def see(request: pytest.FixtureRequest) -> See:
    """Puts figures into the table, as `see(recovered_s=0.3)`."""

    def note(**figures: object) -> None:
        request.config.stash.setdefault(_SEEN, []).append((request.node.name, figures))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    seen = config.stash.get(_SEEN, [])
    if seen:
        terminalreporter.section("what was seen")
    for name, figures in seen:
        told = "  ".join(f"{what} {_shown(figure)}" for what, figure in figures.items())
        terminalreporter.write_line(f"{name.removeprefix('test_').replace('_', ' ')}\n    {told}")


def _shown(figure: object) -> str:
    return f"{figure:.2f}" if isinstance(figure, float) else str(figure)


@pytest.fixture(scope="session")
def goldens(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Goldens:
    """Of all versions that the tests publish: read from the graphs, as the gateway does."""
    shelf = Shelf(Store.at(tmp_path_factory.mktemp("goldens") / "store"), exports)
    shelf.publish("digits-a", "digits-words", "sentiment")
    config = shelf.store.root.parent / "models.config"
    rows = [
        f'config {{ name: "{name}" base_path: "{shelf.store.base(name)}" model_platform: "tensorflow" '
        "model_version_policy { all {} } }"
        for name in shelf.store.models()
    ]
    config.write_text(f"model_config_list {{ {' '.join(rows)} }}")
    with (
        ModelServerProcess(shelf.store.root, None, "--model_config_file", str(config)) as server,
        ModelServerClient(server.target) as client,
    ):
        found = {}
        for model, version in (("digits", 1), ("digits", 2), ("sentiment", 1)):
            until(lambda: loaded(client, model, version), f"{model} {version} is loaded")  # noqa: B023 (called here)
            digest, golden = _documents(client, model, version)
            found[digest] = (model, golden)
    return found


def loaded(client: ModelServerClient, model: str, version: int) -> bool:
    try:
        return any(v.version == version and v.state == "AVAILABLE" for v in client.status(model, timeout_s=10))
    except ModelServerError:  # it does not listen yet, or has not looked yet
        return False


def has_all(server: ModelServerProcess) -> bool:
    with ModelServerClient(server.target) as client:
        return loaded(client, "digits", 1) and loaded(client, "sentiment", 1)


def _documents(client: ModelServerClient, model: str, version: int) -> tuple[str, Golden]:
    asked = {"section": np.array([b"manifest", b"golden"], dtype=object)}
    answered = client.predict(model, asked, signature="manifest", version=version, timeout_s=30)
    manifest, goldens = answered.outputs["document"].tolist()
    [golden] = parse_goldens(goldens)
    return Manifest.model_validate_json(manifest).digest, golden


@pytest.fixture
def store(shelf: Shelf) -> Store:
    """With `digits` and `sentiment`."""
    shelf.publish("digits-a", "sentiment")
    return shelf.store


@pytest.fixture(scope="session")
def server(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """Of `digits` and `sentiment`, for tests that leave it alone."""
    shelf = Shelf(Store.at(tmp_path_factory.mktemp("steady") / "store"), exports)
    shelf.publish("digits-a", "sentiment")
    with ModelServerProcess(shelf.store.root) as process:
        yield process
