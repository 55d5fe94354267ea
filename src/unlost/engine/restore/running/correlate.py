"""Determine the effect of a call whose answer was lost: look in the org, or stop and ask a person.

Sending such a call again could create records twice; not sending it could lose them. The run waits
until the org has settled, then looks for the records, the surest evidence first:

  1. the id that a row asked for: no live record had it before the call
  2. a unique or natural key: if each row has one, not found means not written;
     a value that several live records share proves nothing
  3. the sent cells themselves, among the records that this user created since the call;
     equal rows are interchangeable, so any pairing of them is right

  sent A, B, C; the org has a, c    ─► A and C written, B is sent again
  sent A, B;    the org has a, x    ─► x fits no row: Conflict (``restore-uncertain``)

Rows that are not found were not written and are sent again. If records exist that fit no row, the
effect is unknown, and the run stops rather than risk duplicates. Updates are found by their old
values: a record that no longer has them was written; deletes by records that are not live any more.
See docs/adr/0010.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta

from unlost.engine.restore.journal.entries import CallIntent, Pass
from unlost.engine.restore.running.deletions import deleted_by_run
from unlost.engine.restore.running.kept_ids import with_other_ids
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.values.keys import find_apart
from unlost.engine.sameness import canonical
from unlost.model.errors import Conflict, SourceRefused
from unlost.model.message import Noun, counted
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table, WireKind
from unlost.model.source.writing import MatchKey, OutcomeKind, RowOutcome, WriteOp, WriteRow

SKEW = timedelta(seconds=10)  # stamps are cut to seconds, and servers' clocks differ slightly

type Values = tuple[tuple[str, str], ...]


def resolve(
    session: RestoreSession,
    intent: CallIntent,
    rows: Sequence[WriteRow],
    *,
    beside: Sequence[WriteRow] = (),
    created_ids: AbstractSet[str] = frozenset(),
) -> list[RowOutcome]:
    """Outcomes of the rows that turn out to be written; the others were not.

    ``beside``: rows of other calls to the table whose answers are missing too; records that match
    them are no strangers. ``created_ids``: live records that other rows of these calls created.
    Raises Conflict (``restore-uncertain``).
    """
    table = session.table(intent.table)
    # A call or job of the process that ended may still be in progress in the org.
    session.ports.writer.settle(table, since=intent.at)
    if intent.op is WriteOp.UNDELETE:
        return _undeleted(session, intent, table)
    if intent.op.deletes and session.is_archive and intent.stage is not Pass.DISCARD:
        return deleted_by_run(session, intent, table)
    if intent.op is WriteOp.DELETE:
        return _deleted(session, intent, table)
    if intent.op is not WriteOp.CREATE:
        return _find_updated(session, intent, table)
    return list(with_other_ids(intent, _created(session, intent, rows, beside, created_ids)))


def _created(
    session: RestoreSession,
    intent: CallIntent,
    rows: Sequence[WriteRow],
    beside: Sequence[WriteRow],
    created_ids: AbstractSet[str],
) -> Iterator[RowOutcome]:
    """Rows whose records exist. A row that asked for an id may have got another one."""
    table = session.table(intent.table)
    live = _by_id(session, table, rows)
    rest = [row for row in rows if row.key not in live]
    # A record with an id that another row asked for is the record of that row.
    known = {*live.values(), *created_ids, *(row.id for row in (*rows, *beside) if row.id)}
    by_key, shared = _by_key(session, intent, table, rest, created_ids=known)
    live |= by_key
    rest = [row for row in rest if row.key not in live]
    if rest and not _key_is_proof(session, table, rest, shared=shared):
        known |= {*live.values()}
        live |= _by_likeness(session, intent, table, (rest, beside), known=known)
    return (RowOutcome(key, OutcomeKind.DONE, record) for key, record in live.items())


def _by_id(session: RestoreSession, table: Table, rows: Sequence[WriteRow]) -> dict[str, str]:
    """Live ids of rows that asked for an id, and have it."""
    wanted_ids = {row.id: row.key for row in rows if row.id is not None}
    if not wanted_ids:
        return {}
    live = session.ports.writer.fetch(table, list(wanted_ids), columns=[])
    return {wanted_ids[record]: record for record in live.ids.to_pylist()}


def _undeleted(session: RestoreSession, intent: CallIntent, table: Table) -> list[RowOutcome]:
    """Records that left the bin: they are live."""
    by_live = {row.id: row.record for row in intent.rows if row.id is not None}
    live = session.ports.writer.fetch(table, list(by_live), columns=[])
    return [
        RowOutcome(by_live[live_id], OutcomeKind.DONE, live_id) for live_id in live.ids.to_pylist()
    ]


def _deleted(session: RestoreSession, intent: CallIntent, table: Table) -> list[RowOutcome]:
    """Records that are not live any more."""
    by_live = {row.id: row.record for row in intent.rows if row.id is not None}
    live = session.ports.writer.fetch(table, list(by_live), columns=[])
    gone = by_live.keys() - set(live.ids.to_pylist())
    return [RowOutcome(by_live[live_id], OutcomeKind.DONE, live_id) for live_id in sorted(gone)]


def _find_updated(session: RestoreSession, intent: CallIntent, table: Table) -> list[RowOutcome]:
    """Updates that took effect: the live record no longer has its former values."""
    sent_rows = {row.id: row for row in intent.rows if row.id is not None and row.before}
    columns = sorted({name for row in sent_rows.values() for name in row.before or ()})
    live = session.ports.writer.fetch(table, list(sent_rows), columns=columns)
    moved = []
    for record, cells in each(live):
        row = sent_rows[record]
        before = dict((row.before or {}).items())
        if values(table, before, tuple(before)) != values(table, cells, tuple(before)):
            moved.append(RowOutcome(row.record, OutcomeKind.DONE, record))
    return moved


def _by_key(
    session: RestoreSession,
    intent: CallIntent,
    table: Table,
    rows: Sequence[WriteRow],
    *,
    created_ids: AbstractSet[str],
) -> tuple[dict[str, str], set[str]]:
    """Live ids of rows by a key, created since the call; and rows whose value several records share.

    Several rows can share a key, if people typed them so: the org accepted one of them.
    ``created_ids``: live records of other rows.
    """
    by_row: dict[str, str] = {}
    shared: set[str] = set()
    for key in session.capability(table.name).keys:
        write_rows = [row for row in rows if row.key not in by_row]
        live_ids, ambiguous = _find_by_key(session, table, key, write_rows)
        by_row |= live_ids
        shared |= ambiguous
    made_since = _created_since(session, intent, table, rows) if by_row else None
    by_row = {
        row: live_id
        for row, live_id in by_row.items()
        if made_since is None or live_id in made_since
    }
    taken = created_ids | _taken(session, table, but={row.key for row in rows})
    rows_of = {live: row for row, live in reversed(by_row.items()) if live not in taken}
    return {row: live for live, row in rows_of.items()}, shared


def _taken(
    session: RestoreSession, table: Table, *, but: AbstractSet[str] = frozenset()
) -> set[str]:
    """Live records that already represent records of the plan; ids of ``but`` do not count."""
    linked = session.log.state.links.items()
    return {live for key, live in linked if key.table == table.name and key.record not in but}


def _find_by_key(
    session: RestoreSession, table: Table, key: MatchKey, rows: Sequence[WriteRow]
) -> tuple[dict[str, str], set[str]]:
    keyed = ((row.key, key.of(row.cells)) for row in rows)
    by_row = {row: value for row, value in keyed if value is not None}
    if not by_row:
        return {}, set()
    live, many = find_apart(session.ports.writer, table, key, list(set(by_row.values())))
    shared = set(many)
    return (
        {row: live[value] for row, value in by_row.items() if value in live},
        {row for row, value in by_row.items() if value in shared},
    )


def _created_since(
    session: RestoreSession, intent: CallIntent, table: Table, rows: Sequence[WriteRow]
) -> set[str] | None:
    """Records that this user created since the call; None if the org does not report that."""
    try:
        recent = session.ports.writer.recent(table, intent.at - SKEW, columns=[], sent=rows)
    except SourceRefused:
        return None
    return set(recent.ids.to_pylist())


def _key_is_proof(
    session: RestoreSession, table: Table, rows: Sequence[WriteRow], *, shared: AbstractSet[str]
) -> bool:
    """True if each row has a key that no two live records share: not found means not written."""
    keys = session.capability(table.name).keys
    keyed = all(any(key.of(row.cells) is not None for key in keys) for row in rows)
    return keyed and shared.isdisjoint(row.key for row in rows)


@dataclass(frozen=True, slots=True)
class RowPairing:
    """The pairing of the rows of calls with candidates: the records that may come from them.

    ``pairs``: key of a sent row to live id; ``unmatched`` are candidates that match no row.
    """

    pairs: Mapping[str, str]
    unmatched: tuple[str, ...]


def _by_likeness(
    session: RestoreSession,
    intent: CallIntent,
    table: Table,
    sent: tuple[Sequence[WriteRow], Sequence[WriteRow]],
    *,
    known: AbstractSet[str],
) -> dict[str, str]:
    """Live ids of rows by all sent cells; ``known`` records belong to other rows of the call.

    ``sent``: the rows to find, and the rows of other calls.
    """
    own_rows, rows = (
        {row.key for row in sent[0]},
        [_without_empty(row) for row in (*sent[0], *sent[1])],
    )
    columns = sorted({name for row in rows for name in row.cells})
    known = known | _taken(session, table)
    try:
        recent = session.ports.writer.recent(table, intent.at - SKEW, columns=columns, sent=rows)
    except SourceRefused as refused:
        raise uncertain(intent, len(rows)) from refused
    candidates = {record: cells for record, cells in each(recent) if record not in known}
    matched = match(table, _as_returned(rows, recent), candidates)
    if matched.unmatched and len(matched.pairs) < len(rows):
        raise uncertain(intent, len(rows) - len(matched.pairs))
    return {key: live for key, live in matched.pairs.items() if key in own_rows}


def _without_empty(row: WriteRow) -> WriteRow:
    """The row without empty cells: the org may have put a default there nevertheless."""
    return replace(row, cells={n: v for n, v in row.cells.items() if v is not None})


def _as_returned(rows: Sequence[WriteRow], created: Rows) -> Sequence[WriteRow]:
    """The rows reduced to columns that the org returns, so without a mail's lists of people."""
    if created.cells is None or not created.cells.num_columns:
        return rows
    names = set(created.cells.schema.names)
    return [replace(row, cells={n: v for n, v in row.cells.items() if n in names}) for row in rows]


def match(
    table: Table,
    rows: Sequence[WriteRow],
    candidates: Mapping[str, Mapping[str, str | None]],
) -> RowPairing:
    """Pair sent rows with records that have the same values in all sent columns."""
    shapes: dict[tuple[str, ...], list[WriteRow]] = defaultdict(list)
    for row in rows:
        shapes[tuple(sorted(row.cells))].append(row)
    remaining = dict(candidates)
    pairs: dict[str, str] = {}
    # Rows with many sent columns first: a row with few could match the record of another row.
    for columns in sorted(shapes, key=len, reverse=True):
        index: dict[Values, list[str]] = defaultdict(list)
        for record, cells in remaining.items():
            index[values(table, cells, columns)].append(record)
        for row in shapes[columns]:
            same = index.get(values(table, row.cells, columns))
            if same:
                # Equal rows are interchangeable: any of the records will do.
                pairs[row.key] = same.pop()
                del remaining[pairs[row.key]]
    return RowPairing(pairs, tuple(remaining))


def values(table: Table, cells: Mapping[str, str | None], columns: tuple[str, ...]) -> Values:
    """Canonical texts to compare; the org may have trimmed them, and null equals empty."""
    return tuple((name, _text(table, name, cells.get(name))) for name in columns)


def _text(table: Table, name: str, value: str | None) -> str:
    column = table.column(name)
    return plain(column.kind if column is not None else WireKind.TEXT, value)


def plain(kind: WireKind, value: str | None) -> str:
    """One text for all forms that an org may give a value."""
    return canonical(kind, (value or "").strip())


def each(rows: Rows) -> list[tuple[str, dict[str, str | None]]]:
    """Records with their cells."""
    cells: list[dict[str, str | None]] = [{} for _ in range(len(rows))]
    if rows.cells is not None and rows.cells.num_columns:  # a batch without columns has no rows
        cells = rows.cells.to_pylist()
    return list(zip(rows.ids.to_pylist(), cells, strict=True)) if len(rows) else []


def uncertain(intent: CallIntent, count: int) -> Conflict:
    """The error for a run that cannot determine what was written."""
    return Conflict(
        "restore-uncertain",
        "The answer to a call that created {records} of {table} was lost, and the org has "
        "records of that time that differ from the records that were sent.",
        next_step="Check the newest records of the table. Delete duplicate and incomplete "
        "records, then resume with `unlost restore resume RUN`.",
        records=counted(count, Noun.RECORD),
        table=intent.table,
    )
