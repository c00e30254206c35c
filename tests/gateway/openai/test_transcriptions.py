"""OpenAI's transcriptions."""

from typing import Any

import numpy as np
import openai
import pytest
from openai import OpenAI

from tests.gateway.openai.asking import SPOKEN, post, refused
from tests.support.processes import GatewayProcess, ask
from tests.support.recordings import encoded
from tests.support.small_speech import recording


def test_a_recording_is_transcribed(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(model="speech", file=SPOKEN)
    assert answer.text == "loud quiet loud"
    assert answer.usage is not None
    assert answer.usage.model_dump() == {"seconds": 1.5, "type": "duration"}


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("mp3", "libmp3lame", 44_100), ("ipod", "aac", 44_100), ("webm", "libopus", 48_000), ("flac", "flac", 8_000)],
)
def test_recordings_of_other_kinds_and_rates_are_heard(client: OpenAI, container: str, codec: str, rate: int) -> None:
    """Loud, quiet, loud; where two meet there may be a moment that is neither."""
    loudness = np.repeat([0.5, 0.0, 0.5], rate // 2)
    noise = np.random.default_rng(0).uniform(-1, 1, len(loudness))
    sound = encoded(loudness * noise, rate, container, codec)
    answer = client.audio.transcriptions.create(
        model="speech", file=(f"speech.{container}", sound), response_format="verbose_json"
    )
    assert answer.text.startswith("loud quiet loud")
    assert answer.duration == pytest.approx(1.5, abs=0.1)


def test_formats_of_a_transcription(client: OpenAI) -> None:
    told = {
        form: client.audio.transcriptions.create(model="speech", file=SPOKEN, response_format=form)
        for form in ("text", "srt", "vtt")
    }
    assert told["text"] == "loud quiet loud\n"
    first, second, _ = str(told["srt"]).split("\n\n")
    assert (first, second) == ("1\n00:00:00,000 --> 00:00:00,500\nloud", "2\n00:00:00,500 --> 00:00:01,000\nquiet")
    assert str(told["vtt"]).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nloud\n")
    verbose = client.audio.transcriptions.create(
        model="speech", file=SPOKEN, response_format="verbose_json", language="en", timestamp_granularities=["segment"]
    )
    assert (verbose.duration, verbose.language, verbose.text) == (1.5, "en", "loud quiet loud")
    assert [(part.start, part.end, part.text) for part in verbose.segments or ()][1] == (0.5, 1.0, "quiet")


@pytest.mark.parametrize("language", ["en", "EN", "english", "English", ""])
def test_a_language_is_named_by_its_code_or_by_its_name(client: OpenAI, language: str) -> None:
    answer = client.audio.transcriptions.create(
        model="speech", file=SPOKEN, response_format="verbose_json", language=language
    )
    assert (answer.text, answer.language) == ("loud quiet loud", "en")


def test_the_times_of_words(client: OpenAI) -> None:
    of: dict[str, Any] = {"model": "speech", "file": SPOKEN, "response_format": "verbose_json"}
    words = client.audio.transcriptions.create(**of, timestamp_granularities=["word"])
    told = [(word.word, word.start, word.end) for word in words.words or ()]
    assert told == [("loud", 0.0, 0.5), ("quiet", 0.5, 1.0), ("loud", 1.0, 1.5)]
    assert words.segments is None
    both = client.audio.transcriptions.create(**of, timestamp_granularities=["word", "segment"])
    assert [(word.word, word.start, word.end) for word in both.words or ()] == told
    assert len(both.segments or ()) == 3
    long = recording([0.5, 0.0, 0.0, 0.5, 0.5])  # of two windows
    later = client.audio.transcriptions.create(**of | {"file": ("a.wav", long)}, timestamp_granularities=["word"])
    last = (later.words or [])[-1]
    assert (last.word, last.start, last.end) == ("loud", 2.38, 2.5)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"language": "fr"}, "language"),
        ({"language": "french"}, "language"),
        ({"language": "klingon"}, "language"),
        ({"prompt": "quiet <unknown>"}, "prompt"),
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"stream": True, "response_format": "srt"}, "response_format"),
        ({"stream": "perhaps"}, "stream"),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities[]"),
        (
            {"stream": True, "response_format": "verbose_json", "timestamp_granularities": ["word"]},
            "timestamp_granularities[]",
        ),
        ({"response_format": "verbose_json", "timestamp_granularities": ["page"]}, "timestamp_granularities[][0]"),
        ({"response_format": "yaml"}, "response_format"),
    ],
)
def test_what_a_transcription_does_not_do_is_named(client: OpenAI, options: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="speech", file=SPOKEN, **options)
    assert caught.value.param == param


def test_a_recording_is_transcribed_window_by_window_while_it_is_heard(client: OpenAI) -> None:
    """Of 4.5 s in windows of 2 s at most, one of which is silent; a pause is where the windows meet."""
    recorded = recording([0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.3])
    with client.audio.transcriptions.create(model="speech", file=("a.wav", recorded), stream=True) as events:
        told = [event.model_dump(exclude_none=True) for event in events]
    deltas = [event["delta"] for event in told[:-1]]
    assert {event["type"] for event in told[:-1]} == {"transcript.text.delta"}
    assert len(deltas) > 1
    assert told[-1] == {"type": "transcript.text.done", "text": "".join(deltas)}
    whole = client.audio.transcriptions.create(model="speech", file=("a.wav", recorded))
    assert "".join(deltas) == whole.text
    assert whole.text.startswith("loud loud loud")
    assert whole.text.split()[4:].count("loud") == 2


def test_segments_with_times_are_told_while_a_recording_is_heard(client: OpenAI) -> None:
    recorded = ("a.wav", recording([0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.3]))
    form: Any = {"model": "speech", "file": recorded, "response_format": "verbose_json"}
    with client.audio.transcriptions.create(**form, stream=True) as events:
        told = [event.model_dump() for event in events]
    assert [event["type"] for event in told[:2]] == ["transcript.text.delta", "transcript.text.segment"]
    assert told[-1]["type"] == "transcript.text.done"
    segments = [event for event in told if event["type"] == "transcript.text.segment"]
    whole = client.audio.transcriptions.create(**form)
    expected = [(one.start, one.end, one.text) for one in whole.segments or ()]
    assert [(one["start"], one["end"], one["text"]) for one in segments] == expected
    assert [one["id"] for one in segments] == [f"seg_{number}" for number in range(len(expected))]
    assert {one["language"] for one in segments} == {"en"}


def test_a_stream_of_a_silent_recording_ends_without_a_word(client: OpenAI) -> None:
    with client.audio.transcriptions.create(model="speech", file=("a.wav", recording([0.0])), stream=True) as events:
        assert [event.model_dump(exclude_none=True) for event in events] == [
            {"type": "transcript.text.done", "text": ""}
        ]


def test_a_text_without_end_is_drawn_anew_at_a_higher_temperature(client: OpenAI) -> None:
    """At 0 the model says "loud" 40 times, and so it does at 0.2."""
    loud = ("a.wav", recording([0.9, 0.05]))
    answer = client.audio.transcriptions.create(model="speech", file=loud, response_format="verbose_json")
    assert answer.text == "loud quiet"
    assert [part.temperature for part in answer.segments or ()] == [pytest.approx(0.4)] * 2
    assert client.audio.transcriptions.create(model="speech", file=loud).text == "loud quiet"
    drawn = client.audio.transcriptions.create(model="speech", file=loud, temperature=0.1)
    assert drawn.text == " ".join(["loud"] * 40)


def test_a_text_that_came_before_is_gone_on_with(client: OpenAI) -> None:
    def told(prompt: str) -> str:
        return client.audio.transcriptions.create(model="speech", file=SPOKEN, prompt=prompt).text

    assert (told("quiet"), told("loud")) == ("quiet quiet quiet", "loud quiet loud")


def test_all_that_is_known_of_a_segment(client: OpenAI) -> None:
    """Of the first segment behind a pause at 1.7 s, where the first window of 2 s ends."""
    recorded = recording([0.5, 0.5, 0.5, 0.05, 0.5])
    verbose = client.audio.transcriptions.create(
        model="speech", file=("a.wav", recorded), response_format="verbose_json"
    )
    segments = list(verbose.segments or ())
    first, last = segments[0], segments[-1]
    assert (first.id, first.seek, first.start, first.tokens) == (0, 0, 0.0, [1])
    assert last.id == len(segments) - 1
    assert 150 <= last.seek <= 200
    assert last.start >= last.seek / 100
    assert last.end == pytest.approx(2.5)
    assert {part.no_speech_prob for part in segments} == {0.0}


def test_fields_that_a_form_leaves_empty_are_as_if_they_were_not_there(client: OpenAI) -> None:
    empty: Any = dict.fromkeys(("language", "prompt", "response_format", "temperature", "stream"), "")
    heard = client.audio.transcriptions.create(model="speech", file=SPOKEN, **empty)
    assert heard == client.audio.transcriptions.create(model="speech", file=SPOKEN)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI's own service goes, the client stays
def test_a_model_of_one_language_translates_nothing(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not translate") as caught:
        client.audio.translations.create(model="speech", file=SPOKEN)
    assert caught.value.param == "model"


def test_recordings_that_cannot_be_heard(client: OpenAI, texts: GatewayProcess) -> None:
    with pytest.raises(openai.BadRequestError, match="is broken") as caught:
        client.audio.transcriptions.create(model="speech", file=("a.mp3", b"ID3..."))
    assert caught.value.param == "file"
    with pytest.raises(openai.BadRequestError, match="the recording is empty: it has no bytes; expected WAV") as empty:
        client.audio.transcriptions.create(model="speech", file=("a.wav", b""))
    assert empty.value.param == "file"
    with pytest.raises(openai.APIStatusError, match="at most 5 s") as large:
        client.audio.transcriptions.create(model="speech", file=("a.wav", recording([0.1] * 11)))
    assert large.value.status_code == 413
    refused(post(texts, "/v1/audio/transcriptions", {"model": "speech"}), 415, param=None, says="multipart/form-data")


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n\r\n--x--", b"--y--", bytes(1000)])
def test_a_multipart_body_that_is_none_is_400(texts: GatewayProcess, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert ask(f"{texts.url}/v1/audio/transcriptions", body, headers).status == 400
    headers = {"Content-Type": "multipart/form-data"}
    assert ask(f"{texts.url}/v1/audio/transcriptions", body, headers).status == 400


def test_a_large_form_of_another_boundary_is_400(texts: GatewayProcess) -> None:
    body = (
        b'--y\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + bytes(200_000) + b"\r\n--y--"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(ask(f"{texts.url}/v1/audio/transcriptions", body, headers), 400, param=None, says="boundary")


def test_a_file_without_a_filename_is_told_so(texts: GatewayProcess) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nRIFF\r\n--x--'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(ask(f"{texts.url}/v1/audio/transcriptions", body, headers), 400, param="file", says="has no filename")


def test_a_part_without_a_name_is_400(texts: GatewayProcess) -> None:
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(ask(f"{texts.url}/v1/audio/transcriptions", body, headers), 400, param=None, says="has no name")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 65,
            "65 parts of the form received; at most 64",
        ),
        (b"--x\r\n" + b"A: b\r\n" * 50_000 + b"\r\n1\r\n", "a part's head"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + bytes(200_000) + b"\r\n", "at most 100000"),
    ],
)
def test_a_form_over_a_limit_is_413_and_the_limit_is_named(texts: GatewayProcess, body: bytes, says: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(ask(f"{texts.url}/v1/audio/transcriptions", body + b"--x--", headers), 413, param=None, says=says)
