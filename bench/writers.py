"""Makes the language models of `bench.streams`: as small as can be, so that what is measured is the gateway.

- `writer`: after each letter comes the next one, for ever
- `dreamer`: the same, but each token takes a pause without work, as it does on a machine elsewhere that is busy
"""

import json
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from export.archive import documents_function
from processing.spec import LanguageSpec
from store.contents import seal
from store.golden import Golden, dump_goldens
from store.layout import VersionDir
from store.manifest import Manifest, Origin, SignatureSpec, TensorSpec

PAUSES_S = {"writer": 0.0, "dreamer": 0.05}

_CONTEXT_TOKENS = 2048
_NEVER_FULL = 1024  # rows


def write(name: str, version: Path) -> None:
    """Writes the version; its folder must not exist."""
    import tensorflow as tf

    tokenizer = _tokenizer()
    table = tf.Variable(_followers(tokenizer))
    pause_us = round(PAUSES_S[name] * 1e6)

    def serve(token_ids: Any) -> dict[str, Any]:
        last = token_ids[:, -1]
        return {"logits": tf.gather(table, _late(last, pause_us) if pause_us else last)}

    manifest = _manifest(name, tokenizer)
    body = {"inputs": "ab", "parameters": {"max_new_tokens": 3}}
    golden = Golden.of("letters", "application/json", json.dumps(body).encode(), [{"generated_text": "cde"}], 1e-4)
    documents = {
        "manifest": manifest.document(),
        "golden": dump_goldens([golden]),
        "tokenizer": tokenizer.to_str().encode(),
    }
    archive = tf.Module()
    archive.table = table
    given = tf.TensorSpec([None, None], tf.int32, name="token_ids")
    signatures = {
        "serving_default": tf.function(serve, input_signature=[given]),
        "manifest": documents_function(documents),
    }
    tf.saved_model.save(archive, str(version), signatures=signatures)
    folder = VersionDir(version)
    folder.extra.mkdir()
    seal(folder, manifest)


def _tokenizer() -> Tokenizer:
    """A token is a byte."""
    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = ByteLevelDecoder()
    return tokenizer


def _followers(tokenizer: Tokenizer) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Logits of the token that follows each token."""
    table = np.zeros((tokenizer.get_vocab_size(),) * 2, np.float32)
    ids = tokenizer.encode(ascii_lowercase).ids
    table[ids, np.roll(ids, -1)] = 8
    return table


def _late(tensor: Any, pause_us: int) -> Any:
    """The tensor after a pause: a batch is waited for that never gets full."""
    import tensorflow as tf

    @tf.nondifferentiable_batch_function(1, _NEVER_FULL, pause_us)  # type: ignore[untyped-decorator]  # it has no types
    def gathered(rows: Any) -> Any:
        return tf.identity(rows)

    return gathered(tensor)


def _manifest(name: str, tokenizer: Tokenizer) -> Manifest:
    vocabulary = tokenizer.get_vocab_size()
    signature = SignatureSpec(
        inputs={"token_ids": TensorSpec(dtype="int32", shape=(-1, -1))},
        outputs={"logits": TensorSpec(dtype="float32", shape=(-1, vocabulary))},
    )
    return Manifest(
        model=name,
        task="text-generation",
        description="Letters in their order, for measurements.",
        created=datetime.now(UTC),
        digest=f"sha256:{name}",
        origins=(Origin(licence="CC0-1.0", source="made up"),),
        data_sha256="0" * 64,
        code_commit="0" * 40,
        frameworks={"tensorflow": version_of("tensorflow")},
        parameters=vocabulary**2,
        signatures={"serving_default": signature},
        processing=LanguageSpec(context_tokens=_CONTEXT_TOKENS).model_dump(mode="json"),
        labels=(),
        metrics=(),
        run="bench",
    )
