"""Backbones: whichever way one comes, its vectors and tokens are its own; one that does not fit is refused in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from models.bert import bert, bert_inputs, first_layers
from tests.support.tiny_bert import PIECES, write_hugging_face
from training.backbone import Pretrained, fill, load_backbone
from training.errors import UnfitBackboneError

IDS = np.array([[2, 7, 9, 30, 3], [2, 8, 3, 0, 0]], np.int32)
NOWHERE = Path("nowhere")


def _vectors(loaded: Pretrained, layers: int | None = None) -> Any:
    size = loaded.backbone.size
    layers = layers or size.layers
    model = bert(size.model_copy(update={"layers": layers}))
    fill(loaded, model, layers)
    return np.asarray(model(_inputs(), training=False))


def _inputs() -> Any:
    import tensorflow as tf

    return bert_inputs(tf.constant(IDS))


def test_a_hugging_face_directory_whatever_head_it_was_saved_with(tmp_path: Path) -> None:
    loaded = load_backbone(str(write_hugging_face(tmp_path / "bert", layers=2)), NOWHERE)
    plain = load_backbone(str(write_hugging_face(tmp_path / "plain", layers=2, prefix="")), NOWHERE)
    assert (loaded.backbone.name, loaded.backbone.size.layers) == ("bert", 2)
    assert loaded.backbone.sha256 == plain.backbone.sha256
    np.testing.assert_array_equal(_vectors(loaded), _vectors(plain))
    assert np.abs(_vectors(loaded) - _vectors(loaded, layers=1)).max() > 0.1
    tokenizer = Tokenizer.from_str(loaded.tokenizer)
    assert tokenizer.encode("Ab").tokens == ["[CLS]", "a", "##b", "[SEP]"]
    assert tokenizer.encode("Ab").ids == [PIECES.index(token) for token in ("[CLS]", "a", "##b", "[SEP]")]


def test_its_own_tokenizer_comes_before_its_words(tmp_path: Path) -> None:
    folder = write_hugging_face(tmp_path / "bert")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    cased = load_backbone(str(folder), NOWHERE).tokenizer
    assert Tokenizer.from_str(cased).encode("Ab").tokens == ["[CLS]", "[UNK]", "[SEP]"]
    (folder / "tokenizer.json").write_text(cased.replace('"lowercase":false', '"lowercase":true'))
    assert Tokenizer.from_str(load_backbone(str(folder), NOWHERE).tokenizer).encode("A").tokens[1] == "a"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras', while it saves
def test_a_preset_of_keras_hub_answers_as_it_does_there(tmp_path: Path) -> None:
    import keras
    import keras_hub

    keras.utils.set_random_seed(2)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(PIECES),
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=8,
    )
    backbone.save_to_preset(tmp_path / "preset")
    keras_hub.models.BertTokenizer(list(PIECES), lowercase=True).save_to_preset(tmp_path / "preset")
    loaded = load_backbone(str(tmp_path / "preset"), NOWHERE)
    expected = backbone(_inputs(), training=False)["sequence_output"]
    np.testing.assert_allclose(_vectors(loaded), expected, atol=1e-6)  # with the approximate GELU
    assert Tokenizer.from_str(loaded.tokenizer).encode("Ab").tokens == ["[CLS]", "a", "##b", "[SEP]"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "roberta"}, "model_type 'roberta'; expected 'bert'"),
        ({"hidden_act": "relu"}, "hidden_act 'relu'"),
        ({"hidden_size": "wide"}, "lacks"),
        ({"vocab_size": 20}, "words, its encoder 20"),
    ],
)
def test_another_network_is_refused(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    with pytest.raises(UnfitBackboneError, match=said):
        load_backbone(str(write_hugging_face(tmp_path / "bert", **config)), NOWHERE)


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    folder = write_hugging_face(tmp_path / "bert")
    (folder / "vocab.txt").rename(folder / "words.txt")
    with pytest.raises(UnfitBackboneError, match=r"neither tokenizer\.json nor vocab\.txt"):
        load_backbone(str(folder), NOWHERE)
    (folder / "vocab.txt").write_text("\n".join(reversed(PIECES)))
    with pytest.raises(UnfitBackboneError, match=r"token 0 is '##9', expected '\[PAD\]'"):
        load_backbone(str(folder), NOWHERE)
    (folder / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(UnfitBackboneError, match="not a whole safetensors file"):
        load_backbone(str(folder), NOWHERE)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnfitBackboneError, match=r"no model\.safetensors; it has config\.json, pytorch_model\.bin"):
        load_backbone(str(folder), NOWHERE)
    with pytest.raises(UnfitBackboneError, match="there is no such folder"):
        load_backbone(str(tmp_path / "none"), NOWHERE)


def test_weights_that_do_not_fit_the_size_that_is_told(tmp_path: Path) -> None:
    folder = write_hugging_face(tmp_path / "bert")
    document = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(document | {"num_hidden_layers": 2}))
    loaded = load_backbone(str(folder), NOWHERE)
    with pytest.raises(UnfitBackboneError, match=r"they lack encoder\.layer\.1"):
        _vectors(loaded)
    assert first_layers({"encoder.layer.10.x": np.ones(1)}, 10) == {}
