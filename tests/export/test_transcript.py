"""A tiny checkpoint of a Whisper as a version beside `transcribe-base`: recordings, and both servers."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from huggingface_hub import InferenceClient
from openai import BadRequestError, OpenAI

from export.minimum import Minimum, lacking
from export.trained import Trained
from export.version import export_version
from kmaas.add import add
from kmaas.config import Config
from models.speech_checkpoint import SpeechCheckpointConfig
from models.transcribe import Network, processing, transcribing
from models.transcribe_base import BASE, SPEC, TranscribeBaseConfig
from models.whisper import whisper, whisper_backbone
from processing.audio import decode
from processing.spec import SpeechSpec, parse_spec
from processing.speech import Transcriber, Written, windows
from store.layout import Store, VersionDir
from store.manifest import Manifest
from store.publish import publish
from tests.support.photographed import trained_by
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.speech_checkpoints import write_speech_checkpoint
from training.config import load_config
from training.data import spoken
from training.data import whisper as published
from training.data.read_aloud import Reading
from training.data.spoken import Spoken
from training.fit import load_model
from training.run import runs_of
from training.transcribe import TINY_EN, TranscribeRecipe
from wire.client import ModelServerClient

TINY = replace(BASE.size, layers=1, heads=1, width=32)
START, END = BASE.alphabet.start, BASE.alphabet.end


class TinyConfig(TranscribeBaseConfig):
    @property
    def hearing(self) -> Network:
        return replace(BASE, size=TINY, aligned_heads=())


ENTRY = replace(SPEC, config=TinyConfig, build=lambda _config: whisper(whisper_backbone(TINY), START))
_WORDS = 4  # are written before the end


def _babbling(model: Any) -> None:
    """Weights are drawn so that each token is clear, depends on what is heard, and the end comes after four."""
    rng, backbone = np.random.default_rng(5), model.get_layer("backbone")
    embeddings = rng.normal(0, 1.5, (TINY.vocabulary, TINY.width))
    embeddings[:, 0] = 0.0
    embeddings[[END, BASE.alphabet.no_speech]] = 0.0
    embeddings[END, 0] = 15.0
    backbone.token_embedding.embeddings.assign(embeddings)
    places = rng.normal(0, 1, (448, TINY.width))
    places[:, 0] = 0.0
    places[len(BASE.prompt) + _WORDS - 1 :, 0] = 1e4
    backbone.decoder_embeddings.position_embedding.position_embeddings.assign(places)
    for layers, attention in ((backbone.encoder_transformer_layers, 0.2), (backbone.decoder_transformer_layers, 2.0)):
        for variable in (variable for layer in layers for variable in layer.trainable_variables):
            if "kernel" in variable.path:
                scale = attention if "attention" in variable.path else 0.2
                variable.assign(rng.normal(0, scale, variable.shape))


def _reading(one: Spoken) -> Reading:
    return Reading(one.words, decode(one.recording, sample_rate=16_000, max_seconds=60))


@pytest.fixture(scope="module")
def recorded() -> list[Spoken]:
    return spoken.load(Config().cache)


@pytest.fixture(scope="module")
def trained(recorded: list[Spoken], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    import keras

    folder, config, cache = tmp_path_factory.mktemp("run"), load_config(ENTRY), Config().cache
    assert isinstance(config, TinyConfig)
    config = config.model_copy(update={"most_tokens": 16})
    tokenizer = published.tiny_en(cache).tokenizer  # of nearly the same tokens, and half the size to fetch
    recipe = TranscribeRecipe(
        config, recorded[1:3], TINY_EN.weights(cache, TINY), tokenizer, readings=[_reading(recorded[3])]
    )
    keras.utils.set_random_seed(4)
    model = ENTRY.build(config)
    _babbling(model)
    return replace(trained_by(recipe, ENTRY, config, model, folder), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def version(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> VersionDir:
    folder = tmp_path_factory.mktemp("exported") / "export"
    export_version(trained, folder, runtime="litert")
    return VersionDir(folder)


@pytest.fixture(scope="module")
def manifest(version: VersionDir) -> Manifest:
    return Manifest.read(version.manifest)


@pytest.fixture(scope="module")
def shelf(version: VersionDir, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Where both are, and the run of the checkpoint, whose folder is gone."""
    folder = tmp_path_factory.mktemp("shelf")
    config, given = Config(store=folder / "store", runs=folder / "runs"), folder / "given"
    publish(Store.at(config.store), version.path)
    write_speech_checkpoint(given, "turbo")
    arguments = ["transcribe", "--preset", str(given), "--name", "mine", "--set", "rows=1", "--set", "most_tokens=16"]
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        CliRunner().invoke(add, arguments, obj=config, catch_exceptions=False)
    given.rename(folder / "gone")
    return config


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
    assert (spec.window_s, spec.most_tokens, len(spec.languages)) == (30, 16, 99)


def test_the_card_tells_the_word_error_rate_and_what_noise_does(version: VersionDir) -> None:
    card = version.card.read_text()
    assert re.search(r"\| word error rate, read sentences \| [\d.]+ \| – \| \d+ \|", card)
    assert re.search(r"\| noise \| 10 dB \| 0\.", card)
    assert re.search(r"\| espeak-ng \| 10 dB \| 0\.", card)
    assert re.search(r"\| word error rate, espeak-ng, noise 10 dB \| [\d.]+ \| [\d.]+ to [\d.]+ \| \d+ \|", card)
    assert "no LiteRT twin" not in card
    assert "Not here: the weights are as they were published." in card


def test_each_dialect_tells_what_the_model_server_answers(
    gateway: GatewayProcess, server: ModelServerProcess, manifest: Manifest, trained: Trained, recorded: list[Spoken]
) -> None:
    """`raw` takes the bytes as they are."""
    openai = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0)
    hugging_face = InferenceClient(model=f"{gateway.url}/models/transcribe-base")
    spec = parse_spec(manifest.processing)
    assert isinstance(spec, SpeechSpec)
    transcriber = Transcriber(trained.tokenizer or "", spec)
    texts = set()
    with ModelServerClient(server.target) as client:
        for one in recorded[:3]:
            given = {"audio_bytes": np.array([one.recording], object)}
            outputs = client.predict("transcribe-base", given, signature="raw", timeout_s=30).outputs
            [window] = windows(np.ones(10, np.float32), spec)
            passage = transcriber.passage(
                window, Written(outputs["tokens"][0].tolist(), float(outputs["score"][0]), 0.0)
            )
            text = " ".join(piece.text for piece in passage.said)
            assert (
                openai.audio.transcriptions.create(model="transcribe-base", file=("a.wav", one.recording)).text == text
            )
            assert hugging_face.automatic_speech_recognition(one.recording).text == text
            texts.add(text)
    assert len(texts) > 1


def test_a_checkpoint_is_served_under_its_own_name_with_its_own_tokens(
    gateway: GatewayProcess, shelf: Config, recorded: list[Spoken]
) -> None:
    """What its network says of a recording is what a client gets."""
    [run] = runs_of(shelf.runs, "mine")
    assert isinstance(run.config, SpeechCheckpointConfig)
    sound = decode(recorded[1].recording, sample_rate=16_000, max_seconds=60)
    outputs = transcribing(load_model(run), run.config)(sound[np.newaxis])
    [window] = windows(sound, processing(run.config))
    written = Written(outputs["tokens"][0].numpy().tolist(), float(outputs["score"][0]), 0.0)
    said = Transcriber(run.tokenizer() or "", processing(run.config)).passage(window, written).said
    answer = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0).audio.transcriptions.create(
        model="mine", file=("a.wav", recorded[1].recording)
    )
    assert answer.text == " ".join(piece.text for piece in said) != ""
    manifest = Manifest.read(Store.at(shelf.store).version("mine", 1).manifest)
    assert manifest.description == "Writes down what is said in one of 3 languages, with times: given."
    assert manifest.origins[0].licence == "apache-2.0"
    assert str(shelf.store.parent) not in manifest.document().decode()


def test_a_recording_longer_than_a_window_comes_window_by_window(
    gateway: GatewayProcess, recorded: list[Spoken]
) -> None:
    header, samples = recorded[0].recording[:44], recorded[0].recording[44:] * 7
    long = header[:4] + (36 + len(samples)).to_bytes(4, "little") + header[8:40]
    long += len(samples).to_bytes(4, "little") + samples
    openai = OpenAI(base_url=f"{gateway.url}/v1", api_key="-", max_retries=0)
    with openai.audio.transcriptions.create(model="transcribe-base", file=("a.wav", long), stream=True) as events:
        told = [event.type for event in events]
    assert told == ["transcript.text.delta", "transcript.text.delta", "transcript.text.done"]
    verbose = openai.audio.transcriptions.create(
        model="transcribe-base", file=("a.wav", long), response_format="verbose_json"
    )
    assert verbose.duration == pytest.approx(len(samples) / 32_000)
    worded = openai.audio.transcriptions.create(
        model="transcribe-base", file=("a.wav", long), response_format="verbose_json", timestamp_granularities=["word"]
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
    told = openai.audio.transcriptions.create(model="transcribe-base", file=sent, response_format="verbose_json")
    assert told.language in BASE.alphabet.languages
    same = openai.audio.transcriptions.create(
        model="transcribe-base", file=sent, response_format="verbose_json", language=told.language
    )
    assert same.text == told.text
    another = next(code for code in BASE.alphabet.languages if code != told.language)
    other = openai.audio.transcriptions.create(
        model="transcribe-base", file=sent, response_format="verbose_json", language=another
    )
    english: Any = openai.audio.translations.create(model="transcribe-base", file=sent, response_format="verbose_json")
    assert len({told.text, other.text, english.text}) == 3
    assert (english.language, english.model_dump()["task"]) == ("en", "translate")
    with pytest.raises(BadRequestError, match="one of 99") as caught:
        openai.audio.transcriptions.create(model="transcribe-base", file=sent, language="xx")
    assert caught.value.param == "language"
