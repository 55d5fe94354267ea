"""The write side of one instance (port ``Writer``).

An id that a create asks for is looked for first, in all classes and with hidden rows: a record whose
class was changed is never created a second time, and sys_class_name is never sent. What ServiceNow
may leave out without an error is read back (see ``proved_columns``).
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import BinaryIO
from urllib.parse import quote

import pyarrow as pa

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.access.rights import READ_ONLY
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import ID, RowCondition, TableWalk, WalkQuery
from unlost.connectors.servicenow.schema.tables import ATTACHMENT, CLASS, CREATED, JOURNAL
from unlost.connectors.servicenow.writing.calls import BatchItem, ItemAnswer, send_batch
from unlost.connectors.servicenow.writing.capability import (
    OPERATIONS,
    WriteFacts,
    capability_of,
    encrypted_columns,
    proved_columns,
)
from unlost.connectors.servicenow.writing.entries import ENTRY_KEY, attributed, entry_item, original
from unlost.connectors.servicenow.writing.planning import ServiceNowPlanning
from unlost.connectors.servicenow.writing.uploads import upload_file
from unlost.kit.outcomes import done, failed, unknown
from unlost.kit.plain import PlainWriter
from unlost.model.errors import NotAllowed
from unlost.model.ports.system import Clock
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import (
    MissingPermission,
    OutcomeKind,
    RowOutcome,
    WriteOp,
    WriteRow,
)

# Self-help of ServiceNow, "Transaction cancelled": a transaction ends after five minutes at most.
LONGEST_CALL = timedelta(minutes=5)
NOT_SAVED, CLASS_CHANGED = "write-not-saved", "write-class-changed"
METHODS = {WriteOp.CREATE: "POST", WriteOp.UPDATE: "PATCH", WriteOp.DELETE: "DELETE"}


class ServiceNowWriter(ServiceNowPlanning, PlainWriter):
    """Writes to one instance as the write user. Safe for threads, once ``prepare`` was called."""

    def __init__(self, api: ServiceNowApi, config: ServiceNowConfig, clock: Clock) -> None:
        super().__init__(api, config)
        self._clock = clock
        self._first: datetime | None = (
            None  # no call of this writer is older, by ServiceNow's clock
        )
        self._pending = False  # the answer of a call was lost

    @cached_property
    def _facts(self) -> WriteFacts:
        return replace(super()._facts, access=self._access)

    def server_time(self) -> datetime:
        """ServiceNow's clock at its last answer."""
        self.identity()
        self._first = self._first or self._api.now()
        return self._api.now()

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """A role that forbids all writes, and operations that the ACLs of a table refuse."""
        if READ_ONLY in (self._access.roles or ()):
            sentence = f"The write user has the role {READ_ONLY}, which forbids all writes."
            return [MissingPermission(f"a user without the role {READ_ONLY}", sentence)]
        return [
            MissingPermission(
                f"a role of the access rule “{operation}” of {table.name}",
                f"The access rules (ACLs) of {table.label or table.name} refuse the operation "
                f"“{operation}” to the write user.",
                table.name,
                op,
            )
            for table in tables
            for op, operation in self._operations(table)
            if not self._access.may(operation, self._dictionary.lineage(table.name))
        ]

    def _operations(self, table: Table) -> Iterator[tuple[WriteOp, str]]:
        """The operations that a restore can make in a table, with the access rules that they need."""
        described = self._described(table)
        if described is None:
            return
        possible = capability_of(described, replace(self._facts, access=None)).ops
        for op, operation in OPERATIONS.items():
            # Entries are added through their record.
            if op in possible and (table.name, op) != (JOURNAL, WriteOp.CREATE):
                yield op, operation

    def prepare(self, tables: Sequence[Table]) -> None:
        """Read dictionary, rights and rules once, for all tables."""
        for table in tables[:1]:
            self.capability(table)
            self._place(table)

    def write(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow], *, token: str
    ) -> Sequence[RowOutcome]:
        """Write rows in one batch, and read back what may not have been saved."""
        if op not in METHODS:
            raise NotAllowed(
                "write-no-hard-delete", "ServiceNow has no {op} over REST.", op=op.value
            )
        if table.name == JOURNAL and op is WriteOp.CREATE:
            outcomes = self._entries(rows)
        elif table.name == ATTACHMENT and op is WriteOp.CREATE:
            return [
                self.upload(table, row, io.BytesIO(row.file or b""), token=token) for row in rows
            ]
        else:
            outcomes = self._taken(table, rows) if op is WriteOp.CREATE else {}
            outcomes |= self._written(op, table, [row for row in rows if row.key not in outcomes])
        self._pending |= len(outcomes) < len(rows)
        return [outcomes.get(row.key) or unknown(row.key) for row in rows]

    def upload(
        self,
        table: Table,  # noqa: ARG002  only attachments have files
        row: WriteRow,
        body: BinaryIO,
        *,
        token: str,  # noqa: ARG002  ServiceNow has no place for it
    ) -> RowOutcome:
        """Create an attachment, streamed."""
        outcome = upload_file(self._api, row, body)
        self._pending |= outcome.kind is OutcomeKind.UNKNOWN
        return outcome

    def recent(
        self,
        table: Table,
        since: datetime,
        *,
        columns: Sequence[str],
        sent: Sequence[WriteRow],  # noqa: ARG002  nobody sets the date of a creation
    ) -> Rows:
        """Records that this user created since then; journal entries as they were sent."""
        rows = self._created(table, since, self.user_id(), columns)
        if table.name != JOURNAL or rows.cells is None:
            return rows
        cells = [original(each) for each in rows.cells.to_pylist()]
        return replace(rows, cells=pa.RecordBatch.from_pylist(cells, rows.cells.schema))

    def settle(self, table: Table, *, since: datetime) -> None:  # noqa: ARG002
        """Wait until calls without an answer have ended; those of an earlier writer count, too."""
        if self._pending or self._first is None or since < self._first:
            rest = since + LONGEST_CALL - self.server_time()
            self._clock.sleep(max(0.0, rest.total_seconds()))
            self._pending = False

    # --- inside ------------------------------------------------------------------------------------

    def _written(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow]
    ) -> dict[str, RowOutcome]:
        described = self._described(table)
        assert described is not None, table.name
        proved, encrypted = proved_columns(described), encrypted_columns(described)
        items = [self._item(op, table, row, proved, encrypted) for row in rows]
        answers = send_batch(self._api, items)
        if op is not WriteOp.DELETE:
            answers |= self._read_back(table, rows, answers, encrypted)
        outcomes = {}
        for row in (each for each in rows if each.key in answers):
            answer = answers[row.key]
            if op is WriteOp.DELETE:
                outcomes[row.key] = self._deleted(table, row, answer)
            elif not answer.is_done:
                outcomes[row.key] = answer.refused(
                    row.key, row.id if op is WriteOp.UPDATE else None
                )
            elif (saved := _saved(op, row, answer, proved)) is not None:
                outcomes[row.key] = saved
        return outcomes

    def _item(
        self,
        op: WriteOp,
        table: Table,
        row: WriteRow,
        proved: frozenset[str],
        encrypted: frozenset[str],
    ) -> BatchItem:
        path = _path(table, row.id if op is not WriteOp.CREATE else None)
        if op is WriteOp.DELETE:
            return BatchItem(row.key, "DELETE", path, parameters=self._api.domains())
        cells = {name: value for name, value in row.cells.items() if name not in encrypted}
        if op is WriteOp.CREATE and row.id is not None:
            cells[ID] = row.id
        return BatchItem(row.key, METHODS[op], path, cells, _fields(row, proved))

    def _read_back(
        self,
        table: Table,
        rows: Sequence[WriteRow],
        answers: Mapping[str, ItemAnswer],
        encrypted: frozenset[str],
    ) -> dict[str, ItemAnswer]:
        """The answers of rows that need a second call, with what both calls returned.

        Encrypted columns are entered alone: the call would read other values as display values. A
        row that came back empty is read.
        """
        items = []
        for row in rows:
            answer = answers.get(row.key)
            secret = {name: value for name, value in row.cells.items() if name in encrypted}
            if answer is None or not answer.is_done or (answer.cells and not secret):
                continue
            fields, path = _fields(row, encrypted), _path(table, _id_of(row, answer))
            if secret:
                display = {**fields, "sysparm_input_display_value": "true"}
                items.append(BatchItem(row.key, "PATCH", path, secret, display))
            else:
                items.append(BatchItem(row.key, "GET", path, None, _fields(row, row.cells.keys())))
        second = send_batch(self._api, items)
        return {
            key: replace(answers[key], cells={**answers[key].cells, **answer.cells})
            for key, answer in second.items()
        }

    def _deleted(self, table: Table, row: WriteRow, answer: ItemAnswer) -> RowOutcome:
        """A missing record counts as deleted; hidden, moved and archived ones look the same."""
        assert row.id is not None
        if answer.is_done:
            return done(row.key, row.id)
        if answer.status != 404:
            return answer.refused(row.key, row.id)
        elsewhere = self._taken(table, [row]).get(row.key)
        if elsewhere is None and self._is_archived(table, row.id):
            elsewhere = _archived(row.key)
        return done(row.key, row.id) if elsewhere is None else replace(elsewhere, id=row.id)

    def _is_archived(self, table: Table, record: str) -> bool:
        archives = self._place(table).sources[1:]
        return any(self._api.count(each, f"{ID}={record}") for each in archives)

    def _taken(self, table: Table, rows: Sequence[WriteRow]) -> dict[str, RowOutcome]:
        """The outcomes of rows whose id a record has that this user does not see in the table."""
        wanted = {row.id: row.key for row in rows if row.id is not None}
        if not wanted:
            return {}
        root = self._dictionary.table(self._dictionary.lineage(table.name)[-1])
        columns = (CLASS,) if CLASS in root.columns else ()
        condition = RowCondition(ID, among=tuple(wanted))
        walk = TableWalk(self._api, WalkQuery(root.name, columns, (condition,)))
        live = {str(row[ID]): row.get(CLASS) for row in walk.rows()}
        if walk.hidden():
            rest = (each for each in wanted if each not in live)
            live |= {each: None for each in rest if self._api.count(root.name, f"{ID}={each}")}
        return {wanted[each]: _is_taken(wanted[each], name, table) for each, name in live.items()}

    def _entries(self, rows: Sequence[WriteRow]) -> dict[str, RowOutcome]:
        """Add journal entries. Each gets a new row in sys_journal_field, which is looked for."""
        answers = send_batch(self._api, [entry_item(row) for row in rows])
        outcomes = {key: answer.refused(key, None) for key, answer in answers.items()}
        added = [row for row in rows if row.key in answers and answers[row.key].is_done]
        records = self._added(added)
        for row in added:
            record = records.get(
                (*(row.cells.get(name) for name in ENTRY_KEY[1:3]), attributed(row.cells))
            )
            outcomes[row.key] = done(row.key, record) if record else _not_added(row)
        return outcomes

    def _added(self, rows: Sequence[WriteRow]) -> dict[tuple[str | None, ...], str]:
        """The newest entries of these records by record, column and text."""
        ids = tuple({str(row.cells[ENTRY_KEY[1]]) for row in rows})
        if not ids:
            return {}
        condition = RowCondition(ENTRY_KEY[1], among=ids)
        query = WalkQuery(JOURNAL, (*ENTRY_KEY, CREATED), (condition,))
        rows_by_age = sorted(TableWalk(self._api, query).rows(), key=lambda row: row[CREATED] or "")
        return {tuple(row[name] for name in ENTRY_KEY[1:]): str(row[ID]) for row in rows_by_age}


def _path(table: Table, record: str | None) -> str:
    name = quote(table.name, safe="")
    parts = ("attachment",) if table.name == ATTACHMENT else ("table", name)
    return "/".join((*parts, *([quote(record, safe="")] if record else [])))


def _fields(row: WriteRow, names: Iterable[str]) -> dict[str, str]:
    """Parameters that ask for the id and these of the sent columns."""
    fields = ",".join((ID, *sorted(row.cells.keys() & set(names))))
    return {"sysparm_fields": fields, "sysparm_exclude_reference_link": "true"}


def _id_of(row: WriteRow, answer: ItemAnswer) -> str | None:
    """The id of a written row; an answer may have no body, and name it in its header only."""
    return answer.cells.get(ID) or answer.location.rsplit("/", 1)[-1] or row.id


def _saved(
    op: WriteOp, row: WriteRow, answer: ItemAnswer, proved: frozenset[str]
) -> RowOutcome | None:
    """The outcome of a row that was written; it names the columns that were not saved.

    A row of which nothing was saved has failed. None if its id is unknown.
    """
    record = _id_of(row, answer)
    if record is None:
        return None
    names = sorted(row.cells.keys() & proved) if answer.cells else ()
    unsaved = tuple(
        name for name in names if (answer.cells.get(name) or "") != (row.cells[name] or "")
    )
    if not unsaved:
        return done(row.key, record)
    nothing = op is WriteOp.UPDATE and len(unsaved) == len(row.cells)
    return RowOutcome(
        row.key,
        OutcomeKind.FAILED if nothing else OutcomeKind.DONE,
        record,
        code=NOT_SAVED,
        sentence=f"ServiceNow accepted the call, but did not save {', '.join(unsaved)}.",
        next_step="Set the values by hand in ServiceNow.",
        columns=unsaved,
    )


def _is_taken(key: str, of_class: str | None, table: Table) -> RowOutcome:
    if not of_class or of_class == table.name:
        return failed(
            key, "ServiceNow has a record with this id, which the write user may not see."
        )
    sentence = (
        f"It is now a record of {of_class}: its class was changed. Unlost does not change it back."
    )
    return failed(key, sentence, code=CLASS_CHANGED)


def _archived(key: str) -> RowOutcome:
    return failed(
        key,
        "ServiceNow has archived the record, so it was not deleted.",
        next_step="Restore the record from the archive in ServiceNow, and try again.",
    )


def _not_added(row: WriteRow) -> RowOutcome:
    return failed(
        row.key,
        "ServiceNow accepted the journal entry, but does not show it.",
        code=NOT_SAVED,
        next_step="Look at the record in ServiceNow before you try again.",
        columns=(ENTRY_KEY[3],),
    )
