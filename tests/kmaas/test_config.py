"""kmaas.toml and KMAAS_*: merged, validated, unknown keys refused."""

import re
from pathlib import Path

import pytest

from kmaas.config import load_config
from kmaas.errors import ConfigError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("STORE", "RUNS", "CACHE", "GATEWAY__ADMIN_PORT", "GATEWAY__STATE"):
        monkeypatch.delenv(f"KMAAS_{name}", raising=False)
    return tmp_path


def test_defaults_are_the_documented_ports() -> None:
    config = load_config()
    assert (config.serve.port, config.serve.rest_api_port) == (8500, 8501)
    assert (config.gateway.port, config.gateway.admin_port) == (8080, 8082)
    assert config.store == Path("var/store")


def test_a_variable_beats_the_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "kmaas.toml").write_text("[gateway]\nport = 9000\nthreads = 3\n")
    monkeypatch.setenv("KMAAS_GATEWAY__PORT", "9001")
    config = load_config()
    assert (config.gateway.port, config.gateway.threads) == (9001, 3)


def test_the_route_of_the_guide_is_one(empty_folder: Path) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "routing.md").read_text()
    (empty_folder / "kmaas.toml").write_text(guide.split("```toml")[1].split("```")[0])
    route = load_config().gateway.routes["digits"]
    assert (route.to, route.split[0].to, route.rest) == ("stable", "canary", 90.0)
    assert route.limits == {"items": 8, "image_pixels": 4_000_000}


def test_a_list_comes_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMAAS_GATEWAY__MODELS", '["digits", "sentiment"]')
    assert load_config().gateway.models == ("digits", "sentiment")


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("127.0.0.1:8500", ("127.0.0.1:8500",)),
        ("dns:///replicas.models.svc:8500", ("dns:///replicas.models.svc:8500",)),
        ('["127.0.0.1:8500", "[::1]:8501"]', ("127.0.0.1:8500", "[::1]:8501")),
    ],
)
def test_model_servers_are_one_or_many(monkeypatch: pytest.MonkeyPatch, text: str, servers: tuple[str, ...]) -> None:
    monkeypatch.setenv("KMAAS_GATEWAY__MODEL_SERVER", text)
    assert load_config().gateway.model_servers == servers


def test_the_documented_list_of_model_servers_is_one(empty_folder: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/model-servers.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found = []
    for example in examples:
        (empty_folder / "kmaas.toml").write_text(example)
        found.append(load_config().gateway.model_servers)
    assert [len(servers) for servers in found] == [3, 1]


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("prot = 1", "prot"),
        ("[gateway]\nprot = 1", "gateway.prot is not a setting; known there: host, port"),
        ("[gateway.limits]\nbytes = 1", "known there: body_bytes"),
        ("[gateway]\nmodel_server = 'http://example'", "gateway.model_server: 'http://example' is no address"),
        ("[gateway]\nmodel_server = []", "gateway.model_server: there is no address"),
        ("[gateway]\nmodel_server = ['127.0.0.1:1', 'nowhere']", "gateway.model_server: 'nowhere' is no address"),
        ("[gateway]\nretry_percent = 101", "gateway.retry_percent"),
        ("[gateway]\nhedge_after_ms = 0", "gateway.hedge_after_ms"),
        ("[gateway.limits]\nitems = 0", "gateway.limits.items"),
        ("[serve]\nport = 70000", "serve.port"),
        ("[serve]\nport = 'high'", "serve.port"),
        ("[gateway.routes.digits]\ntoo = 1", "known there: to, split, shadow"),
        ("[[gateway.routes.digits.split]]\nto = 1\npercent = 5\ncanary = {error = 0.1}", "known there: errors"),
        (
            "[gateway.routes.digits]\nto = 'A b'",
            "gateway.routes.digits.to: expected the number of a version or a label",
        ),
        ("[gateway.routes.digits]\nsplit = [{to = 1, percent = 60}, {to = 2, percent = 60}]", "120 percent together"),
        ("[gateway.routes.digits]\ndeadline_s = 60", "routes.digits.deadline_s: expected at most the gateway's own"),
        ("[gateway]\nadmin_host = '0.0.0.0'\nadmin_port = 8082", "set an admin_token"),
        ("[gateway", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_key(empty_folder: Path, toml: str, named: str) -> None:
    (empty_folder / "kmaas.toml").write_text(toml)
    with pytest.raises(ConfigError, match=named):
        load_config()


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("KMAAS_GATEWEY__PORT", "1", "KMAAS_GATEWEY__PORT"),
        ("KMAAS_GATEWAY__PROT", "1", "gateway.prot"),
        ("KMAAS_GATEWAY__MODELS", "digits", "JSON"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=named):
        load_config()
