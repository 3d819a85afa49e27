"""What a replay takes over from the state that it replaces, because the log alone does not tell it."""

from __future__ import annotations

from services.events.tables import former_instances, instance_changes, moving_instances

PUBLISHED = (instance_changes, moving_instances)
"""What was published of instances, and is to be. A replay publishes nothing, and nobody is to miss or repeat a change
because of one."""

_FORMER = ", ".join(former_instances.columns.keys())


def unmade_instances(replaced: str) -> str:
    """SQL that reads rows of `former_instances`.

    Ids of instances were given out and go on to resolve: to whatever takes their start event now. These are the ones
    that were former ones already, and those that the replay, by mended code, did not make again. `replaced` is the
    schema of the state that is replaced.
    """
    return f"""
        SELECT {_FORMER} FROM {replaced}.former_instances
        UNION
        SELECT known.workspace, known.instance, known.journey, known.start_event
        FROM {replaced}.instances AS known
        JOIN {replaced}.builds AS seen ON seen.workspace = known.workspace AND seen.build = known.build
        WHERE seen.state = 'LIVE' AND NOT EXISTS (
            SELECT 1 FROM instances AS made
            WHERE made.workspace = known.workspace AND made.instance = known.instance
        )
    """


def keep_unmade_instances(replaced: str) -> str:
    """SQL that keeps them."""
    return f"INSERT INTO former_instances ({_FORMER}) {unmade_instances(replaced)} ON CONFLICT DO NOTHING"


def keep_published(replaced: str) -> list[str]:
    """SQL, for tables that would be replaced with the others: the same rows."""
    return [
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {replaced}.{table.name}"
        for table in PUBLISHED
        for names in [", ".join(table.columns.keys())]
    ]
