"""The graph gives texts the token ids that the gateway gives them."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from export.errors import NotInGraphError
from export.raw.text import TextGraph
from kmaas.config import Config
from processing.cleaning import with_cleaning
from processing.errors import UnreadableInputError, UnusableInputError
from processing.spec import TextSpec
from processing.text import TextEncoder
from training.data import minilm
from training.vocabulary import make_tokenizer

SPEC = TextSpec(max_tokens=24, pad_id=0)
TOKENIZER = make_tokenizer(
    ["Good films, bad films; isn't it? ½ of ＦＵＬＬ :-) don’t café ΣΑΣ ### 映画"] * 2, ["good", "unforgettable"], 500
)


@dataclass(frozen=True)
class Ways:
    """Two ways from texts to token ids by one `tokenizer.json`."""

    gateway: TextEncoder
    graph: Callable[[list[Any]], Any]

    @classmethod
    def of(cls, document: str) -> Self:
        import tensorflow as tf

        given = tf.TensorSpec([None], tf.string)
        function = tf.function(TextGraph(document, SPEC), input_signature=[given], autograph=False)
        return cls(TextEncoder(document, SPEC), lambda texts: function(tf.constant(texts, tf.string)).numpy())

    def check(self, texts: list[str]) -> None:
        expected, received = self.gateway.encode(texts), self.graph(texts)
        assert received.dtype == np.int32
        np.testing.assert_array_equal(received, expected)


@pytest.fixture(scope="module")
def bert() -> str:
    return minilm.load(Config().cache).tokenizer


@pytest.fixture(scope="module", params=["ours", "BERT's"])
def ways(request: pytest.FixtureRequest, bert: str) -> Ways:
    return Ways.of(TOKENIZER if request.param == "ours" else bert)


@pytest.fixture(scope="module")
def berts(bert: str) -> Ways:
    return Ways.of(bert)


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
        "[CLS] of the [SEP]aration: [MASK]s, [sep] [ SEP ] [[PAD]] [UNK",
        "pri\ue000vate \uf8ff soft\u00adhyphen \u2028 line \ufffd \U00100000",
        "[S\x00EP] [S\u00adEP] [S\u0301EP] a\x00b[MASK]c\x00",
        "中文字 豈 㐀x \U00020000 각 \u1100\u1161\u11a8",
        "שָׁלוֹם مَرْحَبًا \u202eright\u202c",
    ],
)
def test_ids_are_the_gateways(ways: Ways, text: str) -> None:
    ways.check([text])


def test_a_batch_is_padded_to_its_longest(ways: Ways) -> None:
    ways.check(["good", "a good film", "unforgettable films"])
    assert ways.graph([]).shape == (0, 0)


def test_every_character_that_tokenizers_know_is_read_alike(ways: Ways) -> None:
    """In one word with others, beside others, doubled; up to U+32FE, and the planes of emoji and of maths."""
    points = chain(range(0x20, 0x32FF), range(0x1D400, 0x1D800), range(0x1F600, 0x1F650))
    ways.check([f"a{c}b Σ{c}Σ !{c}? {c}{c} ##{c}" for c in map(chr, points)])


def test_whatever_is_written_is_read_alike(ways: Ways) -> None:
    choice = random.Random(0)
    alphabet = "abcdefgGOODfilms!#'’ ;:)(ΣİǅßéÉ½²ﬁ　\u0085\u200b\u00a0😀映\t\n0١Ⅷ_-.[]"
    ways.check(["x" + "".join(choice.choices(alphabet, k=choice.choice([1, 9, 60]))) for _ in range(2000)])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["good", ""], r"no readable characters in text \[1\]"),
        ([" \t\u3000"], r"no readable characters in text \[0\]"),
        ([b"good \xff"], "Invalid formatting on input string"),
        ([b"\xed\xa0\x80"], "Invalid formatting on input string"),
    ],
)
def test_what_it_refuses(ways: Ways, texts: list[Any], message: str) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ways.graph(texts)


def _with(document: str, **parts: Any) -> str:
    tokenizer = Tokenizer.from_str(document)
    for part, other in parts.items():
        setattr(tokenizer, part, other)
    return tokenizer.to_str()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"post_processor": processors.RobertaProcessing(("[UNK]", 1), ("[UNK]", 1))}, "its post_processor Roberta"),
        ({"post_processor": processors.TemplateProcessing("$A $A")}, "its post_processor TemplateProcessing has"),
        ({"pre_tokenizer": pre_tokenizers.Whitespace()}, "its pre_tokenizer Whitespace has"),
        ({"pre_tokenizer": None}, "its pre_tokenizer of none"),
        ({"normalizer": normalizers.Replace(Regex("a+"), "a")}, "its normalizer Replace has"),
        (
            {"normalizer": normalizers.Sequence([normalizers.BertNormalizer(), normalizers.NFC()])},
            "its normalizer BertNormalizer has",
        ),
        (
            {"pre_tokenizer": pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits()])},
            "its pre_tokenizer Sequence of Whitespace, Digits has",
        ),
        ({"model": models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")}, "its model WordLevel with 1 entries"),
        ({"model": models.WordPiece({"a": 0}, unk_token="[UNK]")}, "its model WordPiece with 1 entries"),
    ],
)
def test_a_part_without_a_twin_is_named_in_few_words(change: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(NotInGraphError, match=rf"^{reason}.* no twin among the operations of TensorFlow Serving"):
        TextGraph(_with(TOKENIZER, **change), SPEC)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (AddedToken("[MASK]", lstrip=True, rstrip=True), "with lstrip and rstrip"),
        (AddedToken("[MASK]", single_word=True), "with single_word"),
        (AddedToken("[MASK]", normalized=True), "with normalized"),
        (AddedToken("[NEW]", normalized=False), "outside its vocabulary"),
    ],
)
def test_an_added_token_that_looks_around_has_no_twin(bert: str, token: AddedToken, why: str) -> None:
    document = json.loads(bert)
    document["added_tokens"] = []
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.add_tokens([token])
    with pytest.raises(NotInGraphError, match=rf"^its added token '\[(MASK|NEW)\]' {why}"):
        TextGraph(tokenizer.to_str(), SPEC)


@pytest.mark.parametrize(
    "options",
    [
        {"lowercase": False},
        {"lowercase": False, "strip_accents": True},
        {"lowercase": True, "strip_accents": False, "handle_chinese_chars": False},
        {"clean_text": False},
        {"clean_text": False, "handle_chinese_chars": False, "lowercase": False, "strip_accents": False},
    ],
)
def test_berts_options_are_followed(bert: str, options: Mapping[str, bool]) -> None:
    normalizer = normalizers.BertNormalizer(**options)
    texts = [
        "Un Café, É e\u0301! ΣΑΣ good",
        "a\x00b c\u00add \ufffd\t",
        "x中文字y 映画",
        "\U0001e2ec\u302e\U0001d165 a",
    ]
    Ways.of(_with(bert, normalizer=normalizer)).check(texts)


@pytest.mark.parametrize(
    "around",
    [
        processors.TemplateProcessing("[UNK] [PAD] $A [UNK]", special_tokens=[("[UNK]", 1), ("[PAD]", 0)]),
        processors.TemplateProcessing("$A [UNK]", special_tokens=[("[UNK]", 1)]),
        processors.BertProcessing(("[PAD]", 0), ("[UNK]", 1)),
    ],
)
def test_what_is_put_around_a_text_is_put_around_each_and_kept_when_it_is_cut(around: Any) -> None:
    Ways.of(_with(TOKENIZER, post_processor=around)).check(["good", "a good film", "good " * 30])


def test_of_two_names_that_fit_the_longer_is_meant(bert: str) -> None:
    tokenizer = Tokenizer.from_str(bert)
    tokenizer.add_special_tokens(["[", "[CLS]]", "ab"])
    document = json.loads(tokenizer.to_str())
    for token in document["added_tokens"]:
        document["model"]["vocab"].setdefault(token["content"], token["id"])
    Ways.of(json.dumps(document)).check(["[CLS]] [CLS] [cls] abc a[SEP]]"])


_ALPHABETS = [
    st.characters(exclude_categories=["Cs"]),
    st.characters(categories=["Mn", "Mc", "Me"]),
    st.characters(categories=["Cc", "Cf", "Co", "Cn"]),
    st.characters(categories=["Zs", "Zl", "Zp"]),
    st.characters(categories=["Lu", "Lt"]),
    st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    st.characters(min_codepoint=0x590, max_codepoint=0x8FF),  # from right to left
    st.sampled_from([chr(point) for point in (0x4E00, 0x9FFF, 0xA000, 0xF900, 0xFAFF, 0x20000, 0x2F800, 0x2FA1F)]),
    st.sampled_from(["\u200d", "\ufe0f", "😀", "👩", "\U0001f1e6", "\U000e0067"]),
    st.sampled_from(["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[", "]", "sep", "##ing", "ing", "film", "é", "e\u0301"]),
]
_HOSTILE = st.lists(st.one_of(_ALPHABETS), max_size=40).map("".join)


@settings(max_examples=150)
@given(texts=st.lists(_HOSTILE, min_size=20, max_size=20))
@example(
    texts=["\U0001e2ec\u302e\U0001d165", "\u0344\u0316", "a\u0f71\u0f72b", "\u1160\u1161", "[CLS]\u0301[SEP]\u0300"]
)
def test_berts_ids_of_whatever_can_be_written(berts: Ways, texts: list[str]) -> None:
    berts.check([f"{text} x" for text in texts])


_TAGS = ["</", "/>", "<b>", "</p>", "<br", "<script>", "</script>", "<style ", " checked", "<a href=", "<!--", "-->"]
_REFERENCES = ["&lt;", "&amp;", "&#", "27", "39", "&#0039;", "&nbsp;", "<!DOCTYPE", "[SEP]", "film"]
_SIGNS = st.sampled_from(
    [*_TAGS, *_REFERENCES, *"<>=\"' \n&;xe\u0301ſ\u212aß\u1161\u00ad\u200b\u202e\u2066\x00\u0085\u00a0"]
)
_MARKED_UP = st.lists(st.one_of(*[_SIGNS] * 6, *_ALPHABETS), max_size=40).map("".join)
_MARKS_UP = st.lists(_SIGNS, max_size=40).map("".join)


@pytest.fixture(scope="module")
def cleaning_berts(bert: str) -> Ways:
    return Ways.of(with_cleaning(bert))


@pytest.fixture(scope="module", params=["ours", "BERT's"])
def cleaning(request: pytest.FixtureRequest, cleaning_berts: Ways) -> Ways:
    return Ways.of(with_cleaning(TOKENIZER)) if request.param == "ours" else cleaning_berts


@settings(max_examples=25)
@given(texts=st.lists(_MARKS_UP, min_size=30, max_size=30))
@example(texts=["<<b>script>", "&lt;b&gt;", "&amp;lt;", "<scr[SEP]ipt>", "<a x=" + "y" * 20_000, "&#0" * 20_000])
@example(texts=["👨‍👩‍👧‍👦🏳️‍🌈", "🇫🇷👍🏽", "1️⃣", "🏴\U000e0067\U000e0062\U000e007f", "می\u200cخواهم \u202eright\u202c"])
def test_cleaned_ids_of_whatever_is_marked_up(cleaning: Ways, texts: list[str]) -> None:
    cleaning.check([f"{text} x" for text in texts])


@settings(max_examples=25)
@given(texts=st.lists(_MARKED_UP, min_size=30, max_size=30))
def test_cleaned_ids_of_whatever_can_be_written(cleaning_berts: Ways, texts: list[str]) -> None:
    cleaning_berts.check([f"{text} x" for text in texts])


@pytest.mark.parametrize("sign", ["<a x='", "<script>< ", "&#"])
def test_very_many_signs_are_cleaned_alike(cleaning_berts: Ways, sign: str) -> None:
    cleaning_berts.check([sign * 50_000 + " x"])


@pytest.mark.parametrize("text", [b"good \xff", b"<b \xff>good", b"\xed\xa0\x80 good", b"caf\xc3<b>\xa9"])
def test_cleaning_takes_nothing_away_that_is_no_text(cleaning: Ways, text: bytes) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid formatting on input string"):
        cleaning.graph([text])


def test_of_a_text_that_is_nothing_but_html_nothing_is_left(cleaning: Ways) -> None:
    import tensorflow as tf

    with pytest.raises(UnusableInputError, match="no readable characters"):
        cleaning.gateway.encode(["<br/>&nbsp;<!-- x -->"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="no readable characters"):
        cleaning.graph(["<br/>&nbsp;<!-- x -->"])


@pytest.mark.parametrize("text", ["\u0301", "\x00", "\u200b", "\ue000", "\ufffd", "\u00a0\u3000\u2028", "\x1c\x85"])
def test_a_text_of_which_bert_leaves_nothing_is_refused_by_both(berts: Ways, text: str) -> None:
    import tensorflow as tf

    with pytest.raises(UnusableInputError):
        berts.gateway.encode([text])
    with pytest.raises(tf.errors.InvalidArgumentError, match="no readable characters"):
        berts.graph([text])


@pytest.mark.parametrize(
    "text",
    [
        "lazy dogs " * 100_000,
        "a" * 1_000_000,
        "a" + "\u0301\u0316" * 500_000,
        "[CLS] " * 160_000,
        "[CLS" * 250_000,
        "中" * 300_000,
        (("zqjxkvyw" * 13)[:100] + " ") * 10_000,
        "a" + "\x00" * 1_000_000,
    ],
    ids=["words", "one word", "marks", "names", "nearly names", "Chinese", "words in pieces", "nothing"],
)
def test_a_megabyte_is_read_alike(berts: Ways, text: str) -> None:
    berts.check([text])


@pytest.mark.parametrize("document", ["", "{}", "not json"])
def test_what_is_no_tokenizer_is_unreadable(document: str) -> None:
    with pytest.raises(UnreadableInputError, match=r"tokenizer\.json"):
        TextGraph(document, SPEC)


def test_other_normalisers_are_followed() -> None:
    replace = {"type": "Replace", "pattern": {"String": "."}, "content": "\\1"}
    for normalizer in (None, {"type": "NFD"}, {"type": "Sequence", "normalizers": [replace, {"type": "Lowercase"}]}):
        Ways.of(json.dumps(json.loads(TOKENIZER) | {"normalizer": normalizer})).check(["Good. café films"])
