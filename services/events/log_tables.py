"""The tables of the *log store*, which holds what cannot be rebuilt: workspaces, sources, keys and the log.

A *place* in the log is (xid, seq): the writing transaction, then the row. Reading in this order and only below the
oldest running transaction never skips the row of a slower writer. On SQLite, where there is one writer, xid is 0. Times
are microseconds since 1970 UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, text

from infra.chassis.database import new_metadata

log_metadata = new_metadata()

_Seq = BigInteger().with_variant(Integer(), "sqlite")  # SQLite autoincrements only a plain INTEGER key

workspaces = Table(
    "workspaces",
    log_metadata,
    Column("key", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # keys the digests, so that ids do not reveal identifiers
    Column("created_at", BigInteger, nullable=False),
    Column("settings", Text, nullable=False, server_default="{}"),  # a JSON object, for frontends
)

sources = Table(
    "sources",
    log_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("default_channel", Text),
    Column("origins", Text, nullable=False, server_default="[]"),  # a JSON list
    Column("trust", String(8), nullable=False),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
)

source_keys = Table(
    "source_keys",
    log_metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256: keys are long and random, no slow hash is needed
    Column("workspace", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("kind", String(8), nullable=False),  # WRITE, SECRET
    Column("scopes", Text, nullable=False),  # separated by blanks
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Index("ix_source_keys_workspace_source", "workspace", "source"),
)

log = Table(
    "log",
    log_metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("xid", BigInteger, nullable=False),
    Column("workspace", String(64), nullable=False),
    Column("logged_at", BigInteger, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # see intake.slots
    Index("ix_log_workspace_xid_seq", "workspace", "xid", "seq"),
)
