"""Moonshines from somebody's folder: read, computed as keras-hub does, and what is said of bad ones."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras_hub
import numpy as np
import pytest
from safetensors.numpy import save_file

from models.catalog import find, spec_of
from models.moonshine import MoonshineSize
from models.moonshine_listening import encoded, read_anew
from models.speech_checkpoint import MoonshineCheckpointConfig
from models.transcribe_moonshine import build, processing
from processing.speech import Transcriber, Window, Written
from processing.tokens import TokenCodec
from tests.support.moonshine_checkpoints import (
    HEADS,
    PIECES,
    VOCABULARY,
    WIDTH,
    drawn,
    sentencepiece,
    write_moonshine_checkpoint,
)
from training.checkpoints import SETTINGS
from training.config import load_config
from training.data.moonshine_checkpoint import read_moonshine_checkpoint
from training.errors import CheckpointError
from training.speech_checkpoint import weights_of

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "moonshine_checkpoint.json").read_text())
"""What `transformers` 5.24 makes of the folder: it was given these very files."""
_TONE = np.sin(np.arange(1, 8001, dtype=np.float32) / 20)[np.newaxis]


def _config(folder: Path, name: str = "mine") -> MoonshineCheckpointConfig:
    config = load_config(find("transcribe"), SETTINGS["transcribe"](str(folder), name))
    assert isinstance(config, MoonshineCheckpointConfig)
    return config


def _filled(config: MoonshineCheckpointConfig) -> Any:
    model = build(config)
    weights_of(config).fill(model.get_layer("backbone"))
    return model


def test_it_is_described_by_what_it_says_of_itself(tmp_path: Path) -> None:
    config = _config(write_moonshine_checkpoint(tmp_path / "my-moonshine"))
    spec, heard = spec_of(config), processing(config)
    assert (spec.name, spec.model, spec.entry) == ("mine", "transcribe", "transcribe-moonshine-checkpoint")
    assert spec.description == "Writes down what is said in English: my-moonshine."
    assert (spec.origins[0].licence, spec.licence_unclear, spec.languages) == ("mit", False, ("en",))
    assert str(tmp_path) not in json.dumps(config.told())
    assert (heard.start_id, heard.end_id, heard.language, heard.steering) == (1, 2, "en", None)


def test_logits_are_those_of_pytorch(tmp_path: Path) -> None:
    """Of the first token of all, and behind others."""
    model = _filled(_config(write_moonshine_checkpoint(tmp_path)))
    np.testing.assert_allclose(model(_TONE)[0], RECORDED["first"], atol=1e-3)  # they go up to 17
    heard, _ = encoded(model.get_layer("backbone"), _TONE, np.array([_TONE.size], np.int32))
    told = read_anew(model.get_layer("backbone"), heard, np.array([RECORDED["tokens"]], np.int32))
    np.testing.assert_allclose(told[0], RECORDED["logits"], atol=1e-3)


def test_its_text_is_one_piece_as_long_as_the_window(tmp_path: Path) -> None:
    config = _config(write_moonshine_checkpoint(tmp_path))
    transcriber = Transcriber(read_moonshine_checkpoint(tmp_path).tokenizer, processing(config))
    window = Window(2.0, 3.5, np.zeros(24_000, np.float32))
    numbers = [PIECES.index(piece) for piece in ("▁the", "n", "▁a")]
    passage = transcriber.passage(window, Written([*numbers, 2, 2], -5.0))
    assert [(piece.text, piece.start_s, piece.end_s) for piece in passage.said] == [("then a", 2.0, 3.5)]
    assert passage.no_speech is None
    with pytest.raises(ValueError, match="plain text alone"):
        transcriber.prompt("", timed=True)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_hubs_own_layout_is_read_as_keras_hub_reads_it(tmp_path: Path) -> None:
    """Heads are filled up to eight numbers there."""
    backbone = keras_hub.models.MoonshineBackbone(
        vocabulary_size=VOCABULARY,
        filter_dim=24,
        encoder_num_layers=1,
        decoder_num_layers=1,
        hidden_dim=24,
        intermediate_dim=96,
        encoder_num_heads=HEADS,
        decoder_num_heads=HEADS,
        pad_head_dim_to_multiple_of=8,
        initializer_range=0.2,
    )
    backbone.save_to_preset(str(tmp_path))
    keras_hub.models.MoonshineTokenizer(proto=sentencepiece()).save_to_preset(str(tmp_path))
    config = _config(tmp_path)
    assert config.size == MoonshineSize(VOCABULARY, 24, 1, 1, HEADS, HEADS, 0.62, 8)
    start = np.array([[1]], np.int32)
    states = backbone(
        {
            "encoder_input_values": _TONE[..., np.newaxis],
            "encoder_padding_mask": np.ones(_TONE.shape, bool),
            "decoder_token_ids": start,
            "decoder_padding_mask": np.ones(start.shape, bool),
        }
    )["decoder_sequence_output"]
    expected = np.asarray(backbone.token_embedding(states, reverse=True))[:, 0]
    np.testing.assert_allclose(_filled(config)(_TONE), expected, atol=1e-4)
    codec = TokenCodec(read_moonshine_checkpoint(tmp_path).tokenizer)
    ids = codec.encode("the a", add_special_tokens=False)
    assert [codec.name(token) for token in ids] == ["▁the", "▁a"]
    assert codec.decode([1, *ids, 2]) == " the a"


def _changed(name: str, folder: Path, **changes: object) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


_configured, _processed = partial(_changed, "config"), partial(_changed, "preprocessor_config")
_tokenized = partial(_changed, "tokenizer")
_HUB = {"registered_name": "keras_hub>MoonshineBackbone", "class_name": "MoonshineBackbone"}
_SIZE = {"hidden_dim": WIDTH, "filter_dim": WIDTH}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (partial(_configured, model_type="moonshine_streaming"), "those that can be read are whisper, moonshine"),
        (partial(_configured, encoder_hidden_act="relu"), "encoder_hidden_act is 'relu'"),
        (partial(_configured, intermediate_size=7), "intermediate_size is 7"),
        (partial(_configured, decoder_num_key_value_heads=1), "decoder_num_key_value_heads is 1"),
        (partial(_configured, rope_parameters={"rope_theta": 5.0}), "rope_theta is 5.0"),
        (partial(_configured, vocab_size=30), "its tokenizer has ids up to 34"),
        (partial(_configured, hidden_size=None), "do not tell what it is"),
        (partial(_configured, partial_rotary_factor=None), "do not tell what it is"),
        (partial(_processed, sampling_rate=8000), "sampling_rate is 8000"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "it has no tokenizer.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "not from pickled files"),
        (partial(_configured, hidden_size=float("inf")), "do not tell what it is"),
        (partial(_configured, encoder_num_attention_heads=0, encoder_num_key_value_heads=0), "sizes that cannot be"),
        (partial(_configured, encoder_num_attention_heads=5, encoder_num_key_value_heads=5), "sizes that cannot be"),
        (partial(_configured, decoder_num_hidden_layers=10**9), "weights at least, its files have"),
        (partial(_configured, vocab_size=10**12), "weights at least, its files have"),
        (partial(_configured, partial_rotary_factor=5), "partial_rotary_factor is 5.0"),
        (partial(_configured, partial_rotary_factor=float("nan")), "partial_rotary_factor is nan"),
        (partial(_configured, eos_token_id=999), "begin and end with 1 and 999"),
        (partial(_tokenized, decoder=None), "do not tell what it is"),
        (partial(_tokenized, decoder={"type": "Metaspace"}), "the tokenizer's decoder is a 'Metaspace'"),
        (partial(_configured, **_HUB, config={**_SIZE, "filter_dim": 16}), "filter_dim is 16"),
        (partial(_configured, **_HUB, config=_SIZE), "its tokenizer is a None"),
    ],
)
def test_what_is_amiss_is_named(spoil: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    spoil(write_moonshine_checkpoint(tmp_path))
    with pytest.raises(CheckpointError) as caught:
        SETTINGS["transcribe"](str(tmp_path), "mine")
    assert told in str(caught.value)


def test_weights_that_are_no_real_numbers_are_not_taken(tmp_path: Path) -> None:
    config = _config(write_moonshine_checkpoint(tmp_path))
    weights = {name: np.ones(values.shape, np.int8) for name, values in drawn().items()}
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    checkpoint = read_moonshine_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="has numbers of int8"):
        checkpoint.fill(build(config).get_layer("backbone"))
