"""Counts of a run's changes to a table, each record once however often it was read."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.engine.backup.session import BackupSession
from unlost.model.vault.snapshot import Added
from unlost.model.written import written


@written(alive="held")
@dataclass(frozen=True, slots=True)
class TableCounts:
    """Records created, changed, deleted and revived by the run, and the number alive afterwards."""

    created: int
    changed: int
    deleted: int
    revived: int
    alive: int


def tally(session: BackupSession, table: str, pieces: Sequence[Added]) -> TableCounts:
    """Counts of a table over everything that goes into the commit.

    A record that was never alive in the vault and is reported deleted counts as created and as
    deleted.
    """
    counts = session.commit.counts(table, pieces)
    state = session.newest.tables().get(table) if session.newest is not None else None
    live_count = (state.alive if state is not None else 0) + counts.created + counts.revived
    return TableCounts(
        counts.created, counts.changed, counts.deleted, counts.revived, live_count - counts.deleted
    )
