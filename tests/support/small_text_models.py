"""Small real models beyond classification, made as those of `tests.support.small_models`, which calls this one.

- `writer`: continues the alphabet by construction: after "c" comes "d", after "z" the end. After "!" comes an emoji,
  byte by byte, and "!" again; digits go round for ever. After "?", which it never draws, comes "." and after that
  numbers that are none. With a chat template; a token is a byte.
- `writer-other`: the same in capitals
- `poet`: a GPT-2 of keras-hub's whose weights are drawn, so that each letter depends on all before; it keeps `SLOTS`
  texts in its cache. `poet-plain`: the same without a cache
- `embeddings`: "good" and its like lie at one end of a line, "bad" and its like at the other, "film" across
- `shout`: translates a text into capitals, byte by byte
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from string import ascii_lowercase, digits
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE, WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import ByteLevel, Whitespace

from processing.marks import PLACES
from processing.spec import LanguageSpec, TextSpec, TranslationSpec
from store.contents import seal
from store.golden import Golden, dump_goldens
from store.layout import VersionDir
from store.manifest import BEAM_SIGNATURE, Cache, Manifest, SignatureSpec, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMOJI = "😀"
CONTEXT = 64
SLOTS = 4
WORDS = ("[PAD]", "[UNK]", "good", "wonderful", "bad", "awful", "a", "film")
VECTORS = ((0, 0, 0), (0, 0, 0), (2, 0, 0), (2, 1, 0), (-2, 0, 0), (-2, 1, 0), (0, 0, 0.5), (0, 0, 3))
END, USER, ASSISTANT = "<|end|>", "<|user|>", "<|assistant|>"
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ raise_exception('no system messages') }}{% endif %}"
    "{{ '<|' + message.role + '|>' + message.content + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' + messages[-1].content[-1:] }}{% endif %}"
)

ManifestOf = Callable[..., Manifest]


def byte_tokenizer() -> Tokenizer:
    """Every byte is a token, and there are three special ones."""
    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (END, USER, ASSISTANT)])
    return tokenizer


def _bigrams(tokenizer: Tokenizer, *, capitals: bool) -> "NDArray[np.float32]":
    """Logits of the token that follows each token: 8 for the one that should, 6 for a letter's capital.

    "?" and "." follow no other: a text drawn without a seed must not come to the numbers that are none.
    """
    table = np.zeros((tokenizer.get_vocab_size(),) * 2, np.float32)
    [end] = tokenizer.encode(END).ids
    table[:, end] = 4
    table[:, tokenizer.encode("?.").ids] = -100

    def chain(text: str, *more: int) -> None:
        ids = [*tokenizer.encode(text).ids, *more]
        for before, after in pairwise(ids):
            table[before, after] = 8

    chain(ascii_lowercase, end)
    chain(ascii_lowercase.upper(), end)
    chain(digits + "0")
    chain("!" + EMOJI + "!")
    chain("?.")
    for before, after in zip(ascii_lowercase, ascii_lowercase[1:].upper(), strict=False):
        table[tokenizer.encode(before).ids[0], tokenizer.encode(after).ids[0]] = 9 if capitals else 6
    table[tokenizer.encode(".").ids[0]] = np.nan
    return table


def write_writer(folder: Path, manifest_of: ManifestOf, *, capitals: bool = False) -> None:
    import tensorflow as tf

    tokenizer = byte_tokenizer()
    spec = LanguageSpec(context_tokens=CONTEXT, end_ids=tuple(tokenizer.encode(END).ids))
    table = tf.Variable(_bigrams(tokenizer, capitals=capitals))

    def serve(token_ids: Any) -> dict[str, Any]:
        return {"logits": tf.gather(table, token_ids[:, -1])}

    given = tf.TensorSpec([None, None], tf.int32, name="token_ids")
    manifest = manifest_of(
        "writer",
        "text-generation",
        {},
        (),
        digest=f"sha256:writer-{capitals}",
        parameters=table.shape.num_elements(),
        processing=spec.model_dump(mode="json"),
        signatures={
            "serving_default": SignatureSpec(
                inputs={"token_ids": TensorSpec(dtype="int32", shape=(-1, -1))},
                outputs={"logits": TensorSpec(dtype="float32", shape=(-1, tokenizer.get_vocab_size()))},
            )
        },
    )
    body = {"inputs": "ab", "parameters": {"max_new_tokens": 3}}
    golden = _golden("alphabet", body, [{"generated_text": "CDE" if capitals else "cde"}])
    documents = {"tokenizer": tokenizer.to_str().encode(), "chat_template": TEMPLATE.encode()}
    write_version(
        folder, tf.function(serve, input_signature=[given]), [table], manifest, goldens=[golden], documents=documents
    )


def write_poet(folder: Path, manifest_of: ManifestOf, *, cached: bool) -> None:
    import keras
    import keras_hub
    import tensorflow as tf

    from export.archive import signature_specs
    from export.cached.signatures import CachedDecoding

    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(ascii_lowercase + ",.")}, []))
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(END, special=True)])
    keras.utils.set_random_seed(5)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=tokenizer.get_vocab_size(),
        num_layers=2,
        num_heads=4,
        hidden_dim=32,
        intermediate_dim=64,
        max_sequence_length=CONTEXT,
    )
    for variable in backbone.trainable_variables:  # as they are drawn no letter would depend on those before
        variable.assign(variable.value * 5.0)

    def project(states: Any) -> Any:
        return backbone.token_embedding(states, reverse=True)

    def serve(token_ids: Any) -> dict[str, Any]:
        states = backbone({"token_ids": token_ids, "padding_mask": tf.ones_like(token_ids)}, training=False)
        return {"logits": project(states[:, -1])}

    def greedy(prompt: str, count: int) -> str:
        ids = list(tokenizer.encode(prompt).ids)
        for _ in range(count):
            ids.append(int(np.argmax(serve(tf.constant([ids], tf.int32))["logits"])))
        return tokenizer.decode(ids[-count:])

    cache = Cache(slots=SLOTS, length=CONTEXT, piece=8)
    decoding = CachedDecoding(backbone, project, cache)
    serving = tf.function(serve, input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")])
    keeping = decoding.functions() if cached else {}
    manifest = manifest_of(
        "poet" if cached else "poet-plain",
        "text-generation",
        {},
        (),
        digest=f"sha256:poet-{cached}",
        parameters=backbone.count_params(),
        processing=LanguageSpec(context_tokens=CONTEXT).model_dump(mode="json"),
        signatures=signature_specs(serving, keeping),
        cache=cache if cached else None,
    )
    body = {"inputs": "roses are red", "parameters": {"max_new_tokens": 9}}
    golden = _golden("roses", body, [{"generated_text": greedy("roses are red", 9)}])
    write_version(
        folder,
        serving,
        [variable.value for variable in backbone.variables],
        manifest,
        goldens=[golden],
        documents={"tokenizer": tokenizer.to_str().encode()},
        others=keeping,
        tracked=decoding.tracked if cached else (),
    )


def write_embeddings(folder: Path, manifest_of: ManifestOf) -> None:
    import tensorflow as tf

    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    table = tf.Variable(np.array(VECTORS, np.float32))

    def serve(token_ids: Any) -> dict[str, Any]:
        """The mean over the tokens that are not padding."""
        there = tf.cast(token_ids != 0, tf.float32)[:, :, tf.newaxis]
        total = tf.reduce_sum(tf.gather(table, token_ids) * there, axis=1)
        return {"embedding": total / tf.maximum(tf.reduce_sum(there, axis=1), 1)}

    given = tf.TensorSpec([None, None], tf.int32, name="token_ids")
    manifest = manifest_of(
        "embeddings",
        "feature-extraction",
        {},
        (),
        digest="sha256:embeddings",
        languages=("en",),
        parameters=table.shape.num_elements(),
        processing=TextSpec(max_tokens=8, pad_id=0).model_dump(),
        signatures={
            "serving_default": SignatureSpec(
                inputs={"token_ids": TensorSpec(dtype="int32", shape=(-1, -1))},
                outputs={"embedding": TensorSpec(dtype="float32", shape=(-1, 3))},
            )
        },
    )
    golden = _golden("film", {"inputs": "good film"}, [[1.0, 0.0, 1.5]])
    documents = {"tokenizer": tokenizer.to_str().encode()}
    write_version(
        folder, tf.function(serve, input_signature=[given]), [table], manifest, goldens=[golden], documents=documents
    )


def write_shout(folder: Path, manifest_of: ManifestOf) -> None:
    import tensorflow as tf

    tokenizer = byte_tokenizer()
    tokenizer.add_tokens(list(PLACES))
    [end] = tokenizer.encode(END).ids
    capitals = np.arange(tokenizer.get_vocab_size(), dtype=np.int32)
    for letter in ascii_lowercase:
        capitals[tokenizer.encode(letter).ids] = tokenizer.encode(letter.upper()).ids
    table = tf.Variable(capitals)

    def serve(token_ids: Any) -> dict[str, Any]:
        return {"translation": tf.gather(table, token_ids)}

    given = tf.TensorSpec([None, None], tf.int32, name="token_ids")
    tokens = TensorSpec(dtype="int32", shape=(-1, -1))
    spec = TranslationSpec(max_tokens=CONTEXT, pad_id=end, source="en", target="es", beams=4)
    one = SignatureSpec(inputs={"token_ids": tokens}, outputs={"translation": tokens})
    several = {"token_ids": tokens, "num_beams": TensorSpec(dtype="int32", shape=(-1,))}
    manifest = manifest_of(
        "shout",
        "translation",
        {},
        (),
        digest="sha256:shout",
        parameters=table.shape.num_elements(),
        processing=spec.model_dump(),
        signatures={"serving_default": one, BEAM_SIGNATURE: SignatureSpec(inputs=several, outputs=one.outputs)},
    )

    def searched(token_ids: Any, num_beams: Any) -> dict[str, Any]:
        """An answer that only a search gives: one letter less for each beam but one."""
        places = tf.range(tf.shape(token_ids)[1])[tf.newaxis]
        lengths = tf.reduce_sum(tf.cast(token_ids != end, tf.int32), 1) - (num_beams - 1)
        return {"translation": tf.where(places < lengths[:, tf.newaxis], tf.gather(table, token_ids), end)}

    wanted = tf.TensorSpec([None], tf.int32, name="num_beams")
    write_version(
        folder,
        tf.function(serve, input_signature=[given]),
        [table],
        manifest,
        goldens=[_golden("loud", {"inputs": "be loud"}, [{"translation_text": "BE LOUD"}])],
        documents={"tokenizer": tokenizer.to_str().encode()},
        others={BEAM_SIGNATURE: tf.function(searched, input_signature=[given, wanted])},
    )


def _golden(name: str, body: object, expected: Any) -> Golden:
    return Golden.of(name, "application/json", json.dumps(body).encode(), expected, 1e-4)


def write_version(
    folder: Path,
    serve: Any,
    variables: Sequence[Any],
    manifest: Manifest,
    *,
    goldens: Sequence[Golden],
    documents: Mapping[str, bytes],
    others: Mapping[str, Any] | None = None,
    tracked: Sequence[Any] = (),
) -> None:
    """A version with `serve` behind its `serving_default`."""
    import tensorflow as tf

    from export.archive import documents_function

    sections = {"manifest": manifest.document(), "golden": dump_goldens(goldens), **documents}
    archive = tf.Module()
    archive.variables_of_it = [*variables, *tracked]
    signatures = {"serving_default": serve, "manifest": documents_function(sections), **(others or {})}
    tf.saved_model.save(archive, str(folder), signatures=signatures)
    version = VersionDir(folder)
    version.extra.mkdir()
    seal(version, manifest)


def write_all(target: Path, manifest_of: ManifestOf) -> None:
    write_writer(target / "writer", manifest_of)
    write_writer(target / "writer-other", manifest_of, capitals=True)
    write_poet(target / "poet", manifest_of, cached=True)
    write_poet(target / "poet-plain", manifest_of, cached=False)
    write_embeddings(target / "embeddings", manifest_of)
    write_shout(target / "shout", manifest_of)
