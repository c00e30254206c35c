"""What is counted of requests is added up before it is written; the numbers are those of one by one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry import Telemetry
from gateway.trace import Trace
from tests.support.processes import until

SECONDS = (0.0, 0.0005, 0.00051, 0.003, 0.003, 0.25, 9.0, 10.0, 11.0)


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry(dict)
    yield telemetry
    telemetry.close()


def ended(telemetry: Telemetry, seconds: float, *, model: str | None = "m", status: int = 200) -> None:
    clock = Hands()
    telemetry.begin()
    trace = Trace("an-id", clock=clock)
    trace.model = model
    trace.stages["infer"] = seconds / 2
    clock.now += seconds
    telemetry.end(trace, "native", status)


def told(telemetry: Telemetry) -> dict[str, float]:
    families = text_string_to_metric_families(telemetry.exposition().decode())
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items()) if value): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_many_are_counted_as_one_by_one(telemetry: Telemetry) -> None:
    registry = CollectorRegistry()
    bounds = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
    expected = Histogram("expected", "", buckets=bounds, registry=registry)
    for seconds in SECONDS:
        expected.observe(seconds)
        ended(telemetry, seconds)
    [metric] = registry.collect()
    found = told(telemetry)
    for sample in metric.samples:
        if sample.name.endswith("_bucket"):
            bound = sample.labels["le"]
            assert found[f"kmaas_request_seconds_bucket native {bound} m"] == sample.value, bound
    assert found["kmaas_request_seconds_sum native m"] == pytest.approx(sum(SECONDS))
    assert found["kmaas_stage_seconds_count m infer"] == len(SECONDS)
    assert found["kmaas_stage_seconds_sum m infer"] == pytest.approx(sum(SECONDS) / 2)


def test_requests_are_counted_by_their_end_and_once(telemetry: Telemetry) -> None:
    ended(telemetry, 0.001)
    ended(telemetry, 0.001, status=400)
    told(telemetry)
    ended(telemetry, 0.001)
    ended(telemetry, 0.001, model=None, status=404)
    found = told(telemetry)
    counted = {name: value for name, value in found.items() if name.startswith("kmaas_requests_total")}
    assert sorted(counted.values()) == [1, 1, 2]
    assert found["kmaas_request_seconds_count native m"] == 3
    assert found["kmaas_requests_in_flight"] == 0


def test_those_with_a_place_and_those_being_answered_are_told(telemetry: Telemetry) -> None:
    telemetry.follow(inside=lambda: 3, streams=lambda: 2)
    telemetry.begin()
    found = told(telemetry)
    assert [found[f"kmaas_{name}"] for name in ("requests_in_flight", "requests_inside", "streams")] == [1, 3, 2]


def test_it_is_written_without_anybody_who_asks(telemetry: Telemetry) -> None:
    """Other workers read what is written."""
    telemetry.start()
    ended(telemetry, 0.001)
    until(lambda: _counted(telemetry.registry, model="m") == 1, "it is written")


_CHILD = """
import os, resource, sys, time
from gateway.telemetry import Telemetry
from gateway.trace import Trace

def ended(model):
    telemetry.begin()
    trace = Trace("an-id")
    trace.model = model
    trace.stages["infer"] = 0.001
    telemetry.end(trace, "native", 200)

telemetry = Telemetry(dict)
telemetry.start()
ended("first")
telemetry.exposition()
folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
if sys.argv[1] == "full":
    room = max(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))  # as a disk that is full
    for round in range(3):
        for number in range(200):
            ended(f"a-model-with-a-long-name-{round}-{number}")
        telemetry.exposition()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for _ in range(100):
    ended("first")
telemetry.close()
os._exit(0)
"""


@pytest.mark.parametrize("disk", ["full", "free"])
def test_what_a_worker_counted_is_there_when_it_has_ended_whether_the_disk_was_full_meanwhile(
    tmp_path: Path, disk: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, disk],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("metrics could not be written" in done.stderr) == (disk == "full")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))  # type: ignore[no-untyped-call]  # it has no types
    assert _counted(registry, model="first") == 101


def _counted(registry: CollectorRegistry, *, model: str) -> float | None:
    """As it stands there."""
    labels = {"model": model, "version": "", "task": "", "dialect": "native", "status": "200"}
    return registry.get_sample_value("kmaas_requests_total", labels)
