"""promote, rollback, versions, diff, gc: through the command line, on real versions of tiny trainings."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.stack import free_port
from store.contents import seal
from store.labels import LABELS_FILE, Labels
from store.layout import Store, VersionDir
from store.publish import publish
from store.records import record_path
from tests.support import sabotage
from tests.support.manifests import PARITY, export_folder, manifest
from tests.support.processes import ModelServerProcess, until
from tests.support.runs import LEARNT, Workplace
from wire.client import ModelServerClient
from wire.errors import ModelServerError


class Shop:
    """Real versions 1 (trained), 2 (hardly trained) and 3 (1 once more), and a model server over them."""

    def __init__(self, place: Workplace, server: ModelServerProcess) -> None:
        self.place, self.server = place, server
        self.base = Store.at(place.store).base("digits")

    def json(self, *arguments: str, code: int = 0) -> Any:
        done = self.place.kmaas(*arguments, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)


def loaded(target: str) -> set[int]:
    with ModelServerClient(target) as client:
        try:
            return {line.version for line in client.status("digits", timeout_s=5) if line.state == "AVAILABLE"}
        except ModelServerError:
            return set()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("lifecycle")
    server_port = free_port()
    place = Workplace.before(folder, server_port)
    trained, hardly = place.exported("digits", *LEARNT), place.exported("digits")
    for run in (trained, hardly, trained):
        done = place.kmaas("publish", str(run))
        assert done.returncode == 0, done.stderr
    with ModelServerProcess(place.store, server_port) as server:
        until(lambda: loaded(server.target) == {3}, "the newest version is loaded")
        yield Shop(place, server)


def test_from_first_promotion_to_gc(shop: Shop) -> None:
    first = shop.json("promote", "digits", "1")
    assert (first["action"], first["labels"]) == ("promote", {"stable": 1})
    again = shop.place.kmaas("promote", "digits", "1")
    assert again.stdout == "digits: stable is version 1 already\n"

    worse = shop.json("promote", "digits", "2", code=1)
    failed = {check["name"]: check["fact"] for check in worse["checks"] if not check["passed"]}
    assert "accuracy" in failed, worse
    assert worse["action"] == "refuse"
    assert {check["name"] for check in worse["checks"]} >= {"goldens", "latency", "robustness", "licence"}
    assert worse["labels"] == Labels.read(shop.base).versions == {"stable": 1}

    same = shop.json("promote", "digits", "newest")
    assert same["labels"] == {"stable": 3}
    assert same["digest"] == first["digest"] != worse["digest"]
    assert shop.json("rollback", "digits", "--reason", "to see")["labels"] == {"stable": 1}
    nothing = shop.place.kmaas("rollback", "digits")
    assert (nothing.returncode, "no version that the store still has" in nothing.stderr) == (1, True)
    forced = shop.place.kmaas("promote", "digits", "2", "--label", "canary", "--force", "--reason", "a trial")
    assert forced.returncode == 0
    assert "digits: canary is version 2 (record 5)" in forced.stdout

    rows = {row["version"]: row for row in shop.json("versions", "digits")}
    assert {number: row["labels"] for number, row in rows.items()} == {3: [], 2: ["canary"], 1: ["stable"]}
    assert {row["state"] for row in rows.values()} == {"AVAILABLE"}
    assert rows[1]["accuracy"] == rows[3]["accuracy"] > rows[2]["accuracy"]
    assert all(row["bytes"] > 10_000 for row in rows.values())
    table = shop.place.kmaas("versions", "digits", "--verify")
    assert "5 records, each as it was signed and in its place" in table.stderr
    assert "canary" in table.stdout
    records = shop.json("versions", "digits", "--records")
    assert [record["action"] for record in records] == ["promote", "refuse", "promote", "rollback", "promote"]
    assert [record["reason"] for record in records] == [None, None, None, "to see", "a trial"]
    assert "a trial" in shop.place.kmaas("versions", "digits", "--records").stdout.splitlines()[-1]

    changed = shop.json("diff", "digits", "stable", "canary")
    assert {"digest", "run", "metrics.accuracy.value"} <= changed["fields"].keys()
    assert shop.json("diff", "digits", "1", "newest")["fields"] == {}
    assert "answers: the same, by their digests" in shop.place.kmaas("diff", "digits", "1", "3").stdout

    assert shop.json("gc", "digits", "--keep", "1", "--dry-run") == []
    assert shop.json("promote", "digits", "3", "--label", "canary", code=0)["labels"] == {"stable": 1, "canary": 3}
    shop.json("rollback", "digits", "--label", "canary")  # 2 again, so that 3 is only the newest
    assert shop.json("gc", "digits", "--keep", "1") == []
    assert Store.at(shop.place.store).versions("digits") == [1, 2, 3]


def test_a_version_with_a_signature_that_never_answers_is_not_promoted(shop: Shop) -> None:
    """Its twin answers the goldens, and all that was asked so far; the SavedModel beside it opens at its first call."""
    export = next(iter(sorted(shop.place.runs.glob("digits-*/export"))))
    spoilt = Path(shutil.copytree(export, shop.place.folder / "spoilt"))
    sabotage.change_recorded(VersionDir(spoilt), "raw", "logits", 0.5)
    version = publish(Store.at(shop.place.store), spoilt).number
    refused = shop.json("promote", "digits", str(version), "--label", "spoilt", code=1)
    facts = {check["name"]: check["fact"] for check in refused["checks"] if not check["passed"]}
    assert re.fullmatch(
        r"request \d+ of signature raw is not answered: signature raw is not in the version's LiteRT twin, and its "
        r"SavedModel does not open: request \d+ of signature raw is answered otherwise than recorded: logits differs "
        r"by \d\.\de-0\d, expected at most 0\.0001; export the version again",
        facts["goldens"],
    )
    assert version in loaded(shop.server.target), "nothing else would have told"


@pytest.fixture(scope="module")
def hollow(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A place with five versions that are no SavedModels; no server is there."""
    folder = tmp_path_factory.mktemp("hollow")
    place = Workplace.at(
        folder,
        KMAAS_GATEWAY__MODEL_SERVER="127.0.0.1:1",
        KMAAS_GATEWAY__PORT=str(free_port()),
        KMAAS_PROMOTION__KEY=str(folder / "key.pem"),
    )
    export = export_folder(folder / "export")
    for _ in range(5):
        publish(Store.at(place.store), export)
    return place


def test_without_a_model_server_nothing_is_proved(hollow: Workplace) -> None:
    refused = hollow.kmaas("promote", "digits", "2")
    assert refused.returncode == 1
    assert "goldens     failed  no model server answers at 127.0.0.1:1 (UNAVAILABLE); start one" in refused.stdout
    assert "Traceback" not in refused.stderr


def test_too_little_evidence_is_refused_with_the_amounts_or_forced(hollow: Workplace, tmp_path: Path) -> None:
    export = export_folder(tmp_path / "export", "little")
    few = PARITY.model_copy(update={"inputs": 12})
    told = manifest("little").model_copy(update={"parity": (few,), "goldens": {"0": 9}, "recorded": 9})
    seal(VersionDir(export), told)
    publish(Store.at(hollow.store), export)
    words = "evidence    failed  12 parity inputs, at least 64 needed; no golden for label '1'; export a run of more"
    assert words in hollow.kmaas("promote", "little", "1").stdout
    lower = {"KMAAS_PROMOTION__MINIMUM__PARITY_INPUTS": "12", "KMAAS_PROMOTION__MINIMUM__FEW_LABELS": "1"}
    content = replace(hollow, environment={**hollow.environment, **lower})
    assert "evidence    passed  12 parity inputs; 9 goldens" in content.kmaas("promote", "little", "1").stdout
    forced = hollow.kmaas("promote", "little", "1", "--force", "--reason", "a trial of the store itself")
    assert (forced.returncode, words in forced.stdout) == (0, True)


def test_a_label_is_taken_away(hollow: Workplace) -> None:
    for label in ("stable", "canary"):
        hollow.kmaas("promote", "digits", "3", "--label", label, "--force", "--reason", "no server here")
    done = hollow.kmaas("unlabel", "digits", "canary")
    assert done.returncode == 0
    assert done.stdout.startswith("digits: no version is canary, it was version 3 (record ")
    assert "the model server at 127.0.0.1:1 does not answer (UNAVAILABLE)" in done.stderr
    refused = hollow.kmaas("unlabel", "digits", "stable")
    assert (refused.returncode, "stable is taken away with a --reason only" in refused.stderr) == (2, True)
    away = hollow.kmaas("unlabel", "digits", "stable", "--reason", "the model is retired")
    assert "version 5, the newest, answers from now on" in away.stdout
    assert Labels.read(Store.at(hollow.store).base("digits")).versions == {}
    told = hollow.kmaas("versions", "digits", "--records", "--verify")
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1].endswith("unlabel   stable → –  the model is retired")


def test_labels_that_somebody_edited_are_noticed(hollow: Workplace) -> None:
    for version in ("1", "2"):
        hollow.kmaas("promote", "digits", version, "--force", "--reason", "no server here")
    path = Store.at(hollow.store).base("digits") / LABELS_FILE
    signed = path.read_text()
    path.write_text(json.dumps({**json.loads(signed), "before": {"stable": [5]}}))
    commands = (
        ("versions", "digits", "--verify"),
        ("rollback", "digits"),
        ("gc", "digits", "--keep", "1"),
        ("gc", "digits", "--keep", "1", "--dry-run"),
    )
    edited = [hollow.kmaas(*command) for command in commands]
    path.write_text(signed)
    for done in edited:
        assert done.returncode == 1
        assert "a rollback returns stable to 1, and it would return stable to 5; nothing is decided by" in done.stderr
    assert "stable is version 1 again" in hollow.kmaas("rollback", "digits").stdout


def test_gc_removes_and_says_what(hollow: Workplace) -> None:
    for version in ("2", "1"):
        forced = hollow.kmaas("promote", "digits", version, "--force", "--reason", "no server here")
        assert forced.returncode == 0
        assert "the model server at 127.0.0.1:1 does not answer (UNAVAILABLE)" in forced.stderr
    assert hollow.kmaas("gc", "digits", "--keep", "2", "--dry-run").stdout == "digits: would remove 3\n"
    assert hollow.kmaas("gc", "digits", "--keep", "2").stdout == "digits: removed 3\n"
    assert hollow.kmaas("gc", "digits", "--keep", "2").stdout == "digits: removed nothing\n"
    assert Store.at(hollow.store).versions("digits") == [1, 2, 4, 5]
    back = hollow.kmaas("rollback", "digits")
    assert (back.returncode, "stable is version 2 again" in back.stdout) == (1, True)
    assert "no model server answers at 127.0.0.1:1" in back.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("promote", "ghost", "1"), 1, "the store has no ghost"),
        (("promote", "digits", "99"), 1, "the store has no digits version 99"),
        (("promote", "digits", "latest"), 1, "digits has no version called 'latest'; expected a number, `newest`, or"),
        (("promote", "digits", "1", "--label", "Stable!"), 1, "'Stable!' is no label"),
        (("promote", "digits", "1", "--label", "newest"), 1, "'newest' is a reserved word and no label"),
        (("unlabel", "ghost", "canary"), 1, "the store has no ghost"),
        (("unlabel", "digits", "canary"), 1, "no version of digits has the label 'canary'; its labels: "),
        (("promote", "No Name", "1"), 1, "model name 'No Name' is not usable"),
        (("promote", "digits", "1", "--force"), 2, "--force needs a --reason"),
        (("rollback", "ghost"), 1, "the store has no ghost"),
        (("rollback", "digits", "--label", "canary"), 1, "had the label canary of digits before"),
        (("versions", "ghost"), 1, "the store has no ghost"),
        (("diff", "digits", "1", "99"), 1, "the store has no digits version 99"),
        (("gc", "ghost", "--keep", "1"), 1, "the store has no ghost"),
        (("gc", "digits", "--keep", "0"), 2, "0 is not in the range"),
        (("gc", "digits"), 2, "Missing option '--keep'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    hollow: Workplace, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = hollow.kmaas(*arguments)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_a_record_that_was_changed_is_named(hollow: Workplace) -> None:
    hollow.kmaas("promote", "digits", "4", "--force", "--reason", "one more")
    path = record_path(Store.at(hollow.store).base("digits"), 1)
    before = path.read_text()
    path.write_text(before.replace('"promote"', '"rollback"').replace('"refuse"', '"promote"'))
    done = hollow.kmaas("versions", "digits", "--verify")
    path.write_text(before)
    assert done.returncode == 1
    assert "record 1 of digits is not to be trusted: its signature" in done.stderr


def test_a_key_that_is_not_trusted_is_named(hollow: Workplace) -> None:
    hollow.kmaas("promote", "digits", "5", "--force", "--reason", "one more")
    done = subprocess.run(
        [sys.executable, "-m", "kmaas", "versions", "digits", "--verify"],
        env={**os.environ, **hollow.environment, "KMAAS_PROMOTION__TRUSTED_KEYS": '["0123456789abcdef"]'},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, "is not one of those trusted: 0123456789abcdef" in done.stderr) == (1, True), done.stderr
