"""The tables of the database, the same for SQLite and PostgreSQL. ``migrations`` bring older ones here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
ID = sa.String(32)  # a random UUID as hexadecimal
DIGEST = sa.String(64)  # SHA-256 as hexadecimal


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no zone: without this it would come back naive."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("id", ID, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    # Of a cookie's token, or of issuer and subject: neither can be had back from here.
    sa.Column("subject_digest", DIGEST, nullable=False, unique=True),
    sa.Column("name", sa.String(120), nullable=False, default=""),
    sa.Column("email", sa.String(320), nullable=False, default="", index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

WORKSPACES = sa.Table(
    "workspaces",
    METADATA,
    sa.Column("id", ID, primary_key=True),
    sa.Column("owner_id", ID, sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("name", sa.String(200), nullable=False, default=""),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # the choices, as ``to_json`` writes them
    sa.Column("page", sa.String(40), nullable=False, default=""),
    sa.Column("secret", sa.LargeBinary(32), nullable=False),  # the key of the pseudonyms: never leaves the server
    sa.Column("kept", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False, index=True),
    sa.Column("changed_by", ID, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("deleted_at", Moment, nullable=True),  # may be had back until retention takes it
)

VERSIONS = sa.Table(
    "versions",
    METADATA,
    sa.Column("workspace_id", ID, sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("page", sa.String(40), nullable=False, default=""),
    sa.Column("by", ID, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("note", sa.String(200), nullable=False, default=""),
)

BLOBS = sa.Table(
    "blobs",
    METADATA,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("n_bytes", sa.BigInteger, nullable=False),
    sa.Column("touched_at", Moment, nullable=False, index=True),  # last put: collection leaves it in peace for a while
)

UPLOADS = sa.Table(
    "uploads",
    METADATA,
    sa.Column("workspace_id", ID, sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", DIGEST, sa.ForeignKey("blobs.digest"), primary_key=True, index=True),
    sa.Column("name", sa.String(300), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

# A table that was read from an upload, kept as Parquet: it comes back without being parsed again.
READ_TABLES = sa.Table(
    "read_tables",
    METADATA,
    sa.Column("key", DIGEST, primary_key=True),  # of the reading: bytes, name and choices
    sa.Column("source_digest", DIGEST, sa.ForeignKey("blobs.digest", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("digest", DIGEST, sa.ForeignKey("blobs.digest"), nullable=False, index=True),
    sa.Column("described", sa.Text, nullable=False),  # what the table is beside its rows, as JSON
    sa.Column("used_at", Moment, nullable=False),
)

ERASURES = sa.Table(
    "erasures",
    METADATA,
    sa.Column("id", ID, primary_key=True),
    sa.Column("workspace_id", ID, sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("world", sa.String(40), nullable=False),
    sa.Column("digests", sa.Text, nullable=False),
    sa.Column("headings", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

LINKS = sa.Table(
    "links",
    METADATA,
    sa.Column("id", ID, primary_key=True),
    sa.Column("workspace_id", ID, sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("token_digest", DIGEST, nullable=False, unique=True),
    sa.Column("role", sa.String(8), nullable=False),
    sa.Column("label", sa.String(120), nullable=False, default=""),
    sa.Column("page", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # the choices as they were shared
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", ID, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("until", Moment, nullable=True),
    sa.Column("revoked_at", Moment, nullable=True),
    sa.Column("opened_at", Moment, nullable=True),
)

MEMBERS = sa.Table(
    "members",
    METADATA,
    sa.Column("workspace_id", ID, sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("email", sa.String(320), primary_key=True),  # as the provider vouches for it, in lower case
    sa.Column("role", sa.String(8), nullable=False),
    sa.Column("added_by", ID, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("added_at", Moment, nullable=False),
)

# What was done to work and data, by whom and when: no figure, no id of a customer.
DEEDS = sa.Table(
    "deeds",
    METADATA,
    sa.Column("id", ID, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("person_id", ID, nullable=False),
    sa.Column("workspace_id", ID, nullable=False, index=True),
    sa.Column("deed", sa.String(40), nullable=False),
    sa.Column("count", sa.Integer, nullable=False, default=0),
)
