"""The conformance suite of writers. Subclass ``WriterContract``, give it a writer, and run pytest.

The suite creates, changes and deletes records of one table, so give it a simulator, a sandbox, or a
fake. Its records have names that begin with ``Contract``.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count

import pytest

from unlost.model.errors import Conflict
from unlost.model.ports.writer import PlanningAccess, Writer
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import ColumnTrait, Table
from unlost.model.source.writing import (
    ID_NOT_KEPT,
    OutcomeKind,
    RecordQuery,
    ReferrerQuery,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)
from unlost.testing.connectors import check_rows

type Cells = Mapping[str, str | None]

UNKNOWN_ID = "no-such-id"
CALL = "contract"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class WriteSample:
    """The table in which the tests write, with texts that they may write.

    ``key``: a column of text that tells records apart. ``optional``: a column that may be empty, and
    ``text``: a value for it. ``needed``: other cells of every new record, in the form in which the
    source delivers them; numbers and times are good samples. ``refused``: cells with which the org
    refuses a new record. ``referrer``: a table whose records may refer to these.
    """

    table: Table
    key: str
    optional: str
    text: str
    refused: Cells
    needed: Cells = field(default_factory=dict)
    referrer: "ReferrerSample | None" = None


@dataclass(frozen=True, slots=True)
class ReferrerSample:
    """A table with a reference: its ``column``, and the cells that every new record needs."""

    table: Table
    column: str
    needed: Cells = field(default_factory=dict)


class WriterContract:
    """The promises of ``unlost.model.ports.writer.Writer``, each as a test.

    A subclass provides the fixtures ``writer``, ``planning`` and ``sample``, and ``lose_answer``.
    Operations that the capability of the table does not allow are not tested.
    """

    @pytest.fixture
    def writer(self) -> Writer:
        """An open writer."""
        raise NotImplementedError("give the contract a writer")

    @pytest.fixture
    def planning(self) -> PlanningAccess:
        """Access for plans to the same org, with the backup user."""
        raise NotImplementedError("give the contract access for plans")

    @pytest.fixture
    def sample(self) -> WriteSample:
        """The table in which the tests write."""
        raise NotImplementedError("give the contract a table")

    def lose_answer(self, writer: Writer) -> AbstractContextManager[object]:
        """Lose the answer of the next call that writes, after it has taken effect."""
        raise NotImplementedError("let the contract lose an answer")

    # --- capabilities -----------------------------------------------------------------------------

    def test_each_column_is_writable_or_never(
        self, writer: Writer, planning: PlanningAccess, sample: WriteSample
    ) -> None:
        """Sets of a capability fit together, for the writer and for plans."""
        for access in (writer, planning):
            check_capability(sample.table, access.capability(sample.table))

    def test_plans_allow_what_the_writer_allows(
        self, writer: Writer, planning: PlanningAccess, sample: WriteSample
    ) -> None:
        """A plan without a write user supposes a user with every permission."""
        assert writer.capability(sample.table).ops
        assert writer.capability(sample.table).ops <= planning.capability(sample.table).ops

    def test_both_users_are_in_the_same_org(self, writer: Writer, planning: PlanningAccess) -> None:
        """Identity, users and clock are known."""
        assert writer.identity().same_org(planning.identity())
        assert writer.user_id()
        assert planning.user_id()
        assert writer.server_time().utcoffset() is not None

    def test_plans_write_nothing(
        self, writer: Writer, planning: PlanningAccess, sample: WriteSample
    ) -> None:
        """No method of the access for plans changes a record."""
        record = self.create(writer, sample)
        before = self.cells(writer, sample, record, all_columns(sample.table))
        planning.missing([sample.table])
        planning.capability(sample.table)
        planning.find(sample.table, (sample.key,), [(str(before[sample.key]),)])
        planning.fetch(sample.table, [record], columns=[sample.key])
        planning.referrers(referrer_queries(sample, [record]))
        planning.automation([sample.table])
        planning.locks({sample.table.name: (record,)})
        assert self.cells(writer, sample, record, all_columns(sample.table)) == before

    # --- operations -------------------------------------------------------------------------------

    def test_a_created_record_has_its_cells(self, writer: Writer, sample: WriteSample) -> None:
        """A record is read back in the form in which it was written."""
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    def test_outcomes_are_in_order_and_refusals_concern_one_row(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """One outcome for each row, in order; a refused row does not fail the others."""
        good, last = self.new_cells(writer, sample), self.new_cells(writer, sample)
        refused = {**self.new_cells(writer, sample), **sample.refused}
        rows = [WriteRow(f"k{n}", None, cells) for n, cells in enumerate((good, refused, last))]
        outcomes = self.send(writer, WriteOp.CREATE, sample.table, rows)
        assert [outcome.key for outcome in outcomes] == ["k0", "k1", "k2"]
        check_outcome(outcomes[1], OutcomeKind.FAILED)
        for outcome in (outcomes[0], outcomes[2]):
            check_outcome(outcome, OutcomeKind.DONE)
        values = [(str(cells[sample.key]),) for cells in (good, last)]
        assert set(writer.find(sample.table, (sample.key,), values)) == set(values)

    def test_an_update_changes_only_the_cells_that_are_sent(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """None clears a cell, and an absent column stays."""
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        if not writer.capability(sample.table).allows(WriteOp.UPDATE):
            return
        self.do(writer, WriteOp.UPDATE, sample.table, record, {sample.optional: None})
        after = self.cells(writer, sample, record, list(cells))
        assert after == {**cells, sample.optional: None}
        # What was read can be written.
        self.do(writer, WriteOp.UPDATE, sample.table, record, {sample.optional: sample.text})
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    def test_an_update_of_an_unknown_record_is_refused(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A record that is gone is a refusal of its row, and not an error of the call."""
        capability = writer.capability(sample.table)
        if not (capability.allows(WriteOp.UPDATE) and capability.allows(WriteOp.DELETE)):
            return
        record = self.create(writer, sample)
        self.do(writer, WriteOp.DELETE, sample.table, record)
        row = WriteRow("gone", record, {sample.optional: sample.text})
        (outcome,) = self.send(writer, WriteOp.UPDATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.FAILED)

    def test_a_deleted_record_is_gone_and_can_be_deleted_again(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A delete of a record that is gone is done."""
        for op in (WriteOp.DELETE, WriteOp.HARD_DELETE):
            if writer.capability(sample.table).allows(op):
                record, other = self.create(writer, sample), self.create(writer, sample)
                self.do(writer, op, sample.table, record)
                rows = writer.fetch(sample.table, [record, other], columns=[sample.key])
                assert rows.ids.to_pylist() == [other]
                self.do(writer, op, sample.table, record)

    def test_an_undeleted_record_has_its_id_and_its_cells(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A record comes out of the recycle bin as it was."""
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        if not writer.capability(sample.table).allows(WriteOp.UNDELETE):
            return
        self.do(writer, WriteOp.DELETE, sample.table, record)
        assert self.do(writer, WriteOp.UNDELETE, sample.table, record) == record
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    def test_an_id_is_kept_or_its_loss_is_reported(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """In a table with ``keeps_id``, a record is created again with the id that it had."""
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        capability = writer.capability(sample.table)
        if not (capability.keeps_id and capability.allows(WriteOp.DELETE)):
            return
        self.do(writer, WriteOp.DELETE, sample.table, record)
        row = WriteRow("again", record, cells)
        (outcome,) = self.send(writer, WriteOp.CREATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.DONE)
        assert outcome.id == record or outcome.code == ID_NOT_KEPT
        assert self.cells(writer, sample, str(outcome.id), list(cells)) == dict(cells)

    # --- lost answers -----------------------------------------------------------------------------

    def test_a_create_whose_answer_was_lost_is_made_once(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and a look at the org finds one record."""
        since, cells = writer.server_time(), self.new_cells(writer, sample)
        row = WriteRow("lost", None, cells)
        with self.lose_answer(writer):
            (outcome,) = self.send(writer, WriteOp.CREATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.UNKNOWN)
        writer.settle(sample.table, since=since)
        rows = writer.recent(sample.table, since, columns=[sample.key], sent=[row])
        assert rows.cells is not None
        assert rows.cells.column(sample.key).to_pylist().count(cells[sample.key]) == 1
        # Two records would be a Conflict.
        value = (str(cells[sample.key]),)
        assert value in writer.find(sample.table, (sample.key,), [value])

    def test_an_update_whose_answer_was_lost_is_unknown(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and the record shows the effect."""
        record = self.create(writer, sample)
        if not writer.capability(sample.table).allows(WriteOp.UPDATE):
            return
        row = WriteRow("lost", record, {sample.optional: None})
        with self.lose_answer(writer):
            (outcome,) = self.send(writer, WriteOp.UPDATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.UNKNOWN)
        assert self.cells(writer, sample, record, [sample.optional]) == {sample.optional: None}

    # --- look-ups ---------------------------------------------------------------------------------

    def test_records_are_found_by_their_values(self, writer: Writer, sample: WriteSample) -> None:
        """Values without a live record are omitted; two records for a value are a conflict."""
        cells = self.new_cells(writer, sample)
        record, value = self.create(writer, sample, cells), (str(cells[sample.key]),)
        found_ids = writer.find(sample.table, (sample.key,), [value, ("Contract: unknown",)])
        assert dict(found_ids) == {value: record}
        if any((sample.key,) == key.columns for key in writer.capability(sample.table).keys):
            return  # the org has no two of them
        self.create(writer, sample, cells)
        with pytest.raises(Conflict) as caught:
            writer.find(sample.table, (sample.key,), [value])
        assert caught.value.code == "key-not-unique"

    def test_records_are_fetched_by_their_ids(self, writer: Writer, sample: WriteSample) -> None:
        """Unknown ids are omitted; several queries have the same answers as single ones."""
        ids = [self.create(writer, sample) for _ in range(3)]
        rows = writer.fetch(sample.table, [*ids, UNKNOWN_ID], columns=[sample.key])
        check_rows(sample.table, rows)
        assert sorted(rows.ids.to_pylist()) == sorted(ids)
        assert set(rows.ops.to_pylist()) == {Op.STATE.value}
        parts = [ids[:2], [UNKNOWN_ID], ids[2:]]
        queries = [RecordQuery(sample.table, part, [sample.key]) for part in parts]
        answers = writer.fetch_several(queries)
        assert [sorted(rows.ids.to_pylist()) for rows in answers] == [sorted(ids[:2]), [], ids[2:]]

    def test_referring_records_are_found(self, writer: Writer, sample: WriteSample) -> None:
        """For each query the records that refer to its ids, with the column."""
        record, other = self.create(writer, sample), self.create(writer, sample)
        assert list(writer.referrers([])) == []
        if sample.referrer is None:
            return
        link = sample.referrer
        row = WriteRow("child", None, {**link.needed, link.column: record})
        (outcome,) = self.send(writer, WriteOp.CREATE, link.table, [row])
        check_outcome(outcome, OutcomeKind.DONE)
        queries = [*referrer_queries(sample, [record]), *referrer_queries(sample, [other])]
        referring, none = writer.referrers(queries)
        assert referring is not None
        assert none is not None
        assert referring.ids.to_pylist() == [outcome.id]
        assert column(referring, link.column) == [record]
        assert len(none) == 0

    def test_recent_records_are_listed(self, writer: Writer, sample: WriteSample) -> None:
        """A record that this user created since a time is among the recent ones."""
        since, cells = writer.server_time(), self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        writer.settle(sample.table, since=since)
        sent = [WriteRow("sent", None, cells)]
        rows = writer.recent(sample.table, since, columns=[sample.key], sent=sent)
        by_id = dict(zip(rows.ids.to_pylist(), column(rows, sample.key), strict=True))
        assert by_id[record] == cells[sample.key]

    # --- acts of the tests ------------------------------------------------------------------------

    def new_cells(self, writer: Writer, sample: WriteSample) -> Cells:
        """The cells of a new record; no other record has its key."""
        name = f"Contract {writer.server_time():%y%m%d%H%M%S} {next(_numbers)}"
        return {**sample.needed, sample.key: name, sample.optional: sample.text}

    def create(self, writer: Writer, sample: WriteSample, cells: Cells | None = None) -> str:
        """Create a record and return its id."""
        row = WriteRow("new", None, cells or self.new_cells(writer, sample))
        (outcome,) = self.send(writer, WriteOp.CREATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.DONE)
        return str(outcome.id)

    def do(
        self, writer: Writer, op: WriteOp, table: Table, record: str, cells: Cells | None = None
    ) -> str | None:
        """Write one record, which must succeed."""
        (outcome,) = self.send(writer, op, table, [WriteRow("row", record, cells or {})])
        check_outcome(outcome, OutcomeKind.DONE)
        return outcome.id

    def send(
        self, writer: Writer, op: WriteOp, table: Table, rows: Sequence[WriteRow]
    ) -> list[RowOutcome]:
        """Write rows in calls of the size that the capability allows."""
        size = writer.capability(table).rows_per_call
        parts = [rows[at : at + size] for at in range(0, len(rows), size)]
        answers = [writer.write(op, table, part, token=CALL) for part in parts]
        return [outcome for answer in answers for outcome in answer]

    def cells(
        self, writer: Writer, sample: WriteSample, record: str, columns: Sequence[str]
    ) -> dict[str, str | None]:
        """The cells of a live record."""
        rows = writer.fetch(sample.table, [record], columns=columns)
        assert rows.ids.to_pylist() == [record]
        return {name: column(rows, name)[0] for name in columns}


def column(rows: Rows, name: str) -> list[str | None]:
    """The cells of a column."""
    assert rows.cells is not None
    return list(rows.cells.column(name).to_pylist())


def all_columns(table: Table) -> list[str]:
    """The columns that a fetch can read."""
    files = {file.column for file in table.files}
    return [each.name for each in table.columns if each.name not in files]


def referrer_queries(sample: WriteSample, ids: Sequence[str]) -> list[ReferrerQuery]:
    """The query for the records that refer to some of the sample's; none without a reference."""
    link = sample.referrer
    return [] if link is None else [ReferrerQuery(link.table, link.column, ids)]


def check_capability(table: Table, capability: WriteCapability) -> None:
    """Assert that each column is settable, changeable or never, and that named columns exist."""
    never = [each.column for each in capability.never]
    assert len(never) == len(set(never))
    writable = capability.settable | capability.changeable
    assert table.id_column not in writable
    assert not capability.settable & set(never)
    # Volatile columns make no versions, so nothing restores them.
    every = {each.name for each in table.columns if not each.has(ColumnTrait.VOLATILE)}
    assert every - {table.id_column} <= writable | set(never) | {capability.file_column}
    assert capability.needs_value <= capability.settable
    assert capability.defaulted <= capability.settable
    assert all(set(key.columns) <= every for key in capability.keys)
    assert bool(capability.ops) or bool(capability.reason)
    assert capability.rows_per_call > 0
    assert capability.calls_at_once > 0


def check_outcome(outcome: RowOutcome, kind: OutcomeKind) -> None:
    """Assert the kind of an outcome, and that a refusal explains itself."""
    assert outcome.kind is kind, outcome
    if kind is not OutcomeKind.DONE:
        assert outcome.code, outcome
    if kind is OutcomeKind.FAILED:
        assert outcome.code.startswith("write-"), outcome
        assert outcome.sentence or outcome.native, outcome
