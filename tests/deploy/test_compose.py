"""docker-compose.yml and the gateway image, as far as they can be tried without a Docker engine.

The file goes through `docker-compose config`; the Dockerfile's own install step and command run in a clean virtual
environment over exactly the files that it copies. That TensorFlow Serving's image starts is not tested here.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.stack import free_port
from gateway.settings import GatewaySettings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "gateway.Dockerfile"


def compose(profile: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        ["docker-compose", "--profile", profile, "config"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return services


def test_the_cpu_stack_reads_the_store_and_publishes_on_loopback_only() -> None:
    services = compose("cpu", TF_SERVING_TAG="2.19.1")
    server = services["model-server-cpu"]
    assert server["profiles"] == ["cpu"]
    assert "profiles" not in services["gateway"]
    assert server["image"] == "tensorflow/serving:2.19.1"
    assert "--model_config_file_poll_wait_seconds=1" in server["command"]
    assert "--allow_version_labels_for_unavailable_models" in server["command"]
    assert server["volumes"] == [f"{ROOT}/var/store:/models:ro"]
    for service in services.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert json.loads(services["gateway"]["environment"]["KMAAS_GATEWAY__MODELS"]) == ["digits", "sentiment"]


def test_what_the_gateway_keeps_is_in_a_volume_that_is_its_users() -> None:
    [volume] = compose("cpu")["gateway"]["volumes"]
    name, folder = volume.split(":")[:2]
    assert name == "state"
    state = Path(folder).relative_to(dict(_instructions())["WORKDIR"])
    assert state == GatewaySettings().state
    [made] = [rest for word, rest in _instructions() if word == "RUN" and "useradd" in rest]
    assert f"install --directory --owner kmaas --mode 0700 {state}" in made


def test_the_gpu_stack_reserves_a_device() -> None:
    server = compose("gpu")["model-server-gpu"]
    assert server["profiles"] == ["gpu"]
    assert server["image"] == "tensorflow/serving:2.21.0-gpu"
    [device] = server["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def _instructions() -> list[tuple[str, str]]:
    lines = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()
    return [
        (word, rest) for line in lines if (found := re.match(r"([A-Z]+) (.+)", line)) for word, rest in [found.groups()]
    ]


def test_the_image_is_slim_and_not_root() -> None:
    steps = _instructions()
    assert dict(steps)["FROM"].endswith("-slim")
    assert [word for word, _ in steps].index("USER") < [word for word, _ in steps].index("CMD")
    assert "tensorflow" not in (ROOT / "requirements" / "gateway.lock").read_text().lower()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the image has it: what COPY names, and a virtual environment with what RUN installs."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    for word, rest in _instructions():
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, folder / target, into=target.endswith("/"))
        elif word == "RUN" and rest.startswith("pip "):
            command = shlex.split(rest)
            subprocess.run([folder / "venv" / "bin" / "pip", *command[1:], "--quiet"], cwd=folder, check=True)
    return folder


def _copy(source: Path, target: Path, *, into: bool) -> None:
    destination = target / source.name if into else target
    if source.is_dir():
        shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, destination)


def test_the_image_runs_the_gateway(image: Path) -> None:
    steps = dict(_instructions())
    port = free_port()
    settings = dict(part.split("=", 1) for part in shlex.split(steps["ENV"]))
    assert settings.pop("KMAAS_GATEWAY__HOST") == "0.0.0.0"  # the container's own; here loopback
    environment = {"PATH": os.environ["PATH"], **settings, "KMAAS_GATEWAY__PORT": str(port)}
    environment["KMAAS_GATEWAY__GRPC_PORT"] = str(free_port())
    environment["KMAAS_GATEWAY__ADMIN_PORT"] = "0"
    python, *arguments = json.loads(steps["CMD"])
    with subprocess.Popen([image / "venv" / "bin" / python, *arguments], cwd=image, env=environment) as gateway:
        try:
            assert _alive(gateway, f"http://127.0.0.1:{port}/healthz")
        finally:
            gateway.terminate()


def _alive(process: "subprocess.Popen[bytes]", url: str) -> bool:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            return False
    return False
