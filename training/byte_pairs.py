"""Makes tokenizers of byte pairs (BPE, as GPT-2 has it) from training texts."""

import json
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.normalizers import NFC
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

END = "<|endoftext|>"


def make_byte_pairs(texts: Iterable[str], size: int) -> str:
    """`tokenizer.json` of a language model with at most `size` tokens: the end, the 256 bytes, and the pairs that are
    most frequent.

    Every text can be encoded, and decoded to what it was. The same texts give the same document.
    """
    return _trained(Tokenizer(BPE()), texts, [END], size).to_str()


def make_sentence_pairs(texts: Iterable[str], special: Sequence[str], copied: Iterable[str], size: int) -> str:
    """`tokenizer.json` of whole sentences with at most `size` tokens: those of `special` first, which are the padding,
    the beginning and the end, then those of `copied`, which stand for what is not to be taken apart.

    A text ends with the end. Any text can be encoded, and comes out as it was but for its normal form (NFC).
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = NFC()
    document = json.loads(_trained(tokenizer, texts, [*special, *copied], size).to_str())
    for token in document["added_tokens"]:
        token["special"] = token["content"] in special  # or what is copied would be left out of a text
    tokenizer = Tokenizer.from_str(json.dumps(document))
    *_, end = special
    tokenizer.post_processor = TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, tokenizer.token_to_id(end))]
    )
    return tokenizer.to_str()


def _trained(tokenizer: Tokenizer, texts: Iterable[str], first: Sequence[str], size: int) -> Tokenizer:
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=size, special_tokens=list(first), initial_alphabet=sorted(ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
