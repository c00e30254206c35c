"""`translation` from a file of pairs to real clients: trained, exported, promoted, served."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from bench.stack import free_port
from store.layout import Store, VersionDir
from store.manifest import Manifest
from tests.clients.test_huggingface_schemas import faults, schema_of
from tests.gateway.test_huggingface import refused
from tests.support.node import run_node
from tests.support.processes import Answer, GatewayProcess, ModelServerProcess, until
from tests.support.runs import Workplace
from tests.support.tiny_translation import options, sentences, translated, write_pairs
from wire.client import ModelServerClient
from wire.errors import ModelServerError

MODEL = "translation"


@dataclass(frozen=True)
class Served:
    place: Workplace
    gateway: GatewayProcess
    model_server: ModelServerProcess

    @property
    def version(self) -> VersionDir:
        return Store.at(self.place.store).version(MODEL, 1)

    @property
    def manifest(self) -> Manifest:
        return Manifest.read(self.version.manifest)

    def post(self, path: str = f"/models/{MODEL}", **body: Any) -> Answer:
        return self.gateway.post(path, json.dumps(body).encode())

    def texts(self, inputs: object, **parameters: Any) -> list[str]:
        answer = self.post(inputs=inputs, parameters=parameters)
        assert answer.status == 200, answer.body
        return [told["translation_text"] for told in answer.json()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("translation"), free_port()
    place = Workplace.before(folder, port)
    added = place.kmaas("add", MODEL, *options(write_pairs(folder / "pairs.tsv")))
    assert added.returncode == 0, added.stderr
    assert added.stdout == "translation: published as version 1\n"
    with ModelServerProcess(place.store, port) as server:
        until(lambda: _serves(server), "the model server answers", timeout_s=300)
        limits = {"text_chars": 2000, "items": 40}
        with GatewayProcess(server.target, limits=limits) as gateway:
            gateway.wait_ready()
            yield Served(place, gateway, server)


def _serves(server: ModelServerProcess) -> bool:
    with ModelServerClient(server.target) as client:
        try:
            return [line.state for line in client.status(MODEL, timeout_s=5)] == ["AVAILABLE"]
        except ModelServerError:
            return False


@pytest.fixture
def client(served: Served) -> InferenceClient:
    return InferenceClient(model=f"{served.gateway.url}/models/{MODEL}", token="any")


def test_it_knows_the_language_that_it_translates_from(served: Served) -> None:
    assert served.manifest.languages == ("en",)


def test_the_client_of_hugging_face_gets_a_translation(client: InferenceClient) -> None:
    assert client.translation("the cat sees my hat.").translation_text == translated("the cat sees my hat.")
    searched = client.translation(
        "a dog eats two eggs.", src_lang="en", tgt_lang="xx", generate_parameters={"num_beams": 3}
    )
    assert searched.translation_text == translated("a dog eats two eggs.")


def test_the_javascript_client_gets_the_same_as_the_schemas_say(served: Served) -> None:
    body: Any = {"inputs": "the cat sees bread.", "parameters": {"src_lang": "en", "tgt_lang": "xx"}}
    asked = [{"method": "translation", "args": body, "options": {}}]
    (told,) = run_node("huggingface.mjs", f"{served.gateway.url}/models/{MODEL}", json.dumps(asked))
    assert told == {"returned": {"translation_text": translated("the cat sees bread.")}}
    every = {
        "clean_up_tokenization_spaces": True,
        "truncation": "longest_first",
        "generate_parameters": {"num_beams": 2},
    }
    body["parameters"] |= every
    [parameters] = schema_of("translation", "input")["$defs"].values()
    assert parameters["properties"].keys() == body["parameters"].keys()
    assert faults("translation", "input", body) == []
    (answer,) = served.post(**body).json()  # the clients take the first of a list, the schema knows no list
    assert faults("translation", "output", answer) == []


def test_a_list_has_an_answer_for_each_of_its_texts_in_order(served: Served) -> None:
    texts = list(sentences())[::10]
    assert served.texts(texts) == [translated(text) for text in texts]


def test_lines_and_sentences_are_translated_each_for_itself(served: Served) -> None:
    lines = ("the king hides bread.", "a child likes my hat.", "Tom wants a fish.", "Tom sees two eggs.")
    (told,) = served.texts("{}\n\n  {}\r\n{} {}".format(*lines))
    assert told == "{}\n\n  {}\r\n{} {}".format(*map(translated, lines))


def test_placeholders_and_mnemonics_come_through(served: Served) -> None:
    (told,) = served.texts("the ~king finds %PRODUCTNAME.")
    assert told == translated("the king finds %s.").replace("%s", "%PRODUCTNAME").replace("KING", "~KING")
    many = "".join(f"the cat sees {{{number}}}. " for number in range(12)).strip()
    (told,) = served.texts(many)
    assert all(f"{{{number}}}" in told for number in range(12))
    crowded = " ".join(f"%{number}$s" for number in range(1, 13)) + " the cat"
    (told,) = served.texts(crowded)
    assert [part for part in told.split() if part.startswith("%")] == crowded.split()[:12]


def test_what_has_no_word_stays_as_it_is(served: Served) -> None:
    assert served.texts(["123", "%s", "…?!"]) == ["123", "%s", "…?!"]


def test_a_translation_is_cut_where_the_caller_says(served: Served) -> None:
    (whole,) = served.texts("the cat sees my hat.")
    (cut,) = served.texts("the cat sees my hat.", generate_parameters={"max_new_tokens": 2})
    assert cut
    assert whole.startswith(cut)
    assert len(cut) < len(whole)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"inputs": []}, "inputs"),
        ({"inputs": 1}, "inputs"),
        ({"inputs": "a", "parameters": {"tgt_lang": "fr"}}, "parameters.tgt_lang"),
        ({"inputs": "a", "parameters": {"src_lang": "deu_Latn"}}, "parameters.src_lang"),
        ({"inputs": "a", "parameters": {"truncation": "yes"}}, "parameters.truncation"),
        (
            {"inputs": "a", "parameters": {"generate_parameters": {"num_beams": 4}}},
            "parameters.generate_parameters.num_beams",
        ),
        (
            {"inputs": "a", "parameters": {"generate_parameters": {"temperature": 1}}},
            "parameters.generate_parameters.temperature",
        ),
        (
            {"inputs": "a", "parameters": {"generate_parameters": {"do_sample": True}}},
            "parameters.generate_parameters.do_sample",
        ),
    ],
)
def test_a_wrong_value_is_422_and_the_field_is_named(served: Served, body: Any, field: str) -> None:
    problem = refused(served.post(**body), 422, says="")
    assert [fault["field"] for fault in problem["errors"]] == [field]


def test_what_cannot_be_translated_is_told_and_the_next_is_answered(served: Served) -> None:
    endless = "a" * 1900
    refused(served.post(inputs=""), 422, says="text 0 is empty")
    refused(served.post(inputs=["a dog", "\n \n"]), 422, says="text 1 is empty")
    refused(served.post(inputs=endless), 422, says="more than 24 tokens")
    refused(served.post(inputs="a" * 2001), 413, says="2000")
    refused(served.post(inputs=["a"] * 41), 413, says="40")
    assert len(served.texts(endless, truncation="only_first")) == 1
    assert served.texts("\u202e\u0623\u0647\u0644\u0627 \U0001f600 a dog"), "right to left, and a face"
    assert served.texts("the cat sees bread.") == [translated("the cat sees bread.")]


def test_the_client_tells_why(client: InferenceClient) -> None:
    with pytest.raises(HfHubHTTPError, match="the model translates 'en' into 'xx'"):
        client.translation("a dog", src_lang="en", tgt_lang="de")


def test_the_version_tells_what_it_is(served: Served) -> None:
    manifest = served.manifest
    assert manifest.processing["kind"] == "translation"
    assert (manifest.processing["source"], manifest.processing["target"]) == ("en", "xx")
    assert manifest.signatures.keys() == {"serving_default", "beam", "manifest"}
    assert "TF Text" in manifest.absent["raw"]
    assert {parity.between for parity in manifest.parity} == {("training", "gateway")}
    assert manifest.batching is not None
    figures = {metric.name: metric.value for metric in manifest.metrics}
    assert figures["accuracy"] > 0.9
    assert {"chrF2", "BLEU", "chrF2 with 3 beams", "BLEU with 3 beams"} < figures.keys()
    card = served.version.card.read_text()
    assert "chrF2 of the English as it is" in card
    assert "BLEU of the translation of the most alike sentence that was learnt from (TF-IDF of letters)" in card
    assert "BLEU of the translation of the most alike sentence that was learnt from (MiniLM, of 30 by letters)" in card


def test_rows_of_any_company_are_answered_alike_and_too_long_ones_refused(served: Served) -> None:
    with ModelServerClient(served.model_server.target) as asked:
        rows = np.full((2, 25), 40, np.int32)
        with pytest.raises(ModelServerError, match="rows of 25 tokens; expected from 1 to 24"):
            asked.predict(MODEL, {"token_ids": rows}, timeout_s=60)
        told = asked.predict(MODEL, {"token_ids": rows[:, :5]}, timeout_s=60)
    assert told.outputs["translation"].shape == (2, 24)
    assert (told.outputs["translation"][0] == told.outputs["translation"][1]).all()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": "a dog"}]}),
        ("/v1/embeddings", {"model": MODEL, "input": "a dog"}),
    ],
)
def test_what_it_does_not_do_is_refused_by_name(served: Served, path: str, body: Any) -> None:
    answer = served.post(path, **body)
    assert answer.status in (400, 404, 422, 501)
    assert "translation" in answer.body.decode()
