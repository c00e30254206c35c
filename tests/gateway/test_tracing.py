"""One request is one trace, from the caller's span through the gateway's stages to the model server."""

import json

from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.gateway.conftest import Shelf
from tests.support.collector import Collector, facts_of
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.small_models import picture

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLED = "tensorflow.serving.PredictionService/Predict"


def test_a_request_is_one_trace_through_to_the_model_server(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    with (
        Collector() as collector,
        ModelServerProcess(shelf.store.root, None, "--otlp_endpoint", collector.endpoint) as server,
        GatewayProcess(server.target, otlp_endpoint=collector.endpoint) as gateway,
    ):
        gateway.wait_ready()
        answer = gateway.post("/models/digits", picture(), traceparent=f"00-{TRACE}-{CALLER}-01")
        assert answer.status == 200
        mine: dict[str, tuple[str, bytes, bytes]] = {}

        def arrived() -> bool:
            mine.update(
                {
                    span.name: (service, span.span_id, span.parent_span_id)
                    for service, span in list(collector.spans)
                    if span.trace_id.hex() == TRACE
                }
            )
            return {"infer", "POST /models/<model>", "tensorflow.serving.PredictionService/Predict"} <= mine.keys()

        until(arrived, "the spans of both processes")
        service, root, parent = mine["POST /models/<model>"]
        assert (service, parent.hex()) == ("kmaas-gateway", CALLER)
        assert mine["infer"][2] == mine["decode"][2] == root
        service, _, parent = mine["tensorflow.serving.PredictionService/Predict"]
        assert (service, parent) == ("kmaas-model-server", mine["infer"][1])


def test_the_span_of_a_stream_lasts_as_long_and_has_its_calls_below_it(shelf: Shelf) -> None:
    shelf.publish("writer")
    with (
        Collector() as collector,
        ModelServerProcess(shelf.store.root, None, "--otlp_endpoint", collector.endpoint) as server,
        GatewayProcess(server.target, otlp_endpoint=collector.endpoint) as gateway,
    ):
        gateway.wait_ready()
        asked = {"model": "writer", "prompt": "ab", "max_tokens": 6, "temperature": 0, "stream": True}
        body, header = json.dumps(asked).encode(), f"00-{TRACE}-{CALLER}-01"
        answer = gateway.post("/v1/completions", body, "application/json", traceparent=header)
        words = answer.body.count(b"data: {")
        assert (answer.status, words > 2) == (200, True), answer.body
        mine = collector.wait_for(TRACE, "POST /v1/completions", "infer")
        [root], [infer] = mine["POST /v1/completions"], mine["infer"]
        until(lambda: len(collector.of(TRACE)[CALLED]) >= words, "the model server's spans")
        called = collector.of(TRACE)[CALLED]
        assert {span.parent_span_id for span in called} == {root.span_id, infer.span_id}
        assert all(root.start_time_unix_nano <= span.start_time_unix_nano for span in called)
        assert all(span.end_time_unix_nano <= root.end_time_unix_nano for span in called)
        assert (facts_of(root)["http.response.status_code"], root.status.code) == (200, Status.STATUS_CODE_UNSET)
        other = f"{int(TRACE, 16) + 1:032x}"
        broken = json.dumps(asked | {"prompt": "?"}).encode()  # its second token is none
        header = f"00-{other}-{CALLER}-01"
        assert b"broken_answer" in gateway.post("/v1/completions", broken, "application/json", traceparent=header).body
        [root] = collector.wait_for(other, "POST /v1/completions")["POST /v1/completions"]
        assert facts_of(root)["http.response.status_code"] == 200
        assert (root.status.code, facts_of(root)["error.type"]) == (Status.STATUS_CODE_ERROR, "broken-answer")


def test_a_span_tells_what_was_asked_and_how_it_went(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    header = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    with (
        Collector() as collector,
        ModelServerProcess(shelf.store.root) as server,
        GatewayProcess(server.target, otlp_endpoint=collector.endpoint) as gateway,
    ):
        gateway.wait_ready()
        assert gateway.post("/models/none", picture(), **header).status == 404
        assert gateway.post("/nothing/here", picture(), **header).status == 404
        server.kill()
        down = gateway.post("/models/digits", picture(), **header).status
        until(lambda: len(collector.of(TRACE)["POST /models/<model>"]) == 2, "the spans of both")
        unknown, failed = sorted(
            collector.of(TRACE)["POST /models/<model>"], key=lambda span: span.start_time_unix_nano
        )
        asked = {"http.request.method": "POST", "http.route": "/models/<model>"}
        assert facts_of(unknown).items() >= (asked | {"http.response.status_code": 404}).items()
        assert unknown.status.code == Status.STATUS_CODE_UNSET
        assert down >= 500
        assert facts_of(failed).items() >= (asked | {"http.response.status_code": down}).items()
        assert (failed.status.code, facts_of(failed)["error.type"]) == (Status.STATUS_CODE_ERROR, str(down))
        [nowhere] = collector.wait_for(TRACE, "POST (no route)")["POST (no route)"]
        assert "http.route" not in facts_of(nowhere)


def test_a_trace_that_cannot_be_read_and_a_collector_that_is_away_harm_nobody(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    with (
        ModelServerProcess(shelf.store.root) as server,
        GatewayProcess(server.target, otlp_endpoint="http://127.0.0.1:1") as gateway,
    ):
        gateway.wait_ready()
        for header in ("garbage", "00-0-0-00", f"ff-{TRACE}-{CALLER}-01", f"00-{'0' * 32}-{CALLER}-01"):
            assert gateway.post("/models/digits", picture(), traceparent=header).status == 200, header
