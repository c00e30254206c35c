"""What is counted when a request ends."""

import time

from serving.errors import Code
from serving.metrics import Metrics
from serving.request_metrics import OTHER, Answered, RequestMetrics


def counted(metrics: Metrics) -> set[str]:
    return {line for line in metrics.text().splitlines() if not line.startswith("#") and "_bucket" not in line}


def names(text: set[str], metric: str) -> set[str]:
    return {line.split("} ")[0] + "}" for line in text if line.startswith(metric)}


def test_a_success_is_counted_and_timed_in_both_kinds_of_metrics() -> None:
    metrics = Metrics()
    what = Answered("m", "3", "serving_default")
    RequestMetrics(metrics, "GRPC", set().__contains__).ended(
        "Predict", Code.OK, what, time.perf_counter(), api="Predict"
    )
    text = counted(metrics)
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 1' in text
    assert ':tensorflow:serving:request_latency_count{model_name="m",API="Predict",entrypoint="GRPC"} 1' in text
    labels = 'model="m",version="3",signature="serving_default",method="Predict"'
    assert f'kmaas_requests_total{{{labels},code="OK"}} 1' in text
    assert f"kmaas_request_seconds_count{{{labels}}} 1" in text


def test_a_failure_is_counted_and_not_timed() -> None:
    metrics = Metrics()
    RequestMetrics(metrics, "REST", set().__contains__).ended(
        "predict", Code.NOT_FOUND, Answered("m"), 0, api="Predict"
    )
    text = counted(metrics)
    assert ':tensorflow:serving:request_count{model_name="m",status="NOT_FOUND"} 1' in text
    assert not names(text, ":tensorflow:serving:request_latency")
    assert not names(text, "kmaas_request_seconds")


def test_what_tensorflow_serving_does_not_count_is_in_ours_only() -> None:
    metrics = Metrics()
    RequestMetrics(metrics, "GRPC", set().__contains__).ended("GetModelStatus", Code.OK, Answered("m"), 0, api=None)
    text = counted(metrics)
    assert not names(text, ":tensorflow:")
    assert names(text, "kmaas_requests_total")


def test_names_that_nobody_knows_do_not_fill_the_memory() -> None:
    metrics = Metrics()
    requests = RequestMetrics(metrics, "GRPC", set().__contains__)
    for name in ("x" * 257, *(f"random-{i}" for i in range(1000))):
        requests.ended("Predict", Code.NOT_FOUND, Answered(name), 0, api="Predict")
    late = Answered("late", "1", "s")
    requests.ended("Predict", Code.OK, late, 0, api="Predict")
    requests.ended("Predict", Code.INTERNAL, Answered("late"), 0, api="Predict")
    found = names(counted(metrics), ":tensorflow:serving:request_count")
    assert len(found) == 100 + 1 + 2
    assert f':tensorflow:serving:request_count{{model_name="{OTHER}",status="NOT_FOUND"}}' in found
    assert ':tensorflow:serving:request_count{model_name="late",status="INTERNAL"}' in found


def test_invented_names_do_not_hide_the_errors_of_a_configured_model() -> None:
    metrics = Metrics()
    requests = RequestMetrics(metrics, "GRPC", {"broken"}.__contains__)
    for name in (*(f"random-{i}" for i in range(1000)), "broken"):
        requests.ended("Predict", Code.NOT_FOUND, Answered(name), 0, api="Predict")
    assert ':tensorflow:serving:request_count{model_name="broken",status="NOT_FOUND"} 1' in counted(metrics)
