"""HTTP around the REST interface, over real sockets: methods, probes, encodings, metrics, hostile connections."""

import gzip
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from tests.serving.conftest import Serve, Served
from tests.support.processes import Answer, ask, until

PREDICT = "/v1/models/plus:predict"
BODY = b'{"instances": [2]}'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("store"))
    served.put("plus-2", "plus", 3)
    served.server.start()
    assert served.server.wait_ready(120)
    yield served
    served.client.close()
    served.server.stop()


def connect(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.settings.rest_api_port), timeout=30)


def exchange(served: Served, sent: bytes) -> bytes:
    """All that the server says until it hangs up."""
    with connect(served) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def test_other_methods_are_malformed_requests_or_unknown(served: Served) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = ask(served.url + PREDICT, b"", {}, method)
        assert (answer.status, answer.json()) == (400, {"error": f"Malformed request: {method} {PREDICT}"})
    answer = ask(served.url + "/v1/models/plus", method="HEAD")
    assert (answer.status, answer.body) == (400, b"")
    assert ask(served.url + PREDICT, method="TRACE").status == 501


def test_options_is_for_pages_whatever_the_flag(served: Served) -> None:
    for origin, status in (("https://a.example", 200), ("http://a.example", 200), ("file://", 400), (None, 400)):
        answer = ask(served.url + PREDICT, None, {"Origin": origin} if origin else {}, "OPTIONS")
        assert (answer.status, answer.body) == (status, b"")
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_cors_headers_on_every_answer_when_told_so(serve: Serve) -> None:
    served = serve(rest_api_enable_cors_support=True)
    page = {"Origin": "https://a.example"}
    for answer in (ask(served.url + PREDICT, BODY, {}), ask(served.url + PREDICT, None, page, "OPTIONS")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Methods"] == "POST, GET"
        assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert "Access-Control-Allow-Origin" not in ask(served.url + "/").headers


def test_long_answers_are_packed_for_clients_that_take_gzip(served: Served) -> None:
    long = json.dumps({"instances": list(range(1000))}).encode()
    plain = ask(served.url + PREDICT, long, {})
    assert "Content-Encoding" not in plain.headers
    for accepted in ("gzip", "br;q=1.0, GZIP ;q=0.5"):
        packed = ask(served.url + PREDICT, long, {"Accept-Encoding": accepted})
        assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
        assert gzip.decompress(packed.body) == plain.body
    for refused in ("br", "gzip;q=0", "gzip; q=0.0"):
        assert ask(served.url + PREDICT, long, {"Accept-Encoding": refused}).body == plain.body
    assert ask(served.url + PREDICT, BODY, {"Accept-Encoding": "gzip"}).json() == {"predictions": [3.0]}


def test_probes(served: Served) -> None:
    assert ask(served.url + "/livez").status == 200
    assert ask(served.url + "/healthz").json() == {"status": "ok"}
    assert ask(served.url + "/readyz").json() == {"ready": True, "models_not_ready": []}


def test_a_model_that_fails_is_named_and_does_not_take_the_server_off_the_air(serve: Serve) -> None:
    served = serve()
    (served.root / "broken" / "1").mkdir(parents=True)
    until(lambda: "broken" in served.client.models(timeout_s=30), "the model is seen")
    served.wait_for("broken", 1, "END")
    answer = ask(served.url + "/readyz")
    assert (answer.status, answer.json()) == (200, {"ready": True, "models_not_ready": ["broken"]})


def test_a_busy_server_is_alive_refuses_nobody_without_need_and_counts(serve: Serve) -> None:
    served = serve(m=("slow", 1), rest_api_num_threads=1)
    with ThreadPoolExecutor(3) as threads:
        body = b'{"inputs": {"steps": 20000}}'
        waiting = [threads.submit(ask, f"{served.url}/v1/models/m:predict", body, {}) for _ in range(3)]
        until(lambda: metric(served, 'kmaas_calls_in_flight{protocol="REST"}') == 3, "all are in flight")
        for path in ("/livez", "/healthz", "/readyz"):
            assert ask(served.url + path).status == 200
        assert [future.result().status for future in waiting] == [200] * 3


def metric(served: Served, name: str) -> float:
    text = ask(served.url + "/monitoring/prometheus/metrics").body.decode()
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + " ")), 0)


def test_metrics_of_requests(serve: Serve) -> None:
    served = serve(plus=("plus-2", 3))
    for name in range(101):  # names that nobody knows
        ask(f"{served.url}/v1/models/{name}")
    served.put("plus-2", "late", 1)
    until(lambda: "late" in served.client.models(timeout_s=30), "the new model is configured")
    ask(served.url + "/v1/models/late/versions/9:predict", BODY, {})
    assert metric(served, ':tensorflow:serving:request_count{model_name="late",status="NOT_FOUND"}') == 1
    for path, body in ((PREDICT, BODY), (PREDICT, b"{}"), ("/v1/models/100", None), ("/v1/models/plus", None)):
        ask(served.url + path, body, {})
    served.client.predict("plus", {"x": np.array([1], "f4")}, timeout_s=60)
    count = ":tensorflow:serving:request_count"
    assert metric(served, count + '{model_name="plus",status="OK"}') == 3
    assert metric(served, count + '{model_name="plus",status="INVALID_ARGUMENT"}') == 1
    assert metric(served, count + '{model_name="(other)",status="NOT_FOUND"}') == 2
    latency = ":tensorflow:serving:request_latency_count"
    assert metric(served, latency + '{model_name="plus",API="predict",entrypoint="REST"}') == 1
    assert metric(served, latency + '{model_name="plus",API="",entrypoint="REST"}') == 1
    assert metric(served, latency + '{model_name="plus",API="Predict",entrypoint="GRPC"}') == 1
    ours = 'kmaas_requests_total{model="plus",version="3",signature="serving_default",method='
    assert metric(served, ours + '"predict",code="OK"}') == metric(served, ours + '"Predict",code="OK"}') == 1
    answer = ask(served.url + "/monitoring/prometheus/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_line_for_every_request_in_the_access_log(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    served = serve(plus=("plus-2", 3), rest_api_access_log=True)
    answers = [ask(served.url + PREDICT, BODY, {}), ask(served.url + "/nothing")]
    served.server.stop()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line, answer in zip(lines, answers, strict=True):
        assert (line["status"], line["bytes_out"]) == (answer.status, len(answer.body))
        assert line["client"].startswith("127.0.0.1:")
        assert line["ms"] > 0
    predict, nothing = lines
    assert (predict["method"], predict["path"], predict["bytes_in"]) == ("POST", PREDICT, len(BODY))
    assert (predict["model"], predict["version"]) == ("plus", "3")
    assert (nothing["model"], nothing["version"]) == ("", "")


def test_keep_alive_chunks_and_pipelining(served: Served) -> None:
    chunked = (
        head(PREDICT, "Transfer-Encoding: chunked") + b"a\r\n" + BODY[:10] + b"\r\n8\r\n" + BODY[10:] + b"\r\n0\r\n\r\n"
    )
    last = head("/livez", "Connection: close", method="GET")
    text = exchange(served, chunked + chunked + last)
    assert text.count(b"HTTP/1.1 200 OK") == 3
    assert text.count(b'"predictions"') == 2


def test_a_large_request_is_answered_whatever_follows_it(served: Served) -> None:
    """The beginning of the next head, in the same bytes as the end of a long body, made the head seem too long."""
    body = json.dumps({"instances": [1.0] * 20_000}).encode()
    with connect(served) as connection:
        connection.sendall(head(PREDICT, f"Content-Length: {len(body)}") + body + b"GET /livez HTTP/1.1\r\nHos")
        answers = connection.makefile("rb")
        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
        connection.sendall(b"t: x\r\nConnection: close\r\n\r\n")
        assert answers.read().endswith(b'{"live": true}')


def test_bodies_that_nobody_asked_for_are_not_kept_and_the_others_only_up_to_a_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.rest import server

    monkeypatch.setattr(server, "_MAX_UPLOADS", 1000)
    served = serve(plus=("plus-2", 3))
    assert ask(served.url + "/nowhere", b"x" * 1001, {}).status == 404
    assert ask(served.url + PREDICT, b"x" * 1001, {}, "TRACE").status == 501
    assert ask(served.url + PREDICT, b"x" * 1001, {}, "OPTIONS").status == 400
    alone = ask(served.url + PREDICT, b"x" * 1001, {})
    assert (alone.status, refused(alone)) == (429, "the bodies of other requests take the memory there is for them")
    with connect(served) as connection:
        connection.sendall(head(PREDICT, "Content-Length: 999") + b"x" * 990)
        busy = 'kmaas_calls_in_flight{protocol="REST"}'
        until(lambda: metric(served, busy) == 1, "an unfinished request is in flight")
        until(lambda: ask(served.url + PREDICT, BODY, {}).status == 429, "it takes what there is")
    until(lambda: metric(served, busy) == 0, "the client that left is forgotten")
    assert ask(served.url + PREDICT, BODY, {}).status == 200


def test_slow_heads_and_slow_bodies_end(serve: Serve) -> None:
    served = serve(rest_api_timeout_in_ms=200, rest_api_enable_cors_support=True)
    assert exchange(served, b"") == b""
    assert exchange(served, b"POST /v1/models/plus:pre") == b""
    first = head("/livez", method="GET")
    assert exchange(served, first + b"GET /li").count(b"HTTP/1.1") == 1
    late = exchange(served, head(PREDICT, "Content-Length: 99") + b"{")
    assert late.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.2 seconds" in late
    assert b"access-control-allow-origin: *" in late
    assert metric(served, ':tensorflow:serving:request_count{model_name="plus",status="DEADLINE_EXCEEDED"}') == 1
    assert ask(served.url + "/livez").status == 200


def test_a_client_that_has_said_everything_may_close_its_half(served: Served) -> None:
    request = head(PREDICT, f"Content-Length: {len(BODY)}") + BODY
    for sent, answers in ((request, 1), (head("/livez", method="GET"), 1), (request[:-1], 0), (b"", 0)):
        with connect(served) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda connection=connection: connection.recv(4096), b""))  # type: ignore[misc]  # bound
            assert received.count(b"HTTP/1.1 200 OK") == answers


def test_a_head_without_end(served: Served) -> None:
    with connect(served) as connection, pytest.raises(OSError, match=r"reset|Broken pipe"):
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 2**26)
    assert ask(served.url + "/livez").status == 200


def test_five_hundred_connections_idle_and_active(served: Served) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(served)) for _ in range(500)]
        assert ask(served.url + PREDICT, BODY, {}).status == 200
        request = head(PREDICT, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
        for connection in connections[:250]:
            connection.sendall(request)
        for connection in connections[:250]:
            answer = b"".join(iter(lambda connection=connection: connection.recv(4096), b""))  # type: ignore[misc]  # bound
            assert answer.startswith(b"HTTP/1.1 200 OK")


def refused(answer: Answer) -> str:
    return str(answer.json()["error"])


def test_more_requests_than_may_wait_are_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.rest import server

    monkeypatch.setattr(server, "_MAX_REQUESTS", 1)
    served = serve(m=("slow", 1))
    with ThreadPoolExecutor(1) as threads:
        url, body = f"{served.url}/v1/models/m:predict", b'{"inputs": {"steps": 20000}}'
        first = threads.submit(ask, url, body, {})
        until(lambda: metric(served, 'kmaas_calls_in_flight{protocol="REST"}') == 1, "it is in flight")
        second = ask(url, body, {})
        assert (second.status, refused(second)) == (429, "Server Threadpool Exhausted")
        assert metric(served, ':tensorflow:serving:request_count{model_name="m",status="RESOURCE_EXHAUSTED"}') == 1
        assert first.result().status == 200
