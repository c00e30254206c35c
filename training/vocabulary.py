"""Makes the tokenizer of a text model from its training texts: words, and pieces for the words it has not seen.

`tokenizers` can train a WordPiece vocabulary itself, but ties fall otherwise in every process; counting words does not.
"""

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from processing import cleaning

PAD, UNKNOWN = "[PAD]", "[UNK]"

_CONTINUES = "##"
_MIN_COUNT = 2  # a word seen once teaches nothing that its pieces do not
_ENDING_LENGTHS = range(2, 6)
_ENDINGS = 1000


def make_tokenizer(texts: Iterable[str], given: Iterable[str], size: int, *, clean: bool = False) -> str:
    """`tokenizer.json` of a lower-casing WordPiece tokenizer with at most `size` entries, the padding first.

    All letters come first, then the words of `given` that are one word to the tokenizer, then the most frequent
    endings of words and the most frequent words. The same input gives the same document. With `clean` the words are
    those of cleaned texts, and texts are cleaned.
    """
    read = cleaning.clean if clean else str
    counts = Counter(word for text in texts for word in _words(read(text)))
    given_words = [words[0] for entry in given if len(words := _words(entry)) == 1]
    letters = sorted({letter for word in [*counts, *given_words] for letter in word})
    endings = Counter(word[-n:] for word in counts for n in _ENDING_LENGTHS if len(word) > n and word.isalpha())
    entries = [
        PAD,
        UNKNOWN,
        *letters,
        *(_CONTINUES + letter for letter in letters),
        *given_words,
        *(_CONTINUES + ending for ending in _by_count(endings)[:_ENDINGS]),
        *(word for word in _by_count(counts) if counts[word] >= _MIN_COUNT),
    ]
    vocabulary = {entry: number for number, entry in enumerate(list(dict.fromkeys(entries))[:size])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = _normalizer(), _pre_tokenizer()
    document = tokenizer.to_str()
    return cleaning.with_cleaning(document) if clean else document


def _normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace("’", "'")])


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """Runs of letters and digits, and runs of other signs, so that an emoticon stays whole."""
    runs = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "isolated")
    return pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), runs])


def _words(text: str) -> list[str]:
    return [word for word, _ in _pre_tokenizer().pre_tokenize_str(_normalizer().normalize_str(text))]


def _by_count(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))
