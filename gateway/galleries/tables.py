"""The tables of galleries. All SQL of the gateway is in this package."""

from typing import Any

import numpy as np
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from gateway.galleries.gallery import Vector

POSTGRESQL = "postgresql"


class VectorType(TypeDecorator[Vector]):
    """float32 numbers: of pgvector in PostgreSQL, as bytes in SQLite, which is what sqlite-vec reads."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(VECTOR() if dialect.name == POSTGRESQL else LargeBinary())

    def process_bind_param(self, value: Vector | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == POSTGRESQL:
            return value
        return np.asarray(value, "<f4").tobytes()

    def process_result_value(self, value: Any, dialect: Dialect) -> Vector | None:  # noqa: ARG002 (SQLAlchemy's)
        if value is None:
            return None
        return np.frombuffer(value, "<f4") if isinstance(value, bytes) else np.asarray(value, np.float32)


METADATA = MetaData()


def _text(length: int) -> String:
    """In the order of the characters' numbers in every database."""
    ordered: String = String(length).with_variant(String(length, collation="C"), POSTGRESQL)
    return ordered


_MOMENT = Float(53)  # seconds since 1970

GALLERIES = Table(
    "galleries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", _text(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("model", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("digest", String(128), nullable=False),
    Column("threshold", Float(53)),  # of people: the distance from which on a face is another's
    Column("created_s", _MOMENT, nullable=False),
    UniqueConstraint("name", name="galleries_name"),
)

PICTURES = Table(
    "pictures",
    METADATA,
    Column("gallery", Integer, ForeignKey("galleries.id", name="pictures_gallery"), primary_key=True),
    Column("id", _text(200), primary_key=True),
    Column("enrolled_s", _MOMENT, nullable=False),
    Column("vector", VectorType, nullable=False),  # before what is large and not read by a search
    Column("metadata", Text, nullable=False),
    Column("thumbnail", LargeBinary),
    Column("picture", LargeBinary),
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("gallery", Integer, ForeignKey("galleries.id", name="people_gallery"), primary_key=True),
    Column("id", _text(64), primary_key=True),
    Column("enrolled_s", _MOMENT, nullable=False),
    Column("expires_s", _MOMENT, nullable=False),
    Column("faces", Integer, nullable=False),
    Column("key", String(16), nullable=False),  # which one sealed the row
    Column("sealed", LargeBinary, nullable=False),
    Index("people_expires", "expires_s"),
)

RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("gallery", String(64), nullable=False),  # a name: a receipt outlives its gallery
    Column("document", Text, nullable=False),
    Index("receipts_gallery", "gallery", "number"),
)


def cosine_distance(vector: Vector, dialect: str) -> ColumnElement[float]:
    """1 − the cosine of `PICTURES.c.vector` and `vector`."""
    column = PICTURES.c.vector
    if dialect == POSTGRESQL:
        return column.op("<=>", return_type=Float())(vector)
    return func.vec_distance_cosine(column, vector, type_=Float())
