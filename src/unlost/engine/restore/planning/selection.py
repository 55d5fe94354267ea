"""Turn a person's selection into records and their wanted states."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.archives import uncommitted
from unlost.engine.restore.planning.survey import FETCH_IDS, READ_IDS, RestoreSurvey, chunks
from unlost.engine.restore.values.edits import why_not
from unlost.engine.restore.values.taken import not_alive
from unlost.engine.sameness import differs
from unlost.model.errors import NotFound, UsageError
from unlost.model.mass_changes import MassKind
from unlost.model.message import Message, message
from unlost.model.plan import RecordKey, Selection, SelectionKind
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table, WireKind
from unlost.model.source.writing import NeverReason, WriteCapability, WriteOp
from unlost.model.vault.snapshot import ChangeKind

MAX_STEPS = 200_000
GRANTED = (NeverReason.READ_ONLY, NeverReason.NO_PERMISSION)  # another user may have the right
NO_COLUMN = ("",)  # chosen columns that name none: no columns at all would mean every column


@dataclass(frozen=True, slots=True)
class WantedState:
    """A record, and the backup with its wanted state.

    Only ``columns`` are wanted, all if empty; ``wrong`` is then the backup with the values to be
    replaced. ``selected``: a person chose it; a merely related record is not reassigned to other
    people where it lives. ``overwrites``: the columns are set whatever the org has in them by now;
    ``overwritten`` are single columns of which that is true, unless ``seen`` has the hash of another
    value.
    ``corrected``: the columns are all that is wanted of a live record; of a lost one all is wanted.
    ``beside``: it comes as a new record beside the one that is there.
    """

    key: RecordKey
    snapshot: int
    columns: tuple[str, ...] = ()
    wrong: int | None = None
    selected: bool = True
    overwrites: bool = False
    corrected: bool = False
    beside: bool = False
    overwritten: tuple[str, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict, hash=False)

    def as_whole(self) -> "WantedState":
        """The same record with all that is wanted of it."""
        return replace(self, columns=(), wrong=None)


@dataclass(frozen=True, slots=True)
class RecordSelection:
    """``never`` counts chosen records that cannot come back, by table."""

    picks: tuple[WantedState, ...]
    never: Mapping[str, int] = field(default_factory=dict)


def select(survey: RestoreSurvey, selection: Selection, *, at: int | None) -> RecordSelection:
    """The records that a selection names.

    ``at``: the backup with the wanted state, for RECORDS and CORRECTION; by default the newest in
    which each was alive. Raises UsageError (``restore-nothing``, ``restore-too-large``,
    ``restore-at``, ``restore-between``, ``restore-column``, ``restore-column-fixed``), NotFound.
    """
    named = selection.kind in (SelectionKind.RECORDS, SelectionKind.CORRECTION)
    if at is not None and not named:
        raise UsageError(
            "restore-at",
            "The earlier of the two backups already determines the state to restore.",
            next_step="Omit `--at`, or select single records.",
        )
    if named:
        return _records(survey, selection, at)
    if selection.kind is SelectionKind.LOST:
        return _lost(survey, selection)
    return _changed(survey, selection)


def too_large() -> UsageError:
    """The error for more records than a plan can hold."""
    return UsageError(
        "restore-too-large",
        "This would restore more than {limit:,} records, the maximum of one plan.",
        next_step="Restore in parts: select a table, backups that are closer together, or "
        "single records. Or leave out related records with `--no-related`.",
        limit=MAX_STEPS,
    )


# --- single records -------------------------------------------------------------------------------


def _records(survey: RestoreSurvey, selection: Selection, at: int | None) -> RecordSelection:
    if len(selection.records) > MAX_STEPS:
        raise too_large()
    upto = survey.newest if at is None else survey.snapshot(at).info.number
    by_table: dict[str, list[str]] = {}
    for key in dict.fromkeys(selection.records):
        by_table.setdefault(key.table, []).append(key.record)
    picks: list[WantedState] = []
    never: dict[str, int] = {}
    for table, ids in by_table.items():
        newest_alive = survey.newest_alive(table, ids, upto=upto)
        missing = [
            record_id
            for record_id in ids
            if record_id not in newest_alive or at not in (None, newest_alive[record_id])
        ]
        if missing:
            key = RecordKey(table, missing[0])
            raise _unknown(key) if at is None else not_alive(key, at)
        if survey.plannable(table):
            numbers = {record_id: newest_alive[record_id] for record_id in ids}
            picks += _wanted(survey, selection, table, numbers)
        else:
            never[table] = len(ids)
    return RecordSelection(tuple(picks), never)


def _wanted(
    survey: RestoreSurvey, selection: Selection, table: str, numbers: Mapping[str, int]
) -> Iterator[WantedState]:
    """The wanted states of records of a table; ``numbers``: their backups, by id."""
    columns, wrong = selection.columns, selection.until
    for number in set(numbers.values()) if columns else ():
        _check_columns(survey, survey.shape(number, table), table, columns)
    for record_id, number in numbers.items():
        key = RecordKey(table, record_id)
        if selection.kind is SelectionKind.CORRECTION:
            yield corrected_state(survey, key, number, selection)
        else:
            overwrites = bool(columns) and wrong is None
            yield WantedState(key, number, columns, wrong, overwrites=overwrites)


def corrected_state(
    survey: RestoreSurvey, key: RecordKey, number: int, selection: Selection
) -> WantedState:
    """The wanted state of a corrected record: the columns with typed or taken values.

    Without any, nothing changes if it is live.
    """
    columns = tuple(sorted({*survey.typed(key), *survey.taken(key)}))
    return WantedState(
        key,
        number,
        columns or NO_COLUMN,
        selection.until,
        overwrites=selection.until is None,
        corrected=True,
        beside=selection.beside,
        overwritten=selection.overwritten.get(str(key), ()),
        seen=selection.seen.get(str(key), {}),
    )


def _unknown(key: RecordKey) -> NotFound:
    return NotFound(
        "record-unknown",
        "The vault has no record {record} in {table}.",
        next_step="Search for the record with `unlost find TEXT`, by its number, name, "
        "e-mail or phone.",
        record=key.record,
        table=key.table,
    )


# --- between two backups --------------------------------------------------------------------------


def _bounds(survey: RestoreSurvey, selection: Selection) -> tuple[Snapshot, Snapshot]:
    after, until = selection.after, selection.until
    if after is None or until is None or after >= until:
        raise UsageError(
            "restore-between",
            "Two different backups are required, the earlier one first.",
            next_step="List the backups and their numbers with `unlost snapshots ORG`.",
        )
    return survey.snapshot(after), survey.snapshot(until)


def _tables(old: Snapshot, selection: Selection) -> Sequence[str]:
    if selection.table is None:
        return sorted(old.tables())
    if selection.table not in old.tables():
        raise NotFound(
            "table-unknown",
            "Backup {number} has no table {table}.",
            next_step="List the tables with `unlost certificate ORG`.",
            number=old.info.number,
            table=selection.table,
        )
    return [selection.table]


def _ids(
    survey: RestoreSurvey, table: str, bounds: tuple[Snapshot, Snapshot], kind: ChangeKind
) -> Iterator[Sequence[str]]:
    after, until = (snapshot.info.number for snapshot in bounds)
    for change in survey.ports.vault.changes(survey.org, table, after=after, until=until):
        ids = change.filter(pc.equal(change["change"], kind.value))["_u_id"].to_pylist()
        yield from chunks(ids, FETCH_IDS)


def _lost_ids(
    survey: RestoreSurvey,
    table: str,
    bounds: tuple[Snapshot, Snapshot],
    archived: Mapping[str, str],
) -> Iterator[Sequence[str]]:
    """The deleted records, without those that an archive deleted before it ended."""
    for ids in _ids(survey, table, bounds, ChangeKind.DELETED):
        yield [record for record in ids if record not in archived]


def _lost(survey: RestoreSurvey, selection: Selection) -> RecordSelection:
    bounds = _bounds(survey, selection)
    old = bounds[0]
    picks: list[WantedState] = []
    never: dict[str, int] = {}
    archives = uncommitted(survey.ports.vault, survey.org, until=bounds[1].info.number)
    for table in _tables(old, selection):
        for ids in _lost_ids(survey, table, bounds, archives.get(table, {})):
            rows = old.get(table, ids, columns=[])
            alive = rows.filter(pc.equal(rows["_u_op"], Op.STATE.value))["_u_id"].to_pylist()
            if selection.by:
                alive = _deleted_by(bounds[1], table, alive, selection.by)
            if survey.plannable(table):
                picks += [
                    WantedState(RecordKey(table, record_id), old.info.number) for record_id in alive
                ]
            else:
                never[table] = never.get(table, 0) + len(alive)
            if len(picks) > MAX_STEPS:
                raise too_large()
    return RecordSelection(tuple(picks), never)


def _deleted_by(new: Snapshot, table: str, ids: Sequence[str], user: str) -> Sequence[str]:
    """The records among these that a user deleted, as far as the org reported users."""
    rows = new.get(table, ids, columns=[])
    deleted = pc.equal(rows["_u_op"].cast(pa.string()), Op.DELETED.value)
    mine = pc.fill_null(pc.equal(rows["_u_modified_by"].cast(pa.string()), user), fill_value=False)
    by_user: list[str] = rows.filter(pc.and_(deleted, mine))["_u_id"].to_pylist()
    return by_user


def _changed(survey: RestoreSurvey, selection: Selection) -> RecordSelection:
    bounds = _bounds(survey, selection)
    name = selection.table or ""
    shape = _changeable(survey, bounds[0], selection)
    changes: list[_ChangedRecord] = []
    for ids in _ids(survey, name, bounds, ChangeKind.CHANGED):
        for chunk in chunks(ids, READ_IDS):
            changes += _changes(shape, bounds, chunk, selection)
        if len(changes) > MAX_STEPS:
            raise too_large()
    return RecordSelection(tuple(_of_kind(changes, selection.change)))


@dataclass(frozen=True, slots=True)
class _ChangedRecord:
    """A record with a differing value, and its value in the first chosen column now."""

    state: WantedState
    value: str | None


def _of_kind(changes: Sequence[_ChangedRecord], kind: str) -> list[WantedState]:
    """The records; of those overwritten with one value, the ones that have the most frequent."""
    if kind != MassKind.OVERWRITTEN:
        return [change.state for change in changes]
    counts = Counter(change.value for change in changes)
    most = max(counts, key=lambda value: counts[value], default=None)
    return [change.state for change in changes if change.value == most]


def _changeable(survey: RestoreSurvey, old: Snapshot, selection: Selection) -> Table:
    """The table, if each of the columns can be put back; raises UsageError."""
    shape = survey.shape(old.info.number, selection.table or "")
    if shape is None or not selection.columns:
        raise UsageError(
            "restore-column",
            "To restore changed values, select a table of the backup and at least one column.",
            next_step="Name them with `--table` and `--column`.",
        )
    _check_columns(survey, shape, shape.name, selection.columns)
    return shape


def _check_columns(
    survey: RestoreSurvey, shape: Table | None, table: str, columns: Sequence[str]
) -> None:
    """Raise UsageError for a column that the backup lacks, or that cannot be put back.

    The codes are ``restore-column`` and ``restore-column-fixed``.
    """
    for column in columns:
        described = shape.column(column) if shape is not None else None
        if shape is None or described is None:
            raise UsageError(
                "restore-column",
                "The backup has no column {column} of {table}.",
                next_step="Column names are case-sensitive. Write them as in the source.",
                column=column,
                table=table,
            )
        why = _why_fixed(survey, shape, column)
        if why is not None:
            raise UsageError(
                "restore-column-fixed",
                "{column} of {table} cannot be put back: {why}.",
                next_step="Choose other columns. Or give the write user the right to change it, if "
                "people can change it in the org, then plan again."
                if _may_be_granted(survey.capability(table), column)
                else "Choose other columns.",
                column=described.label or column,
                table=shape.label or table,
                why=why,
            )


def _why_fixed(survey: RestoreSurvey, shape: Table, column: str) -> Message | None:
    """The reason why a column of live records cannot be set; None if it can."""
    capability = survey.capability(shape.name)
    if column in capability.changeable:
        return None
    table = survey.tables.get(shape.name)
    if table is None or table.column(column) is None:
        return message("", "the org no longer has it")
    why = why_not(table, capability, column)
    if capability.ops and not capability.allows(WriteOp.UPDATE):
        return why or message("", "the write user may not change these records")
    return why or message("", "it can be set only when a record is created")


def _may_be_granted(capability: WriteCapability, column: str) -> bool:
    """True if another user may be allowed to set a column that this one cannot set."""
    reasons = {never.column: never.reason for never in capability.never}
    if capability.ops and not capability.allows(WriteOp.UPDATE):
        return reasons.get(column) in (None, *GRANTED)
    return reasons.get(column) in GRANTED


def _changes(
    shape: Table, bounds: tuple[Snapshot, Snapshot], ids: Sequence[str], selection: Selection
) -> Iterator[_ChangedRecord]:
    """The records, alive in both backups, with a differing value in one of the columns."""
    columns = selection.columns
    old, new = (_alive(snapshot, shape.name, ids, columns) for snapshot in bounds)
    common = old.filter(pc.is_in(old["_u_id"], value_set=new["_u_id"].combine_chunks()))
    keys = common["_u_id"].to_pylist()
    place = pc.index_in(common["_u_id"].combine_chunks(), value_set=new["_u_id"].combine_chunks())
    matched = new.take(place)
    masks = {
        name: _mask(_kind(shape, name), _text(common, name), _text(matched, name), selection.change)
        for name in columns
    }
    users = matched["_u_modified_by"].to_pylist()
    values = _text(matched, columns[0]).to_pylist()
    before, after = (snapshot.info.number for snapshot in bounds)
    for at, key in enumerate(keys):
        changed = tuple(name for name in columns if masks[name][at])
        if changed and selection.by in ("", users[at]):
            state = WantedState(RecordKey(shape.name, key), before, changed, after)
            yield _ChangedRecord(state, values[at])


def _mask(kind: WireKind, old: pa.Array, new: pa.Array, change: str) -> list[bool]:
    """The rows whose value differs, and was changed in this way."""
    mask = differs(kind, old, new)
    emptied, filled = _is_empty(new), _is_empty(old)
    match change:
        case "":
            pass
        case MassKind.EMPTIED:
            mask = pc.and_(mask, pc.and_not(emptied, filled))
        case MassKind.FILLED:
            mask = pc.and_(mask, pc.and_not(filled, emptied))
        case _:
            mask = pc.and_not(mask, pc.or_(emptied, filled))
    chosen: list[bool] = mask.to_pylist()
    return chosen


def _is_empty(values: pa.Array) -> pa.BooleanArray:
    return pc.fill_null(pc.equal(values, ""), fill_value=True)


def _alive(snapshot: Snapshot, table: str, ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
    rows = snapshot.get(table, ids, columns=columns)
    return rows.filter(pc.equal(rows["_u_op"], Op.STATE.value))


def _kind(shape: Table, name: str) -> WireKind:
    column = shape.column(name)
    assert column is not None
    return column.kind


def _text(rows: pa.Table, name: str) -> pa.Array:
    return rows[name].combine_chunks().cast(pa.string())
