"""Show a record as of a moment, or as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from unlost.app.access import action
from unlost.app.backups.moments import (
    Latest,
    LiveMoment,
    last_observation,
    parse_moment,
    snapshot_at,
)
from unlost.app.compose import Application
from unlost.app.records.archived.archived_rows import archived_records
from unlost.app.records.ids import typed_ids
from unlost.app.records.record_facts import (
    MergeWinners,
    RecordDeletion,
    RecordNames,
    UserNames,
    ValueMeaning,
    deletion_of,
    last_alive,
    name_in,
    record_unknown,
    table_named,
)
from unlost.app.records.record_head import NO_HEAD, RecordHead, display_rule, record_head
from unlost.app.records.record_names import record_names
from unlost.app.records.relations.related import RelatedRecords, RelatedState, related
from unlost.app.retention.legal_holds import is_under_legal_hold
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound
from unlost.model.source.images import image_name, text_column
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.model.vault.snapshot import StoredFile, Version
from unlost.model.written import written

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot


@dataclass(frozen=True, slots=True)
class ShownField:
    """A column of a record. ``means`` is the name of the referenced record, if known, or the label
    of a list's value, if it differs.

    ``hidden``: the backup user can no longer see the column; the value is the last one that was
    seen. ``unknown``: the vault lost the value; null then does not mean that the field was empty.
    ``calculated``: the org calculates it, and may have changed it without changing the record.
    ``means_table`` is the table of the referenced record. ``system``: the org keeps it for itself.
    ``images`` are those images in its text that the vault has.
    """

    column: str
    label: str
    kind: WireKind
    means: str
    hidden: bool
    unknown: bool = False
    calculated: bool = False
    means_table: str = ""
    system: bool = False
    images: tuple[StoredFile, ...] = ()


@written(on_hold="held")
@dataclass(frozen=True, slots=True)
class ShowResult:
    """A record as of a moment. ``snapshot`` is None for the live org.

    ``on_hold``: a legal hold protects the record. ``alive`` is its state at that moment; for a deleted
    record the values are the last known ones. ``values`` are texts by column, verbatim; None is
    null. ``fields`` describe the columns. ``files`` are the record's own; ``related`` are the
    records that belong to it, None for set-up data. ``read_at`` is when the values were read: later
    backups found the record unchanged, but not what the org calculates. ``head`` is how people know
    the record.
    """

    org: str
    zone: str
    table: str
    table_label: str
    record: str
    name: str
    snapshot: int | None
    as_of: datetime
    alive: bool
    on_hold: bool
    gone: RecordDeletion | None
    modified_at: datetime | None
    modified_by: str | None
    modified_by_name: str
    values: Mapping[str, str | None]
    fields: tuple[ShownField, ...]
    files: tuple[StoredFile, ...]
    related: RelatedRecords | None
    read_at: datetime | None = None
    head: RecordHead = NO_HEAD


@dataclass(frozen=True, slots=True)
class RecordState:
    """The state of a record before it is described; ``unknown`` columns are lost."""

    cells: Mapping[str, str | None]
    op: Op
    modified_at: datetime | None
    modified_by: str | None
    unknown: frozenset[str] = frozenset()


@action("record.show", Right.READ, trace=Trace.READ, subject=("table", "record", "at"))
def show(
    app: Application,
    org: str,
    table: str,
    record: str,
    *,
    at: str,
    related_state: RelatedState = RelatedState.ANY,
) -> ShowResult:
    """Show a record as of a moment; raises NotFound for an unknown org, table, record or backup.

    Raises UsageError (``id-wrong``) for an invalid id. ``related_state``: of the related records,
    only those in this state are shown.
    """
    known = get_org(org)
    moment = parse_moment(at, zone=known.identity.zone)
    # Even the live record needs a snapshot: it describes tables, names and related records.
    live = isinstance(moment, LiveMoment)
    snapshot = snapshot_at(app, known, Latest() if isinstance(moment, LiveMoment) else moment)
    described = table_named(snapshot.schema(), table)
    ids = typed_ids(app, known, record)
    if live:
        record, state, as_of = _live(app, known, described, ids)
    else:
        record, state = _stored_state(snapshot, described, ids)
        snapshots, number = app.vault.snapshots(known.oid), snapshot.info.number
        as_of = (
            last_observation(snapshots, number=number, table=described.name) or snapshot.info.as_of
        )
    shown = _result(app, known, snapshot, described, record, state=state, as_of=as_of, live=live)
    return replace(
        shown,
        related=_related(app, known, snapshot, described, shown=shown, state=related_state),
    )


def _stored_state(snapshot: Snapshot, table: Table, ids: Sequence[str]) -> tuple[str, RecordState]:
    rows = snapshot.get(table.name, ids) if table.name in snapshot.tables() else None
    if rows is None or not rows.num_rows:
        raise record_unknown(table.name, ids[0])
    stored_ids = rows.column("_u_id").to_pylist()
    record = next(record_id for record_id in ids if record_id in stored_ids)
    unknown = snapshot.unread(table.name, [record]).get(record, frozenset())
    return record, replace(_state(rows.slice(stored_ids.index(record), 1)), unknown=unknown)


def _live(
    app: Application, org: ProtectedOrg, table: Table, ids: Sequence[str]
) -> tuple[str, RecordState, datetime]:
    with app.open_org(org) as source:
        pages = list(source.read_ids(table, ids))
    rows = [page.rows for page in pages if len(page.rows) and page.rows.cells is not None]
    if not rows:
        raise NotFound(
            "record-not-live",
            "The org currently has no record {record!r} in {table}.",
            next_step="Omit --at to see its last known state.",
            record=ids[0],
            table=table.name,
        )
    first = rows[0]
    assert first.cells is not None
    state = RecordState(
        cells={name: first.cells.column(name)[0].as_py() for name in first.cells.schema.names},
        op=Op(first.ops[0].as_py()),
        modified_at=first.modified_at[0].as_py(),
        modified_by=first.modified_by[0].as_py(),
    )
    return first.ids[0].as_py(), state, first.observed_at


def _state(row: pa.Table) -> RecordState:
    values = row.to_pylist()[0]
    return RecordState(
        cells={name: value for name, value in values.items() if not name.startswith("_u_")},
        op=Op(values["_u_op"]),
        modified_at=values["_u_modified_at"],
        modified_by=values["_u_modified_by"],
    )


def _result(
    app: Application,
    org: ProtectedOrg,
    snapshot: Snapshot,
    table: Table,
    record: str,
    *,
    state: RecordState,
    as_of: datetime,
    live: bool,
) -> ShowResult:
    people, rule = UserNames(snapshot), display_rule(app, org, table)
    until = _versions(app, org, table.name, record, until=None if live else snapshot.info.number)
    nights = app.vault.snapshots(org.oid)
    hidden = {item.column for item in snapshot.hidden(table.name) if item.column}
    files = tuple(snapshot.files(table.name, [record]))
    # A list of deletions has a time and no user: it says nothing about the last change.
    read = None if live else next((v for v in reversed(until) if v.cells), None)
    return ShowResult(
        org=org.name,
        zone=org.identity.zone,
        table=table.name,
        table_label=table.label or table.name,
        record=record,
        name=name_in(state.cells, table, rule.text_columns),
        snapshot=None if live else snapshot.info.number,
        as_of=as_of,
        alive=state.op.alive,
        on_hold=is_under_legal_hold(
            app.whole_vault, org.oid, table.name, record, now=app.clock.now()
        ),
        gone=None
        if state.op.alive
        else deletion_of(until, nights, people=people, winners=MergeWinners(snapshot)),
        modified_at=(read or state).modified_at,
        modified_by=(read or state).modified_by,
        modified_by_name=people.name(table.name, (read or state).modified_by),
        values=state.cells,
        fields=_fields(
            table,
            state,
            record_names(app, org, snapshot),
            hidden=hidden,
            system=rule.system_columns,
            files=files,
        ),
        files=files,
        related=None,
        read_at=read.observed_at if read is not None else as_of,
        head=record_head(app, org, table, record, cells=state.cells, alive=state.op.alive),
    )


def _versions(
    app: Application, org: ProtectedOrg, table: str, record: str, *, until: int | None
) -> Sequence[Version]:
    """Return the versions of a record up to a commit, oldest first."""
    versions = app.vault.history(org.oid, table, record)
    return [version for version in versions if until is None or version.snapshot <= until]


def _related(
    app: Application,
    org: ProtectedOrg,
    snapshot: Snapshot,
    table: Table,
    *,
    shown: ShowResult,
    state: RelatedState,
) -> RelatedRecords | None:
    """Return the related records; of a deleted record as of the last backup that shows it live."""
    before = None
    if not shown.alive:
        versions = _versions(app, org, table.name, shown.record, until=shown.snapshot)
        before = last_alive(versions, app.vault.snapshots(org.oid)) if versions else None
    last_live = app.vault.at(org.oid, before) if before is not None else snapshot
    return related(
        last_live,
        app.vault.newest_backup(org.oid) or snapshot,
        table,
        shown.record,
        names=record_names(app, org, last_live),
        archive=archived_records(app, org),
        state=state,
    )


def _fields(
    table: Table,
    state: RecordState,
    names: RecordNames,
    *,
    hidden: set[str],
    system: frozenset[str],
    files: Sequence[StoredFile],
) -> tuple[ShownField, ...]:
    cells = state.cells
    columns = {column.name: column for column in table.columns}
    present = [columns.get(name) or Column(name, WireKind.TEXT) for name in cells]
    means = _meanings(present, cells, names)
    return tuple(
        _field(column, state, means.get(column.name), hidden=hidden, system=system, files=files)
        for column in present
    )


def _field(
    column: Column,
    state: RecordState,
    named: ValueMeaning | None,
    *,
    hidden: set[str],
    system: frozenset[str],
    files: Sequence[StoredFile],
) -> ShownField:
    return ShownField(
        column=column.name,
        label=column.label or column.name,
        kind=column.kind,
        means=named.name if named is not None else "",
        hidden=column.name in hidden,
        unknown=column.name in state.unknown,
        calculated=column.has(ColumnTrait.CALCULATED),
        means_table=named.table if named is not None else "",
        system=column.name in system,
        images=_images(column.name, state.cells.get(column.name) or "", files),
    )


def _images(column: str, text: str, files: Sequence[StoredFile]) -> tuple[StoredFile, ...]:
    """Return the files that are images in this text."""
    return tuple(
        file
        for file in files
        if file.is_image and text_column(file.column) == column and image_name(file.column) in text
    )


def _meanings(
    columns: Sequence[Column], cells: Mapping[str, str | None], names: RecordNames
) -> Mapping[str, ValueMeaning]:
    """Return what values stand for, by column: records with a name, or labels of lists."""
    meanings: dict[str, ValueMeaning] = {}
    for column in columns:
        value = cells[column.name]
        named = names.meanings(column, [cells]).get(value) if value else None
        if named is not None:
            meanings[column.name] = named
    return meanings
