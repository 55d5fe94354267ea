"""Records that an org deletes together with a record: its details, their details, and so on.

Derived from the references in the newest backup: of live records, and of deleted ones by their last
state in the vault.
"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import DeleteRule

MOST = 200_000

type _Columns = Mapping[str, tuple[str, ...]]
"""Columns by which a table's records belong to others, each with the tables of those."""


def with_belongings(snapshot: Snapshot, records: Sequence[RecordKey]) -> tuple[RecordKey, ...]:
    """The records, and all that belong to them; raises UsageError (``too-much-belongs``)."""
    by_key = dict.fromkeys(records)
    fresh = list(by_key)
    while fresh:
        met = [key for key in dict.fromkeys(_details(snapshot, fresh)) if key not in by_key]
        by_key |= dict.fromkeys(met)
        fresh = met
        if len(by_key) > MOST:
            raise UsageError(
                "too-much-belongs",
                "More than {most:,} records belong to the selected records.",
                next_step="Name the records one by one, or select fewer at a time.",
                most=MOST,
            )
    return tuple(by_key)


def _details(snapshot: Snapshot, parents: Sequence[RecordKey]) -> Iterator[RecordKey]:
    """Records that are deleted with any of these."""
    ids: dict[str, list[str]] = {}
    for key in parents:
        ids.setdefault(key.table, []).append(key.record)
    for table, columns in _owned(snapshot).items():
        values = {
            column: pa.array(
                [record_id for owner in owners for record_id in ids.get(owner, ())], pa.string()
            )
            for column, owners in columns.items()
        }
        if any(len(wanted) for wanted in values.values()):
            for record in _referring_ids(snapshot, table, values):
                yield RecordKey(table, record)


def _owned(snapshot: Snapshot) -> dict[str, _Columns]:
    tables = {table.name: table for table in snapshot.schema().tables}
    owned: dict[str, _Columns] = {}
    for name in sorted(snapshot.tables().keys() & tables.keys()):
        references = {
            column.name: column.reference.tables
            for column in tables[name].columns
            if column.reference is not None
            and column.reference.holds_one_id
            and column.reference.rule is DeleteRule.CASCADE
        }
        if references:
            owned[name] = references
    return owned


def _referring_ids(snapshot: Snapshot, table: str, values: Mapping[str, pa.Array]) -> Iterator[str]:
    columns = list(values)
    for scan in (snapshot.scan, snapshot.scan_deleted):
        for batch in scan(table, columns=columns):
            rows = pa.Table.from_batches([batch])
            for column, wanted in values.items():
                mine = pc.is_in(rows[column].cast(pa.string()), value_set=wanted)
                yield from rows["_u_id"].filter(mine).to_pylist()
