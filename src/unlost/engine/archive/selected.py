"""The shares of tables that a policy selects, or that leave with the selected records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from unlost.engine.archive.conditions import check_policy, columns_of, meets
from unlost.engine.archive.versions import of_columns
from unlost.engine.storage.mails import frame
from unlost.model.archive import ArchivePolicy
from unlost.model.ports.vault import Snapshot

LARGE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SelectedShare:
    """The number of records of a table that a policy selects, of all live ones."""

    selected: int
    records: int
    table: str

    @property
    def is_large(self) -> bool:
        """True if it selects more than half of its table."""
        return self.selected > LARGE_SHARE * self.records


def large_shares(snapshot: Snapshot, leaving: Mapping[str, int]) -> Iterator[SelectedShare]:
    """Yield the tables of which more than half leaves. ``leaving``: the numbers of records."""
    states = snapshot.tables()
    for table, count in sorted(leaving.items()):
        share = SelectedShare(count, states[table].alive, table)
        if share.is_large:
            yield share


def selected_share(snapshot: Snapshot, policy: ArchivePolicy, *, now: datetime) -> SelectedShare:
    """Count the records that a policy selects in a backup.

    Raises UsageError (``archive-…``) for a policy that cannot be used.
    """
    schema, states = snapshot.schema(), snapshot.tables()
    check_policy(policy, schema, now=now)
    table = schema.table(policy.table)
    if table is None or policy.table not in states or not states[policy.table].alive:
        return SelectedShare(0, 0, policy.table)
    # Of files whose old versions are freed, this is the upper limit: it needs no other table.
    matching = meets(table, of_columns(policy), now=now)
    if policy.ids:
        matching &= pl.col("_u_id").cast(pl.String).is_in(policy.ids)
    batches = snapshot.scan(policy.table, columns=columns_of(of_columns(policy)))
    selected = sum(int(frame(batch).select(matching.sum()).item()) for batch in batches)
    return SelectedShare(selected, states[policy.table].alive, policy.table)
