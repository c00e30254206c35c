"""`POST /models/{model}` for models that write, embed and listen: by `huggingface_hub`, and raw where it would not."""

import base64
import json
import re
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import GenerationError, HfHubHTTPError, ValidationError

from gateway.tasks.translation import TranslationRequest
from processing.recording_files import kind_of
from tests.gateway.test_huggingface import refused
from tests.support.processes import Answer, GatewayProcess
from tests.support.recordings import encoded
from tests.support.small_speech import recording
from tests.support.small_text_models import EMOJI, END
from tests.support.streams import Events


def client(gateway: GatewayProcess, model: str) -> InferenceClient:
    return InferenceClient(model=f"{gateway.url}/models/{model}", token="any")


def post(gateway: GatewayProcess, model: str, **body: object) -> Answer:
    return gateway.post(f"/models/{model}", json.dumps(body).encode())


# --- text-generation


def test_text_generation(texts: GatewayProcess) -> None:
    writer = client(texts, "writer")
    assert writer.text_generation("ab", max_new_tokens=3) == "cde"
    assert writer.text_generation("ab", max_new_tokens=3, return_full_text=True) == "abcde"
    assert writer.text_generation("w") == "xyz"
    assert writer.text_generation("!" * 50, max_new_tokens=5, truncate=3) == f"{EMOJI}!"


def test_a_stop_string_ends_a_text_and_is_part_of_it(texts: GatewayProcess) -> None:
    writer = client(texts, "writer")
    told = writer.text_generation("ab", max_new_tokens=9, stop=["ef", "zz"], details=True)
    assert told.generated_text == "cdef"
    assert told.details is not None
    assert told.details.finish_reason == "stop_sequence"


def test_details_of_a_text(texts: GatewayProcess) -> None:
    told = client(texts, "writer").text_generation("x", details=True, top_n_tokens=2)
    assert told.details is not None
    details = told.details
    assert (details.finish_reason, details.generated_tokens, details.prefill) == ("eos_token", 3, [])
    assert [(token.text, token.special) for token in details.tokens] == [("y", False), ("z", False), (END, True)]
    likely: Any = details.top_tokens  # lists in lists, which the client leaves as they came
    assert [[token["text"] for token in tokens] for tokens in likely] == [
        ["y", "Y"],
        ["z", "Z"],
        [END, "!"],
    ]
    assert details.seed is None, "nothing was drawn"


def test_a_drawn_text_tells_the_seed_that_gives_it_again(texts: GatewayProcess) -> None:
    drawing = {"temperature": 1.5, "top_k": 2}  # of the letters alone: the model has no answer after a full stop
    writer, asked = client(texts, "writer"), {"max_new_tokens": 20, "details": True, **drawing}
    drawn = writer.text_generation("a", **asked)  # type: ignore[call-overload]  # of a table
    again = writer.text_generation("a", **asked, seed=drawn.details.seed)  # type: ignore[call-overload]  # of a table
    assert again.generated_text == drawn.generated_text
    others = {writer.text_generation("a", max_new_tokens=20, do_sample=True, seed=seed) for seed in range(5)}
    assert len(others) > 1
    assert writer.text_generation("a", max_new_tokens=3, do_sample=True, top_k=1) == "bcd"


def test_a_streamed_text_comes_token_by_token(texts: GatewayProcess) -> None:
    writer = client(texts, "writer")
    assert list(writer.text_generation("!", max_new_tokens=6, stream=True)) == ["", "", "", EMOJI, "!", ""]
    *_, last = events = list(writer.text_generation("x", stream=True, details=True))
    assert [event.index for event in events] == [1, 2, 3]
    assert [event.generated_text for event in events] == [None, None, "yz"]
    assert last.details is not None
    assert (last.details.finish_reason, last.details.generated_tokens, last.details.input_length) == ("eos_token", 3, 1)


def test_errors_of_text_generation_are_those_the_client_knows(texts: GatewayProcess) -> None:
    writer = client(texts, "writer")
    with pytest.raises(ValidationError, match="at most 63"):
        writer.text_generation("0" * 64)
    with pytest.raises(ValidationError, match="max_new_tokens"):
        writer.text_generation("0", max_new_tokens=0)
    with pytest.raises(GenerationError, match="not finite"):
        writer.text_generation("?", max_new_tokens=5)
    with pytest.raises(GenerationError, match="not finite"):
        list(writer.text_generation("?", max_new_tokens=5, stream=True))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"inputs": ""}, "inputs"),
        ({"inputs": ["a"]}, "inputs"),
        ({"inputs": "a", "stream": "yes"}, "stream"),
        ({"inputs": "a", "parameters": {"temperature": 0}}, "parameters.temperature"),
        ({"inputs": "a", "parameters": {"top_p": 1.5}}, "parameters.top_p"),
        ({"inputs": "a", "parameters": {"stop": "a"}}, "parameters.stop"),
        ({"inputs": "a", "parameters": {"seed": -1}}, "parameters.seed"),
        ({"inputs": "a", "parameters": {"do_sample": False, "temperature": 1.9}}, "parameters.do_sample"),
        ({"inputs": "a", "parameters": {"do_sample": False, "top_k": 5}, "stream": True}, "parameters.do_sample"),
    ],
)
def test_a_wrong_value_is_422_and_the_field_is_named(texts: GatewayProcess, body: Any, field: str) -> None:
    problem = refused(post(texts, "writer", **body), 422, says="")
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert problem["error_type"] == "validation"


def test_parameters_that_ask_for_nothing_are_taken(texts: GatewayProcess) -> None:
    nothing: Any = {"watermark": False, "best_of": 1, "decoder_input_details": False, "typical_p": 1.0}
    assert client(texts, "writer").text_generation("ab", max_new_tokens=3, **nothing) == "cde"
    nulls = dict.fromkeys((*nothing, "grammar", "adapter_id"))
    [told] = post(texts, "writer", inputs="ab", parameters={**nulls, "max_new_tokens": 3}).json()
    assert told["generated_text"] == "cde"


@pytest.mark.parametrize(
    "asked",
    [
        {"watermark": True},
        {"best_of": 2},
        {"decoder_input_details": True},
        {"typical_p": 0.9},
        {"grammar": {"type": "regex", "value": "a+"}},
        {"adapter_id": "mine"},
    ],
)
def test_what_would_change_a_text_and_is_not_done_is_named(texts: GatewayProcess, asked: Any) -> None:
    problem = refused(post(texts, "writer", inputs="ab", parameters=asked), 422, says="is not supported here")
    assert [fault["field"] for fault in problem["errors"]] == [f"parameters.{field}" for field in asked]


def test_too_long_a_prompt_is_413(texts: GatewayProcess) -> None:
    refused(post(texts, "writer", inputs="a" * 1001), 413, says="at most 1000")


# --- chat


def test_chat_completion_by_the_model_s_url_and_by_the_gateway_s(texts: GatewayProcess) -> None:
    asked: Any = {"messages": [{"role": "user", "content": "ab"}], "max_tokens": 3, "temperature": 0}
    by_model = client(texts, "writer")
    by_gateway = InferenceClient(base_url=f"{texts.url}/v1", api_key="any")
    for told in (by_model.chat_completion(**asked), by_gateway.chat_completion(**asked, model="writer")):
        assert told.choices[0].message.content == "cde"
        assert told.usage.completion_tokens == 3
    for stream in (
        by_model.chat_completion(**asked, stream=True),
        by_gateway.chat_completion(**asked, model="writer", stream=True),
    ):
        assert "".join(event.choices[0].delta.content or "" for event in stream) == "cde"


# --- feature-extraction


def test_feature_extraction(texts: GatewayProcess) -> None:
    embeddings = client(texts, "embeddings")
    assert embeddings.feature_extraction("good film").tolist() == [[1.0, 0.0, 1.5]]
    unit = embeddings.feature_extraction("good film", normalize=True)
    assert unit == pytest.approx(np.array([[1, 0, 1.5]]) / np.sqrt(3.25))
    same = embeddings.feature_extraction("good film", encoding_format="float", truncation_direction="right")
    assert same.tolist() == [[1.0, 0.0, 1.5]]
    assert post(texts, "embeddings", inputs="good film", prompt_name=None).json() == [[1.0, 0.0, 1.5]]
    both = post(texts, "embeddings", inputs=["bad", "good film"]).json()
    assert both == [[-2.0, 0.0, 0.0], [1.0, 0.0, 1.5]]


def test_a_text_that_is_too_long_is_cut_unless_it_must_not_be(texts: GatewayProcess) -> None:
    long = "good " * 8 + "bad"
    embeddings = client(texts, "embeddings")
    assert embeddings.feature_extraction(long).tolist() == [[2.0, 0.0, 0.0]]
    with pytest.raises(HfHubHTTPError, match="more than 8 tokens"):
        embeddings.feature_extraction(long, truncate=False)
    assert embeddings.feature_extraction("good " * 8, truncate=False).tolist() == [[2.0, 0.0, 0.0]]


@pytest.mark.parametrize("left", ["left", "Left"])
def test_of_a_text_that_is_too_long_the_end_may_be_kept(texts: GatewayProcess, left: Any) -> None:
    """As the schemas write it, and as Text Embeddings Inference does."""
    embeddings = client(texts, "embeddings")
    end = embeddings.feature_extraction("good " * 7 + "bad").tolist()
    assert embeddings.feature_extraction("good " * 9 + "bad", truncation_direction=left).tolist() == end
    assert embeddings.feature_extraction("good", truncation_direction=left).tolist() == [[2.0, 0.0, 0.0]]
    refused(post(texts, "embeddings", inputs="good", truncation_direction="up"), 422, says="")


def test_sentence_similarity(texts: GatewayProcess) -> None:
    told = client(texts, "embeddings").sentence_similarity("good", other_sentences=["wonderful", "bad", "film"])
    assert told == pytest.approx([0.894427, -1, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"inputs": "good", "dimensions": 4}, "dimensions"),
        ({"inputs": "good", "parameters": {"normalize": True}}, "parameters.normalize"),
        ({"inputs": {"source_sentence": "good"}}, "inputs.sentences"),
        ({"inputs": {"source_sentence": "good", "sentences": []}}, "inputs.sentences"),
        ({"inputs": {"source_sentence": "good", "sentences": ["bad", ""]}}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": 5}, "inputs"),
    ],
)
def test_features_of_what_is_none_are_422(texts: GatewayProcess, body: Any, field: str) -> None:
    problem = refused(post(texts, "embeddings", **body), 422, says="")
    assert [fault["field"] for fault in problem["errors"]] == [field]


@pytest.mark.parametrize("asked", [{"prompt_name": "query"}, {"encoding_format": "base64"}])
def test_what_would_change_a_vector_and_is_not_done_is_named(texts: GatewayProcess, asked: Any) -> None:
    problem = refused(post(texts, "embeddings", inputs="good", **asked), 422, says="is not supported here")
    assert [fault["field"] for fault in problem["errors"]] == list(asked)


# --- zero-shot-classification


def test_zero_shot_classification(texts: GatewayProcess) -> None:
    told = client(texts, "embeddings").zero_shot_classification("wonderful", ["bad", "film", "good"])
    assert [element.label for element in told] == ["good", "film", "bad"]
    assert sum(element.score for element in told) == pytest.approx(1)
    assert told[0].score > 0.999


def test_several_labels_may_fit(texts: GatewayProcess) -> None:
    asked: Any = {"candidate_labels": ["awful", "good", "wonderful"], "multi_label": True}
    told = client(texts, "embeddings").zero_shot_classification("good", **asked)
    assert [element.label for element in told] == ["good", "wonderful", "awful"]
    assert sum(element.score for element in told) > 1.9
    alone = post(texts, "embeddings", inputs="good", parameters={**asked, "candidate_labels": ["wonderful"]}).json()
    assert alone == [{"label": "wonderful", "score": pytest.approx(told[1].score)}]


def test_the_template_is_what_a_text_is_compared_with(texts: GatewayProcess) -> None:
    def first(template: str | None) -> Any:
        asked = {"candidate_labels": ["bad", "film"], "hypothesis_template": template}
        return post(texts, "embeddings", inputs="good", parameters=asked).json()[0]["label"]

    assert [first("{}"), first("film {}"), first(None)] == ["film"] * 3
    assert first("good good good {}") == "bad", "its film is half of the vector, its bad but a part of good"


def test_a_list_of_texts_has_a_list_of_labels_for_each(texts: GatewayProcess) -> None:
    labels = {"candidate_labels": ["good", "bad"]}
    both = post(texts, "embeddings", inputs=["awful", "wonderful"], parameters=labels).json()
    assert [[score["label"] for score in scores] for scores in both] == [["bad", "good"], ["good", "bad"]]
    assert post(texts, "embeddings", inputs=["awful"], parameters=labels).json() == both[:1]
    assert post(texts, "embeddings", inputs="awful", parameters=labels).json() == both[0]


@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        ({"candidate_labels": []}, "parameters.candidate_labels", "at least 1 item"),
        ({"candidate_labels": "good, bad"}, "parameters.candidate_labels", "valid list"),
        ({"candidate_labels": ["good", 5]}, "parameters.candidate_labels[1]", "valid string"),
        ({"candidate_labels": ["good", " "]}, "parameters.candidate_labels[1]", "expected a label"),
        ({"candidate_labels": ["good", "bad", "good"]}, "parameters.candidate_labels", "received 'good' 2 times"),
        ({"candidate_labels": ["good"], "hypothesis_template": "a film"}, "parameters.hypothesis_template", "one {}"),
        ({"candidate_labels": ["good"], "hypothesis_template": "{} {}"}, "parameters.hypothesis_template", "one {}"),
        ({"candidate_labels": ["good"], "multi_label": 1}, "parameters.multi_label", "boolean"),
        ({"candidate_labels": ["good"], "top_k": 1}, "parameters.top_k", "not known"),
        ({"multi_label": True}, "parameters", "expected candidate_labels"),
        ({"candidate_labels": ["bad", "good " * 9]}, "parameters.candidate_labels[1]", "more than 8 tokens"),
    ],
)
def test_labels_that_are_none_are_422(texts: GatewayProcess, asked: Any, field: str, says: str) -> None:
    problem = refused(post(texts, "embeddings", inputs="good", parameters=asked), 422, says=says)
    assert [fault["field"] for fault in problem["errors"]] == [field]


def test_labels_and_another_question_are_one_too_many(texts: GatewayProcess) -> None:
    labels = {"candidate_labels": ["good", "bad"]}
    body = {"inputs": "good", "parameters": labels, "normalize": True, "dimensions": 2}
    problem = refused(post(texts, "embeddings", **body), 422, says="something else")
    assert [fault["field"] for fault in problem["errors"]] == ["normalize", "dimensions"]
    compared = {"source_sentence": "good", "sentences": ["bad"]}
    problem = refused(post(texts, "embeddings", inputs=compared, parameters=labels), 422, says="something else")
    assert [fault["field"] for fault in problem["errors"]] == ["inputs"]


def test_texts_and_labels_count_as_items_and_have_the_limit_of_texts(texts: GatewayProcess) -> None:
    labels = ["good", "bad", "film", "a"]
    refused(post(texts, "embeddings", inputs="good", parameters={"candidate_labels": labels}), 413, says="at most 4")
    long = ["good" * 300, "bad"]
    refused(post(texts, "embeddings", inputs="good", parameters={"candidate_labels": long}), 413, says="at most 1000")
    many: Any = {"candidate_labels": [str(n) for n in range(3000)], "hypothesis_template": "a" * 1_000_000 + "{}"}
    refused(post(texts, "embeddings", inputs="good", parameters=many), 413, says="at most 4")
    few = many | {"candidate_labels": labels[:3]}
    refused(post(texts, "embeddings", inputs="good", parameters=few), 413, says="at most 1000")
    assert post(texts, "embeddings", inputs="good", parameters={"candidate_labels": labels[:3]}).status == 200


# --- automatic-speech-recognition


def test_automatic_speech_recognition(texts: GatewayProcess) -> None:
    speech = client(texts, "speech")
    told = speech.automatic_speech_recognition(recording([0.5, 0.0]))
    assert (told.text, told.chunks) == ("loud quiet", None)
    body = {"inputs": base64.b64encode(recording([0.5, 0.0])).decode(), "parameters": {"return_timestamps": True}}
    assert post(texts, "speech", **body).json()["chunks"] == [
        {"text": "loud", "timestamp": [0.0, 0.5]},
        {"text": "quiet", "timestamp": [0.5, 1.0]},
    ]
    body["parameters"] = {"return_timestamps": "word"}
    assert [chunk["text"] for chunk in post(texts, "speech", **body).json()["chunks"]] == ["loud", "quiet"]


def test_recordings_that_cannot_be_heard(texts: GatewayProcess) -> None:
    refused(texts.post("/models/speech", b"hello"), 400, says="it begins as none; expected WAV, FLAC")
    refused(texts.post("/models/speech", recording([0.5])[:-9]), 400, says="cut off")
    whole = recording([0.5])
    refused(texts.post("/models/speech", whole[:16] + b"\xff" + whole[17:]), 400, says="broken")
    refused(texts.post("/models/speech", recording([0.5], rate=1000)), 422, says="has 1000 samples per second")
    refused(texts.post("/models/speech", recording([0.1] * 11)), 413, says="at most 5 s")
    for other in ("audio/midi", "audio/ac3", "video/mpeg"):
        refused(texts.post("/models/speech", recording([0.1]), other), 415, says="audio/wav")


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("ogg", "libopus"), ("mp4", "aac"), ("webm", "libopus")]
)
def test_a_recording_may_have_any_type_that_clients_call_it(texts: GatewayProcess, container: str, codec: str) -> None:
    sound = encoded(np.random.default_rng(0).uniform(-0.9, 0.9, 48_000), 48_000, container, codec)
    for media_type in kind_of(sound).media_types:
        assert texts.post("/models/speech", sound, media_type).json()["text"].startswith("loud"), media_type
    assert texts.post("/models/speech", sound, f"{media_type.upper()}; codecs=opus").status == 200


@pytest.mark.parametrize(
    ("container", "codec"),
    [("ogg", "libopus"), ("mp3", "libmp3lame"), ("mp4", "aac"), ("webm", "libopus"), ("flac", "flac")],
)
def test_a_recording_that_is_cut_off_is_refused_and_how_much_is_missing_is_told(
    texts: GatewayProcess, container: str, codec: str
) -> None:
    sound = encoded(np.random.default_rng(0).uniform(-0.9, 0.9, 96_000), 48_000, container, codec)
    assert texts.post("/models/speech", sound).status == 200
    problem = refused(texts.post("/models/speech", sound[: len(sound) // 2]), 400, says="cut off")
    assert re.search(r" of (at least )?[\d.]+ (s|bytes)", problem["detail"])


def test_a_stream_that_the_model_does_not_do_is_no_stream(texts: GatewayProcess) -> None:
    with Events(texts, "/models/embeddings", {"inputs": "good", "stream": True}) as events:
        assert events.status == 422


# --- translation


def test_a_text_is_translated_by_the_signature_that_the_beams_ask_for(texts: GatewayProcess) -> None:
    shout = client(texts, "shout")
    assert shout.translation("be loud. Or not!").translation_text == "BE LOUD. OR NOT!"
    searched = shout.translation("be loud", generate_parameters={"num_beams": 3})
    assert searched.translation_text == "BE LO", "as the signature `beam` answers, and no other"
    assert shout.translation("be loud", generate_parameters={"max_new_tokens": 3}).translation_text == "BE"


def test_what_is_masked_of_a_translation_are_its_texts() -> None:
    for inputs, masked in (("ab", "AB"), (["ab", "c"], ["AB", "C"])):
        request = TranslationRequest.model_validate({"inputs": inputs, "parameters": {"src_lang": "en"}})
        changed = request.with_texts(str.upper)
        assert (changed.inputs, changed.asked.src_lang) == (masked, "en")
