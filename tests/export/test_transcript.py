"""Tiny checkpoints of a Whisper and of a Moonshine, from their folders to clients: recordings, languages, and both
servers.
"""

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from huggingface_hub import InferenceClient
from openai import BadRequestError, OpenAI

from export.minimum import Minimum, lacking
from kmaas.add import add
from kmaas.config import Config
from models.speech_checkpoint import SpeechCheckpointConfig
from models.transcribe import processing, transcribing
from processing.audio import decode
from processing.spec import SpeechSpec, parse_spec
from processing.speech import Transcriber, Written, windows
from store.layout import Store, VersionDir
from store.manifest import Manifest
from tests.support.moonshine_checkpoints import write_moonshine_checkpoint
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.speech_checkpoints import write_speech_checkpoint
from training.data import spoken
from training.data.spoken import Spoken
from training.fit import load_model
from training.run import Run, runs_of
from wire.client import ModelServerClient

NAME, LANGUAGES = "tiny-whisper", ("en", "de", "yue")
PLAIN = "tiny-moonshine"


@pytest.fixture(scope="module")
def recorded() -> list[Spoken]:
    return spoken.load(Config().cache)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Store and runs with both checkpoints, whose folders are gone."""
    folder = tmp_path_factory.mktemp("shelf")
    config, given = Config(store=folder / "store", runs=folder / "runs"), folder / "given"
    for name in (NAME, PLAIN):
        write_moonshine_checkpoint(given) if name == PLAIN else write_speech_checkpoint(given, "turbo")
        rows, most = (1, 8) if name == PLAIN else (2, 16)
        arguments = ["transcribe", "--preset", str(given), "--name", name]
        arguments += ["--set", f"rows={rows}", "--set", f"most_tokens={most}"]
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
            added = CliRunner().invoke(add, arguments, obj=config, catch_exceptions=False)
        assert f"{name}: published as version 1" in added.output
        given.rename(folder / f"gone-{name}")
    return config


@pytest.fixture(scope="module")
def run(shelf: Config) -> Run:
    [run] = runs_of(shelf.runs, NAME)
    return run


@pytest.fixture(scope="module")
def version(shelf: Config) -> VersionDir:
    return Store.at(shelf.store).version(NAME, 1)


@pytest.fixture(scope="module")
def manifest(version: VersionDir) -> Manifest:
    return Manifest.read(version.manifest)


@pytest.fixture(scope="module")
def server(shelf: Config) -> Iterator[ModelServerProcess]:
    with ModelServerProcess(shelf.store) as process:
        yield process


@pytest.fixture(scope="module")
def gateway(server: ModelServerProcess) -> Iterator[GatewayProcess]:
    with GatewayProcess(server.target) as process:
        process.wait_ready()
        yield process


def test_the_manifest_tells_how_recordings_are_heard(manifest: Manifest) -> None:
    assert manifest.signatures.keys() == {"serving_default", "raw", "steer", "align", "manifest"}
    assert manifest.signatures["steer"].inputs.keys() == {"samples", "prompt", "temperature", "seed"}
    assert sum(manifest.goldens.values()) == 8
    assert manifest.recorded == 8 + 1 + 1
    assert all((parity.inputs, parity.largest) == (14, 0.0) for parity in manifest.parity)
    assert len(manifest.parity) == 2
    assert lacking(manifest, Minimum(parity_inputs=14)) == []
    spec = parse_spec(manifest.processing)
    assert isinstance(spec, SpeechSpec)
    assert (spec.window_s, spec.most_tokens, list(spec.languages)) == (30, 16, list(LANGUAGES))


def test_the_card_tells_the_word_error_rate_and_what_noise_does(version: VersionDir) -> None:
    card = version.card.read_text()
    assert re.search(r"\| word error rate, read sentences \| [\d.]+ \| – \| \d+ \|", card)
    assert re.search(r"\| noise \| 10 dB \| 0\.", card)
    assert re.search(r"\| espeak-ng \| 10 dB \| 0\.", card)
    assert re.search(r"\| word error rate, espeak-ng, noise 10 dB \| [\d.]+ \| [\d.]+ to [\d.]+ \| \d+ \|", card)
    assert "no LiteRT twin" not in card
    assert "Not here: the weights are as they were published." in card


def test_each_dialect_tells_what_the_model_server_answers(
    gateway: GatewayProcess, server: ModelServerProcess, manifest: Manifest, run: Run, recorded: list[Spoken]
) -> None:
    """`raw` takes the bytes as they are."""
    openai = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0)
    hugging_face = InferenceClient(model=f"{gateway.url}/models/{NAME}")
    spec = parse_spec(manifest.processing)
    assert isinstance(spec, SpeechSpec)
    transcriber = Transcriber(run.tokenizer() or "", spec)
    texts = set()
    with ModelServerClient(server.target) as client:
        for one in recorded[:3]:
            given = {"audio_bytes": np.array([one.recording], object)}
            outputs = client.predict(NAME, given, signature="raw", timeout_s=30).outputs
            [window] = windows(np.ones(10, np.float32), spec)
            passage = transcriber.passage(
                window, Written(outputs["tokens"][0].tolist(), float(outputs["score"][0]), 0.0)
            )
            text = " ".join(piece.text for piece in passage.said)
            assert openai.audio.transcriptions.create(model=NAME, file=("a.wav", one.recording)).text == text
            assert hugging_face.automatic_speech_recognition(one.recording).text == text
            texts.add(text)
    assert len(texts) > 1


def test_a_checkpoint_is_served_under_its_own_name_with_its_own_tokens(
    gateway: GatewayProcess, run: Run, manifest: Manifest, recorded: list[Spoken]
) -> None:
    """What its network says of a recording is what a client gets."""
    assert isinstance(run.config, SpeechCheckpointConfig)
    sound = decode(recorded[1].recording, sample_rate=16_000, max_seconds=60)
    outputs = transcribing(load_model(run), run.config)(sound[np.newaxis])
    [window] = windows(sound, processing(run.config))
    written = Written(outputs["tokens"][0].numpy().tolist(), float(outputs["score"][0]), 0.0)
    said = Transcriber(run.tokenizer() or "", processing(run.config)).passage(window, written).said
    answer = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0).audio.transcriptions.create(
        model=NAME, file=("a.wav", recorded[1].recording)
    )
    assert answer.text == " ".join(piece.text for piece in said) != ""
    assert manifest.description == "Writes down what is said in one of 3 languages, with times: given."
    assert manifest.origins[0].licence == "apache-2.0"
    assert str(run.path.parents[1]) not in manifest.document().decode()


def test_a_recording_longer_than_a_window_comes_window_by_window(
    gateway: GatewayProcess, recorded: list[Spoken]
) -> None:
    header, samples = recorded[0].recording[:44], recorded[0].recording[44:] * 7
    long = header[:4] + (36 + len(samples)).to_bytes(4, "little") + header[8:40]
    long += len(samples).to_bytes(4, "little") + samples
    openai = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0)
    with openai.audio.transcriptions.create(model=NAME, file=("a.wav", long), stream=True) as events:
        told = [event.type for event in events]
    assert told == ["transcript.text.delta", "transcript.text.delta", "transcript.text.done"]
    verbose = openai.audio.transcriptions.create(model=NAME, file=("a.wav", long), response_format="verbose_json")
    assert verbose.duration == pytest.approx(len(samples) / 32_000)
    worded = openai.audio.transcriptions.create(
        model=NAME, file=("a.wav", long), response_format="verbose_json", timestamp_granularities=["word"]
    )
    starts = [word.start for word in worded.words or ()]
    assert starts == sorted(starts)
    assert {start > verbose.duration / 2 for start in starts} == {True, False}
    assert {part.seek > 2000 for part in verbose.segments or ()} == {True, False}


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI's own service goes, the client stays
def test_a_language_is_told_or_named_and_english_is_another_text(
    gateway: GatewayProcess, recorded: list[Spoken]
) -> None:
    """Each word depends on the tokens before it: so a named language, and a translation, are other texts."""
    openai = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0)
    sent = ("a.wav", recorded[1].recording)
    told = openai.audio.transcriptions.create(model=NAME, file=sent, response_format="verbose_json")
    assert told.language in LANGUAGES
    same = openai.audio.transcriptions.create(
        model=NAME, file=sent, response_format="verbose_json", language=told.language
    )
    assert same.text == told.text
    another = next(code for code in LANGUAGES if code != told.language)
    other = openai.audio.transcriptions.create(model=NAME, file=sent, response_format="verbose_json", language=another)
    english: Any = openai.audio.translations.create(model=NAME, file=sent, response_format="verbose_json")
    assert len({told.text, other.text, english.text}) == 3
    assert other.language == another
    assert (english.language, english.model_dump()["task"]) == ("english", "translate")
    with pytest.raises(BadRequestError, match="one of 3") as caught:
        openai.audio.transcriptions.create(model=NAME, file=sent, language="xx")
    assert caught.value.param == "language"


def test_a_moonshine_writes_plain_text(
    gateway: GatewayProcess, shelf: Config, server: ModelServerProcess, recorded: list[Spoken]
) -> None:
    """Its segments are windows; what it cannot do is refused."""
    [run] = runs_of(shelf.runs, PLAIN)
    manifest = Manifest.read(Store.at(shelf.store).version(PLAIN, 1).manifest)
    assert manifest.signatures.keys() == {"serving_default", "raw", "manifest"}
    assert manifest.signatures["serving_default"].outputs.keys() == {"tokens", "score"}
    spec = parse_spec(manifest.processing)
    assert isinstance(spec, SpeechSpec)
    with ModelServerClient(server.target) as client:
        given = {"audio_bytes": np.array([recorded[1].recording], object)}
        outputs = client.predict(PLAIN, given, signature="raw", timeout_s=30).outputs
    [window] = windows(np.ones(10, np.float32), spec)
    written = Written(outputs["tokens"][0].tolist(), float(outputs["score"][0]))
    [said] = Transcriber(run.tokenizer() or "", spec).passage(window, written).said
    openai = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0)
    sent: Any = {"model": PLAIN, "file": ("a.wav", recorded[1].recording)}
    verbose = openai.audio.transcriptions.create(**sent, response_format="verbose_json", language="en")
    [segment] = verbose.segments or []
    assert (verbose.text, verbose.language, segment.text) == (said.text, "en", said.text)
    assert (segment.start, segment.end) == (0.0, verbose.duration)
    assert len(said.text) > 4
    hugging_face = InferenceClient(model=f"{gateway.url}/models/{PLAIN}")
    assert hugging_face.automatic_speech_recognition(recorded[1].recording).text == said.text
    worded = {"response_format": "verbose_json", "timestamp_granularities": ["word"]}
    for asked, field, told in (
        ({"prompt": "as before"}, "prompt", "cannot go on behind a text"),
        ({"temperature": 0.4}, "temperature", "each token is the most probable one"),
        ({"language": "de"}, "language", "expected 'en'"),
        (worded, "timestamp_granularities[]", "does not tell when a word was said"),
    ):
        with pytest.raises(BadRequestError, match=told) as caught:
            openai.audio.transcriptions.create(**sent, **asked)
        assert caught.value.param == field
