"""Checkpoints of every family: read, computed as PyTorch does, kept in a cache; and what is said of bad ones."""

import json
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import jinja2
import keras_hub
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from export.cached.signatures import CachedDecoding
from models.catalog import find, spec_of
from models.checkpoint import CheckpointConfig, build, processing
from models.language import backbone_of, scores
from models.spec import ModelConfig
from processing.spec import Drawing
from processing.tokens import TokenCodec
from store.manifest import Cache
from tests.support.checkpoints import CONFIGS, LONGEST, TOKENIZER, write_checkpoint
from tests.support.small_text_models import END, TEMPLATE
from training.byte_pairs import make_byte_pairs
from training.checkpoint import CheckpointRecipe, is_checkpoint, settings_of
from training.config import load_config
from training.data.hub_preset import read_hub_preset
from training.data.huggingface import read_huggingface
from training.data.prose import Prose, Text
from training.errors import ChangedCheckpointError, CheckpointError, ConfigurationError, HubError, TooLargeError
from training.memory import free_bytes

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "data" / "checkpoints.json").read_text()
)
PLAYS = Prose(
    [Text("one", "plays", "To be, or not to be: that is the question.\n" * 20)],
    [Text("other", "plays", "Words.\n" * 40)],
)


def _config(folder: Path, name: str = "chat", *settings: str) -> CheckpointConfig:
    config: ModelConfig = load_config(find("chat"), settings_of(str(folder), name), settings)
    assert isinstance(config, CheckpointConfig)
    return config


def _filled(config: CheckpointConfig) -> Any:
    model = build(config)
    CheckpointRecipe(config, PLAYS, TOKENIZER.to_str()).prepare(model)
    return model


@pytest.mark.parametrize("family", CONFIGS)
def test_logits_and_greedy_text_are_those_of_pytorch_also_with_a_cache(family: str, tmp_path: Path) -> None:
    config = _config(write_checkpoint(tmp_path, family))
    model = _filled(config)
    backbone = backbone_of(model)
    functions = CachedDecoding(
        backbone, partial(scores, backbone), Cache(slots=2, length=LONGEST, piece=64)
    ).functions()
    for number, recorded in enumerate(RECORDED[family], start=1):
        ids = TOKENIZER.encode(recorded["prompt"]).ids
        logits = np.asarray(model(np.array([ids], np.int32), training=False))[0]
        np.testing.assert_allclose(logits[::16], recorded["logits"], atol=1e-4, rtol=0)
        lease = np.array([number], np.int64)
        told = functions["prefill"](
            lease, np.zeros(1, np.int32), np.array([ids], np.int32), np.array([len(ids)], np.int32)
        )
        written = [int(np.asarray(told["logits"])[0].argmax())]
        while len(written) < len(recorded["greedy"]):
            position = np.array([len(ids) + len(written) - 1], np.int32)
            told = functions["decode"](lease, position, np.array(written[-1:], np.int32), np.ones(1, np.int32))
            written.append(int(np.asarray(told["logits"])[0].argmax()))
        assert written == recorded["greedy"]


def test_it_says_of_itself_what_is_served(tmp_path: Path) -> None:
    config = _config(write_checkpoint(tmp_path / "plain", "qwen2"), "tiny-qwen")
    spec = spec_of(config)
    assert (spec.name, spec.model, spec.entry) == ("tiny-qwen", "chat", "chat-checkpoint")
    assert (config.chats, config.licence, spec.licence_unclear) == (False, "apache-2.0", False)
    assert (config.context_tokens, config.longest) == (LONGEST, LONGEST)
    assert config.end_ids == (TOKENIZER.token_to_id(END),)
    assert spec.description == "Continues texts: plain."
    chats = _config(write_checkpoint(tmp_path / "chats", "qwen2", chats=True))
    assert (chats.name, chats.chats) == ("chat", True)
    assert chats.sha256 != config.sha256


def test_a_folder_of_several_files_is_the_same_model(tmp_path: Path) -> None:
    one, several = (write_checkpoint(tmp_path / str(shards), "llama", shards=shards) for shards in (1, 3))
    weights = [_filled(_config(folder)).get_weights() for folder in (one, several)]
    assert all(np.array_equal(*pair) for pair in zip(*weights, strict=True))


def test_a_template_has_the_names_it_asks_for_and_keeps_its_line_breaks(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "gpt2")
    (folder / "chat_template.jinja").write_text("\n{{ bos_token }}{{ messages[0].content }}{{ eos_token }}")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": {"content": "<s>"}, "eos_token": END, "chat_template": TEMPLATE})
    )
    template = read_huggingface(folder).chat_template
    assert template is not None
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    assert environment.from_string(template).render(messages=[{"content": "hi"}]) == f"\n<s>hi{END}"


@pytest.fixture(scope="module")
def hub_preset(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """keras-hub's own layout, as its `save_to_preset` writes it; the backbone and the tokenizer that were saved."""
    folder = tmp_path_factory.mktemp("hub") / "tiny_gpt2"
    told = json.loads(make_byte_pairs(["to be or not to be, that is the question. What's in a name?"] * 9, 300))[
        "model"
    ]
    backbone = keras_hub.models.GPT2Backbone(len(told["vocab"]), 2, 2, 16, 32, max_sequence_length=LONGEST)
    tokenizer = keras_hub.tokenizers.GPT2Tokenizer(told["vocab"], [" ".join(pair) for pair in told["merges"]])
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        for saved in (backbone, tokenizer):
            saved.save_to_preset(str(folder))
    return folder, backbone, tokenizer


def test_a_preset_in_keras_hub_s_own_layout_is_the_same_model(hub_preset: tuple[Path, Any, Any]) -> None:
    folder, backbone, tokenizer = hub_preset
    config = _config(folder)
    assert (config.longest, config.chats, config.licence) == (LONGEST, False, None)
    codec = TokenCodec(read_hub_preset(folder).tokenizer)
    assert [codec.name(token) for token in config.end_ids] == ["<|endoftext|>"]
    for text in ("what is that?", "Not to be:\nthat's  it 😀", "a<|endoftext|>b"):
        ids = codec.encode(text)
        assert ids == np.asarray(tokenizer(text)).tolist()
    rows = np.array([codec.encode("what is that?")], np.int32)
    expected = scores(backbone, backbone({"token_ids": rows, "padding_mask": np.ones_like(rows)}, training=False))
    np.testing.assert_allclose(_filled(config)(rows), np.asarray(expected)[:, -1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("tokenizer.json", {"class_name": "GemmaTokenizer"}, "'GemmaTokenizer'; byte-level BPE alone"),
        ("config.json", {"class_name": "BloomBackbone"}, "'BloomBackbone'; those that can be read are GPT2Backbone"),
        ("config.json", {"registered_name": "mine>GPT2Backbone"}, "those that can be read"),
        ("metadata.json", {"parameter_count": None}, "no parameter_count"),
        ("metadata.json", {"parameter_count": 7}, "its files have 7 weights, the network that they tell of"),
    ],
)
def test_a_bad_preset_of_keras_hub_is_refused(
    hub_preset: tuple[Path, Any, Any], tmp_path: Path, name: str, changes: dict[str, Any], message: str
) -> None:
    folder = shutil.copytree(hub_preset[0], tmp_path / "copy")
    (folder / name).write_text(json.dumps({**json.loads((folder / name).read_text()), **changes}))
    with pytest.raises(CheckpointError, match=message):
        read_hub_preset(folder).load()


def test_where_no_hub_can_be_reached_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(HubError, match="not on this machine, and its hub cannot be reached"):
        settings_of("hf://nobody/nothing", "chat")


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ("---\nlanguage: en\nlicense: other\n---\n", None),
        ("license: mit\n", None),
        ("---\nlanguage: en\n---\nlicense: mit\n", None),
    ],
)
def test_the_licence_is_what_the_card_names(tmp_path: Path, card: str, licence: str | None) -> None:
    folder = write_checkpoint(tmp_path, "gpt2")
    (folder / "README.md").write_text(card)
    config = _config(folder)
    assert (config.licence, spec_of(config).licence_unclear) == (licence, licence is None)


@pytest.mark.parametrize(
    ("told", "drawing"),
    [
        ({}, None),
        ({"do_sample": False, "temperature": 0.5}, None),
        ({"do_sample": True}, Drawing(temperature=1.0)),
        ({"do_sample": True, "temperature": 0.6, "top_p": 0.95}, Drawing(temperature=0.6, top_p=0.95)),
    ],
)
def test_tokens_are_drawn_as_its_makers_recommend(
    told: dict[str, Any], drawing: Drawing | None, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "made", "llama")
    (folder / "generation_config.json").write_text(json.dumps(told))
    config = _config(folder)
    assert config.drawing == drawing
    assert processing(config).drawing == drawing
    (folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "temperature": "hot"}))
    with pytest.raises(CheckpointError, match=r"its generation_config\.json cannot be read"):
        read_huggingface(folder)


def _set(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **values}))

    return change


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _written(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text)

    return change


def _cut(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])


def _with_tensors(**tensors: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        kept = {name: of for name, of in load_file(folder / "model.safetensors").items() if name not in tensors}
        added = {name: of for name, of in tensors.items() if of is not None}
        save_file({**kept, **added}, folder / "model.safetensors")

    return change


BAD: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "an architecture nobody compared": (
        "llama",
        _set(model_type="rwkv"),
        r"'rwkv'; those that can be read are gpt2, llama",
    ),
    "no architecture": ("llama", _set(model_type=["llama"]), "of the type"),
    "no configuration": ("llama", _without("config.json"), "has no config.json"),
    "no tokenizer": ("llama", _without("tokenizer.json"), "has no tokenizer.json"),
    "no weights": (
        "llama",
        _without("model.safetensors"),
        "has no model.safetensors; weights are read from safetensors",
    ),
    "half a file": ("llama", _cut, "no whole safetensors"),
    "a configuration that is none": (
        "llama",
        _written("config.json", "[]"),
        "no JSON object",
    ),
    "a tokenizer that is none": (
        "llama",
        _written("tokenizer.json", "{}"),
        "tokenizer.json",
    ),
    "more tokens than rows": ("llama", _set(vocab_size=200), "ids up to 258, its table of tokens has 200 rows"),
    "an activation of its own": (
        "llama",
        _set(hidden_act="gelu"),
        "hidden_act is 'gelu'; keras-hub's Llama3Backbone has silu",
    ),
    "a norm of its own": ("gpt2", _set(layer_norm_epsilon=0.1), "layer_norm_epsilon is 0.1"),
    "positions of its own": (
        "qwen2",
        _set(rope_parameters={"rope_type": "yarn", "rope_theta": 1.0}),
        "scaled by 'yarn'",
    ),
    "heads of its own": ("llama", _set(head_dim=16), "head_dim is 16, not hidden_size"),
    "layers of its own": ("gemma3", _set(layer_types=["full_attention"] * 2), "layer_types are not five that slide"),
    "turns of its own": ("gemma3", _set(rope_parameters={"full_attention": {"rope_theta": 2.0}}), "rope_theta are not"),
    "no size": ("llama", _set(num_attention_heads="four", head_dim=8), "lacks|head_dim"),
    "no length": ("llama", _set(max_position_embeddings=None), "lacks"),
    "a weight too many": (
        "llama",
        _with_tensors(extra=np.zeros(3, np.float32)),
        r"weights, the network that they tell of",
    ),
    "an index that leads out": (
        "llama",
        _written("model.safetensors.index.json", '{"weight_map": {"a": "../x"}}'),
        "does not name the files",
    ),
    "a template that is none": (
        "gpt2",
        _written("chat_template.jinja", "{% if %}"),
        "chat template cannot be read",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_checkpoint_is_refused_and_it_is_said_why(what: str, tmp_path: Path) -> None:
    family, spoil, message = BAD[what]
    spoil(write_checkpoint(tmp_path, family))
    with pytest.raises(CheckpointError, match=message):
        read_huggingface(tmp_path).load()


def test_a_weight_that_is_missing_is_told_before_anything_is_served(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    _with_tensors(**{"model.norm.weight": None})(folder)
    with pytest.raises(CheckpointError, match=r"model\.norm\.weight"):
        read_huggingface(folder).load()


def test_one_that_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "gpt2")
    with pytest.raises(TooLargeError, match=r"its 35,808 weights need 0\.0 GB of memory, and 0\.0 GB are free"):
        settings_of(str(folder), "chat", free=lambda: 1000)
    assert settings_of(str(folder), "chat", free=lambda: None)["parameters"] == 35_808


def test_free_memory_is_that_of_the_container_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 5 kB\n")
    told = partial(free_bytes, tmp_path / "meminfo", tmp_path)
    assert told() == 5 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("100\n")
    assert told() == 5 * 1024
    (tmp_path / "memory.max").write_text("1100\n")
    assert told() == 1000
    assert free_bytes(tmp_path / "none", tmp_path / "none") is None


def test_files_that_changed_since_the_run_was_begun_are_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "gpt2")
    config = _config(folder)
    _set(resid_pdrop=0.2)(folder)
    with pytest.raises(ChangedCheckpointError, match="begin another"):
        _filled(config)


def test_more_tokens_than_it_was_made_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="made for 64 tokens at most"):
        _config(write_checkpoint(tmp_path, "gpt2"), "chat", "context_tokens=65")


def test_a_folder_is_a_checkpoint_and_a_file_or_any_other_word_is_none(tmp_path: Path) -> None:
    (tmp_path / "preset.toml").touch()
    given = (str(tmp_path), str(tmp_path / "preset.toml"), "nothing", "gpt2_base_en", "hf://somebody/model")
    assert [is_checkpoint(name) for name in given] == [True, False, False, True, True]
