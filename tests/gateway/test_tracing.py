"""One request is one trace, from the caller's span through the gateway's stages to the model server."""

from tests.gateway.conftest import Shelf
from tests.support.collector import Collector
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.small_models import picture

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


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


def test_a_trace_that_cannot_be_read_and_a_collector_that_is_away_harm_nobody(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    with (
        ModelServerProcess(shelf.store.root) as server,
        GatewayProcess(server.target, otlp_endpoint="http://127.0.0.1:1") as gateway,
    ):
        gateway.wait_ready()
        for header in ("garbage", "00-0-0-00", f"ff-{TRACE}-{CALLER}-01", f"00-{'0' * 32}-{CALLER}-01"):
            assert gateway.post("/models/digits", picture(), traceparent=header).status == 200, header
