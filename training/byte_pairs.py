"""Makes the tokenizer of a language model from its training texts: byte-level BPE, as GPT-2 has it."""

from collections.abc import Iterable

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

END = "<|endoftext|>"


def make_byte_pairs(texts: Iterable[str], size: int) -> str:
    """`tokenizer.json` with at most `size` tokens: the end, the 256 bytes, and the pairs that are most frequent.

    Every text can be encoded, and decoded to what it was. The same texts give the same document.
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=size, special_tokens=[END], initial_alphabet=sorted(ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()
