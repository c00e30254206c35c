"""`kmaas route`: the verb over the admin API of a running gateway."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.admin import RoutedGateway
from tests.support.processes import ModelServerProcess
from tests.support.runs import Workplace
from tests.support.small_models import picture


@pytest.fixture
def gateway(two_versions: ModelServerProcess, tmp_path: Path) -> Iterator[RoutedGateway]:
    with RoutedGateway(two_versions.target, tmp_path / "state") as process:
        process.wait_ready()
        yield process


def place(folder: Path, gateway: RoutedGateway) -> Workplace:
    return Workplace.at(folder, KMAAS_GATEWAY__ADMIN_PORT=gateway.admin.rpartition(":")[2])


def test_show_set_withdraw_remove(gateway: RoutedGateway, tmp_path: Path) -> None:
    here = place(tmp_path, gateway)
    assert here.kmaas("route", "show", "digits").stdout == "digits: no route\n"
    route = {"to": 1, "split": [{"to": 2, "percent": 25, "canary": {"errors": 0.1}}], "shadow": {"to": 2}}
    done = here.kmaas("route", "set", "digits", json.dumps(route))
    assert done.returncode == 0, done.stderr
    assert "  75 %  1\n  25 %  2  canary\n  shadow  2\n" in done.stdout
    assert gateway.audit[-1]["who"].endswith(" at 127.0.0.1")
    for _ in range(20):
        assert gateway.post("/models/digits", picture()).status == 200
    assert "canary 2: 0 of" in here.kmaas("route", "show").stdout
    withdrawn = here.kmaas("route", "withdraw", "digits", "2", "--why", "seen enough", "--json")
    assert json.loads(withdrawn.stdout)["route"]["split"] == []
    assert gateway.audit[-1]["why"] == "seen enough"
    assert here.kmaas("route", "remove", "digits").stdout.startswith("digits: no route  (by ")


def test_what_is_wrong_is_told(gateway: RoutedGateway, tmp_path: Path) -> None:
    here = place(tmp_path, gateway)
    for arguments, says in (
        (
            ("set", "digits", '{"to": 9, "split": [{"to": "nobody", "percent": 5}]}'),
            "split[0].to: digits has no version",
        ),
        (("set", "digits", "{"), "the body is not JSON"),
        (("show", "ghost"), "there is no model 'ghost'"),
        (("withdraw", "digits", "2"), "no part or shadow 2"),
    ):
        refused = here.kmaas("route", *arguments)
        assert (refused.returncode, says in refused.stderr, "Traceback" in refused.stderr) == (1, True, False), refused
    off = Workplace.at(tmp_path, KMAAS_GATEWAY__ADMIN_PORT="0").kmaas("route", "show")
    assert (off.returncode, "switches the admin API off" in off.stderr) == (1, True)
    nobody = Workplace.at(tmp_path, KMAAS_GATEWAY__ADMIN_PORT="1").kmaas("route", "show")
    assert (nobody.returncode, "no gateway's admin API answers" in nobody.stderr) == (1, True)
