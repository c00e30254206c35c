"""Galleries, pictures, people, and receipts of what was erased."""

import sqlalchemy as sa
from alembic import op

from gateway.galleries.tables import POSTGRESQL, VectorType

revision = "0001"
down_revision = None


def upgrade() -> None:
    if op.get_bind().dialect.name == POSTGRESQL:
        op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    ordered = {
        length: sa.String(length).with_variant(sa.String(length, collation="C"), POSTGRESQL) for length in (64, 200)
    }
    op.create_table(
        "galleries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", ordered[64], nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("threshold", sa.Float(53)),
        sa.Column("created_s", sa.Float(53), nullable=False),
        sa.UniqueConstraint("name", name="galleries_name"),
    )
    op.create_table(
        "pictures",
        sa.Column("gallery", sa.Integer, sa.ForeignKey("galleries.id", name="pictures_gallery"), primary_key=True),
        sa.Column("id", ordered[200], primary_key=True),
        sa.Column("enrolled_s", sa.Float(53), nullable=False),
        sa.Column("vector", VectorType, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("thumbnail", sa.LargeBinary),
        sa.Column("picture", sa.LargeBinary),
    )
    op.create_table(
        "people",
        sa.Column("gallery", sa.Integer, sa.ForeignKey("galleries.id", name="people_gallery"), primary_key=True),
        sa.Column("id", ordered[64], primary_key=True),
        sa.Column("enrolled_s", sa.Float(53), nullable=False),
        sa.Column("expires_s", sa.Float(53), nullable=False),
        sa.Column("faces", sa.Integer, nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Index("people_expires", "expires_s"),
    )
    op.create_table(
        "receipts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("gallery", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Index("receipts_gallery", "gallery", "number"),
    )
