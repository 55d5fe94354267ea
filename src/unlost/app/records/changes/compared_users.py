"""The users behind the differences of a comparison, and the differences of one of them.

Of two backups, a user is the last one who changed a record, or who deleted it, in the later backup.
The live org names its user among the differing fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.records.last_changes import LastChange, last_changes
from unlost.app.records.record_facts import UserNames
from unlost.engine.records.compare import Between, LiveComparison
from unlost.engine.sameness import instant
from unlost.model.mass_changes import UserShare
from unlost.model.vault.snapshot import ChangeKind

if TYPE_CHECKING:
    from unlost.model.source.schema import Table

COUNTED = 5_000  # records whose users are counted; of one user all records are listed
FETCH = 5_000  # ids per lookup

type Line = Mapping[str, str | None]
"""A differing field: id, change, column, old, new."""


@dataclass(slots=True)
class ComparedUsers:
    """The users of differing records of ``table``; ``by`` (an id): only records of this user.

    ``kind``: only records with this kind of change are counted.
    """

    differ: Between | LiveComparison
    table: Table
    by: str = ""
    kind: ChangeKind | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def narrowed(self, batch: pa.Table) -> pa.Table:
        """Count the users of a batch of differences, and return the rows of ``by``."""
        counted = batch
        if self.kind is not None:
            counted = batch.filter(pc.equal(batch["change"], self.kind.value))
        missing = COUNTED - self.counts.total()
        if missing > 0:
            ids = counted["id"].unique().slice(0, missing)
            changes = self.changes(counted.filter(pc.is_in(counted["id"], value_set=ids)))
            self.counts.update(change.by for change in changes.values() if change.by)
        if not self.by:
            return batch
        changes = self.changes(batch)
        mine = [record for record, change in changes.items() if change.by == self.by]
        return batch.filter(pc.is_in(batch["id"], value_set=pa.array(mine, pa.string())))

    def changes(self, batch: pa.Table) -> Mapping[str, LastChange]:
        """Return the last changes of the records of a batch, by id; without the unknown ones."""
        ids: Sequence[str] = batch["id"].unique().to_pylist()
        if isinstance(self.differ, LiveComparison):
            return self._live(batch, ids)
        changes: dict[str, LastChange] = {}
        for at in range(0, len(ids), FETCH):
            some = ids[at : at + FETCH]
            changes |= last_changes(self.differ.new, self.table.name, some)
        return changes

    def shares(self) -> tuple[UserShare, ...]:
        """Return the counted users with their names, those with most records first."""
        older = self.differ.old
        people = UserNames(self.differ.new if isinstance(self.differ, Between) else older)
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            UserShare(by, count, name=people.name(self.table.name, by)) for by, count in ranked
        )

    def _live(self, batch: pa.Table, ids: Sequence[str]) -> Mapping[str, LastChange]:
        """Read the last changes from the differing fields; an equal user is that of the backup."""
        lines: list[Line] = batch.to_pylist() if "column" in batch.column_names else []
        users, times = self.table.modified_by_column, self.table.modified_column
        new_users = {str(line["id"]): line["new"] for line in lines if line["column"] == users}
        new_times = {str(line["id"]): line["new"] for line in lines if line["column"] == times}
        stored = last_changes(self.differ.old, self.table.name, list(new_times))
        people = UserNames(self.differ.old)
        changes: dict[str, LastChange] = {}
        for record in ids:
            known = stored.get(record)
            by = new_users.get(record) or (known.by if known is not None else "")
            name = people.name(self.table.name, by)
            changes[record] = LastChange(by, name, _time(new_times.get(record)))
        return changes


def _time(text: str | None) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        return None
