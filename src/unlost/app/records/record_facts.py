"""What people want to know of a record besides its cells: its table, its name, whether it is gone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from unlost.model.errors import NotFound
from unlost.model.ports.vault import Snapshot
from unlost.model.reading import Op
from unlost.model.schema import Schema, Table
from unlost.model.snapshot import SnapshotInfo, Version


@dataclass(frozen=True, slots=True)
class RecordDeletion:
    """How a record went, and when.

    ``at`` and ``by`` (a user's id) where the source told them; else it went between the backups of
    ``after`` and ``until``. ``after`` is None if no earlier backup is known.
    """

    how: Op
    at: datetime | None
    by: str | None
    by_name: str
    after: datetime | None
    until: datetime


def table_named(schema: Schema, name: str) -> Table:
    """The table that was meant, by its name in any case; raises NotFound."""
    exact = schema.table(name)
    if exact is not None:
        return exact
    same = [table for table in schema.tables if table.name.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    near = get_close_matches(name, [table.name for table in schema.tables], n=3, cutoff=0.5)
    raise NotFound(
        "table-unknown",
        f"This backup has no table {name!r}.",
        next_step=f"Did you mean {' or '.join(near)}?"
        if near
        else "See the tables in `unlost certificate`.",
    )


def record_unknown(table: str, record: str) -> NotFound:
    """The error for a record that the vault does not have: never seen, forgotten or erased."""
    return NotFound(
        "record-unknown",
        f"The vault has no record {record!r} in {table}.",
        next_step="Search for it with `unlost find`, by its number, name, e-mail or phone. What was "
        "erased is not there any more.",
    )


def how_gone(
    versions: Sequence[Version], nights: Sequence[SnapshotInfo], *, people: "UserNames"
) -> RecordDeletion | None:
    """How a record of these versions (oldest first) went; None while it is alive."""
    if not versions or versions[-1].op.alive:
        return None
    last = versions[-1]
    first = _first_tombstone(versions)
    before = [night for night in nights if night.number < first.snapshot and night.read(last.table)]
    is_told = last.op is Op.DELETED
    by = last.modified_by if is_told else None
    return RecordDeletion(
        how=last.op,
        at=last.modified_at if is_told else None,
        by=by,
        by_name=people.name(last.table, by),
        after=before[-1].as_of if before else None,
        until=first.observed_at,
    )


def last_alive(versions: Sequence[Version], nights: Sequence[SnapshotInfo]) -> int | None:
    """The number of the last backup that shows a deleted record alive; None if none does.

    Those that did may have been forgotten.
    """
    alive = [version.snapshot for version in versions if version.op.alive]
    first = _first_tombstone(versions)
    numbers = [night.number for night in nights]
    shown = [n for n in numbers if alive and alive[-1] <= n < first.snapshot]
    return shown[-1] if shown else None


def _first_tombstone(versions: Sequence[Version]) -> Version:
    """The version that ended a record; later tombstones only tell more of the same end."""
    first = versions[-1]
    for version in reversed(versions):
        if version.op.alive:
            break
        first = version
    return first


class UserNames:
    """Names of the users who changed records, read from a snapshot and remembered."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._names = RecordNames(snapshot)
        self._schema = snapshot.schema()

    def name(self, table: str, user: str | None) -> str:
        """The name of a user of a table's last-modified column; empty where it is not known."""
        described = self._schema.table(table)
        column = (
            described
            and described.modified_by_column
            and described.column(described.modified_by_column)
        )
        if not user or not column or column.reference is None:
            return ""
        return self._names.of(column.reference.tables, [user]).get(user, "")


class RecordNames:
    """Names of records, read from a snapshot and remembered."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._schema = snapshot.schema()
        self._held = snapshot.tables()
        self._known: dict[tuple[str, str], str] = {}

    def of(self, tables: Iterable[str], ids: Sequence[str]) -> Mapping[str, str]:
        """Names by id, of the records that are found in one of the tables."""
        names: dict[str, str] = {}
        for table in tables:
            wanted = [record_id for record_id in ids if record_id not in names]
            names |= self._in_table(table, wanted)
        return names

    def _in_table(self, name: str, ids: Sequence[str]) -> Mapping[str, str]:
        table = self._schema.table(name)
        if table is None or table.name_column is None or name not in self._held:
            return {}
        missing = [record_id for record_id in ids if (name, record_id) not in self._known]
        if missing:
            rows = self._snapshot.get(name, missing, columns=[table.name_column])
            values = zip(
                rows.column("_u_id").to_pylist(),
                rows.column(table.name_column).to_pylist(),
                strict=True,
            )
            self._known |= {(name, record_id): "" for record_id in missing}
            self._known |= {(name, record_id): value or "" for record_id, value in values}
        return {
            record_id: self._known[name, record_id]
            for record_id in ids
            if self._known[name, record_id]
        }
