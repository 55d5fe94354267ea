"""The conformance suite of writers. Subclass ``WriterContract``, give it a writer, and run pytest.

What a writer sends must come back from the source of the same org, too. The suite creates, changes
and deletes records of one table, so give it a simulator, a sandbox, or a fake. Its records have
names with the word ``Contract``.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from itertools import count

import pytest

from unlost.model.errors import Conflict, SourceRefused
from unlost.model.ports.source import Source
from unlost.model.ports.writer import PlanningAccess, Writer
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import ColumnTrait, Table
from unlost.model.source.writing import (
    MissingPermission,
    NeverReason,
    OutcomeKind,
    RecordQuery,
    ReferrerQuery,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)
from unlost.testing.cells import AWKWARD, Cells, cells_by_id, page_cells, steady_columns
from unlost.testing.connectors import asked_for_unknown_ids, read_whole, unknown_ids
from unlost.testing.row_checks import check_rows

CALL_NAME = "contract"  # for the log of the org
FETCHED = 2_000  # ids that a restore asks for at a time
FILE = bytes(range(256)) * 10
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class WriteSample:
    """The table in which the tests write, with texts that they may write.

    ``key``: a column of text that tells records apart. ``optional``: a column that may be empty, and
    ``text``: a value for it. ``needed``: other cells of every new record, in the form in which the
    source delivers them; numbers and times are good samples. ``refused``: cells with which the org
    refuses a new record. ``referrer``: a table whose records may refer to these. ``file``: a table
    whose records have a file, if the writer uploads any.
    """

    table: Table
    key: str
    optional: str
    text: str
    refused: Cells
    needed: Cells = field(default_factory=dict)
    referrer: "ReferrerSample | None" = None
    file: "FileSample | None" = None


@dataclass(frozen=True, slots=True)
class ReferrerSample:
    """A table with a reference: its ``column``, and the cells that every new record needs."""

    table: Table
    column: str
    needed: Cells = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileSample:
    """A table whose records have a file, and the cells that every new record needs."""

    table: Table
    needed: Cells = field(default_factory=dict)


class WriterContract:
    """The promises of ``unlost.model.ports.writer.Writer``, each as a test.

    A subclass provides the fixtures ``writer``, ``planning``, ``source`` and ``sample``, and
    ``lose_answer``, ``garble_answer``, ``create_as_another_user`` and ``forbidden_writer``. It may
    override ``break_off``, ``unknown_ids``, and ``awkward``: texts of which it leaves out those that
    the org itself changes or refuses. Tests of operations that the capability of the table does not
    allow are skipped.
    """

    awkward: tuple[str, ...] = AWKWARD

    @pytest.fixture
    def writer(self) -> Writer:
        """An open writer."""
        raise NotImplementedError("give the contract a writer")

    @pytest.fixture
    def planning(self) -> PlanningAccess:
        """Access for plans to the same org, with the backup user."""
        raise NotImplementedError("give the contract access for plans")

    @pytest.fixture
    def source(self) -> Source:
        """The read side of the same org, with the backup user."""
        raise NotImplementedError("give the contract a source")

    @pytest.fixture
    def sample(self) -> WriteSample:
        """The table in which the tests write."""
        raise NotImplementedError("give the contract a table")

    def lose_answer(self, writer: Writer) -> AbstractContextManager[object]:
        """Lose the answer of the next call that writes, after it has taken effect."""
        raise NotImplementedError("let the contract lose an answer")

    def garble_answer(self, writer: Writer) -> AbstractContextManager[object]:
        """Report success to the next call that writes, in a body that lacks the result."""
        raise NotImplementedError("let the contract garble an answer")

    def create_as_another_user(self, sample: WriteSample) -> str:
        """Create a record of the sample's table as another user of the org, and return its id."""
        raise NotImplementedError("let another user create a record")

    def forbidden_writer(self, sample: WriteSample) -> AbstractContextManager[Writer] | None:
        """Open a writer whose user may not create records of the sample's table.

        The backup user is the usual one. None if each user of the org may.
        """
        raise NotImplementedError("give the contract a user who may not write")

    def break_off(self, writer: Writer) -> AbstractContextManager[object]:
        """Let the next call that writes several rows fail after the first row.

        Override it if the writer sends the rows of a call in several requests.
        """
        return self.lose_answer(writer)

    def unknown_ids(self, count: int) -> list[str]:
        """So many ids that no record has, in the form of the org's ids."""
        return unknown_ids(count)

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
        """A plan without a write user supposes a user with every permission.

        Columns of the system may be missing: few users get the right to set them.
        """
        allowed, planned = (each.capability(sample.table) for each in (writer, planning))
        assert allowed.ops
        system = {each.column for each in planned.never if each.reason is NeverReason.SYSTEM}
        fewer = (allowed.settable - planned.settable) | (allowed.changeable - planned.changeable)
        assert allowed.ops <= planned.ops
        assert fewer <= system, f"{sorted(fewer - system)} cannot be planned"

    def test_missing_permissions_are_named(self, writer: Writer, sample: WriteSample) -> None:
        """A user who may not write lacks a permission; a table's capability allows nothing that needs it."""
        check_missing(sample.table, writer)
        opened = self.forbidden_writer(sample)
        if opened is None:
            pytest.skip("each user may write")
        with opened as forbidden:
            assert check_missing(sample.table, forbidden), "missing() names no permission"

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
        before = self.cells(writer, sample, record, steady_columns(sample.table))
        planning.missing([sample.table])
        planning.capability(sample.table)
        planning.find(sample.table, (sample.key,), [(str(before[sample.key]),)])
        planning.fetch(sample.table, [record], columns=[sample.key])
        planning.referrers(referrer_queries(sample, [record]))
        planning.automation([sample.table])
        planning.locks({sample.table.name: (record,)})
        assert self.cells(writer, sample, record, steady_columns(sample.table)) == before

    # --- operations -------------------------------------------------------------------------------

    def test_a_created_record_has_its_cells(self, writer: Writer, sample: WriteSample) -> None:
        """A record is read back in the form in which it was written."""
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    def test_a_created_record_is_read_by_the_source(
        self, source: Source, writer: Writer, sample: WriteSample
    ) -> None:
        """A full read and a look-up have the cells that the writer sent and fetches."""
        record = self.create(writer, sample)
        columns = steady_columns(sample.table)
        rows = writer.fetch(sample.table, [record], columns=columns)
        written = cells_by_id(sample.table, [rows])[record]
        for pages in (
            read_whole(source, sample.table),
            list(source.read_ids(sample.table, [record])),
        ):
            assert page_cells(sample.table, pages)[record] == written

    def test_a_change_names_the_user_who_signed_in(
        self, source: Source, writer: Writer, sample: WriteSample
    ) -> None:
        """The source names the user of a change by the id that the writer has."""
        if sample.table.modified_by_column is None:
            pytest.skip("the table does not name the user of a change")
        record = self.create(writer, sample)
        (page,) = (page for page in source.read_ids(sample.table, [record]) if len(page.rows))
        assert page.rows.modified_by.to_pylist() == [writer.user_id()]

    def test_texts_come_back_unchanged_and_lead_to_their_records(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """No character of a text has a meaning for a call or a query, and its case counts."""
        cells = self.new_cells(writer, sample)
        texts = [text.format(cells[sample.key]) for text in self.awkward]
        ids = [self.create(writer, sample, {**cells, sample.key: text}) for text in texts]
        rows = writer.fetch(sample.table, ids, columns=[sample.key])
        stored = dict(zip(rows.ids.to_pylist(), column(rows, sample.key), strict=True))
        damaged = [text for record, text in zip(ids, texts, strict=True) if stored[record] != text]
        assert not damaged, f"{damaged}: leave out of ``awkward`` what the org changes"
        values = [(text,) for text in texts]
        records = writer.find(sample.table, (sample.key,), values)
        assert dict(records) == dict(zip(values, ids, strict=True))

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
        require(writer, sample, WriteOp.UPDATE)
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        before = self.cells(writer, sample, record, [sample.optional])
        self.do(writer, WriteOp.UPDATE, sample.table, record, {sample.optional: None})
        after = self.cells(writer, sample, record, list(cells))
        assert after == {**cells, sample.optional: None}
        # What was read can be written.
        self.do(writer, WriteOp.UPDATE, sample.table, record, before)
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    def test_an_update_of_an_unknown_record_is_refused(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A record that is gone is a refusal of its row, and not an error of the call."""
        require(writer, sample, WriteOp.UPDATE, WriteOp.DELETE)
        record = self.create(writer, sample)
        self.do(writer, WriteOp.DELETE, sample.table, record)
        row = WriteRow("gone", record, {sample.optional: sample.text})
        (outcome,) = self.send(writer, WriteOp.UPDATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.FAILED)

    def test_a_deleted_record_is_gone_and_can_be_deleted_again(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A delete of a record that is gone is done."""
        ops = [op for op in writer.capability(sample.table).ops if op.deletes]
        if not ops:
            pytest.skip("the capability does not allow deletes")
        for op in ops:
            record, other = self.create(writer, sample), self.create(writer, sample)
            self.do(writer, op, sample.table, record)
            rows = writer.fetch(sample.table, [record, other], columns=[sample.key])
            assert rows.ids.to_pylist() == [other]
            self.do(writer, op, sample.table, record)

    def test_an_undeleted_record_has_its_id_and_its_cells(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A record comes out of the recycle bin as it was."""
        require(writer, sample, WriteOp.UNDELETE)
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        self.do(writer, WriteOp.DELETE, sample.table, record)
        assert self.do(writer, WriteOp.UNDELETE, sample.table, record) == record
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    def test_a_record_has_the_id_of_its_outcome(self, writer: Writer, sample: WriteSample) -> None:
        """A record that is created again has its id or another one, and the outcome the true one."""
        require_kept_ids(writer, sample)
        cells = self.new_cells(writer, sample)
        row = WriteRow("again", self.deleted(writer, sample, cells), cells)
        (outcome,) = self.send(writer, WriteOp.CREATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.DONE)
        assert self.cells(writer, sample, str(outcome.id), list(cells)) == dict(cells)

    def test_the_id_of_a_live_record_is_refused(self, writer: Writer, sample: WriteSample) -> None:
        """A create never overwrites a record."""
        require_kept_ids(writer, sample)
        cells = self.new_cells(writer, sample)
        record = self.create(writer, sample, cells)
        row = WriteRow("twice", record, self.new_cells(writer, sample))
        (outcome,) = self.send(writer, WriteOp.CREATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.FAILED)
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    # --- lost answers -----------------------------------------------------------------------------

    def test_a_create_whose_answer_was_lost_is_made_once(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and a look at the org finds one record."""
        since, cells = writer.server_time(), self.new_cells(writer, sample)
        row = WriteRow("lost", None, cells)
        self.lose(writer, WriteOp.CREATE, sample.table, row)
        writer.settle(sample.table, since=since)
        rows = self.recent(writer, sample, since, row)
        if rows is not None:
            assert column(rows, sample.key).count(cells[sample.key]) == 1
        self.check_single(writer, sample, cells)

    def test_a_create_with_an_id_whose_answer_was_lost_is_made_once(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and the org has one record."""
        require_kept_ids(writer, sample)
        cells = self.new_cells(writer, sample)
        row = WriteRow("lost", self.deleted(writer, sample, cells), cells)
        self.lose(writer, WriteOp.CREATE, sample.table, row)
        self.check_single(writer, sample, cells)

    def test_a_create_whose_answer_cannot_be_read_is_unknown(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """An answer without the result is a lost one: the record may exist."""
        cells = self.new_cells(writer, sample)
        with self.garble_answer(writer):
            row = WriteRow("lost", None, cells)
            (outcome,) = self.send(writer, WriteOp.CREATE, sample.table, [row])
        check_outcome(outcome, OutcomeKind.UNKNOWN)
        self.check_single(writer, sample, cells)

    def test_a_call_that_breaks_off_has_an_outcome_for_each_row(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """A row that was written is done or unknown, and a row that failed was not written."""
        if writer.capability(sample.table).rows_per_call < 2:
            pytest.skip("a call writes one record")
        cells = [self.new_cells(writer, sample) for _ in range(2)]
        rows = [WriteRow(f"k{at}", None, each) for at, each in enumerate(cells)]
        with self.break_off(writer):
            outcomes = self.send(writer, WriteOp.CREATE, sample.table, rows)
        assert [outcome.key for outcome in outcomes] == ["k0", "k1"]
        values = [(str(each[sample.key]),) for each in cells]
        live = writer.find(sample.table, (sample.key,), values)
        for outcome, value in zip(outcomes, values, strict=True):
            check_outcome(outcome, outcome.kind)
            if outcome.kind is not OutcomeKind.UNKNOWN:
                assert (outcome.kind is OutcomeKind.DONE) == (value in live), outcome

    def test_an_update_whose_answer_was_lost_is_unknown(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and the record shows the effect."""
        require(writer, sample, WriteOp.UPDATE)
        record = self.create(writer, sample)
        row = WriteRow("lost", record, {sample.optional: None})
        self.lose(writer, WriteOp.UPDATE, sample.table, row)
        assert self.cells(writer, sample, record, [sample.optional]) == {sample.optional: None}

    def test_a_delete_whose_answer_was_lost_is_unknown(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and the record is gone."""
        require(writer, sample, WriteOp.DELETE)
        record = self.create(writer, sample)
        self.lose(writer, WriteOp.DELETE, sample.table, WriteRow("lost", record))
        assert len(writer.fetch(sample.table, [record], columns=[sample.key])) == 0

    def test_an_undelete_whose_answer_was_lost_is_unknown(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The outcome is unknown, and the record is there."""
        require(writer, sample, WriteOp.UNDELETE)
        cells = self.new_cells(writer, sample)
        record = self.deleted(writer, sample, cells)
        self.lose(writer, WriteOp.UNDELETE, sample.table, WriteRow("lost", record))
        assert self.cells(writer, sample, record, list(cells)) == dict(cells)

    # --- files ------------------------------------------------------------------------------------

    def test_an_uploaded_file_is_read_back(
        self, source: Source, writer: Writer, sample: WriteSample
    ) -> None:
        """A file has the bytes that were sent, whether alone or with the rows of a call."""
        if sample.file is None:
            assert not uploads(source, writer), "the writer uploads files: give the sample a file"
            pytest.skip("the writer uploads no files")
        table, cells = sample.file.table, sample.file.needed
        with BytesIO(FILE) as body:
            outcomes = [writer.upload(table, WriteRow("file", None, cells), body, token=CALL_NAME)]
        if writer.capability(table).small_file >= len(FILE):
            small = WriteRow("small", None, cells, FILE)
            outcomes += self.send(writer, WriteOp.CREATE, table, [small])
        for outcome in outcomes:
            check_outcome(outcome, OutcomeKind.DONE)
            assert files_of(source, table, str(outcome.id)) == [FILE]

    def test_an_upload_whose_answer_was_lost_is_unknown(
        self, writer: Writer, sample: WriteSample
    ) -> None:
        """The record may exist, with its file."""
        if sample.file is None:
            pytest.skip("the sample has no file")
        row = WriteRow("lost", None, sample.file.needed)
        with self.lose_answer(writer), BytesIO(FILE) as body:
            outcome = writer.upload(sample.file.table, row, body, token=CALL_NAME)
        check_outcome(outcome, OutcomeKind.UNKNOWN)

    # --- look-ups ---------------------------------------------------------------------------------

    def test_records_are_found_by_their_values(self, writer: Writer, sample: WriteSample) -> None:
        """Values without a live record are omitted; two records for a value are a conflict."""
        cells = self.new_cells(writer, sample)
        record, value = self.create(writer, sample, cells), (str(cells[sample.key]),)
        records = writer.find(sample.table, (sample.key,), [value, ("Contract: unknown",)])
        assert dict(records) == {value: record}
        unique = [key.columns for key in writer.capability(sample.table).keys]
        if (sample.key,) not in unique:  # otherwise the org has no two of them
            self.create(writer, sample, cells)
            with pytest.raises(Conflict) as caught:
                writer.find(sample.table, (sample.key,), [value])
            assert caught.value.code == "key-not-unique"

    def test_records_are_fetched_by_their_ids(self, writer: Writer, sample: WriteSample) -> None:
        """Unknown ids are omitted; several queries have the same answers as single ones."""
        ids = [self.create(writer, sample) for _ in range(3)]
        (unknown, *others) = self.unknown_ids(FETCHED - len(ids))
        with asked_for_unknown_ids():
            rows = writer.fetch(sample.table, [unknown, *others, *ids], columns=[sample.key])
        check_rows(sample.table, rows)
        assert sorted(rows.ids.to_pylist()) == sorted(ids)
        assert set(rows.ops.to_pylist()) == {Op.STATE.value}
        parts = [ids[:2], [unknown], ids[2:]]
        queries = [RecordQuery(sample.table, part, [sample.key]) for part in parts]
        answers = writer.fetch_several(queries)
        assert [sorted(rows.ids.to_pylist()) for rows in answers] == [sorted(ids[:2]), [], ids[2:]]

    def test_referring_records_are_found(self, writer: Writer, sample: WriteSample) -> None:
        """For each query the records that refer to its ids, with the column."""
        record, other = self.create(writer, sample), self.create(writer, sample)
        assert list(writer.referrers([])) == []
        if sample.referrer is None:
            pytest.skip("the sample has no referrer")
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
        """The records that this user created since a time, and none of other users.

        With ``audit`` a writer may set the user, so records of others may be among them. A table
        that does not record who created a record, or when, refuses (SourceRefused).
        """
        since, cells = writer.server_time(), self.new_cells(writer, sample)
        record, other = self.create(writer, sample, cells), self.create_as_another_user(sample)
        writer.settle(sample.table, since=since)
        rows = self.recent(writer, sample, since, WriteRow("sent", None, cells))
        if rows is None:
            pytest.skip("the table does not record who created a record, or when")
        by_id = dict(zip(rows.ids.to_pylist(), column(rows, sample.key), strict=True))
        assert by_id[record] == cells[sample.key]
        if not writer.capability(sample.table).audit:
            assert other not in by_id, "a record of another user"

    # --- acts of the tests ------------------------------------------------------------------------

    def new_cells(self, writer: Writer, sample: WriteSample) -> Cells:
        """The cells of a new record; no other record has its key."""
        name = f"Contract {writer.server_time():%y%m%d%H%M%S} {next(_numbers)}"
        return {**sample.needed, sample.key: name, sample.optional: sample.text}

    def recent(
        self, writer: Writer, sample: WriteSample, since: datetime, row: WriteRow
    ) -> Rows | None:
        """The recent records; None if the table does not record who created a record, or when."""
        try:
            return writer.recent(sample.table, since, columns=[sample.key], sent=[row])
        except SourceRefused:
            return None

    def deleted(self, writer: Writer, sample: WriteSample, cells: Cells) -> str:
        """Create a record, delete it, and return its id."""
        record = self.create(writer, sample, cells)
        self.do(writer, WriteOp.DELETE, sample.table, record)
        return record

    def lose(self, writer: Writer, op: WriteOp, table: Table, row: WriteRow) -> None:
        """Write a row and lose the answer; the outcome must be unknown."""
        with self.lose_answer(writer):
            (outcome,) = self.send(writer, op, table, [row])
        check_outcome(outcome, OutcomeKind.UNKNOWN)

    def check_single(self, writer: Writer, sample: WriteSample, cells: Cells) -> None:
        """Assert that the org has one record with this key; two would be a Conflict."""
        value = (str(cells[sample.key]),)
        assert value in writer.find(sample.table, (sample.key,), [value])

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
        answers = [writer.write(op, table, part, token=CALL_NAME) for part in parts]
        return [outcome for answer in answers for outcome in answer]

    def cells(
        self, writer: Writer, sample: WriteSample, record: str, columns: Sequence[str]
    ) -> dict[str, str | None]:
        """The cells of a live record."""
        rows = writer.fetch(sample.table, [record], columns=columns)
        assert rows.ids.to_pylist() == [record]
        return {name: column(rows, name)[0] for name in columns}


def require(writer: Writer, sample: WriteSample, *ops: WriteOp) -> WriteCapability:
    """The capability of the sample's table; skips the test if it does not allow the operations."""
    capability = writer.capability(sample.table)
    missing = sorted({*ops} - capability.ops)
    if missing:
        pytest.skip(f"the capability does not allow {', '.join(missing)}")
    return capability


def require_kept_ids(writer: Writer, sample: WriteSample) -> None:
    """Skip the test unless a record that was deleted can be created with its id."""
    if not require(writer, sample, WriteOp.DELETE).keeps_id:
        pytest.skip("the capability has no keeps_id")


def column(rows: Rows, name: str) -> list[str | None]:
    """The cells of a column."""
    assert rows.cells is not None
    return list(rows.cells.column(name).to_pylist())


def uploads(source: Source, writer: Writer) -> bool:
    """True if the writer uploads the files of a table."""
    tables = [table for table in source.discover().tables if table.files]
    return any(writer.capability(table).file_column for table in tables)


def files_of(source: Source, table: Table, record: str) -> list[bytes]:
    """The files of a record."""
    bodies = []
    for page in source.read_ids(table, [record]):
        for ref in source.files_in(table, page.rows):
            with source.open_file(ref) as stream:
                bodies.append(stream.read())
    return bodies


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
    assert not writable & set(never)
    # Volatile columns make no versions, so nothing restores them.
    every = {each.name for each in table.columns if not each.has(ColumnTrait.VOLATILE)}
    assert every - {table.id_column} <= writable | set(never) | {capability.file_column}
    assert capability.needs_value <= capability.settable
    assert capability.defaulted <= capability.settable
    assert all(set(key.columns) <= every for key in capability.keys)
    assert bool(capability.ops) or bool(capability.reason)
    assert capability.rows_per_call > 0
    assert capability.calls_at_once > 0


def check_missing(table: Table, writer: Writer) -> Sequence[MissingPermission]:
    """Assert that missing permissions explain themselves and fit the capability; returns them."""
    missing = writer.missing([table])
    ops = writer.capability(table).ops
    for each in missing:
        assert each.permission, each
        assert each.sentence.endswith("."), each
        assert each.table in {None, table.name}, each
        if each.table is not None:
            impossible = sorted(ops if each.op is None else ops & {each.op})
            assert not impossible, f"the capability allows {', '.join(impossible)} without {each}"
    return missing


def check_outcome(outcome: RowOutcome, kind: OutcomeKind) -> None:
    """Assert the kind of an outcome, and that a refusal explains itself."""
    assert outcome.kind is kind, outcome
    if kind is not OutcomeKind.DONE:
        assert outcome.code, outcome
    if kind is OutcomeKind.FAILED:
        assert outcome.code.startswith("write-"), outcome
        assert outcome.sentence or outcome.native, outcome
