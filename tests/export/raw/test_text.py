"""The graph gives texts the token ids that the gateway gives them."""

import json
import random
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from export.errors import NotInGraphError
from export.raw.text import TextGraph
from processing.errors import UnreadableInputError
from processing.spec import TextSpec
from processing.text import TextEncoder
from training.vocabulary import make_tokenizer

SPEC = TextSpec(max_tokens=24, pad_id=0)
TOKENIZER = make_tokenizer(
    ["Good films, bad films; isn't it? ½ of ＦＵＬＬ :-) don’t café ΣΑΣ ### 映画"] * 2, ["good", "unforgettable"], 500
)

Encode = Callable[[list[Any]], Any]


@pytest.fixture(scope="module")
def in_graph() -> Encode:
    import tensorflow as tf

    graph = TextGraph(TOKENIZER, SPEC)
    function = tf.function(graph, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    return lambda texts: function(tf.constant(texts, tf.string)).numpy()


def _check(in_graph: Encode, texts: list[str]) -> None:
    expected, received = TextEncoder(TOKENIZER, SPEC).encode(texts), in_graph(texts)
    assert received.dtype == np.int32
    np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize(
    "text",
    [
        "good",
        "A GOOD film, isn't it?",
        "don’t ½ ＦＵＬＬ ﬁlms ㎏ ²",
        "ΣΑΣ İstanbul ẞ ǅ",
        "café cafe\u0301",
        ":-) ### ##films [UNK] [PAD] _a_",
        "tabs\tand\nlines\u00a0and\u3000more\u2003\u0085spaces",
        "映画は good 😀😀 👩‍👩‍👧",
        "zero\u200bwidth \u180e \x00 \x1f",
        "word " * 100,
        "a" * 100 + " " + "a" * 101 + " " + "é" * 101,
    ],
)
def test_ids_are_the_gateways(in_graph: Encode, text: str) -> None:
    _check(in_graph, [text])


def test_a_batch_is_padded_to_its_longest(in_graph: Encode) -> None:
    _check(in_graph, ["good", "a good film", "unforgettable films"])
    assert in_graph([]).shape == (0, 0)


def test_every_character_that_tokenizers_know_is_read_alike(in_graph: Encode) -> None:
    """In one word with others, beside others, doubled; up to U+32FE, and the planes of emoji and of maths."""
    points = chain(range(0x20, 0x32FF), range(0x1D400, 0x1D800), range(0x1F600, 0x1F650))
    _check(in_graph, [f"a{c}b Σ{c}Σ !{c}? {c}{c} ##{c}" for c in map(chr, points)])


def test_whatever_is_written_is_read_alike(in_graph: Encode) -> None:
    choice = random.Random(0)
    alphabet = "abcdefgGOODfilms!#'’ ;:)(ΣİǅßéÉ½²ﬁ　\u0085\u200b\u00a0😀映\t\n0١Ⅷ_-.[]"
    _check(in_graph, ["x" + "".join(choice.choices(alphabet, k=choice.choice([1, 9, 60]))) for _ in range(2000)])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["good", ""], r"no readable characters in text \[1\]"),
        ([" \t\u3000"], r"no readable characters in text \[0\]"),
        ([b"good \xff"], "Invalid formatting on input string"),
        ([b"\xed\xa0\x80"], "Invalid formatting on input string"),
    ],
)
def test_what_it_refuses(in_graph: Encode, texts: list[Any], message: str) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        in_graph(texts)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"post_processor": processors.TemplateProcessing("[UNK] $A", special_tokens=[("[UNK]", 1)])},
            "its post_proces",
        ),
        ({"pre_tokenizer": pre_tokenizers.Whitespace()}, "its pre_tokenizer"),
        ({"pre_tokenizer": pre_tokenizers.WhitespaceSplit()}, "its pre_tokenizer"),
        ({"normalizer": normalizers.BertNormalizer()}, "its normalizer"),
        ({"normalizer": normalizers.Replace(Regex("a+"), "a")}, "its normalizer"),
        ({"model": models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")}, "its model WordLevel with 1 entries"),
        ({"model": models.WordPiece({"a": 0}, unk_token="[UNK]")}, "its model WordPiece with 1 entries"),
    ],
)
def test_a_part_without_a_twin_is_named(change: Mapping[str, Any], reason: str) -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER)
    for part, other in change.items():
        setattr(tokenizer, part, other)
    with pytest.raises(NotInGraphError, match=rf"^{reason}.* has no twin among the operations of TensorFlow Serving"):
        TextGraph(tokenizer.to_str(), SPEC)


def test_added_tokens_have_no_twin() -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER)
    tokenizer.add_special_tokens(["[MASK]"])
    with pytest.raises(NotInGraphError, match=r"^its added_tokens"):
        TextGraph(tokenizer.to_str(), SPEC)


@pytest.mark.parametrize("document", ["", "{}", "not json"])
def test_what_is_no_tokenizer_is_unreadable(document: str) -> None:
    with pytest.raises(UnreadableInputError, match=r"tokenizer\.json"):
        TextGraph(document, SPEC)


def test_other_normalisers_are_followed(in_graph: Encode) -> None:
    import tensorflow as tf

    replace = {"type": "Replace", "pattern": {"String": "."}, "content": "\\1"}
    for normalizer in (None, {"type": "NFD"}, {"type": "Sequence", "normalizers": [replace, {"type": "Lowercase"}]}):
        document = json.dumps(json.loads(TOKENIZER) | {"normalizer": normalizer})
        texts = ["Good. café films"]
        received = TextGraph(document, SPEC)(tf.constant(texts)).numpy()
        np.testing.assert_array_equal(received, TextEncoder(document, SPEC).encode(texts))
