"""Survey of a rectification: every row, content and document that it changes, before any write.

    requested record ─lineage─▶ records ─▶ rows of their versions ─▶ rows that change
                                        └▶ rows of the org's change log ─▶ rows that change
    rows that change ─▶ segments, words, contents, journals, certificates

See docs/adr/0025.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.source.schema import WireKind
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.rectification import Rectification, Rectify, check_free
from unlost.vault.commits.state import LiveState
from unlost.vault.format.manifest import KnownColumn
from unlost.vault.format.physical import FILES, U_ID, U_SNAP
from unlost.vault.maintenance.erase.chosen import ErasedRecords, change_log_of, choose, held_records
from unlost.vault.maintenance.erase.packs import ErasedContents, contents_of
from unlost.vault.maintenance.erase.redact import (
    RecordNameFinder,
    certificates_naming,
    journals_naming,
)
from unlost.vault.maintenance.rectify.versions import (
    CorrectedColumns,
    CorrectedRow,
    OldValueTest,
    RectifyRow,
    VersionPlace,
    corrected,
    known_of,
    rows_of,
    unchanged_row,
)
from unlost.vault.maintenance.rectify.words import WordChanges
from unlost.vault.maintenance.retain.contents import FreedContents, names_in
from unlost.vault.maintenance.rewrite.affected_segments import AffectedTable, Pause, find_affected
from unlost.vault.read.big_cells import CELL_BYTES
from unlost.vault.read.change_index import change_id
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import RANK

type _Key = tuple[str, int, str, int]
"""Which row it is, by table, rank of the segment, record, and commit."""

NO_CONTENTS = ErasedContents(FreedContents(), pa.array([], pa.string()), frozenset())
CORRECTED = "This was about a record that has been corrected since."


@dataclass(frozen=True, slots=True)
class RectifiedRow:
    """A row that changes: the new cells, the row that results, and whether a snapshot shows it."""

    table: str
    row: RectifyRow
    cells: Mapping[str, str | None]
    corrected: CorrectedRow
    shown: bool

    @property
    def columns(self) -> Iterator[str]:
        """Columns that change, as TABLE.COLUMN."""
        return (f"{self.table}.{name}" for name in self.cells)

    @property
    def wrong(self) -> Iterator[str]:
        """Old values that are replaced."""
        return (text for name in self.cells if (text := self.row.cells[name]))


@dataclass(frozen=True, slots=True)
class RectificationSurvey:
    """Everything that a rectification replaces.

    ``beside``: versions that stay and must be compared with their predecessor again, since it
    changes.
    """

    wish: Rectify
    chosen: ErasedRecords
    corrections: tuple[CorrectedColumns, ...]
    changes: tuple[RectifiedRow, ...]
    beside: tuple[RectifiedRow, ...]
    word_changes: tuple[WordChanges, ...]
    hits: tuple[AffectedTable, ...]
    contents: ErasedContents
    journals: tuple[str, ...]
    certificates: tuple[tuple[str, Certificate], ...]
    effect: Rectification

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """Columns in which something changes, by table."""
        by_table: dict[str, set[str]] = {changes.table: set() for changes in self.word_changes}
        for change in self.changes:
            by_table[change.table] |= change.cells.keys()
        return {table: frozenset(column_names) for table, column_names in by_table.items()}

    @property
    def naming(self) -> RecordNameFinder:
        """Detector for documents that name the record and an old value."""
        values = frozenset(text for change in self.changes for text in change.wrong)
        return RecordNameFinder(
            _linked_records(self.chosen, self.wish), values=values, instead=CORRECTED
        )

    def becoming(self, table: str) -> Mapping[VersionPlace, CorrectedRow]:
        """Return the corrected versions of a table."""
        rectified_rows = (
            rectified_row
            for rectified_row in self.touched
            if rectified_row.table == table and rectified_row.shown
        )
        return {
            rectified_row.row.place: rectified_row.corrected for rectified_row in rectified_rows
        }

    @property
    def touched(self) -> tuple[RectifiedRow, ...]:
        """All rows that are written differently."""
        return (*self.changes, *self.beside)

    @property
    def compared(self) -> list[str]:
        """Ids in ``$changes`` of versions whose difference to their predecessor is now unknown."""
        rows = [
            (rectified_row.table, rectified_row.row)
            for rectified_row in self.touched
            if rectified_row.shown
        ]
        return [change_id(table, row.snap, row.record) for table, row in rows]


@dataclass(frozen=True, slots=True)
class _AffectedRow:
    """A row, and its cells that change."""

    correction: CorrectedColumns
    row: RectifyRow
    cells: Mapping[str, str | None]

    @property
    def key(self) -> _Key:
        """Key of the row: a segment has one row for each record and commit."""
        return self.correction.table, self.row.rank, *self.row.place


def find(
    org_vault: OrgVault, state: LiveState, wish: Rectify, *, pause: Pause
) -> RectificationSurvey:
    """Find everything that changes; raises Conflict (``rectify-held``), UsageError, NotFound."""
    chosen = choose(org_vault, state, [wish.record])
    if held_keys := held_records(org_vault, chosen):
        raise Conflict(
            "rectify-held",
            "{first} is under a legal hold. Nothing was changed.",
            next_step="First lift the legal hold with `unlost hold lift ORG`.",
            first=held_keys[0],
        )
    corrections = tuple(_corrections(org_vault, chosen, wish))
    affected_rows = _affected_rows(org_vault, state, corrections, pause)
    # A request for an unknown record is probably a typing error, so it fails instead of doing
    # nothing.
    if not any(
        affected_row.correction.table == wish.record.table for affected_row in affected_rows
    ):
        raise _unknown(wish)
    shown = _shown(org_vault, state, corrections)
    changes = tuple(_changes(org_vault, affected_rows, shown))
    rectification_survey = RectificationSurvey(
        wish=wish,
        chosen=chosen,
        corrections=corrections,
        changes=changes,
        beside=tuple(_beside(affected_rows, shown)),
        word_changes=tuple(
            WordChanges(
                affected_row.correction.table,
                affected_row.row,
                {**affected_row.row.cells, **affected_row.cells},
            )
            for affected_row in affected_rows
        ),
        hits=(),
        contents=NO_CONTENTS,
        journals=(),
        certificates=(),
        effect=Rectification(),
    )
    if changes:
        rectification_survey = _with_documents(
            org_vault,
            state,
            _with_contents(org_vault, state, rectification_survey, affected_rows, pause),
        )
    return replace(rectification_survey, effect=_effect_of(rectification_survey, affected_rows))


def _corrections(
    org_vault: OrgVault, chosen: ErasedRecords, wish: Rectify
) -> Iterator[CorrectedColumns]:
    """Iterate over the corrections: of the record's versions, and of the org's own change log."""
    table, ids = wish.record.table, chosen.ids
    schema = org_vault.chain.manifest(chosen.state.seq)[0].schema
    known = org_vault.schemas.known(schema, table)
    values = {new_value.column: new_value.value for new_value in wish.values}
    _check(known, wish)
    check_free(org_vault.schemas.table(schema, table), wish)
    if wish.was is None:
        was = dict.fromkeys(values)
    else:
        was = {name: OldValueTest(wish.was, known[name].kind) for name in values}
    yield CorrectedColumns(table, ids[table], values, next(iter(was.values())))
    log = change_log_of(org_vault, chosen.state, table)
    if log is not None and log.table in ids:
        for name, value in values.items():
            cells = {log.old_column: value, log.new_column: value}
            yield CorrectedColumns(
                log.table, ids[log.table], cells, was[name], (log.field_column, name)
            )


def _check(known: Mapping[str, KnownColumn], wish: Rectify) -> None:
    """Raise UsageError for values that cannot be set."""
    names = {new_value.column for new_value in wish.values}
    twice = len(names) < len(wish.values)
    if not names or twice or (wish.was is not None and len(names) > 1):
        raise UsageError(
            "rectify-unclear",
            "It is unclear what to correct.",
            next_step="Name each column once: `--set COLUMN=VALUE`. With `--was`, set exactly one column.",
        )
    for value in wish.values:
        column = known.get(value.column)
        if column is None or column.kind is WireKind.BINARY:
            raise UsageError(
                "column-unknown",
                "“{table}” never had a column “{column}” that can be corrected.",
                next_step="Use the column name of the org. `unlost show ORG TABLE/ID` lists "
                "the columns of a record.",
                table=wish.record.table,
                column=value.column,
            )
        if len((value.value or "").encode()) > CELL_BYTES:
            raise UsageError(
                "rectify-too-long",
                "The new value of {column} is larger than {limit} KiB.",
                next_step="Set a shorter value, or empty the column with `--set COLUMN=`.",
                column=value.column,
                limit=CELL_BYTES >> 10,
            )


def _affected_rows(
    org_vault: OrgVault, state: LiveState, corrections: Sequence[CorrectedColumns], pause: Pause
) -> list[_AffectedRow]:
    """Read all affected rows, each once.

    Several corrections may read the same row of a change log; at most one of them changes it.
    """
    rows_by_key: dict[_Key, _AffectedRow] = {}
    for correction in corrections:
        pause()
        for row in rows_of(org_vault, state, correction.table, correction.ids, correction.columns):
            affected_row = _AffectedRow(correction, row, correction.of(row))
            if affected_row.cells or affected_row.key not in rows_by_key:
                rows_by_key[affected_row.key] = affected_row
    return list(rows_by_key.values())


def _changes(
    org_vault: OrgVault, affected_rows: Sequence[_AffectedRow], shown: Collection[_Key]
) -> Iterator[RectifiedRow]:
    for affected_row in affected_rows:
        if affected_row.cells:
            become = corrected(
                affected_row.row,
                affected_row.cells,
                known_of(org_vault, affected_row.correction.table, affected_row.row),
            )
            yield RectifiedRow(
                affected_row.correction.table,
                affected_row.row,
                affected_row.cells,
                become,
                affected_row.key in shown,
            )


def _beside(
    affected_rows: Sequence[_AffectedRow], shown: Collection[_Key]
) -> Iterator[RectifiedRow]:
    """Iterate over unchanged versions that follow a changed one."""
    before: dict[tuple[str, str], _AffectedRow] = {}
    for affected_row in _by_age(affected_rows):
        if affected_row.key in shown:
            last = before.get((affected_row.correction.table, affected_row.row.record))
            before[affected_row.correction.table, affected_row.row.record] = affected_row
            if last is not None and last.cells and not affected_row.cells:
                yield RectifiedRow(
                    affected_row.correction.table,
                    affected_row.row,
                    {},
                    unchanged_row(affected_row.row),
                    shown=True,
                )


def _shown(
    org_vault: OrgVault, state: LiveState, corrections: Sequence[CorrectedColumns]
) -> frozenset[_Key]:
    """Return the rows that snapshots show, without rows that lost to another of their commit."""
    shown_keys: set[_Key] = set()
    for table, ids in {correction.table: correction.ids for correction in corrections}.items():
        rows = org_vault.view(table, until=state.seq, state=state).find(ids, ())
        columns = (rows.column(name).to_pylist() for name in (RANK, U_ID, U_SNAP))
        shown_keys |= {(table, *key) for key in zip(*columns, strict=True)}
    return frozenset(shown_keys)


def _with_contents(
    org_vault: OrgVault,
    state: LiveState,
    rectification_survey: RectificationSurvey,
    affected_rows: Sequence[_AffectedRow],
    pause: Pause,
) -> RectificationSurvey:
    """Add the contents that are removed and the segments that are rewritten."""
    ids = {correction.table: correction.ids for correction in rectification_survey.corrections}
    none = pa.array([], pa.string())
    contents = contents_of(
        org_vault,
        state,
        ids=ids,
        file_rows=none,
        named=[_unneeded(rectification_survey, affected_rows)],
        pause=pause,
    )
    hits = [
        AffectedTable(org_vault.view(table, until=state.seq, state=state), ids_of_table, ranks)
        for table, ids_of_table in ids.items()
        if (
            ranks := frozenset(
                rectified_row.row.rank
                for rectified_row in rectification_survey.touched
                if rectified_row.table == table
            )
        )
    ]
    view = org_vault.view(FILES, until=state.seq, state=state)
    files = find_affected(view, contents.rows, pause=pause)
    # ``$files`` changes for two reasons: rows of contents that go, and contents that move to new
    # packs.
    files = replace(files, ranks=files.ranks | contents.ranks)
    return replace(
        rectification_survey, contents=contents, hits=(*hits, *((files,) if files.ranks else ()))
    )


def _unneeded(
    rectification_survey: RectificationSurvey, affected_rows: Sequence[_AffectedRow]
) -> pa.ChunkedArray:
    """Return the contents that the rows referred to and no longer do."""
    become = {
        (change.table, change.row.rank, *change.row.place): change.corrected
        for change in rectification_survey.changes
    }
    blobs = [
        become[affected_row.key].blobs if affected_row.key in become else affected_row.row.blobs
        for affected_row in affected_rows
    ]
    had = names_in(
        pa.chunked_array([[affected_row.row.blobs for affected_row in affected_rows]], pa.string())
    )
    names = names_in(pa.chunked_array([blobs], pa.string()))
    return pa.chunked_array([sorted(set(had) - set(names))], pa.string())


def _with_documents(
    org_vault: OrgVault, state: LiveState, rectification_survey: RectificationSurvey
) -> RectificationSurvey:
    """Add the journals that are removed and the certificates that are rewritten."""
    return replace(
        rectification_survey,
        journals=journals_naming(
            org_vault,
            RecordNameFinder(
                _linked_records(rectification_survey.chosen, rectification_survey.wish)
            ),
        ),
        certificates=tuple(certificates_naming(org_vault, state, rectification_survey.naming)),
    )


def _linked_records(chosen: ErasedRecords, wish: Rectify) -> tuple[RecordKey, ...]:
    """Return the record and the records that it was restored as."""
    return tuple(key for key in chosen.records if key.table == wish.record.table)


def _effect_of(
    rectification_survey: RectificationSurvey, affected_rows: Sequence[_AffectedRow]
) -> Rectification:
    shown = [change for change in rectification_survey.changes if change.shown]
    newest = _newest(affected_rows)
    freed, packs = rectification_survey.contents.freed, rectification_survey.chosen.state.packs
    return Rectification(
        records=_linked_records(rectification_survey.chosen, rectification_survey.wish),
        tables=tuple(_table(table, shown, newest) for table in sorted({c.table for c in shown})),
        columns=tuple(sorted({name for rectified_row in shown for name in rectified_row.columns})),
        current=tuple(sorted(_current(rectification_survey, shown, newest))),
        files=freed.contents,
        file_bytes=freed.bytes,
        journals=rectification_survey.journals,
        certificates=len(rectification_survey.certificates),
        rewritten=sum(affected.bytes for affected in rectification_survey.hits)
        + sum(packs[pack].bytes for pack in freed.packs),
        elsewhere=rectification_survey.chosen.elsewhere,
    )


def _newest(affected_rows: Sequence[_AffectedRow]) -> Mapping[tuple[str, str], RectifyRow]:
    """Return the newest version by table and record."""
    return {
        (affected_row.correction.table, affected_row.row.record): affected_row.row
        for affected_row in _by_age(affected_rows)
    }


def _by_age(affected_rows: Sequence[_AffectedRow]) -> list[_AffectedRow]:
    """Sort oldest first; of several rows of one commit, the one that is shown comes last."""
    return sorted(
        affected_rows, key=lambda affected_row: (affected_row.row.snap, affected_row.row.rank)
    )


def _table(
    table: str, shown: Sequence[RectifiedRow], newest: Mapping[tuple[str, str], RectifyRow]
) -> TableErased:
    rectify_rows = [rectified_row.row for rectified_row in shown if rectified_row.table == table]
    records = {row.record for row in rectify_rows}
    alive = sum(newest[table, record].op == "U" for record in records)
    return TableErased(table, len(records), len(rectify_rows), alive)


def _current(
    rectification_survey: RectificationSurvey,
    shown: Sequence[RectifiedRow],
    newest: Mapping[tuple[str, str], RectifyRow],
) -> set[str]:
    """Find columns of the record's table that are wrong in the newest version of a live record."""
    return {
        name
        for rectified_row in shown
        if rectified_row.table == rectification_survey.wish.record.table
        and rectified_row.row.op == "U"
        and newest[rectified_row.table, rectified_row.row.record].place == rectified_row.row.place
        for name in rectified_row.columns
    }


def _unknown(wish: Rectify) -> NotFound:
    return NotFound(
        "record-unknown",
        "The vault has no data of {record}.",
        next_step="Search for the record with `unlost find TEXT`.",
        record=wish.record,
    )
