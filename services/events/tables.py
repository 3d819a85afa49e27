"""The tables of the *state store*: projections of the log, which can be thrown away.

What cannot be rebuilt stands in the *log store* (log_tables.py). Embedded they are two SQLite files, so that projecting
never makes an acknowledgement wait; on PostgreSQL they share a database. Times are microseconds since 1970 UTC; ids are
16-byte digests (see identity.domain).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, text

from infra.chassis.database import new_metadata

state_metadata = new_metadata()

_Seq = BigInteger().with_variant(Integer(), "sqlite")  # SQLite autoincrements only a plain INTEGER key

projectors = Table(
    "projectors",
    state_metadata,
    Column("owner", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),  # renewed while the process lives
)

leases = Table(
    "leases",
    state_metadata,
    Column("name", String(96), primary_key=True),
    Column("owner", String(64)),
    Column("epoch", BigInteger, nullable=False),  # grows with every change of owner
)

cursors = Table(
    "cursors",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("xid", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("slots", BigInteger, nullable=False),  # how many slots lie at or before the cursor
)

seen_messages = Table(
    "seen_messages",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
)

identifiers = Table(
    "identifiers",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("profile", LargeBinary, primary_key=True),
    Column("type", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("first_key", LargeBinary, nullable=False),  # history key of the first event that names it
    Column("verified_key", LargeBinary),  # and of the first that vouches for it
    Column("cluster", LargeBinary, nullable=False),  # linked to each other, refused links included
    Column("customer", LargeBinary, nullable=False),  # the profile that survives in its component
    Index("ix_identifiers_workspace_customer", "workspace", "customer"),
    Index("ix_identifiers_workspace_cluster", "workspace", "cluster"),
)

links = Table(
    "links",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("strong", LargeBinary, primary_key=True),  # the profile of the event's strongest identifier
    Column("weak", LargeBinary, primary_key=True),
    Column("verified", Boolean, primary_key=True),
    Column("key", LargeBinary, nullable=False),  # history key of the first event that says so
    Column("seq", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("cluster", LargeBinary, nullable=False),
    Column("refusal", String(32)),  # null when taken
    Index("ix_links_workspace_cluster", "workspace", "cluster"),
    Index(
        "ix_links_workspace_weak",  # of those that are in no cluster
        *("workspace", "weak"),
        postgresql_where=text("refusal = 'OVERFULL'"),
        sqlite_where=text("refusal = 'OVERFULL'"),
    ),
)

timeline = Table(
    "timeline",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("profile", LargeBinary, primary_key=True),  # of the event's strongest identifier; it never moves
    Column("key", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
)

dirty = Table(
    "dirty",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("customer", LargeBinary, primary_key=True),
    Column("xid", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("from_key", LargeBinary, nullable=False),  # the part of the history that is another one now,
    Column("to_key", LargeBinary, nullable=False),  # both ends included; see projector.dirty
    Column("events", Integer, nullable=False),  # how many events came in
    Column("cause", Integer, nullable=False, server_default=text("1")),  # whether they are history; see projector.dirty
    Index("ix_dirty_workspace_xid_seq", "workspace", "xid", "seq"),
)

customers = Table(
    "customers",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("customer", LargeBinary, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("first_key", LargeBinary, nullable=False),  # history keys of the first event and the last
    Column("last_key", LargeBinary, nullable=False),
    Column("first_event", Text, nullable=False),  # the id of the event
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("traits", LargeBinary, nullable=False),  # see live.traits
    Column("state", LargeBinary, nullable=False),  # after the last event, by build; see live.state
    Column("clock", BigInteger, nullable=False),  # up to when silence is told in `instances`
    Column("due_at", BigInteger),  # when silence ends the next instance
    Index("ix_customers_workspace_last_seen_at_customer", "workspace", "last_seen_at", "customer"),
    Index("ix_customers_workspace_partition_due_at", "workspace", "partition", "due_at"),
    Index("ix_customers_workspace_clock", "workspace", "clock"),
)

checkpoints = Table(
    "checkpoints",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("customer", LargeBinary, primary_key=True),
    Column("key", LargeBinary, primary_key=True),  # history key of the last event before it
    Column("state", LargeBinary, nullable=False),  # after that event, by build; see live.state
)

builds = Table(
    "builds",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("build", BigInteger, primary_key=True),  # from the place in the log of the publication that asked for it
    Column("xid", BigInteger, nullable=False),
    Column("journey", String(64), nullable=False),
    Column("versions", Text, nullable=False),  # a JSON list: the schedule that its instances follow
    Column("state", String(8), nullable=False),  # LIVE, BUILDING, RETIRED
)

build_progress = Table(
    "build_progress",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("build", BigInteger, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("after", LargeBinary, nullable=False),  # customers up to here are folded under the build
    Column("folded", Integer, nullable=False),
    Column("done", Boolean, nullable=False),
)

instances = Table(
    "instances",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("customer", LargeBinary, primary_key=True),
    Column("build", BigInteger, primary_key=True),
    Column("instance", LargeBinary, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("journey", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", Text),
    Column("run", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("phase", String(64), nullable=False),
    Column("furthest", String(64), nullable=False),  # the last phase, in believed order, that it reached
    Column("touchpoint", String(64)),
    Column("started_at", BigInteger, nullable=False),
    Column("start_key", LargeBinary, primary_key=True),  # history key of the event that started the run
    Column("start_event", Text, nullable=False),  # and its id
    Column("channel", Text),  # of the first step, as are the next three
    Column("device", Text),
    Column("source", String(64), nullable=False),
    Column("variant", Text),
    Column("last_event_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("due_at", BigInteger),
    Column("drop_reason", String(32)),
    Column("drop_phase", String(64)),
    Column("drop_at", BigInteger),
    Column("drop_evidence", Text),  # event ids separated by blanks
    Column("resting", LargeBinary),  # completed and closed, it may still be returned: the run as it stood then
    Column("end_key", LargeBinary),  # history key of the event that ended it after it had rested
    Index("ix_instances_workspace_instance", "workspace", "instance"),
    Index(
        "ix_instances_workspace_key_customer_build",
        *("workspace", "key", "customer", "build"),
        postgresql_where=text("key IS NOT NULL"),
        sqlite_where=text("key IS NOT NULL"),
    ),
    Index(
        "ix_instances_workspace_customer_build_end_key",
        *("workspace", "customer", "build", "end_key"),
        postgresql_where=text("end_key IS NOT NULL"),
        sqlite_where=text("end_key IS NOT NULL"),
    ),
    Index(
        "ix_instances_workspace_customer_build_last_event_at",  # those at rest, by the last event before it
        *("workspace", "customer", "build", "last_event_at"),
        postgresql_where=text("resting IS NOT NULL AND end_key IS NULL"),
        sqlite_where=text("resting IS NOT NULL AND end_key IS NULL"),
    ),
    Index("ix_instances_workspace_started_at_instance", "workspace", "started_at", "instance"),
    Index("ix_instances_workspace_journey_started_at", "workspace", "journey", "started_at"),
)

former_instances = Table(
    "former_instances",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("instance", LargeBinary, primary_key=True),
    Column("journey", String(64), nullable=False),
    Column("start_event", Text, nullable=False),  # its id resolves to the instance that takes this event now
)

steps = Table(
    "steps",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("customer", LargeBinary, primary_key=True),
    Column("build", BigInteger, primary_key=True),
    Column("key", LargeBinary, primary_key=True),  # of the event: at most one instance of a build takes it
    Column("instance", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("touchpoint", String(64)),
    Column("phase", String(64), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("status", String(16), nullable=False),  # of the instance after the step
    Column("channel", Text),
    Column("device", Text),
    Index(
        "ix_steps_workspace_customer_build_instance_key",  # those of pauses
        *("workspace", "customer", "build", "instance", "key"),
        postgresql_where=text("status = 'PAUSED'"),
        sqlite_where=text("status = 'PAUSED'"),
    ),
)

instance_changes = Table(
    "instance_changes",
    state_metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("xid", BigInteger, nullable=False),  # a place as in the log, so that no slower writer's row is skipped
    Column("workspace", String(64), nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("changes", Integer, nullable=False),  # how many
    Column("body", LargeBinary, nullable=False),  # see changes.store
    Index("ix_instance_changes_workspace_xid_seq", "workspace", "xid", "seq"),
)

moving_instances = Table(
    "moving_instances",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("instance", LargeBinary, primary_key=True),
    Column("build", BigInteger, primary_key=True),
    Column("partition", Integer, nullable=False),  # of the customer whose it was
    Column("xid", BigInteger, nullable=False),  # who gets it is marked at this place at the latest
    Column("seq", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # what has been published of it; see projector.moving
)

counters = Table(
    "counters",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("build", BigInteger, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("span", String(5), primary_key=True),  # day or month
    Column("day", Integer, primary_key=True),  # the first of the span in which instances started, UTC, since 1970
    Column("dimension", String(8), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # see insights.store
    Column("gaps", LargeBinary, nullable=False),  # apart, because it is many times as long and seldom asked for
)

counter_changes = Table(
    "counter_changes",
    state_metadata,
    Column("number", _Seq, primary_key=True, autoincrement=True),
    Column("workspace", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),  # what is still to be added to counters; see insights.store
    Index("ix_counter_changes_workspace", "workspace"),
)

rejected_events = Table(
    "rejected_events",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("path", Text, nullable=False),  # a JSON list
    Column("body", LargeBinary, nullable=False),
)

source_counts = Table(
    "source_counts",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),  # of receipt, in UTC, since 1970
    Column("code", String(64), primary_key=True),  # of rejected events; empty: accepted
    Column("events", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),  # when the last one was received
)

source_names = Table(
    "source_names",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("days", Integer, nullable=False),  # see health.domain
)

models = Table(
    "models",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("journey", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

published_personas = Table(
    "published_personas",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("persona", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("matches", Text),  # a rule over a customer; null: nobody is matched
    Column("seq", BigInteger, nullable=False),
)

asked_names = Table(
    "asked_names",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("name", LargeBinary, primary_key=True),  # of events that rules of personas ask about; see personas.domain
    # What lies between these places of the log is still to be looked through; null when all of it is.
    Column("after_xid", BigInteger),
    Column("after_seq", BigInteger),
    Column("until_xid", BigInteger),
    Column("until_seq", BigInteger),
)

occurrences = Table(
    "occurrences",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("profile", LargeBinary, primary_key=True),  # as in the timeline
    Column("name", LargeBinary, primary_key=True),  # one of asked_names
    Column("key", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
)

stuck = Table(
    "stuck",
    state_metadata,
    Column("workspace", String(64), primary_key=True),
    Column("customer", LargeBinary, primary_key=True),
    Column("event", Text, primary_key=True),  # the id of the event that is left out; empty: none could be named
    Column("key", LargeBinary, nullable=False),  # its history key
    Column("partition", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)
