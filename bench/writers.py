"""Makes the language models of `bench.streams` and `bench.conversations`.

As small as can be, so that what is measured is the gateway:
- `writer`: after each letter comes the next one, for ever
- `dreamer`: the same, but each token takes a pause without work, as it does on a machine elsewhere that is busy

As large as those of which much is computed on two cores:
- `poet`: see `bench.peers.poet`; with a cache; and its checkpoint for PyTorch, with logits to compare
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from pydantic import JsonValue
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from bench.checkpoints import write_gpt2
from bench.peers import poet
from export.archive import documents_function, signature_specs
from processing.spec import LanguageSpec
from store.contents import seal
from store.golden import Golden, dump_goldens
from store.layout import VersionDir
from store.manifest import Cache, Manifest, Origin, SignatureSpec

WRITERS = ("writer", "dreamer", "poet")

_PAUSES_S = {"writer": 0.0, "dreamer": 0.05}
_CONTEXT_TOKENS = 2048
_POET_CACHE = Cache(slots=16, length=poet.CONTEXT_TOKENS, piece=64)
_NEVER_FULL = 1024  # rows


def write(name: str, version: Path) -> None:
    """Writes the version; its folder must not exist."""
    if name == "poet":
        _write_poet(version)
    else:
        _write_letters(name, version)


def _write_letters(name: str, version: Path) -> None:
    import tensorflow as tf

    tokenizer = _tokenizer()
    table = tf.Variable(_followers(tokenizer))
    pause_us = round(_PAUSES_S[name] * 1e6)

    def serve(token_ids: Any) -> dict[str, Any]:
        last = token_ids[:, -1]
        return {"logits": tf.gather(table, _late(last, pause_us) if pause_us else last)}

    serving = tf.function(serve, input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")])
    manifest = _manifest(name, signature_specs(serving, {}), tokenizer.get_vocab_size() ** 2, _CONTEXT_TOKENS)
    _write(version, manifest, tokenizer, "ab", "cde", {"serving_default": serving}, [table])


def _write_poet(version: Path) -> None:
    import tensorflow as tf

    from export.cached.signatures import CachedDecoding

    backbone = poet.backbone()

    def project(states: Any) -> Any:
        return backbone.token_embedding(states, reverse=True)

    def serve(token_ids: Any) -> dict[str, Any]:
        states = backbone({"token_ids": token_ids, "padding_mask": tf.ones_like(token_ids)}, training=False)
        return {"logits": project(states[:, -1])}

    tokenizer = _tokenizer(poet.VOCABULARY)
    decoding = CachedDecoding(backbone, project, _POET_CACHE)
    serving = tf.function(serve, input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")])
    specs = signature_specs(serving, decoding.functions())
    manifest = _manifest("poet", specs, backbone.count_params(), poet.CONTEXT_TOKENS)
    ids = list(tokenizer.encode("ab").ids)
    for _ in range(3):
        ids.append(int(np.argmax(serve(tf.constant([ids], tf.int32))["logits"])))
    weights = [variable.value for variable in backbone.variables]
    signatures = {"serving_default": serving, **decoding.functions()}
    told = manifest.model_copy(update={"cache": _POET_CACHE})
    _write(version, told, tokenizer, "ab", tokenizer.decode(ids[2:]), signatures, [*weights, *decoding.tracked])
    folder = version.parents[2]  # beside the store
    write_gpt2(backbone, folder / "checkpoint")
    rows = np.arange(1, 33, dtype=np.int32).reshape(2, -1)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "answers.npy", np.asarray(serve(tf.constant(rows))["logits"]))


def _write(  # noqa: PLR0917 (all that a version is made of)
    version: Path,
    manifest: Manifest,
    tokenizer: Tokenizer,
    prompt: str,
    continuation: str,
    signatures: Mapping[str, Any],
    kept: Sequence[Any],
) -> None:
    import tensorflow as tf

    body = {"inputs": prompt, "parameters": {"max_new_tokens": 3}}
    expected: JsonValue = [{"generated_text": continuation}]
    golden = Golden.of("letters", "application/json", json.dumps(body).encode(), expected, 1e-4)
    documents = {
        "manifest": manifest.document(),
        "golden": dump_goldens([golden]),
        "tokenizer": tokenizer.to_str().encode(),
    }
    archive = tf.Module()
    archive.kept = list(kept)
    tf.saved_model.save(archive, str(version), signatures={**signatures, "manifest": documents_function(documents)})
    folder = VersionDir(version)
    folder.extra.mkdir()
    seal(folder, manifest)


def _tokenizer(vocabulary: int = 256) -> Tokenizer:
    """A token is a byte; those above 256 are words that no text is read as."""
    letters = sorted(ByteLevel.alphabet())
    words = ("".join(word) for word in product(ascii_lowercase, repeat=3))
    tokens = [*letters, *islice(words, vocabulary - len(letters))]
    tokenizer = Tokenizer(BPE({token: number for number, token in enumerate(tokens)}, []))
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

    return tf.ensure_shape(gathered(tensor), tensor.shape)


def _manifest(name: str, signatures: dict[str, SignatureSpec], parameters: int, context_tokens: int) -> Manifest:
    return Manifest(
        model=name,
        task="text-generation",
        description="Letters, for measurements.",
        created=datetime.now(UTC),
        digest=f"sha256:{name}",
        origins=(Origin(licence="CC0-1.0", source="made up"),),
        data_sha256="0" * 64,
        code_commit="0" * 40,
        frameworks={"tensorflow": version_of("tensorflow")},
        parameters=parameters,
        signatures=signatures,
        processing=LanguageSpec(context_tokens=context_tokens).model_dump(mode="json"),
        labels=(),
        metrics=(),
        run="bench",
    )
