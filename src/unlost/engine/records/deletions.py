"""Read the records that a backup found deleted, by table, with the cells that group them."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.records.losses import DeletedTable, group_losses, loss_columns
from unlost.engine.restore.journal.archives import ArchiveRuns
from unlost.model.losses import LossGroup, LossRules
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.vault.snapshot import ChangeKind

FETCH = 25_000  # ids per lookup
GONE = pa.array([ChangeKind.DELETED.value, ChangeKind.ARCHIVED.value])
NONE: Mapping[str, frozenset[str]] = {}


def losses_between(
    vault: VaultReader,
    org: str,
    rules: LossRules,
    *,
    after: int,
    until: int,
    tables: Collection[str],
    by_runs: Mapping[str, frozenset[str]] = NONE,
    by_archives: ArchiveRuns | None = None,
) -> tuple[LossGroup, ...]:
    """Return the losses in these tables between two backups.

    ``by_runs``: the records that restores of ours deleted, by table. ``by_archives``: those of
    archives that commit after the later backup, or not yet.
    """
    archived = by_archives or {}
    newest = vault.at(org, until)
    deleted = [
        DeletedTable(shape, rows, by_runs.get(name, frozenset()), frozenset(archived.get(name, {})))
        for name in sorted(tables)
        if (shape := newest.schema().table(name)) is not None
        if len(rows := _deleted(vault, newest, org, name, rules, after=after))
    ]
    return group_losses(deleted, rules, locate=lambda some, ids: _located(newest, some, ids))


def _deleted(
    vault: VaultReader, newest: Snapshot, org: str, table: str, rules: LossRules, *, after: int
) -> pa.Table:
    shape = newest.schema().table(table)
    assert shape is not None
    columns = loss_columns(shape, rules.tables.get(table))
    lookups = _deleted_ids(vault, org, table, after=after, until=newest.info.number)
    parts = [newest.get(table, ids, columns=columns) for ids in lookups]
    return pa.concat_tables(parts) if parts else pa.table({})


def _deleted_ids(
    vault: VaultReader, org: str, table: str, *, after: int, until: int
) -> Iterator[Sequence[str]]:
    for change in vault.changes(org, table, after=after, until=until):
        gone = change.filter(pc.is_in(change["change"], value_set=GONE))
        ids = gone["_u_id"].cast(pa.string()).combine_chunks()
        yield from (ids.slice(at, FETCH).to_pylist() for at in range(0, len(ids), FETCH))


def _located(newest: Snapshot, tables: Sequence[str], ids: Sequence[str]) -> Mapping[str, str]:
    """Return the table of each id that the vault has in one of the tables."""
    known = newest.tables()
    return {
        record: table
        for table in tables
        if table in known
        for record in newest.get(table, ids, columns=[])["_u_id"].to_pylist()
    }
