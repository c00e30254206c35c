"""Texts to token ids and back, for models that write: by Hugging Face `tokenizers` from a `tokenizer.json`."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from processing.errors import UnreadableInputError


class TokenCodec:
    """Encodes and decodes. Safe to share between threads: it never changes after construction."""

    def __init__(self, tokenizer_json: str) -> None:
        """Raises `UnreadableInputError` when the document is not a tokenizer."""
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as exc:  # tokenizers raises plain Exception
            raise UnreadableInputError(f"tokenizer.json cannot be read: {exc}") from exc
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._document = self._tokenizer.to_str()
        self._special = {
            number: token.content
            for number, token in self._tokenizer.get_added_tokens_decoder().items()
            if token.special
        }

    def __eq__(self, other: object) -> bool:
        """Whether both read and write alike."""
        return isinstance(other, TokenCodec) and self._document == other._document

    def __hash__(self) -> int:
        return hash(self._document)

    @property
    def vocabulary(self) -> int:
        """How many ids there are; they begin with 0."""
        return self._tokenizer.get_vocab_size()

    @property
    def largest_id(self) -> int:
        """As a rule one less than there are; some tokenizers leave ids out."""
        return max(self._tokenizer.get_vocab().values(), default=-1)

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Tokens that steer the model and are not part of what it writes."""
        return tuple(self._special.values())

    def is_special(self, token: int) -> bool:
        return token in self._special

    def name(self, token: int) -> str | None:
        """The token as the vocabulary has it, None if there is none of that id."""
        return self._tokenizer.id_to_token(token)

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """`add_special_tokens`: also those that the tokenizer puts around a text, such as one for its beginning."""
        return self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, tokens: Sequence[int]) -> str:
        """Without special tokens; bytes that are no character become U+FFFD."""
        return self._tokenizer.decode(list(tokens), skip_special_tokens=True)
