"""The import directions of DESIGN.md, read from the code and seen in fresh processes."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# package -> the packages of ours it may import
MAY_IMPORT = {
    "processing": set(),
    "store": set(),
    "wire": set(),
    "models": {"processing"},
    "training": {"models", "processing", "store"},
    "export": {"models", "processing", "store", "wire"},
    "serving": {"store", "wire"},
    "gateway": {"processing", "store", "wire"},
    "kmaas": {"export", "gateway", "models", "processing", "serving", "store", "training", "wire"},
    "bench": {"export", "gateway", "kmaas", "models", "processing", "serving", "store", "training", "wire"},
}
FRAMEWORKS = {"tensorflow", "keras", "keras_hub", "tensorflow_text", "tensorflow_serving"}
DATABASES = {"sqlalchemy", "alembic", "pgvector"}  # for gateways that have galleries
MAY_IMPORT_FRAMEWORKS = (
    "models/",
    "training/",
    "export/",
    "serving/runtimes/",
    "bench/checkpoints.py",
    "bench/making.py",
    "bench/peers/",
    "bench/writers.py",
)


def _sources(package: str) -> Iterator[Path]:
    return (ROOT / package).rglob("*.py")


def _imported_roots(source: Path) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            roots.add((node.module or "").split(".")[0])
    return roots


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_the_design_allows(package: str) -> None:
    for source in _sources(package):
        ours = _imported_roots(source) & MAY_IMPORT.keys() - {package}
        assert ours <= MAY_IMPORT[package], f"{source.relative_to(ROOT)} imports {sorted(ours - MAY_IMPORT[package])}"


def test_only_the_rooms_for_it_import_tensorflow_and_keras() -> None:
    for package in MAY_IMPORT:
        for source in _sources(package):
            relative = source.relative_to(ROOT).as_posix()
            if not relative.startswith(MAY_IMPORT_FRAMEWORKS):
                assert not _imported_roots(source) & FRAMEWORKS, relative


def test_every_package_is_named_in_pyproject() -> None:
    named = (ROOT / "pyproject.toml").read_text()
    for package in MAY_IMPORT:
        for folder in {source.parent.relative_to(ROOT) for source in _sources(package)}:
            assert f'"{".".join(folder.parts)}"' in named, f"{folder} is missing in [tool.setuptools] packages"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_are_those_of_this_repository(package: str) -> None:
    """An editable install run from a folder with its own `models/` would mix both."""
    module = __import__(package)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)


@pytest.mark.parametrize("modules", ["gateway.app, gateway.server, kmaas.gateway", "wire.client", "store.publish"])
def test_light_processes_import_no_framework_and_no_database(modules: str) -> None:
    code = f"import {modules}, sys; print(sorted({FRAMEWORKS | DATABASES!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_help_is_light() -> None:
    code = "import sys, kmaas.main as m; m.cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not any(f"'{name}'" in done.stdout for name in (*FRAMEWORKS, "flask", "cv2", "sklearn"))
