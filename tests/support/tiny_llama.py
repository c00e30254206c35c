"""`chat` with a Llama of two layers and bytes for tokens: a seeded network that writes letters without a sense."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.trained import Trained
from models.chat import SPEC, ChatConfig
from models.example import Example
from models.llama import LlamaSize, llama
from processing.spec import LanguageSpec
from tests.support.small_text_models import ASSISTANT, END, TEMPLATE, USER, byte_tokenizer
from training.latency import stacked

if TYPE_CHECKING:
    import keras

TOKENIZER = byte_tokenizer()
SIZE = LlamaSize(
    vocabulary=TOKENIZER.get_vocab_size(),
    layers=2,
    heads=4,
    key_value_heads=2,
    width=32,
    inner_width=48,
    rope_base=10_000.0,
    epsilon=1e-5,
)
CONTEXT = 64
NEW_TOKENS = 4
SLOTS = 3
LETTERS = "abcdefghijklmnopqrstuvwxyz "


def tiny_llama(seed: int = 7) -> "keras.Model":
    """Only letters, spaces and the end have a vector that is not small, so nearly always one of them is most likely."""
    model = llama(SIZE)
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.path.endswith("scale"):
            continue
        variable.assign(rng.normal(0, 0.3, variable.shape))
    table = model.get_layer("backbone").token_embedding.embeddings
    likely = np.full((SIZE.vocabulary, 1), 0.02, np.float32)
    likely[TOKENIZER.encode(LETTERS + END).ids] = 1
    table.assign(np.asarray(table) * likely)
    return model


def save(model: "keras.Model", weights: Path) -> None:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        model.save_weights(weights)


def trained(folder: Path, build: "Callable[[Any], keras.Model] | None" = None, **changes: Any) -> Trained:
    """As `kmaas train` leaves it, without evidence. `build` may spoil the network, `changes` are of `Trained`."""
    weights = folder / "model.weights.h5"
    if not weights.exists():
        save(tiny_llama(), weights)
    [end] = TOKENIZER.encode(END).ids
    spec = replace(
        SPEC,
        build=build or (lambda _config: llama(SIZE)),
        processing=lambda config: LanguageSpec(context_tokens=config.context_tokens, end_ids=(end,)),
    )
    examples, inputs = _examples()
    made = Trained(
        spec=spec,
        config=ChatConfig(seed=1, context_tokens=CONTEXT, slots=SLOTS),
        weights=weights,
        tokenizer=TOKENIZER.to_str(),
        chat_template=TEMPLATE,
        examples=examples,
        inputs=inputs,
        metrics=(),
        data_sha256="0" * 64,
        code_commit="0" * 40,
        run="tiny",
    )
    return replace(made, **changes)


def _examples() -> tuple[list[Example], Any]:
    rng = np.random.default_rng(3)
    words = ["".join(rng.choice(list(LETTERS[:-1]), rng.integers(2, 9))) for _ in range(64)]
    prompts = [f"{USER}{word}{END}{ASSISTANT}" if number < 4 else word for number, word in enumerate(words)]
    examples = []
    for number, prompt in enumerate(prompts):
        body = json.dumps({"inputs": prompt, "parameters": {"max_new_tokens": NEW_TOKENS}}).encode()
        examples.append(Example.of(f"prompt-{number:02}", "application/json", body, label=""))
    return examples, stacked([np.array(TOKENIZER.encode(prompt).ids, np.int32) for prompt in prompts], 0)
