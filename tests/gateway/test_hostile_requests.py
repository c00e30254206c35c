"""Heads that no client library sends: tricks with paths, headers and lengths. Each is answered, and others after it."""

import pytest

from tests.support.processes import GatewayProcess
from tests.support.raw_http import get, post, send

TEXT = b'{"inputs": "good"}'


@pytest.fixture(autouse=True)
def _lives(gateway: GatewayProcess) -> object:
    yield
    assert gateway.post("/models/sentiment", TEXT).status == 200


@pytest.mark.parametrize(
    "path",
    [
        b"/web/../app.py",
        b"/web/%2e%2e/app.py",
        b"/web/..%2fapp.py",
        b"/web/%252e%252e/app.py",
        b"/web/..%5capp.py",
        b"/web/%c0%ae%c0%ae/app.py",
        b"/web/%e0%80%ae%e0%80%ae/app.py",
        b"/web//etc/passwd",
        b"/web/%2fetc%2fpasswd",
        b"/web/index.html%00.js",
        b"/web/index.html%20",
        b"/web/./",
        b"/web/",
    ],
)
def test_nothing_outside_the_pages_folder_is_sent(gateway: GatewayProcess, path: bytes) -> None:
    answer = send(gateway, get(path))
    assert answer.status == 404
    assert b"create_app" not in answer.body
    assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "name",
    [
        b"sentiment%00",
        b"sentiment%0d%0aX-Injected:1",
        b"sentiment%20",
        b"SENTIMENT",
        b"%73entiment%e2%80%8b",  # a space of no width
        b"%d1%95entiment",  # Cyrillic
        b"%ef%bd%93entiment",  # full width
        b"sent%c4%b1ment",  # without its dot
        b"%f3%entiment",
        b"%ff%fe",
        "ſentiment".encode(),
        b"..",
        b"%2e%2e",
        b".staging-1",
    ],
)
def test_a_name_that_only_looks_like_a_models_is_unknown(gateway: GatewayProcess, name: bytes) -> None:
    for request in (post(b"/models/" + name, TEXT), get(b"/models/" + name), get(b"/models/" + name + b"/card")):
        answer = send(gateway, request)
        assert answer.status == 404
        assert "X-Injected" not in answer.head


def test_a_percent_encoded_name_is_the_same_name(gateway: GatewayProcess) -> None:
    assert send(gateway, post(b"/models/%73entiment", TEXT)).status == 200


@pytest.mark.parametrize("path", [b"//models", b"//evil.example/models", b"/models//sentiment", b"///", b"/models/"])
def test_doubled_slashes_lead_nowhere_else(gateway: GatewayProcess, path: bytes) -> None:
    answer = send(gateway, get(path))
    assert answer.status in (200, 404)
    assert "location:" not in answer.head.lower()


@pytest.mark.parametrize("length", [2_000, 30_000])
def test_a_long_path_is_not_echoed(gateway: GatewayProcess, length: int) -> None:
    for path in (b"/" + b"a" * length, b"/models/" + b"a" * length, b"/web/" + b"a" * length):
        answer = send(gateway, get(path))
        assert answer.status == 404
        assert len(answer.body) < 1_000
    wrong_method = send(gateway, get(b"/models/" + b"a" * length, method=b"PUT"))
    assert wrong_method.status == 405
    assert len(wrong_method.body) < 1_000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get(b"/" + b"a" * 70_000), {414, 431}),
        (get(b"/" + b"a" * 1_000_000), {414, 431}),
        (get(b"/healthz", b"X-A: " + b"a" * 200_000), {431}),
        (get(b"/healthz", *(b"X-%d: a" % number for number in range(1_000))), {431}),
        (get(b"/healthz", b"X-A: a\x00b"), {400}),
        (get(b"/healthz", b"X-A: a\rb"), {400}),
        (get(b"/healthz", b"no colon"), {400}),
        (get(b"/healthz", b" folded: a"), {400}),
        (get(b"/health z"), {400}),
        (get(b"/healthz\x00"), {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", {0, 400}),  # TLS
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400, 505}),
        (b"GET /healthz HTTP/9.9\r\n\r\n", {400, 505}),
        (get(b"/healthz", method=b"FOO"), {405}),
        (get(b"/healthz", method=b"TRACE"), {405}),
        (get(b"evil.example:443", method=b"CONNECT"), {404, 405}),
        (post(b"/models/sentiment", TEXT, b"Content-Length: 3"), {400}),
        (get(b"/models/sentiment", b"Content-Length: -1", method=b"POST"), {400}),
        (get(b"/models/sentiment", b"Content-Length: +18", method=b"POST") + TEXT, {400}),
        (get(b"/models/sentiment", b"Content-Length: " + b"9" * 30, method=b"POST"), {400}),
        (get(b"/models/sentiment", b"Content-Length: 1e3", method=b"POST"), {400}),
        (get(b"/models/sentiment", b"Transfer-Encoding: xchunked", method=b"POST"), {400}),
        (get(b"/models/sentiment", b"Transfer-Encoding: gzip, chunked", method=b"POST") + b"0\r\n\r\n", {400}),
        (get(b"/models/sentiment", b"Transfer-Encoding: chunked", method=b"POST") + b"zz\r\n", {400}),
        (get(b"/models/sentiment", b"Transfer-Encoding: chunked", method=b"POST") + b"f" * 17 + b"\r\n", {400}),
        (get(b"/models/sentiment", b"Transfer-Encoding: chunked", method=b"POST") + b"-1\r\n", {400}),
    ],
)
def test_a_head_that_is_not_http_is_refused(gateway: GatewayProcess, request_: bytes, status: set[int]) -> None:
    assert send(gateway, request_).status in status


def test_no_request_is_smuggled_behind_another(gateway: GatewayProcess) -> None:
    """Content-Length and chunks together: whoever reads the one, the rest is not taken for another request."""
    hidden = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
    both = get(b"/models/sentiment", b"Content-Length: 5", b"Transfer-Encoding: chunked", method=b"POST")
    answer = send(gateway, both + hidden)
    assert answer.status == 400
    assert b"alive" not in answer.body


def test_trace_and_errors_echo_no_header(gateway: GatewayProcess) -> None:
    for method in (b"TRACE", b"PUT", b"GET", b"POST"):
        answer = send(gateway, get(b"/models/none", b"Authorization: Bearer canary", b"Cookie: canary", method=method))
        assert "canary" not in answer.head
        assert b"canary" not in answer.body


def test_a_host_of_the_callers_choice_is_told_nowhere(gateway: GatewayProcess) -> None:
    for path in (b"/", b"/docs", b"/openapi.json", b"/nothing", b"//nothing", b"/models"):
        answer = send(gateway, get(path).replace(b"Host: h", b"Host: evil.example\r\nX-Forwarded-Host: evil.example"))
        assert "evil.example" not in answer.head
        assert b"evil.example" not in answer.body


@pytest.mark.parametrize("host", [b"..", b"a" * 300, b"\xff", b"h:port", b"[::1", b"evil.example:80"])
def test_no_answer_depends_on_the_host(gateway: GatewayProcess, host: bytes) -> None:
    answer = send(gateway, get(b"/healthz").replace(b"Host: h", b"Host: " + host))
    assert (answer.status, answer.body) == (200, b'{"alive":true}')


def test_nobody_is_led_to_another_protocol_or_path(gateway: GatewayProcess) -> None:
    """A rule with a slash at its end would lead there, by a host that is not known."""
    asked = get(b"/healthz", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
    assert send(gateway, asked).status == 200
    for path in (b"/healthz/", b"/models/"):
        assert send(gateway, get(path)).status == 404


def test_a_request_id_cannot_break_a_header_or_a_log_line(gateway: GatewayProcess) -> None:
    for odd in (b"a\xff\xfe", b"a b", b"{}", b'"', b"%0d%0a", "é".encode(), b"x" * 129):
        answer = send(gateway, get(b"/models", b"X-Request-Id: " + odd))
        [line] = [line for line in answer.head.split("\r\n") if line.lower().startswith("x-request-id")]
        assert odd.decode("latin-1") not in line
        assert len(line) < 60
