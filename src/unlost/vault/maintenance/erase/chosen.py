"""The records of an erasure: requested ones, records that restores linked to them, legal holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.source.schema import ChangeLog
from unlost.model.vault.erasure import MatchColumn
from unlost.model.vault.retention import Hold, HoldScope
from unlost.model.vault.snapshot import Lineage
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import (
    FILES,
    HIDDEN,
    HOLDS,
    LINEAGE,
    SEARCH,
    U_ID,
    U_SNAP,
    is_system,
)
from unlost.vault.layout.org_names import named_orgs
from unlost.vault.maintenance.erase.counts import versions_of
from unlost.vault.maintenance.retain.contents import file_rows_of
from unlost.vault.maintenance.retain.holds import holds_in
from unlost.vault.read.lineage import lineage
from unlost.vault.read.lookup import records_with
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import sorted_unique
from unlost.vault.write.suppression_list import Pseudonymizer, SuppressionMark, matching

type Ids = Mapping[str, pa.Array]
"""By table the ids of rows, sorted, each once."""


@dataclass(frozen=True, slots=True)
class ErasedRecords:
    """The requested records, and every record that they were restored as or from.

    ``elsewhere``: live records of other orgs that were restored from them.
    """

    state: LiveState
    records: tuple[RecordKey, ...]
    elsewhere: tuple[tuple[str, RecordKey], ...]

    @property
    def ids(self) -> Ids:
        """Ids by table, sorted and unique."""
        by_table: dict[str, list[str]] = {}
        for key in self.records:
            by_table.setdefault(key.table, []).append(key.record)
        return {table: sorted_unique(record_ids) for table, record_ids in sorted(by_table.items())}


def choose(org_vault: OrgVault, state: LiveState, wished: Sequence[RecordKey]) -> ErasedRecords:
    """Resolve the requested records as of a commit; raises UsageError."""
    for key in wished:
        if is_system(key.table):
            raise UsageError(
                "table-unknown", "“{table}” is an internal table of the vault.", table=key.table
            )
    rows = _lineage(org_vault, state)
    records = _closed(wished, [row for row in rows if row.target == org_vault.org])
    # Rows of the change log contain old and new values of the records, and must go with them.
    records = tuple(dict.fromkeys((*records, *_logged(org_vault, state, records))))
    return ErasedRecords(state, records, _elsewhere(records, rows, org=org_vault.org))


def system_rows(org_vault: OrgVault, chosen: ErasedRecords) -> dict[str, pa.Array]:
    """Find the row ids of system tables that concern only these records, except ``$search``."""
    schema = org_vault.chain.manifest(chosen.state.seq)[0].schema
    keys = chosen.records
    targets = _targets(org_vault)
    files = [
        file_rows_of(org_vault, schema, table, ids, state=chosen.state)
        for table, ids in chosen.ids.items()
    ]
    return {
        FILES: sorted_unique(pa.concat_arrays(files).to_pylist()),
        HIDDEN: sorted_unique(_json(key.table, key.record, None) for key in keys),
        HOLDS: sorted_unique(
            _json(HoldScope.RECORD.value, key.table, key.record, 0) for key in keys
        ),
        LINEAGE: sorted_unique(
            _json(target, key.table, key.record) for key in keys for target in targets
        ),
    }


def marks_of(
    org_vault: OrgVault, chosen: ErasedRecords, match: Sequence[MatchColumn], *, run: str
) -> tuple[SuppressionMark, ...]:
    """Compute the entries for the suppression list: record ids, and values in ``match`` columns.

    Includes entries for the org's own change log. Raises UsageError (``match-no-record``).
    """
    for match_column in match:
        if match_column.table not in chosen.ids:
            raise _nothing_to_match(match_column)
    marker = Pseudonymizer(org_vault.sealed.keys, org_vault.org)
    marks: list[SuppressionMark] = []
    for table, ids in chosen.ids.items():
        marks += marker.marks((table, ""), ids.to_pylist(), run=run)
        log = change_log_of(org_vault, chosen.state, table)
        if log is not None:
            normalized = matching(ids).drop_nulls().to_list()
            marks += marker.marks((log.table, log.record_column), normalized, run=run)
        for column in (matched.column for matched in match if matched.table == table):
            marks += marker.marks(
                (table, column), _values(org_vault, chosen, table, column), run=run
            )
    return tuple(dict.fromkeys(marks))


def _nothing_to_match(column: MatchColumn) -> UsageError:
    return UsageError(
        "match-no-record",
        "The column {column} of {table} cannot be matched: no record of this table is erased.",
        next_step="Name a column of a table whose records are erased, or also erase a record "
        "of this table.",
        table=column.table,
        column=column.column,
    )


def check_match(org_vault: OrgVault, state: LiveState, match: Sequence[MatchColumn]) -> None:
    """Raise UsageError (``column-unknown``) for a column that the table never had."""
    schema = org_vault.chain.manifest(state.seq)[0].schema
    for column in match:
        if column.column not in org_vault.schemas.known(schema, column.table):
            raise UsageError(
                "column-unknown",
                "“{table}” never had a column “{column}” that can be matched.",
                next_step="Use the names of the org: TABLE.COLUMN.",
                table=column.table,
                column=column.column,
            )


def _values(org_vault: OrgVault, chosen: ErasedRecords, table: str, column: str) -> list[str]:
    """Return the values of a column in all versions of the records of a table."""
    view = org_vault.view(table, until=chosen.state.seq, state=chosen.state)
    versions = view.find(chosen.ids[table], (), cells=[column])
    return matching(versions.column(column).combine_chunks()).drop_nulls().unique().to_list()


def _lineage(org_vault: OrgVault, state: LiveState) -> Sequence[Lineage]:
    if LINEAGE not in state.segments:
        return ()
    return lineage(org_vault, targets=_targets(org_vault), table=None, records=())


def _logged(
    org_vault: OrgVault, state: LiveState, records: Sequence[RecordKey]
) -> Iterator[RecordKey]:
    """Find the rows about these records in the org's own change log, with old and new values."""
    words = org_vault.view(SEARCH, until=state.seq, state=state)
    for table in sorted({key.table for key in records}):
        ids = [key.record for key in records if key.table == table]
        log = change_log_of(org_vault, state, table)
        if log is not None:
            view = org_vault.view(log.table, until=state.seq, state=state)
            for record in records_with(view, words, log.record_column, ids):
                yield RecordKey(log.table, record)


def change_log_of(org_vault: OrgVault, state: LiveState, table: str) -> ChangeLog | None:
    """Return the org's own log of changes to a table; None without one that is backed up."""
    schema = org_vault.chain.manifest(state.seq)[0].schema
    log_table = org_vault.schemas.table(schema, table)
    return log_table.change_log if log_table is not None else None


def _targets(org_vault: OrgVault) -> list[str]:
    return named_orgs(org_vault.sealed.store)


def _closed(wished: Sequence[RecordKey], rows: Sequence[Lineage]) -> tuple[RecordKey, ...]:
    """Return the records and all records that they were restored as, or restored from."""
    beside: dict[RecordKey, list[RecordKey]] = {}
    for row in rows:
        old, live = RecordKey(row.table, row.old), RecordKey(row.table, row.live)
        beside.setdefault(old, []).append(live)
        beside.setdefault(live, []).append(old)
    siblings = dict.fromkeys(wished)
    unresolved = list(siblings)
    # Lineage is followed in both directions, through any number of restores.
    while unresolved:
        for other in beside.get(unresolved.pop(), ()):
            if other not in siblings:
                siblings[other] = None
                unresolved.append(other)
    return tuple(siblings)


def _elsewhere(
    records: Sequence[RecordKey], rows: Sequence[Lineage], *, org: str
) -> tuple[tuple[str, RecordKey], ...]:
    known = frozenset(records)
    elsewhere = (
        (row.target, RecordKey(row.table, row.live))
        for row in rows
        if row.target != org and RecordKey(row.table, row.old) in known
    )
    return tuple(dict.fromkeys(elsewhere))


def held_records(org_vault: OrgVault, chosen: ErasedRecords) -> list[RecordKey]:
    """List the records that a legal hold in force protects, in the order of their keys."""
    now = org_vault.clock.now()
    holds = [hold for hold in holds_in(org_vault, chosen.state) if hold.lasts(now)]
    return sorted({key for hold in holds for key in _held_by(org_vault, chosen, hold)}, key=str)


def _held_by(org_vault: OrgVault, chosen: ErasedRecords, hold: Hold) -> Iterable[RecordKey]:
    if hold.thing.scope is HoldScope.NIGHT:
        return _known_at(org_vault, chosen, hold.thing.backup)
    return [key for key in chosen.records if hold.thing.covers(key.table, key.record)]


def _known_at(org_vault: OrgVault, chosen: ErasedRecords, backup: int) -> Iterable[RecordKey]:
    """Iterate over the records that the vault had at a backup."""
    for table, ids in chosen.ids.items():
        rows = versions_of(org_vault, chosen.state, table, ids)
        known = rows.filter(pc.less_equal(rows.column(U_SNAP), backup)).column(U_ID)
        yield from (RecordKey(table, record) for record in pc.unique(known).to_pylist())


def _json(*parts: object) -> str:
    return msgspec.json.encode(parts).decode()
