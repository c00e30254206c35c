"""The REST face over real HTTP: routes, bodies of every kind, forms of the answers."""

import asyncio
import gzip
import json
import socket
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from serving.rest import bodies
from serving.rest.app import RestApp
from tests.serving.conftest import Served
from tests.support.processes import Answer, ask


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("store"))
    served.put("plus-2", "plus", 3)
    served.put("many", "many", 1)
    served.put("half-plus-two", "half", 1)
    served.server.start()
    assert served.server.wait_ready(120)
    yield served
    served.client.close()
    served.server.stop()


NINES = "9" * 5000  # more digits than Python converts


class Rest:
    def __init__(self, served: Served) -> None:
        self._served = served

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return ask(self._served.url + path, headers=headers)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        return ask(self._served.url + path, body, headers or {})

    def predict(self, model: str, body: Any) -> Answer:
        return self.post(f"/v1/models/{model}:predict", json.dumps(body).encode())


@pytest.fixture(scope="module")
def rest(served: Served) -> Rest:
    return Rest(served)


def error(answer: Answer) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert list(document) == ["error"]
    return answer.status, document["error"]


def test_row_and_column_format(rest: Rest) -> None:
    assert rest.predict("plus", {"instances": [1, 2]}).json() == {"predictions": [2.5, 3.0]}
    assert rest.predict("plus", {"inputs": [[1], [2]]}).json() == {"outputs": [[2.5], [3.0]]}
    assert rest.predict("plus", {"inputs": {"x": 3}, "ignored": True}).json() == {"outputs": 3.5}
    assert rest.predict("plus", {"instances": [{"x": [1]}, {"x": [2]}]}).json() == {"predictions": [[2.5], [3.0]]}


def test_several_outputs_are_objects(rest: Rest) -> None:
    row = rest.predict("many", {"instances": [{"a": 3, "b": 1}, {"a": 5, "b": 4}]})
    assert row.json() == {"predictions": [{"difference": 2.0, "sum": 4.0}, {"difference": 1.0, "sum": 9.0}]}
    column = rest.predict("many", {"inputs": {"a": [3], "b": [1]}})
    assert column.json() == {"outputs": {"difference": [2.0], "sum": [4.0]}}


def test_strings_and_bytes(rest: Rest) -> None:
    answer = rest.predict("many", {"signature_name": "strings", "instances": ["ü", {"b64": "QQ=="}]})
    assert answer.json() == {"predictions": [{"text": "ü", "text_bytes": {"b64": "w7w="}},
                                             {"text": "A", "text_bytes": {"b64": "QQ=="}}]}  # fmt: skip


def test_every_integer_type(rest: Rest) -> None:
    names = ("int8", "uint8", "int16", "int32", "int64", "uint32")
    body = {"signature_name": "integers", "inputs": {name: [1, 127] for name in names}}
    assert rest.predict("many", body).json() == {"outputs": {name: [1, 127] for name in names}}


@pytest.mark.parametrize(("signature", "value"), [("double", 1.1), ("bool", [True])])
def test_other_types(rest: Rest, signature: str, value: Any) -> None:
    expected = [False] if signature == "bool" else value
    assert rest.predict("many", {"signature_name": signature, "inputs": value}).json() == {"outputs": expected}


def test_numbers_are_written_as_tensorflow_serving_does(rest: Rest) -> None:
    body = b'{"inputs": [0, -3.3333333, NaN, Infinity, -Inf, 2e7]}'
    text = rest.post("/v1/models/plus:predict", body).body.decode()
    assert text == '{\n    "outputs": [2.0, 0.333333373, NaN, Infinity, -Infinity, 10000002.0]\n}'


@pytest.mark.parametrize("path", ["/v1/models/plus:predict", "/v1/models/plus/versions/3:predict",
                                  "/V1/Models/plus/Versions/003:PREDICT", "/v1/models/pl%75s:predict"])  # fmt: skip
def test_paths_of_one_model(rest: Rest, path: str) -> None:
    assert rest.post(path, b'{"instances": [2]}').json() == {"predictions": [3.0]}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/none:predict", 404, "Servable not found for request: Latest(none)"),
        ("/v1/models/plus/versions/4:predict", 404, "Servable not found for request: Specific(plus, 4)"),
        ("/v1/models/plus/labels/stable:predict", 400, "Unrecognized servable version label: stable"),
        ("/v1/models/plus:predict?x=1", 400, "Malformed request: POST /v1/models/plus:predict?x=1"),
        ("/v1/models/plus:explain", 400, "Malformed request: POST /v1/models/plus:explain"),
        ("/v1/models/plus", 400, "Malformed request: POST /v1/models/plus"),
        ("/v1/models/%ff:predict", 400, "Malformed request: %ff is not percent-encoded UTF-8"),
    ],
)  # fmt: skip
def test_paths_that_lead_nowhere(rest: Rest, path: str, status: int, message: str) -> None:
    assert error(rest.post(path, b'{"instances": [1]}')) == (status, message)


@pytest.mark.parametrize("number", [str(2**63), NINES])
def test_a_version_too_big_is_refused_without_a_word(rest: Rest, number: str) -> None:
    answer = rest.post(f"/v1/models/plus/versions/{number}:predict", b'{"instances": [1]}')
    assert (answer.status, answer.body) == (400, b"")


EXAMPLES = {"examples": [{"x": 2.0}, {"x": 20.0}]}


def test_classify_and_regress(rest: Rest) -> None:
    def post(verb: str, **body: Any) -> Answer:
        return rest.post(f"/v1/models/half/versions/1:{verb}", json.dumps(body | EXAMPLES).encode())

    assert post("classify", signature_name="classify_x_to_y").json() == {"results": [[["", 3.0]], [["", 12.0]]]}
    assert post("Regress", signature_name="regress_x_to_y").json() == {"results": [3.0, 12.0]}
    assert error(post("regress", signature_name="none")) == (400, "No signature was found with the name: none")
    assert error(rest.post("/v1/models/none:classify", b"[]")) == (400, "JSON Value: [] Is not object")
    whole = rest.post("/v1/models/half:regress", b'{"signature_name": "regress_x_to_y", "examples": [{"x": 2}]}')
    assert "Data types don't match" in error(whole)[1]


def test_outside_of_v1_there_is_nothing(rest: Rest) -> None:
    for path in ("/", "/metrics", "/v1"):
        answer = rest.get(path)
        assert answer.status == 404
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"<h1>Not Found</h1>" in answer.body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b"\x00\xff", "JSON Parse error: Invalid value. at offset: 0"),
        (b"[" * 50_000, "JSON Parse error: The document is nested too deeply"),
        (b"[]", "JSON Value: [] Is not object"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"signature_name": 1}', 'JSON Value: {\n    "signature_name": 1\n} not formatted correctly. '
         "'signature_name' key must be a string value."),
        (b'{"signature_name": "none"}', 'Serving signature name: "none" not found in signature def'),
        (b'{"instances": [1], "inputs": [1]}', 'JSON Value: {\n    "instances": [1],\n    "inputs": [1]\n} Not '
         "formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "),
        (b'{"instances": 1}', 'JSON Value: {\n    "instances": 1\n} Expecting \'instances\' to be an list/array'),
        (b'{"instances": []}', 'JSON Value: {\n    "instances": []\n} No values in \'instances\' array'),
        (b'{"inputs": ["a"]}', 'JSON Value: "a" Type: String is not of expected type: float'),
        (b'{"inputs": null}', "JSON Value: null Type: Null is not of expected type: float"),
    ],
)  # fmt: skip
def test_bodies_that_do_not_fit(rest: Rest, body: bytes, message: str) -> None:
    assert error(rest.post("/v1/models/plus:predict", body)) == (400, message)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"signature_name": "nothing_in", "inputs": []}, 400, "Failed to get input map for signature: nothing_in"),
        ({"signature_name": "half", "inputs": [1]}, 501, "Conversion of JSON Value: 1 to type: half"),
        ({"signature_name": "to_half", "inputs": [1]}, 400, "Failed to write JSON value for tensor type: half"),
        ({"signature_name": "total", "instances": [1]}, 400, "Tensor name: total has no shape information "),
        ({"signature_name": "uneven", "instances": [1, 2]}, 400,
         "Tensor name: half has inconsistent batch size: 1 expecting: 2"),
        ({"inputs": {"a": [1]}}, 400, "Missing named input: b in 'inputs' object."),
    ],
)  # fmt: skip
def test_signatures_that_do_not_fit(rest: Rest, body: Any, status: int, message: str) -> None:
    assert error(rest.predict("many", body)) == (status, message)


def test_what_the_graph_refuses(rest: Rest) -> None:
    status, message = error(rest.predict("many", {"signature_name": "matmul", "instances": [[1, 2, 3]]}))
    assert status == 400
    assert message.startswith("Matrix size-incompatible: In[0]: [1,3], In[1]: [4,2]")


def test_gzip_bodies(rest: Rest) -> None:
    def post(body: bytes) -> Answer:
        return rest.post("/v1/models/plus:predict", body, {"Content-Encoding": "gzip"})

    assert post(gzip.compress(b'{"instances": [2]}')).json() == {"predictions": [3.0]}
    assert post(gzip.compress(b'{"instances":') + gzip.compress(b" [2]}")).json() == {"predictions": [3.0]}
    assert rest.get("/v1/models/plus", {"Content-Encoding": "gzip"}).status == 200
    assert error(post(b"")) == (400, "JSON Parse error: The document is empty")
    assert error(post(b'{"instances": [2]}'))[0] == 400
    assert error(post(gzip.compress(b'{"instances": [2]}' * 99)[:20]))[0] == 400
    assert error(post(gzip.compress(bytes(101 * 10**6))))[0] == 413
    assert error(post(gzip.compress(bytes(51 * 10**6)) * 2))[0] == 413


def test_status(rest: Rest) -> None:
    line = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/plus", "/v1/models/plus/versions/3"):
        assert rest.get(path).json() == {"model_version_status": [line]}
    assert error(rest.get("/v1/models/none")) == (404, "Could not find any versions of model none")
    assert error(rest.get("/v1/models/plus/versions/9")) == (404, "Could not find version 9 of model plus")


def test_metadata(rest: Rest) -> None:
    document = rest.get("/v1/models/plus/metadata").json()
    assert document["model_spec"] == {"name": "plus", "signature_name": "", "version": "3"}
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signature["inputs"]["x"]["tensor_shape"] == {"dim": [], "unknown_rank": True}
    assert error(rest.get("/v1/models/none/metadata"))[0] == 404


def test_the_list_of_models(rest: Rest) -> None:
    document = rest.get("/v1/models").json()
    assert [(model["name"], model["versions"][0]["state"]) for model in document["models"]] == [
        ("half", "AVAILABLE"),
        ("many", "AVAILABLE"),
        ("plus", "AVAILABLE"),
    ]


def application(served: Served) -> RestApp:
    face = served.server._rest
    assert face is not None
    return face._app


def sent(app: RestApp, *events: dict[str, object]) -> list[int | None]:
    """The statuses the application answers with when it receives these events, None for each it did not wait for."""
    received, statuses = list(events), []

    async def receive() -> dict[str, object]:
        return received.pop(0)

    async def send(event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            statuses.append(event["status"])

    scope = {"method": "POST", "raw_path": b"/v1/models/plus:predict", "query_string": b"", "headers": []}
    asyncio.run(app(scope, receive, send))
    return [*statuses, *(None for _ in received)]


def part(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_half_a_body_is_not_executed(served: Served) -> None:
    app = application(served)
    body = b'{"instances": [1]}'
    assert sent(app, part(body, more=True), part(b" ", more=False)) == [200]
    assert sent(app, part(body, more=True), {"type": "http.disconnect"}) == []


def test_a_body_that_is_too_large_is_read_before_it_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY", 10)
    app = application(served)
    assert sent(app, part(b"123456", more=True), part(b"123456", more=True), part(b"1", more=False)) == [413]


def test_a_client_that_leaves_in_the_middle_of_its_body(served: Served, rest: Rest) -> None:
    for rude in (
        b"POST /v1/models/plus:predict HTTP/1.1\r\nContent-Length: 999\r\n\r\n{",
        b"\x00\x01\x02\r\n\r\n",
        b"GET",
    ):
        with socket.create_connection(("127.0.0.1", served.settings.rest_api_port)) as connection:
            connection.sendall(rude)
    assert rest.get("/healthz").status == 200
