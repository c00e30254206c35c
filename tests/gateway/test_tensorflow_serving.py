"""TensorFlow Serving's REST through the gateway: the answers of the model server's own, within the gateway's limits."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.stack import free_port
from gateway.dialects.tensorflow_serving_api import ServingClassifications, ServingExamplesBody, ServingRegressions
from processing.digit_form import digit_form
from processing.image import decode
from store.labels import LABELS_FILE, Labels
from store.layout import Store
from store.publish import publish
from tests.gateway.conftest import Shelf
from tests.support import toy_model
from tests.support.clients import Clients
from tests.support.processes import Answer, GatewayProcess, ModelServerProcess, ask, until
from tests.support.small_models import DIGITS, STROKES, picture


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header announces so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


PICTURE = picture()
SEVEN = digit_form(decode(PICTURE, max_pixels=10**6)).tolist()
BOMB = {"b64": base64.b64encode(bomb(1001, 1000)).decode()}
EXAMPLES = {"examples": [{"x": 2.0}, {"x": -3.0}]}


@dataclass
class Doors:
    """Two doors to the same models: the model server's REST, and the gateway."""

    rest: str
    target: str  # the model server's gRPC
    gateway: GatewayProcess

    def both(self, path: str, body: Any = None, **headers: str) -> tuple[Answer, Answer]:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/v1/models/{path}"
        return ask(self.rest + path, sent, headers), ask(self.gateway.url + path, sent, headers)

    def alike(self, path: str, body: Any = None, **headers: str) -> Answer:
        """The answer, which is the same at both."""
        direct, through = self.both(path, body, **headers)
        assert (through.status, through.body) == (direct.status, direct.body)
        assert through.headers["Content-Type"] == direct.headers["Content-Type"] == "application/json"
        return through

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.gateway.post(f"/v1/models/{path}", sent, **headers)

    def refused(self, path: str, body: Any, status: int, **headers: str) -> str:
        answer = self.post(path, body, **headers)
        assert answer.status == status, answer.body
        document = answer.json()
        assert list(document) == ["error"]
        error: str = document["error"]
        return error


@pytest.fixture(scope="module")
def doors(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """`digits` in two versions of different answers, the older one `stable` and the newer one `canary`; `strokes`,
    `sentiment`, and `toy` with a signature for everything.
    """
    folder = tmp_path_factory.mktemp("doors")
    toy_model.build(folder / "toy")
    store = Store.at(folder / "store")
    for export in (*(exports / name for name in ("digits-a", "digits-b", "strokes", "sentiment")), folder / "toy"):
        publish(store, export)
    label(store, "digits", stable=1, canary=2)
    port = free_port()
    limits = {"body_bytes": 2**20, "items": 4, "text_chars": 1000, "image_pixels": 10**6}
    with (
        ModelServerProcess(store.root, None, "--rest_api_port", str(port)) as server,
        GatewayProcess(server.target, limits=limits) as gateway,
    ):
        gateway.wait_ready()
        found = Doors(f"http://127.0.0.1:{port}", server.target, gateway)
        until(lambda: ask(found.rest + "/readyz").json() == {"ready": True, "models_not_ready": []}, "all are loaded")
        yield found


def label(store: Store, model: str, **versions: int) -> None:
    (store.base(model) / LABELS_FILE).write_bytes(Labels(versions=versions).document())


def native(doors: Doors, model: str, body: bytes) -> dict[str, float]:
    answer = doors.gateway.post(f"/models/{model}", body).json()
    [flat] = answer if isinstance(answer[0], list) else [answer]
    return {line["label"]: line["score"] for line in flat}


def scores(answer: Answer, labels: tuple[str, ...]) -> dict[str, float]:
    [row] = answer.json()["predictions"]
    return dict(zip(labels, row["probabilities"], strict=True))


# --- Answers


def test_the_numbers_are_those_of_the_other_dialects(doors: Doors) -> None:
    by_tensor = scores(doors.post("digits:predict", {"instances": [SEVEN]}), DIGITS)
    for label, score in native(doors, "digits", PICTURE).items():
        assert by_tensor[label] == pytest.approx(score, abs=1e-6)
    text = native(doors, "sentiment", b'{"inputs": "a good film"}')
    by_ids = doors.post("sentiment:predict", {"instances": [[8, 5, 9]]})
    assert scores(by_ids, ("negative", "positive")) == pytest.approx(text, abs=1e-6)


def test_pictures_as_base64_by_the_signature_raw(doors: Doors) -> None:
    row = {"b64": base64.b64encode(PICTURE).decode()}
    answer = doors.alike("strokes:predict", {"signature_name": "raw", "instances": [row]})
    assert scores(answer, STROKES) == pytest.approx(native(doors, "strokes", PICTURE), abs=1e-6)


def test_an_answer_says_what_it_took_and_which_version_it_is_of(doors: Doors) -> None:
    answer = doors.post("digits:predict", {"instances": [SEVEN]}, **{"X-Request-Id": "id-8"})
    assert [stage.partition(";")[0] for stage in answer.headers["Server-Timing"].split(", ")][-4:] == [
        "decode", "preprocess", "infer", "postprocess"
    ]  # fmt: skip
    assert (answer.headers["X-Model"], answer.headers["X-Request-Id"]) == ("digits", "id-8")
    assert (answer.headers["X-Model-Version"], answer.headers["X-Model-Digest"]) == ("1", "sha256:digits-1")


def test_the_gateway_chooses_the_version_unless_the_path_does(doors: Doors) -> None:
    row = {"instances": [SEVEN]}
    chosen = doors.post("digits:predict", row)  # what is labelled, where the model server takes the newest
    for path, version in (
        ("digits/versions/1", "1"), ("digits/versions/02", "2"), ("digits/labels/canary", "2"),
        ("digits/labels/stable", "1"),
    ):  # fmt: skip
        answer = doors.alike(f"{path}:predict", row)
        assert answer.headers["X-Model-Version"] == version
        assert (answer.body == chosen.body) == (version == "1")


def test_a_pinned_digest_holds(doors: Doors) -> None:
    row, pin = {"instances": [SEVEN]}, {"X-Model-Digest": "sha256:digits-2"}
    assert doors.post("digits/labels/canary:predict", row, **pin).status == 200
    assert "sha256:digits-1" in doors.refused("digits:predict", row, 412, **pin)


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [[2, 5, 3], [1, 2, 0]]},
        {"signature_name": "pair", "instances": [{"a": 1, "b": 2}, {"b": 0.1, "a": 4}]},
        {"signature_name": "pair", "inputs": {"a": 1, "b": [1, 2.5], "more": None}},
        {"signature_name": "whole", "inputs": [2**62, -1]},
        {"signature_name": "strings", "inputs": ["ü", {"b64": "/wA="}]},
        {"signature_name": "strings", "instances": [{"text": "a"}, {"text": {"b64": "QQ=="}}]},
        {"signature_name": "product", "inputs": [[1, 2]]},
        b'{"signature_name": "pair", "inputs": {"a": [NaN, Infinity, 1e-45], "b": 0}} and more',
    ],
)
def test_predict(doors: Doors, body: Any) -> None:
    assert doors.alike("toy:predict", body).status == 200


def test_classify_and_regress(doors: Doors) -> None:
    classified = doors.alike("toy:classify", {"signature_name": "classify", **EXAMPLES})
    assert [[label for label, _ in row] for row in classified.json()["results"]] == [["small", "large"]] * 2
    by_version = doors.alike("toy/versions/1:regress", {"signature_name": "regress", **EXAMPLES})
    assert by_version.json() == {"results": [1.0, -1.5]}
    assert by_version.headers["X-Model-Version"] == "1"
    context = {"signature_name": "regress", "context": {"x": 6.0}, "examples": [{}]}
    assert doors.alike("toy:regress", context).json() == {"results": [3.0]}


def test_the_described_examples_are_answered_in_the_described_shape(doors: Doors) -> None:
    for verb, shape in (("classify", ServingClassifications), ("regress", ServingRegressions)):
        for example in ServingExamplesBody.model_json_schema()["examples"]:
            answer = doors.post(f"toy:{verb}", {"signature_name": verb, **example})
            assert answer.status == 200
            shape.model_validate_json(answer.body, extra="forbid")


def test_metadata_is_told_without_the_signature_that_tells_secrets(doors: Doors) -> None:
    for path in ("toy", "toy/versions/1", "digits/labels/canary"):
        direct, through = (answer.json() for answer in doors.both(f"{path}/metadata"))
        assert direct["metadata"]["signature_def"]["signature_def"].pop("manifest")
        assert through == direct


def test_the_status_of_versions(doors: Doors) -> None:
    for path in ("digits/versions/1", "digits/versions/2", "digits/labels/canary", "toy/labels/whatever"):
        assert doors.alike(path).status == 200
    assert [line["version"] for line in doors.alike("digits/labels/canary").json()["model_version_status"]] == [
        "2", "1"
    ]  # fmt: skip


def test_a_gzip_body(doors: Doors) -> None:
    packed = gzip.compress(b'{"instances":') + gzip.compress(b" [[8]]}")
    assert doors.alike("sentiment:predict", packed, **{"Content-Encoding": "gzip"}).status == 200


# --- Refusals


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("none:predict", {"instances": [1]}, 404),
        ("none:classify", EXAMPLES, 404),
        ("none/versions/3:regress", EXAMPLES, 404),
        ("none/labels/a:predict", {"instances": [1]}, 400),
        ("none/metadata", None, 404),
        ("none/versions/3", None, 404),
        ("none/labels/a", None, 404),
        ("toy/versions/3", None, 404),
        ("toy/versions/3/metadata", None, 404),
        ("toy/labels/a/metadata", None, 400),
        ("toy/versions/3:predict", {"instances": [1]}, 404),
        ("toy/labels/a:predict", {"instances": [1]}, 400),
        ("toy:predict", {}, 400),
        ("toy:predict", b"", 400),
        ("toy:predict", b"[1", 400),
        ("toy:predict", [1], 400),
        ("toy:predict", b"[" * 100_000, 400),
        ("toy:predict", b'{"instances":' * 1000, 400),
        ("toy:predict", b'{"instances": [' + b"9" * 5000 + b"]}", 400),
        ("toy:predict", {"instances": [[2**40]]}, 400),
        ("toy:predict", {"instances": [["a"]]}, 400),
        ("toy:predict", {"instances": [[1], [1, 2]]}, 400),
        ("toy:predict", {"instances": [], "inputs": []}, 400),
        ("toy:predict", {"instances": []}, 400),
        ("toy:predict", {"signature_name": 1, "instances": [1]}, 400),
        ("toy:predict", {"signature_name": "none", "instances": [1]}, 400),
        ("toy:predict", b'{"signature_name": "\\udcff", "inputs": 1}', 400),
        ("toy:predict", b'{"signature_name": "\xff", "inputs": 1}', 400),
        ("toy:predict", {"signature_name": "__saved_model_init_op", "inputs": 1}, 400),
        ("toy:predict", {"signature_name": "pair", "instances": [1]}, 400),
        ("toy:predict", {"signature_name": "pair", "inputs": {"a": 1}}, 400),
        ("toy:predict", {"signature_name": "pair", "instances": [{"a": 1, "c": 1}]}, 400),
        ("toy:predict", {"signature_name": "strings", "inputs": [{"b64": "?"}]}, 400),
        ("toy:predict", {"signature_name": "half", "inputs": [1]}, 501),
        ("toy:predict", {"signature_name": "picture", "inputs": [1]}, 400),
        ("toy:predict", {"signature_name": "whole", "instances": [1]}, 400),
        ("toy:classify", {}, 400),
        ("toy:classify", {"examples": [{"x": 2**63}]}, 400),
        ("toy:classify", {"signature_name": "none", **EXAMPLES}, 400),
        ("toy:regress", EXAMPLES, 400),
        ("toy:explain", {}, 400),
        ("toy:predict?x=1", {"instances": [[1]]}, 400),
        ("toy/metadata?x=1", None, 400),
        ("toy/versions/one:predict", {}, 400),
        ("toy/versions/-1", None, 400),
        ("toy/versions/1/labels/a", None, 400),
        ("toy/labels/a:b", None, 400),
        ("toy:predict", None, 400),
    ],
)
def test_what_the_model_server_refuses_is_refused_in_its_words(doors: Doors, path: str, body: Any, status: int) -> None:
    assert doors.alike(path, body).status == status


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("toy:predict", {"signature_name": "product", "inputs": [[1, 2, 3]]}),
        ("toy:regress", {"signature_name": "regress", "examples": [{"y": 1.0}]}),
    ],
)
def test_of_what_the_graph_says_the_first_line_is_told(doors: Doors, path: str, body: Any) -> None:
    """The others name its nodes."""
    direct, through = doors.both(path, body)
    assert (through.status, direct.status) == (400, 400)
    told, *others = direct.json()["error"].split("\n")
    assert others
    assert through.json() == {"error": told}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("toy:predict", {"signature_name": "s" * 10**5, "instances": [[1]]}),
        ("toy:predict", {"instances": [{"s" * 10**5: 1}]}),
        ("toy:classify", {"signature_name": "classify", "examples": [{"s" * 10**5: None}]}),
        ("toy:classify", {"signature_name": "classify", "examples": [{"s" * 10**5: 2**63}]}),
        ("toy:classify", {"signature_name": "classify", "examples": [{"s" * 10**5: [1, "a"]}]}),
    ],
)
def test_a_refusal_does_not_repeat_all_that_was_sent(doors: Doors, path: str, body: Any) -> None:
    """The model server's does."""
    direct, through = doors.both(path, body)
    assert (through.status, direct.status) == (400, 400)
    whole = direct.json()["error"]
    assert len(whole) > 10**5
    assert through.json() == {"error": f"{whole[:1000]}…"}


@pytest.mark.parametrize("path", ["toy/versions/{}", "toy/versions/{}:predict"])
@pytest.mark.parametrize("version", [str(2**63), "9" * 5000])
def test_a_version_too_big_is_refused_with_a_word(doors: Doors, path: str, version: str) -> None:
    """The model server's body is empty."""
    direct, through = doors.both(path.format(version), None if path.endswith("}") else {"instances": [[1]]})
    assert (through.status, direct.status, direct.body) == (400, 400, b"")
    whole = f"Failed to convert version: {version} to numeric."
    assert through.json() == {"error": whole if len(whole) <= 1000 else f"{whole[:1000]}…"}


def test_what_the_manifest_keeps_secret_is_told_to_nobody(doors: Doors) -> None:
    asked = {"signature_name": "manifest", "instances": ["manifest", "golden"]}
    direct, through = doors.both("toy:predict", asked)
    assert b"/somewhere/private" in direct.body, "nothing is hidden: this test needs another secret"
    assert (through.status, through.json()["error"]) == (
        400, 'Serving signature name: "manifest" not found in signature def'
    )  # fmt: skip
    for verb in ("classify", "regress"):
        error = doors.refused(f"toy:{verb}", {"signature_name": "manifest", **EXAMPLES}, 400)
        assert "'manifest' is not offered here" in error


def test_a_picture_that_is_none_is_refused_before_the_model_is_asked(doors: Doors) -> None:
    body = {"signature_name": "raw", "instances": [{"b64": base64.b64encode(PICTURE).decode()}, "no picture"]}
    assert doors.refused("strokes:predict", body, 400).startswith("picture 1 of 'image_bytes': 10 bytes that are no")


# --- Limits


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("toy:predict", {"instances": [[1]] * 5}, "5 items received; at most 4"),
        ("toy:predict", {"inputs": [[1]] * 5}, "5 items received; at most 4"),
        ("toy:predict", {"signature_name": "pair", "inputs": {"a": 1, "b": [0] * 5}}, "5 items received; at most 4"),
        ("toy:classify", {"signature_name": "classify", "examples": [{"x": 1.0}] * 5}, "5 items received; at most 4"),
        ("toy:regress", {"signature_name": "regress", "context": {}, "examples": [{"x": 1.0}] * 5},
         "5 items received; at most 4"),
        ("toy:predict", {"instances": [[], [], [], [], [1]]}, "5 items received; at most 4"),
        ("toy:predict", {"instances": [{"token_ids": [1]}] * 4 + [1]}, "5 items received; at most 4"),
        ("toy:predict", {"inputs": [1, 1, 1, 1, "a"]}, "5 items received; at most 4"),
        ("toy:predict", {"signature_name": "pair", "inputs": {"a": [1, 1, 1, 1, "a"]}}, "5 items received; at most 4"),
        ("toy:classify", {"signature_name": "classify", "examples": [1] * 5}, "5 items received; at most 4"),
        ("toy:predict", {"instances": [[1] * 17]}, "17 tokens received; at most 16"),
        ("toy:predict", {"signature_name": "strings", "inputs": "ü" * 1001}, "1001 characters of text received"),
        ("strokes:predict", {"signature_name": "raw", "instances": [BOMB]}, "1001000 pixels received; at most 1000000"),
        ("toy:predict", b" " * (2**20 + 1), "1048577 bytes of body received"),
    ],
)  # fmt: skip
def test_the_gateways_limits_hold_before_the_model_is_asked(doors: Doors, path: str, body: Any, says: str) -> None:
    assert says in doors.refused(path, body, 413)
    assert "infer" not in doors.post(path, body).headers.get("Server-Timing", "")


def test_a_picture_of_another_rank_reaches_no_model_server(doors: Doors) -> None:
    """A stock TensorFlow Serving might end over it."""
    answer = doors.post("toy:predict", {"signature_name": "picture", "inputs": [1]})
    assert answer.json() == {
        "error": "input image has shape [1]; expected 4 dimensions, [-1, 2, 2, 1] with -1 for any size"
    }
    assert "infer" not in answer.headers["Server-Timing"]


def test_as_many_and_as_long_as_are_accepted(doors: Doors) -> None:
    assert doors.alike("toy:predict", {"instances": [[1] * 16] * 4}).status == 200
    assert doors.alike("toy:predict", {"signature_name": "strings", "inputs": "ü" * 1000}).status == 200
    assert doors.alike("toy:predict", {"signature_name": "weights", "inputs": [1] * 6}).json() == {"outputs": 6.0}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (gzip.compress(bytes(2**20 + 1)), 413, "more than 1048576 bytes of inflated body"),
        (gzip.compress(bytes(10**7)) * 100, 413, "more than 1048576 bytes of inflated body"),
        (b"{}", 400, "is not the gzip stream"),
        (gzip.compress(b"{}" * 99)[:20], 400, "cut short"),
    ],
    ids=["large", "bomb", "none", "cut"],
)
def test_a_gzip_body_is_bounded_when_inflated(doors: Doors, body: bytes, status: int, says: str) -> None:
    assert says in doors.refused("toy:predict", body, status, **{"Content-Encoding": "gzip"})


# --- Faults of the model server


def test_a_model_server_that_takes_too_long_and_one_that_is_away(doors: Doors) -> None:
    endless, quick = (json.dumps({"signature_name": "slow", "inputs": steps}).encode() for steps in (10**9, 1))
    path = "/v1/models/toy:predict"
    with GatewayProcess(doors.target, deadline_s=1) as hasty:
        hasty.wait_ready()
        late = hasty.post(path, endless)
        assert (late.status, late.json()) == (504, {"error": "the model did not answer within 1 s"})
        assert hasty.post(path, quick).json() == {"outputs": 1.0}
    with GatewayProcess("127.0.0.1:1", models=("toy",)) as alone:
        for answer in (alone.post(path, quick), alone.get("/v1/models/toy/versions/1")):
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert list(answer.json()) == ["error"]


def test_a_version_without_its_goldens_answers_nobody_and_its_status_says_why(shelf: Shelf) -> None:
    shelf.publish("digits-a", "digits-wrong")
    label(shelf.store, "digits", stable=1, canary=2)
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        row = json.dumps({"instances": [SEVEN]}).encode()
        assert gateway.post("/v1/models/digits:predict", row).headers["X-Model-Version"] == "1"
        for asked in ("versions/2", "labels/canary"):
            refused = gateway.post(f"/v1/models/digits/{asked}:predict", row)
            assert refused.status == 503
            assert "golden seven is answered wrongly" in refused.json()["error"]
        [line] = gateway.get("/v1/models/digits/versions/2").json()["model_version_status"]
        assert (line["state"], line["status"]["error_code"]) == ("AVAILABLE", "FAILED_PRECONDITION")
        assert "golden seven is answered wrongly" in line["status"]["error_message"]


def test_versions_swap_under_callers_and_each_answer_is_of_the_version_it_names(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    body = json.dumps({"instances": [SEVEN]}).encode()
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        clients = Clients(gateway, "digits", body, 8, path="/v1/models/digits:predict")
        with clients.asking():
            for version, export in enumerate(["digits-b", "digits-a"], start=2):
                clients.wait_for(50)
                shelf.publish(export)
                until(partial(gateway.answers_from, "digits", version), f"version {version}")
            clients.wait_for(50)
    assert clients.statuses.keys() == {200}
    by_digest = {(answer.headers["X-Model-Digest"], answer.body) for answer in clients.answers}
    assert len(by_digest) == 2, "an answer came from another version than it says"
    assert {answer.headers["X-Model-Version"] for answer in clients.answers} == {"1", "2", "3"}
