"""The exposition: TensorFlow Serving's names and forms, and ours."""

import threading

from serving.metrics import Counter, Gauge, Histogram, Metrics


def test_a_counter_has_braces_and_escapes_its_labels() -> None:
    counter = Counter(":a:b", ("model", "status"))
    counter.inc(model='x"\\\n', status="OK")
    counter.inc(2, model="y", status="OK")
    assert list(counter.lines()) == [
        "# TYPE :a:b counter",
        ':a:b{model="x\\"\\\\\\n",status="OK"} 1',
        ':a:b{model="y",status="OK"} 2',
    ]
    assert counter.total() == 3


def test_a_histogram_is_cumulative_and_ends_with_infinity() -> None:
    histogram = Histogram("h", ("m",), (10, 18, 32.4))
    for value in (5, 10, 11, 1000):
        histogram.observe(value, m="a")
    assert list(histogram.lines()) == [
        "# TYPE h histogram",
        'h_bucket{m="a",le="10"} 2',
        'h_bucket{m="a",le="18"} 3',
        'h_bucket{m="a",le="32.4"} 3',
        'h_bucket{m="a",le="+Inf"} 4',
        'h_sum{m="a"} 1026',
        'h_count{m="a"} 4',
    ]


def test_a_metric_without_labels_still_has_braces() -> None:
    counter, histogram = Counter("c", ()), Histogram("h", (), (1,))
    counter.inc()
    histogram.observe(2)
    assert "c{} 1" in list(counter.lines())
    assert {'h_bucket{le="1"} 0', "h_sum{} 2"} <= set(histogram.lines())


def test_a_gauge_asks_every_source_when_it_is_printed() -> None:
    gauge, depth = Gauge("g", ("m",)), {"a": 1.0}
    gauge.watch(lambda: [((name,), value) for name, value in depth.items()])
    gauge.watch(lambda: [(("z",), 0.5)])
    depth["a"] = 4
    assert list(gauge.lines()) == ["# TYPE g gauge", 'g{m="a"} 4', 'g{m="z"} 0.5']


def test_request_latency_has_the_bounds_of_tensorflow_serving() -> None:
    metrics = Metrics()
    metrics.request_latency.observe(1, model_name="m", API="Predict", entrypoint="GRPC")
    bounds = [line.split('le="')[1].split('"')[0] for line in metrics.text().splitlines() if "_bucket" in line]
    assert len(bounds) == 34
    assert (bounds[:4], bounds[-1]) == (["10", "18", "32.4", "58.32"], "+Inf")


def test_metrics_without_points_have_their_type_line() -> None:
    assert "# TYPE :tensorflow:serving:request_count counter\n" in Metrics().text()


def test_the_total_of_a_counter_by_its_own_name() -> None:
    metrics = Metrics()
    metrics.request_count.inc(model_name="a", status="OK")
    metrics.request_count.inc(model_name="b", status="NOT_FOUND")
    assert metrics.total("/tensorflow/serving/request_count") == 2
    assert metrics.total("/tensorflow/serving/request_latency") == 0
    assert metrics.total("/nobody/knows") == 0


def test_counting_from_many_threads_loses_nothing() -> None:
    counter = Counter("c", ("m",))

    def count() -> None:
        for _ in range(2000):
            counter.inc(m="a")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.total() == 16_000


def test_what_is_forgotten_is_printed_no_more_and_stays_in_the_total() -> None:
    counter, histogram = Counter("c", ("m", "v", "code")), Histogram("h", ("m", "v"), (1,))
    for model, version, code in (("a", "1", "OK"), ("a", "1", "NOT_FOUND"), ("a", "2", "OK"), ("b", "1", "OK")):
        counter.inc(m=model, v=version, code=code)
        histogram.observe(2, m=model, v=version)
    counter.forget(m="a", v="1")
    histogram.forget(m="a", v="1")
    assert list(counter.lines())[1:] == ['c{m="a",v="2",code="OK"} 1', 'c{m="b",v="1",code="OK"} 1']
    assert [line for line in histogram.lines() if "_count" in line] == [
        'h_count{m="a",v="2"} 1',
        'h_count{m="b",v="1"} 1',
    ]
    assert counter.total() == 4


def test_sums_have_every_digit_and_bounds_six() -> None:
    histogram = Histogram("h", (), (10 * 1.8**3,))
    histogram.observe(123456789.25)
    assert {'h_bucket{le="58.32"} 0', "h_sum{} 123456789.25"} <= set(histogram.lines())
