"""What callers see while versions are promoted and rolled back, by the real commands and real model servers."""

import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.stack import free_port
from gateway.settings import Limits
from kmaas.live import LiveServer
from store.held_out import HeldOut
from store.labels import Labels
from store.layout import Store, VersionDir
from store.model_server_config import CONFIG_FILE, CONTAINER_MOUNT
from store.publish import publish
from store.records import record_path
from store.signing import Signer, verified
from tests.gateway.conftest import Shelf
from tests.support import decided, sabotage
from tests.support.clients import Clients
from tests.support.processes import GatewayProcess, ModelServerProcess, Process, until
from tests.support.proxy import Proxy
from tests.support.runs import Workplace
from tests.support.small_models import picture
from wire.tensors import from_proto, write_proto

PICTURE = picture()


class Stage:
    """A store, a model server over it, a gateway in front, and the command line beside."""

    def __init__(self, shelf: Shelf, folder: Path, server: ModelServerProcess, gateway: GatewayProcess) -> None:
        self.shelf, self.store, self.gateway, self.server = shelf, shelf.store, gateway, server
        self.folder = folder
        self.place = Workplace.at(
            folder,
            KMAAS_GATEWAY__MODEL_SERVER=server.target,
            KMAAS_GATEWAY__PORT=gateway.url.rpartition(":")[2],
            KMAAS_PROMOTION__KEY=str(folder / "key.pem"),
            KMAAS_PROMOTION__LATENCY_MS="10000",
            # The small models have one golden each.
            KMAAS_PROMOTION__MINIMUM__GOLDENS="1",
            KMAAS_PROMOTION__MINIMUM__FEW_LABELS="0",
        )

    def publish(self, name: str, *, wrong: int = 20) -> int:
        return publish_measured(self.shelf, name, self.folder / "export", wrong)

    def promote(self, version: int, *options: str) -> None:
        done = self.place.kmaas("promote", "digits", str(version), *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"digits: stable is version {version}" in done.stdout
        assert done.stdout.count("follows after") == 2, done.stdout + done.stderr

    @property
    def labels(self) -> Labels:
        return Labels.read(self.store.base("digits"))

    def asked(self) -> str:
        """The version that answers a caller."""
        answer = self.gateway.post("/models/digits", PICTURE)
        assert answer.status == 200
        return answer.headers["X-Model-Version"]

    def reasons(self) -> dict[int, str | None]:
        lines = self.gateway.get("/models/digits").json()["versions"]
        return {line["version"]: line["reason"] for line in lines if line["state"] == "AVAILABLE"}


def publish_measured(shelf: Shelf, name: str, copy: Path, wrong: int = 20) -> int:
    """A version of this export that has so many of 1000 held-out rows wrong."""
    export = Path(shutil.copytree(shelf.exports / name, copy, dirs_exist_ok=True))
    truth, predicted = np.zeros(1000, np.int32), np.zeros(1000, np.int32)
    predicted[:wrong] = 1
    HeldOut("0" * 64, truth, predicted).write(VersionDir(export).held_out)
    return publish(shelf.store, export).number


@pytest.fixture
def stage(shelf: Shelf, tmp_path: Path) -> Iterator[Stage]:
    """With one version, that has no label yet."""
    publish_measured(shelf, "digits-a", tmp_path / "export")
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        yield Stage(shelf, tmp_path, server, gateway)


def test_promote_and_rollback_under_load_without_a_failed_request(stage: Stage) -> None:
    clients = Clients(stage.gateway, "digits", PICTURE, 8)
    expected = ["1"]
    with clients.asking():
        stage.promote(1)
        assert stage.publish("digits-b") == 2
        until(lambda: stage.reasons() == {1: None, 2: "another version is promoted"}, "2 is loaded, and not asked")
        clients.wait_for(50)
        assert stage.asked() == "1"
        assert {answer.headers["X-Model-Version"] for answer in clients.answers} == {"1"}
        for version, command in (("2", "promote"), ("1", "rollback"), ("2", "promote")):
            if command == "promote":
                stage.promote(int(version))
            else:
                done = stage.place.kmaas("rollback", "digits", "--reason", "we want the other one back")
                assert done.returncode == 0, done.stdout + done.stderr
                assert "1 goldens are answered rightly" in done.stdout
            assert stage.asked() == version
            expected.append(version)
            clients.wait_for(50)
    assert clients.statuses.keys() == {200}
    told = clients.different("X-Model-Version", "X-Model-Digest")
    seen = [(answer.headers["X-Model-Version"], answer.headers["X-Model-Digest"]) for answer in told]
    assert sorted(seen) == [("1", "sha256:digits-1"), ("2", "sha256:digits-2")]
    records = verified(stage.store.base("digits"), stage.labels)
    assert [str(record.version) for record in records] == expected
    assert [record.action for record in records] == ["promote", "promote", "rollback", "promote"]


def test_a_worse_version_is_refused_and_forced_only_with_a_reason(stage: Stage) -> None:
    stage.publish("digits-b")
    stage.promote(2)
    stage.publish("digits-a", wrong=200)
    refused = stage.place.kmaas("promote", "digits", "newest")
    assert refused.returncode == 1
    assert "accuracy    failed  0.8000, version 2 0.9800 on the same 1,000 rows: -0.1800" in refused.stdout
    assert "mcnemar     failed  right where version 2 is wrong: 0, the other way round: 180" in refused.stdout
    assert "goldens     passed" in refused.stdout
    assert "refused; digits stays as it is (record 2)" in refused.stderr
    assert (stage.labels.versions, stage.labels.checked, stage.asked()) == ({"stable": 2}, None, "2")
    for arguments in (("--force",), ("--reason", "so it is"), ("--force", "--reason", " ")):
        assert stage.place.kmaas("promote", "digits", "3", *arguments).returncode == 2
    stage.promote(3, "--force", "--reason", "the other one leaks")
    assert stage.asked() == "3"
    first, refusal, forced = verified(stage.store.base("digits"), stage.labels)
    assert (refusal.action, refusal.version, refusal.replaced, refusal.labels) == ("refuse", 3, 2, {"stable": 2})
    assert [check.name for check in refusal.checks if not check.passed] == ["accuracy", "mcnemar"]
    assert (first.reason, forced.reason) == (None, "the other one leaks")
    assert [check.name for check in forced.checks if not check.passed] == ["accuracy", "mcnemar"]


def test_a_version_that_answers_wrongly_is_refused(stage: Stage) -> None:
    stage.promote(1)
    stage.publish("digits-wrong")
    refused = stage.place.kmaas("promote", "digits", "2", "--json")
    assert refused.returncode == 1
    checks = {check["name"]: check for check in json.loads(refused.stdout)["checks"]}
    assert "golden seven is answered wrongly" in checks["goldens"]["fact"]
    assert (checks["goldens"]["passed"], checks["latency"]["fact"]) == (False, "not measured")
    assert stage.asked() == "1"
    forced = stage.place.kmaas(
        "promote", "digits", "2", "--force", "--reason", "to see", "--label", "canary", "--model-server", "127.0.0.1:1"
    )
    assert forced.returncode == 0
    assert "no model server answers at 127.0.0.1:1 (UNAVAILABLE)" in forced.stdout
    assert (stage.labels.versions, stage.asked()) == ({"stable": 1, "canary": 2}, "1")


def test_a_version_whose_manifest_somebody_changed_is_refused(stage: Stage) -> None:
    """After the server has loaded it: else it would not."""
    stage.publish("digits-b")
    until(lambda: 2 in stage.reasons(), "version 2 is loaded")
    path = stage.store.version("digits", 2).manifest
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "recorded": 0, "description": "All letters."}))
    refused = stage.place.kmaas("promote", "digits", "2")
    assert refused.returncode == 1
    assert (
        "evidence    failed  manifest.json is not what the model server answers from the graph: they differ in "
        "description, recorded; export it again" in refused.stdout
    )
    assert "goldens     passed" in refused.stdout


def test_a_label_is_taken_away_under_load_without_a_failed_request(stage: Stage) -> None:
    clients = Clients(stage.gateway, "digits", PICTURE, 4)
    with clients.asking():
        stage.promote(1)
        stage.publish("digits-b")
        clients.wait_for(20)
        assert stage.asked() == "1"
        done = stage.place.kmaas("unlabel", "digits", "stable", "--reason", "whatever is newest will do")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "digits: no version is stable, it was version 1 (record 2)" in done.stdout
        assert "version 2, the newest, answers from now on" in done.stdout
        assert done.stdout.count("follows after") == 2, done.stdout + done.stderr
        assert stage.asked() == "2"
        clients.wait_for(20)
    assert clients.statuses.keys() == {200}
    assert "version_labels" not in (stage.store.root / CONFIG_FILE).read_text()
    until(lambda: stage.reasons() == {2: None}, "nothing keeps version 1")


def test_concurrent_promotions_wait_for_each_other(stage: Stage) -> None:
    for name in ("digits-b", "digits-a", "digits-b"):
        stage.publish(name)
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda version: stage.place.kmaas("promote", "digits", version), "234"))
    assert [process.returncode for process in done] == [0, 0, 0]
    records = verified(stage.store.base("digits"), stage.labels)
    assert sorted(record.version or 0 for record in records) == [2, 3, 4]
    assert [record.replaced for record in records] == [None, *(record.version for record in records[:-1])]
    assert stage.labels.versions == {"stable": records[-1].version}
    until(lambda: stage.asked() == str(records[-1].version), "the last one counts")


def test_a_killed_promotion_leaves_what_every_reader_understands(stage: Stage) -> None:
    """`tests/store/test_killed.py` has every step; these are some, with a model server and a gateway that read."""
    stage.promote(1)
    stage.publish("digits-b")
    step, killed = 1, []
    while (done := stage.place.killed(step, "promote", "digits", "2")).returncode == -signal.SIGKILL:
        killed.append(step)
        step += 3
        stable = stage.labels.versions["stable"]
        verified(stage.store.base("digits"), stage.labels)
        until(partial(stage.gateway.answers_from, "digits", stable), "the gateway follows what is there")
    assert len(killed) > 3
    assert done.returncode == 0, done.stdout + done.stderr
    assert (stage.labels.versions, stage.labels.checked, stage.asked()) == ({"stable": 2}, None, "2")
    assert record_path(stage.store.base("digits"), 2).exists()
    assert 'version_labels { key: "stable" value: 2 }' in (stage.store.root / CONFIG_FILE).read_text()
    assert len(verified(stage.store.base("digits"), stage.labels)) == 2


@pytest.mark.usefixtures("gateway")  # which waits until the server is ready
def test_a_server_that_has_another_version_or_none_proves_nothing(
    model_server: ModelServerProcess, shelf: Shelf
) -> None:
    shelf.publish("digits-a")
    version = shelf.store.version("digits", 1)
    with LiveServer(model_server.target, Limits(), 0.05) as live:
        assert live.prove("digits", version, "sha256:digits-1").fault is None
        other = live.prove("digits", version, "sha256:other").fault
        assert other is not None
        assert other.endswith("reads another store: its version has the digest sha256:digits-1, expected sha256:other")
        missing = live.prove("digits", VersionDir(version.path.with_name("9")), "sha256:digits-1").fault
        assert missing is not None
        assert missing.endswith("does not have it loaded within 0.05 s: it is unknown there")
        assert live.prove("digits", version, None, measured=False).latencies_ms == ()
        assert live.states("digits") == {1: "AVAILABLE"}
        late = live.follows("digits", "stable", 1, time.perf_counter())
        assert str(late).endswith("does not follow within 0.05 s")


# --- Signatures that no golden asks


@pytest.fixture
def strokes(shelf: Shelf) -> VersionDir:
    shelf.publish("strokes")
    return shelf.store.version("strokes")


@pytest.fixture
def proxy(model_server: ModelServerProcess, gateway: GatewayProcess) -> Iterator[Proxy]:
    """In front of a server that has these strokes, too."""
    assert gateway.url, "it has waited until the server is ready"
    with Proxy(model_server.target) as made:
        yield made


def _fault(proxy: Proxy, version: VersionDir) -> str | None:
    with LiveServer(proxy.target, Limits(), 10) as live:
        return live.prove("strokes", version, "sha256:strokes", measured=False).fault


def test_every_signature_with_recorded_answers_is_asked(proxy: Proxy, strokes: VersionDir) -> None:
    with LiveServer(proxy.target, Limits(), 10) as live:
        seen = live.prove("strokes", strokes, "sha256:strokes", measured=False)
    assert (seen.fault, seen.goldens, seen.signatures) == (None, 1, ("raw", "explain"))
    assert seen.manifest is not None
    assert seen.manifest.recorded == 3


@pytest.mark.parametrize(
    ("signature", "output", "request_"), [("raw", "probabilities", 1), ("explain", "logits", 2), ("raw", "logits", 1)]
)
def test_a_signature_that_answers_otherwise_than_recorded_is_named(
    proxy: Proxy, strokes: VersionDir, signature: str, output: str, request_: int
) -> None:
    """The goldens are answered rightly, and a stock TensorFlow Serving proves nothing at load."""

    def shifted(response: Any) -> Any:
        if response.model_spec.signature_name == signature:
            values = from_proto(response.outputs[output]) + 1e-2
            response.outputs[output].Clear()
            write_proto(values.astype(np.float32), response.outputs[output])
        return response

    proxy.distort = shifted
    assert re.fullmatch(
        rf"request {request_} of signature {signature} is answered otherwise than recorded: {output} differs by "
        r"\d\.\de-0\d, expected at most 0\.0001",
        _fault(proxy, strokes) or "",
    )


def test_a_signature_that_lacks_an_output_is_named(proxy: Proxy, strokes: VersionDir) -> None:
    def lacking(response: Any) -> Any:
        response.outputs.pop("heat", None)
        return response

    proxy.distort = lacking
    assert "request 2 of signature explain is answered otherwise than recorded: heat differs by inf" in (
        _fault(proxy, strokes) or ""
    )


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (
            lambda version: version.warm_up.unlink(),
            "0 recorded answers were found, the manifest promises 3",
        ),
        (
            lambda version: sabotage.forget_recorded(version, "raw"),
            "2 recorded answers were found (1 of explain, 1 of serving_default), the manifest promises 3",
        ),
        (
            lambda version: version.warm_up.write_bytes(b"garbage"),
            "the recorded answers cannot be read: {} is not a whole TFRecord file: it ends inside a record's head",
        ),
        (
            lambda version: sabotage.change_requests(version, "raw", np.array([b"no picture"], object)),
            "request 1 of signature raw is not answered: ",
        ),
    ],
    ids=["no file", "none of a signature", "garbage", "a request that is refused"],
)
def test_records_that_prove_nothing_are_told(
    proxy: Proxy, strokes: VersionDir, spoil: Callable[[VersionDir], object], fault: str
) -> None:
    spoil(strokes)
    assert (_fault(proxy, strokes) or "").startswith(fault.format(strokes.warm_up))


def test_labels_of_a_stock_tensorflow_serving_are_followed(shelf: Shelf, tmp_path: Path) -> None:
    """One that reads `models.config`, knows no `labels.json` and cannot list its models."""
    signer = Signer.at(tmp_path / "key.pem")
    config = tmp_path / "container.config"

    def mount() -> None:
        """The store's config file, as a container sees it that mounts the store."""
        text = (shelf.store.root / CONFIG_FILE).read_text().replace(f"{CONTAINER_MOUNT}/", f"{shelf.store.root}/")
        partial = config.with_suffix(".partial")
        partial.write_text(text)
        partial.replace(config)

    def label(version: int) -> None:
        decided.label(shelf.store, "digits", version, signer)
        mount()

    shelf.publish("digits-a", "digits-b")
    label(1)
    port = free_port()
    flags = ("--allow_version_labels_for_unavailable_models", "--model_config_file_poll_wait_seconds=0.1")
    with (
        Process("serve", f"--model_config_file={config}", f"--port={port}", "--rest_api_port=0", *flags),
        Proxy(f"127.0.0.1:{port}") as stock,
        GatewayProcess(stock.target, models=("digits",)) as gateway,
    ):
        gateway.wait_ready()
        versions = {line["version"]: line["state"] for line in gateway.get("/models/digits").json()["versions"]}
        assert versions == {1: "AVAILABLE", 2: "AVAILABLE"}
        clients = Clients(gateway, "digits", PICTURE, 4)
        with clients.asking():
            for version in (2, 1, 2):
                clients.wait_for(20)
                label(version)
                until(partial(gateway.answers_from, "digits", version), f"version {version}")
            shelf.publish("digits-a")
            mount()
            until(lambda: len(gateway.get("/models/digits").json()["versions"]) == 3, "version 3 is there")
            clients.wait_for(20)
            assert gateway.answers_from("digits", 2)
        assert clients.statuses.keys() == {200}
        assert {answer.headers["X-Model-Version"] for answer in clients.answers} == {"1", "2"}
    assert Store.at(shelf.store.root).models() == ["digits"]
