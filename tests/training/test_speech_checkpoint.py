"""Whispers from somebody's folder: read, computed as PyTorch does, and what is said of bad ones."""

import gc
import json
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras_hub
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.catalog import find, spec_of
from models.listening import encoded, read_anew
from models.speech_checkpoint import SpeechCheckpointConfig
from models.transcribe import build, processing
from models.whisper import WhisperSize, whisper_backbone
from models.whisper_tokens import ENGLISH, MULTILINGUAL, alphabet_of
from tests.support.speech_checkpoints import (
    FAMILIES,
    HEADS,
    LETTERS,
    MARKS,
    NO_TIMES,
    START,
    VOCABULARY,
    WIDTH,
    write_speech_checkpoint,
)
from training.checkpoints import SETTINGS
from training.config import load_config
from training.data.speech_checkpoint import read_speech_checkpoint
from training.errors import ChangedCheckpointError, CheckpointError, TooLargeError
from training.speech_checkpoint import settings_of, weights_of

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "speech_checkpoints.json").read_text()
)
RATE = 16_000


def _config(folder: Path, name: str = "transcribe") -> SpeechCheckpointConfig:
    config = load_config(find("transcribe"), SETTINGS["transcribe"](str(folder), name))
    assert isinstance(config, SpeechCheckpointConfig)
    return config


def _filled(config: SpeechCheckpointConfig) -> Any:
    model = build(config)
    weights_of(config).fill(model.get_layer("backbone"))
    return model


def _sound() -> NDArray[np.float32]:
    """A tone that rises for three seconds."""
    time_s = np.arange(3 * RATE) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * (200 + 150 * time_s) * time_s), np.float32)[np.newaxis]


def _logits(model: Any, tokens: list[int]) -> NDArray[np.float32]:
    backbone, spectrum = model.get_layer("backbone"), model.get_layer("log_mel")(_sound())
    logits: NDArray[np.float32] = np.asarray(
        read_anew(backbone, encoded(backbone, spectrum), np.array([tokens], np.int32))
    )[0]
    return logits


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_pytorch(family: str, tmp_path: Path) -> None:
    """Of the first token of all, and behind others; with as many frequencies as the folder says."""
    config, expected = _config(write_speech_checkpoint(tmp_path, family)), RECORDED[family]
    model = _filled(config)
    for logits, recorded in (
        (np.asarray(model(_sound()))[0], expected["first"]),
        (_logits(model, [START]), expected["first"]),
        (_logits(model, expected["tokens"]), expected["logits"]),
    ):
        np.testing.assert_allclose(logits[:400:7], recorded, atol=1e-3)  # they go up to 20
    assert config.parameters == model.count_params()


def test_it_is_described_by_what_it_says_of_itself(tmp_path: Path) -> None:
    config = _config(write_speech_checkpoint(tmp_path / "my-whisper", "turbo"), "mine")
    spec = spec_of(config)
    assert (spec.name, spec.model, spec.entry) == ("mine", "transcribe", "transcribe-checkpoint")
    assert spec.languages == ("en", "de", "yue")
    assert spec.origins[0].licence == "apache-2.0"
    assert not spec.licence_unclear
    assert spec.description == "Writes down what is said in one of 3 languages, with times: my-whisper."
    assert str(tmp_path) not in json.dumps(config.told())
    assert config.hearing.aligned_heads == ((0, 1),)
    heard = processing(config)
    assert (heard.language, heard.languages["yue"], heard.transcribe_id) == (None, MARKS["<|yue|>"], 262)
    english = write_speech_checkpoint(tmp_path / "b", "whisper", multilingual=False, licence=None)
    spec, heard = spec_of(_config(english)), processing(_config(english))
    assert (spec.licence_unclear, spec.languages) == (True, ("en",))
    assert (heard.language, heard.languages, heard.transcribe_id) == ("en", {}, None)


@pytest.mark.parametrize("published", [ENGLISH, MULTILINGUAL], ids=["English", "multilingual"])
def test_marks_alone_tell_what_is_known_of_published_whispers(published: Any) -> None:
    several = bool(published.languages)
    names = list(MULTILINGUAL.languages)
    known = ["endoftext", "startoftranscript", *names, "translate", "transcribe", "startoflm", "startofprev"]
    marks = {
        f"<|{name}|>": published.end + number for number, name in enumerate((*known, "nocaptions", "notimestamps"))
    }
    told = alphabet_of(marks, multilingual=several)
    for name in ("start", "end", "no_speech", "previous", "no_times", "first_time", "transcribe", "translate"):
        assert getattr(told, name) == getattr(published, name)
    assert told.languages == published.languages
    assert set(published.never) <= set(told.never)
    assert {token for token in told.never if token < told.end} == {t for t in published.never if t < told.end}
    assert told.never_first == published.never_first


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_hubs_own_layout_is_read_as_keras_hub_reads_it(tmp_path: Path) -> None:
    backbone = keras_hub.models.WhisperBackbone(
        vocabulary_size=VOCABULARY,
        num_layers=1,
        num_heads=HEADS,
        hidden_dim=WIDTH,
        intermediate_dim=4 * WIDTH,
    )
    backbone.save_to_preset(str(tmp_path))
    names = ("startoftranscript", "endoftext", "notimestamps", "transcribe", "translate")
    keras_hub.models.WhisperTokenizer(
        vocabulary={**{letter: number for number, letter in enumerate(LETTERS)}, "ab": MARKS["<|startoflm|>"]},
        merges=["a b"],
        special_tokens={f"<|{name}|>": MARKS[f"<|{name}|>"] for name in names},
        language_tokens={f"<|{name}|>": MARKS[f"<|{name}|>"] for name in ("en", "de")},
    ).save_to_preset(str(tmp_path))
    config = _config(tmp_path)
    assert config.hearing.size.upper_heads == ((0, 0), (0, 1))
    assert config.hearing.prompt == (START, -1, MARKS["<|transcribe|>"], NO_TIMES)
    spectrum = np.asarray(_filled(config).get_layer("log_mel")(_sound()))
    tokens = np.array([[START, 258, 262, 266, 40]], np.int32)
    given = {"encoder_features": spectrum, "decoder_token_ids": tokens, "decoder_padding_mask": np.ones_like(tokens)}
    states = backbone(given)["decoder_sequence_output"][:, -1]
    expected = np.asarray(backbone.token_embedding(states, reverse=True))[0]
    np.testing.assert_allclose(_logits(_filled(config), tokens[0].tolist()), expected, atol=1e-4)


def test_a_vocabulary_and_merges_are_as_good_as_a_tokenizer(tmp_path: Path) -> None:
    whole = read_speech_checkpoint(write_speech_checkpoint(tmp_path, "whisper"))
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(LETTERS)}))
    (tmp_path / "added_tokens.json").write_text(json.dumps(MARKS))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    parts = read_speech_checkpoint(tmp_path)
    assert parts.alphabet == whole.alphabet
    assert json.loads(parts.tokenizer)["added_tokens"] == json.loads(whole.tokenizer)["added_tokens"]


def _changed(name: str, folder: Path, **changes: object) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


_configured, _processed = partial(_changed, "config"), partial(_changed, "preprocessor_config")
_generating = partial(_changed, "generation_config")


def _unmarked(folder: Path) -> None:
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text())
    told["added_tokens"] = [mark for mark in told["added_tokens"] if mark["content"] != "<|notimestamps|>"]
    path.write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (partial(_configured, model_type="wav2vec2"), "type 'wav2vec2'; those that can be read are whisper"),
        (partial(_configured, activation_function="relu"), "activation_function is 'relu'"),
        (partial(_configured, decoder_ffn_dim=7), "decoder_ffn_dim is 7"),
        (partial(_configured, vocab_size=-51_865), "sizes that cannot be"),
        (partial(_configured, encoder_layers=10**9), "weights at least, its files have"),
        (partial(_configured, decoder_attention_heads=4), "decoder_attention_heads is 4"),
        (partial(_configured, max_source_positions=750), "max_source_positions is 750"),
        (partial(_configured, vocab_size=VOCABULARY - 1), f"with those of times it needs {VOCABULARY}"),
        (partial(_configured, vocab_size=40), "its tokenizer has ids up to 266"),
        (partial(_configured, d_model=None), "do not tell what it is"),
        (partial(_processed, sampling_rate=8000), "sampling_rate is 8000"),
        (partial(_processed, feature_size=128), "feature_size is 128"),
        (partial(_generating, alignment_heads=[[2, 0]]), "alignment_heads are not all of 2 layers"),
        (_unmarked, "notimestamps"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "it has no vocab.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "not from pickled files"),
        (partial(_configured, registered_name="keras_hub>BertBackbone", class_name="BertBackbone", config={}), "Bert"),
    ],
)
def test_what_is_amiss_is_named(spoil: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    spoil(write_speech_checkpoint(tmp_path, "whisper"))
    with pytest.raises(CheckpointError) as caught:
        settings_of(str(tmp_path), "mine")
    assert told in str(caught.value)


def test_weights_that_are_missing_or_have_no_place_are_named(tmp_path: Path) -> None:
    folder = write_speech_checkpoint(tmp_path, "whisper")
    tensors = load_file(folder / "model.safetensors")
    head = {"proj_out.weight": tensors["model.decoder.embed_tokens.weight"]}
    save_file(tensors | head, folder / "model.safetensors")
    _filled(_config(folder))
    save_file({**tensors, "other": np.ones(2, np.float32)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="no place for other"):
        _filled(_config(folder))
    del tensors["model.encoder.conv1.bias"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"they lack model\.encoder\.conv1\.bias"):
        _filled(_config(folder))


def test_too_little_memory_and_changed_files_are_told(tmp_path: Path) -> None:
    folder = write_speech_checkpoint(tmp_path / "given", "whisper")
    with pytest.raises(TooLargeError, match="weights need"):
        settings_of(str(folder), "mine", free=lambda: 1000)
    config = _config(folder)
    shutil.rmtree(folder)
    write_speech_checkpoint(folder, "turbo")
    with pytest.raises(ChangedCheckpointError, match="no longer those"):
        weights_of(config).fill(None)


def test_of_a_shorter_decoder_no_layer_is_kept_that_was_cut_away() -> None:
    """keras-hub makes as many as the encoder has."""
    size = WhisperSize(vocabulary=100, layers=3, heads=1, width=24, mels=80, decoder_layers=1)
    backbone = whisper_backbone(size)
    gc.collect()
    decoders = (one for one in gc.get_objects() if type(one) is type(backbone.decoder_transformer_layers[0]))
    widths = [one._feedforward_output_dense.kernel.shape[-1] for one in decoders if one.built]
    assert widths.count(size.width) == 1


def test_weights_of_a_shorter_decoder_are_kept_and_read_again(tmp_path: Path) -> None:
    model = _filled(_config(write_speech_checkpoint(tmp_path / "given", "turbo")))
    again = build(_config(tmp_path / "given"))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        model.save_weights(tmp_path / "kept.weights.h5")
        again.load_weights(tmp_path / "kept.weights.h5")
    np.testing.assert_array_equal(again(_sound()), model(_sound()))
