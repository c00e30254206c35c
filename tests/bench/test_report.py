"""The table and the plot."""

from pathlib import Path

from bench.comparison import Result
from bench.machine import cpu_model, facts, peers
from bench.report import markdown, plot

RESULTS = [
    Result("kmaas", "trivial", {1: [3000.0, 2000.0, 4000.0], 8: [8000.0]}, ready_s=3.96, memory_mb=612.4),
    Result("naive gRPC", "trivial", {1: [1000.0, 1000.0, 1000.0]}, failures={8: "refused"}),
    Result("LitServe", "trivial", absent="it ended with exit code 1"),
    Result("kmaas up", "digits-png", {1: [300.0]}),
    Result("LitServe", "digits-png", {1: [100.0]}),
]


def test_rates_stand_beside_their_ratio_to_the_naive_server() -> None:
    table = markdown(RESULTS, {"kmaas": "SavedModel"}, {"date": "2026-01-02"}, (1, 8))
    assert "| server | at 1 | at 8 | ready, s | memory, MB |" in table
    assert "| kmaas | 3,000 (3.00×) | 8,000 | 4.0 | 612 |" in table
    assert "| naive gRPC | 1,000 (1.00×) | failed |  |  |" in table
    assert "| LitServe | missing | missing |  |  |" in table
    assert "LitServe is missing: it ended with exit code 1" in table
    assert "- **kmaas**: SavedModel" in table


def test_without_the_naive_server_the_fastest_other_is_the_measure() -> None:
    table = markdown(RESULTS[3:], {}, {}, (1,))
    assert "how many times that of LitServe" in table
    assert "| kmaas up | 300 (3.00×) |" in table


def test_a_comparison_without_others_has_no_ratios() -> None:
    assert "×" not in markdown(RESULTS[:1], {}, {}, (1,))


def test_the_plot_has_a_line_per_server_that_was_measured(tmp_path: Path) -> None:
    plot(RESULTS, tmp_path / "plot.svg")
    drawn = (tmp_path / "plot.svg").read_text()
    assert all(f">{text}</text>" in drawn for text in ("kmaas", "naive gRPC", "kmaas up", "trivial", "digits-png"))
    again = tmp_path / "again.svg"
    plot(RESULTS, again)
    assert again.read_text() == drawn


def test_the_processor_has_a_name() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: A Processor @ 2 GHz\n") == "A Processor @ 2 GHz"
    assert cpu_model("processor\t: 0\n")
    assert "cores of" in facts()["processor"]


def test_versions_of_peers_come_from_their_lock() -> None:
    found = peers((Path(__file__).resolve().parents[2] / "requirements" / "peers.lock").read_text())
    assert all(found.values())
    assert "bentoml" in found


def test_peers_in_pytorch_have_a_lock_of_their_own() -> None:
    found = peers((Path(__file__).resolve().parents[2] / "requirements" / "torch-peers.lock").read_text())
    assert {"torch", "transformers", "sentence-transformers", "litserve"} <= found.keys()
