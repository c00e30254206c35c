"""The ratios, and a short run with real servers."""

from pathlib import Path

import pytest

from bench.comparison import Plan, Result, compare, ratio
from bench.contestants import ROOT, Contestant, Start, contestants
from bench.models import BenchModel, prepared
from bench.stack import free_port
from bench.transport import Workload


def test_a_ratio_is_taken_within_a_round() -> None:
    """Noise that slows a whole round down leaves it as it is."""
    ours = Result("kmaas", "trivial", {8: [200.0, 20.0, 210.0]})
    theirs = Result("naive", "trivial", {8: [100.0, 10.0, 70.0]})
    assert ratio(ours, theirs, 8) == 2
    assert ours.rate(8) == 200


def test_there_is_no_ratio_to_what_failed() -> None:
    ours = Result("kmaas", "trivial", {8: [200.0]})
    failed = Result("naive", "trivial", failures={8: "refused"})
    assert ratio(ours, failed, 8) is None
    assert ratio(failed, ours, 8) is None
    assert failed.rate(8) is None


@pytest.fixture(scope="module")
def trivial(tmp_path_factory: pytest.TempPathFactory) -> BenchModel:
    return prepared("trivial", tmp_path_factory.mktemp("bench"))


def _named(*names: str) -> list[Contestant]:
    return [contestant for contestant in contestants() if contestant.short in names]


def test_the_embedded_and_the_naive_server_are_compared(trivial: BenchModel, tmp_path: Path) -> None:
    said: list[str] = []
    absent = Contestant("absent", _named("kmaas")[0].transport, "", lambda _: Start(["/nowhere/python"], "", {}))
    servers = [*_named("kmaas", "naive-grpc"), absent]
    results = compare(servers, [Workload("trivial", trivial)], Plan((1, 2), 2, 0.05), tmp_path, said.append)
    kmaas, naive, missing = results
    for result in (kmaas, naive):
        assert result.absent is None
        assert {concurrency: len(rates) for concurrency, rates in result.rates.items()} == {1: 2, 2: 2}
        assert not result.failures
        assert result.memory_mb
        assert result.memory_mb > 50
        assert result.ready_s
    assert ratio(kmaas, naive, 1)
    assert missing.absent == "/nowhere/python cannot be run: No such file or directory"
    assert any("trivial at 2: kmaas" in line for line in said)


def test_a_server_that_answers_otherwise_is_not_measured(trivial: BenchModel, tmp_path: Path) -> None:
    """The naive server on a model whose recorded answers are other ones."""
    other = BenchModel("trivial", tmp_path / "other")
    other.folder.mkdir()
    (other.folder / "store").symlink_to(trivial.store)
    (other.folder / "rows.npy").symlink_to(trivial.folder / "rows.npy")
    answers = (trivial.folder / "answers.npy").read_bytes()
    (other.folder / "answers.npy").write_bytes(answers[:-1] + bytes([answers[-1] ^ 1]))
    (result,) = compare(
        _named("naive-grpc"), [Workload("trivial", other)], Plan((1,), 1, 0.05), tmp_path, lambda _: None
    )
    assert result.absent is not None
    assert result.absent.startswith("expected Keras' answer within 0.0001")
    assert not result.rates


def test_a_server_that_ends_says_why(trivial: BenchModel, tmp_path: Path) -> None:
    def start(_: Workload) -> Start:
        command = ["/bin/sh", "-c", "echo no model here >&2; exit 3"]
        return Start(command, f"127.0.0.1:{free_port()}", {})

    broken = Contestant("broken", _named("kmaas")[0].transport, "", start)
    (result,) = compare([broken], [Workload("trivial", trivial)], Plan((1,), 1, 0.05), tmp_path, lambda _: None)
    assert result.absent is not None
    assert result.absent.startswith("it ended with exit code 3: no model here")


def test_every_server_has_a_short_name_of_its_own() -> None:
    names = [contestant.short for contestant in contestants()]
    assert len(set(names)) == len(names)
    assert "kmaas-twin-batching" in names


def test_batching_parameters_are_where_the_server_is_told() -> None:
    assert "max_batch_size" in (ROOT / "bench" / "batching_parameters.txt").read_text()
