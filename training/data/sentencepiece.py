"""Reads a vocabulary of SentencePiece, as Llama's and Moonshine's tokenizers have it, into a `tokenizer.json`."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer, normalizers
from tokenizers.decoders import ByteFallback, Fuse, Replace, Sequence
from tokenizers.models import BPE

from training.data.protobuf import fields
from training.errors import DataError

_PIECE, _TRAINER = 1, 2  # fields of ModelProto
_TEXT, _SCORE, _KIND = 1, 2, 3  # fields of SentencePiece
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3  # kinds of pieces
_MODEL, _BYTE_PAIRS = 3, 2  # field of TrainerSpec, and the model that can be read
_SPACE = "\u2581"


@dataclass(frozen=True)
class _Piece:
    text: str
    score: float
    kind: int


def read_sentencepiece(file: bytes) -> Tokenizer:
    """One that keeps the space with which a piece of a text begins.

    Raises:
        DataError: the file is broken, or its pieces are not merged from pairs.
    """
    try:
        told = list(fields(file))
        pieces = [_piece(value) for field, value in told if field == _PIECE]
        kinds = [
            kind for field, value in told if field == _TRAINER for number, kind in fields(value) if number == _MODEL
        ]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error) as exc:
        raise DataError(f"the vocabulary of SentencePiece cannot be read: {exc!r}") from exc
    if kinds != [_BYTE_PAIRS] or not pieces:
        raise DataError("the vocabulary of SentencePiece is none of byte pairs")
    return _tokenizer(pieces)


def _piece(message: bytes) -> _Piece:
    told = dict(fields(message))
    (score,) = struct.unpack("<f", told.get(_SCORE, bytes(4)))
    return _Piece(told[_TEXT].decode(), score, told.get(_KIND, _NORMAL))


def _tokenizer(pieces: list[_Piece]) -> Tokenizer:
    vocabulary = {piece.text: number for number, piece in enumerate(pieces)}
    unknown = next((piece.text for piece in pieces if piece.kind == _UNKNOWN), None)
    ranked = sorted(_merges(pieces, vocabulary), key=lambda merge: merge[2])
    merges = [(one, other) for one, other, _ in ranked]
    tokenizer = Tokenizer(BPE(vocabulary, merges, unk_token=unknown, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)])
    tokenizer.decoder = Sequence([Replace(_SPACE, " "), ByteFallback(), Fuse()])
    marks = [piece.text for piece in pieces if piece.kind in (_UNKNOWN, _CONTROL)]
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    return tokenizer


def _merges(pieces: list[_Piece], vocabulary: Mapping[str, int]) -> Iterator[tuple[str, str, tuple[float, int, int]]]:
    """Each pair that is a piece together, and its rank: the piece of the highest score is merged first."""
    for piece in pieces:
        if piece.kind == _NORMAL:
            for cut in range(1, len(piece.text)):
                one, other = piece.text[:cut], piece.text[cut:]
                if one in vocabulary and other in vocabulary:
                    yield one, other, (-piece.score, vocabulary[one], vocabulary[other])
