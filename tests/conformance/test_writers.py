"""The writers of this house keep the promises of a Writer."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from io import BytesIO

import pyarrow as pa
import pytest

from unlost.model.errors import SourceRefused, TransientError, UnlostError
from unlost.model.source.schema import Reference, Table, WireKind
from unlost.model.source.writing import (
    MissingPermission,
    NeverColumn,
    NeverReason,
    OutcomeKind,
    RowOutcome,
    WriteOp,
)
from unlost.testing.clock import VirtualClock
from unlost.testing.memory_writer import MemoryWriter, ReplyLost
from unlost.testing.org import MemoryOrg
from unlost.testing.platform import Platform, without
from unlost.testing.source import MemorySource
from unlost.testing.writers import (
    FileSample,
    ReferrerSample,
    WriterContract,
    WriteSample,
    check_capability,
)


def a_platform() -> Platform:
    org = MemoryOrg(VirtualClock())
    org.add_table(
        "Customer",
        {"Name": WireKind.TEXT, "Phone": WireKind.TEXT, "Turnover": WireKind.DECIMAL},
    )
    org.add_table(
        "Order",
        {"Number": WireKind.TEXT, "Customer": WireKind.REFERENCE},
        references={"Customer": Reference(("Customer",))},
    )
    org.add_table("Paper", {"Name": WireKind.TEXT}, files=True)
    platform = Platform(org)
    platform.required.add(("Customer", "Name"))
    platform.small_file = platform.files_per_call = 5_000
    return platform


def table(platform: Platform, name: str) -> Table:
    found = MemorySource(platform.org).discover().table(name)
    assert found is not None
    return found


class TestMemoryWriter(WriterContract):
    """The fake writer with which the engine is tested."""

    @pytest.fixture
    def platform(self) -> Platform:
        return a_platform()

    @pytest.fixture
    def writer(self, platform: Platform) -> MemoryWriter:
        return MemoryWriter(platform)

    @pytest.fixture
    def planning(self, platform: Platform) -> MemoryWriter:
        return MemoryWriter(platform, user="reader")

    @pytest.fixture
    def source(self, platform: Platform) -> MemorySource:
        return MemorySource(platform.org)

    @pytest.fixture
    def sample(self, platform: Platform) -> WriteSample:
        self.platform = platform
        return WriteSample(
            table(platform, "Customer"),
            key="Name",
            optional="Phone",
            text="+32 2",
            needed={"Turnover": "12.50"},
            refused={"Name": None},
            referrer=ReferrerSample(table(platform, "Order"), "Customer", {"Number": "1"}),
            file=FileSample(table(platform, "Paper"), {"Name": "letter.txt"}),
        )

    @contextmanager
    def lose_answer(self, writer: MemoryWriter) -> Iterator[None]:
        for call in ("written", "uploaded"):
            writer.faults.plant(call, ReplyLost())
        yield
        assert sum(fault.met for fault in writer.faults.planted) == 1
        writer.faults.clear()

    @contextmanager
    def garble_answer(self, writer: MemoryWriter) -> Iterator[None]:
        writer.faults.plant("written", ReplyLost())
        yield
        writer.faults.assert_met()

    def create_as_another_user(self, sample: WriteSample) -> str:
        cells = {sample.key: "Other", **sample.needed}
        return self.platform.create(sample.table.name, cells, by="other")

    @contextmanager
    def forbidden_writer(self, sample: WriteSample) -> Iterator[MemoryWriter]:
        name = sample.table.name
        platform = Platform(self.platform.org)
        platform.allow(without(platform.capability(name), WriteOp.CREATE))
        writer = MemoryWriter(platform, user="reader")
        sentence = "The write user lacks “Create”."
        writer.lacking = (MissingPermission("Create", sentence, name, WriteOp.CREATE),)
        yield writer

    @contextmanager
    def break_off(self, writer: MemoryWriter) -> Iterator[None]:
        writer.faults.plant("row", ReplyLost(), after=1)
        yield
        writer.faults.assert_met()


class TestMemoryWriterThatKeepsIds(TestMemoryWriter):
    """An org whose records come back with their ids, and that deletes without a bin."""

    @pytest.fixture
    def platform(self) -> Platform:
        platform = a_platform()
        platform.keeps_ids.add("Customer")
        return platform


class TestMemoryWriterOfFewOperations(TestMemoryWriter):
    """A table whose records can only be created, one at a time."""

    @pytest.fixture
    def platform(self) -> Platform:
        platform = a_platform()
        capability = platform.capability("Customer")
        every = without(capability, *set(WriteOp) - {WriteOp.CREATE})
        platform.allow(replace(every, rows_per_call=1))
        return platform


# --- writers that break a promise -----------------------------------------------------------------


class Repeating(MemoryWriter):
    """Repeats a call whose answer was lost, as an HTTP client without care does."""

    def write(self, op, table, rows, *, token):
        outcomes = super().write(op, table, rows, token=token)
        if any(outcome.kind is OutcomeKind.UNKNOWN for outcome in outcomes):
            return super().write(op, table, rows, token=token)
        return outcomes


class Unsorted(MemoryWriter):
    """Returns the outcomes of a call in another order."""

    def write(self, op, table, rows, *, token):
        return super().write(op, table, rows, token=token)[::-1]


class AllOrNone(MemoryWriter):
    """Refuses all rows because one was refused."""

    def write(self, op, table, rows, *, token):
        outcomes = super().write(op, table, rows, token=token)
        if any(outcome.kind is OutcomeKind.FAILED for outcome in outcomes):
            return [RowOutcome(row.key, OutcomeKind.FAILED, code="write-refused", sentence="No.")
                    for row in rows]  # fmt: skip
        return outcomes


class Forgetful(MemoryWriter):
    """Empties the cells that an update does not name."""

    def write(self, op, table, rows, *, token):
        if op is WriteOp.UPDATE:
            names = self.capability(table).changeable - {"Name"}
            rows = [replace(row, cells={**dict.fromkeys(names), **row.cells}) for row in rows]
        return super().write(op, table, rows, token=token)


class Touching(MemoryWriter):
    """Writes while it looks for locks."""

    def locks(self, records):
        for name, ids in records.items():
            for record in ids:
                self.platform.update(name, record, {"Phone": "touched"}, by=self.user)
        return super().locks(records)


class Guessing(MemoryWriter):
    """Takes any record that has a value."""

    def find(self, table, columns, values):
        wanted = set(values)
        records = self.platform.live(table.name)
        found = {tuple(r.cells.get(name) or "" for name in columns): key for key, r in records}
        return {value: key for value, key in found.items() if value in wanted}


class CutsKeys(MemoryWriter):
    """Asks for a text without the spaces at its ends."""

    def find(self, table, columns, values):
        return super().find(table, columns, [tuple(text.strip() for text in v) for v in values])


class CaseBlind(Guessing):
    """Takes a text of another case for the same."""

    def find(self, table, columns, values):
        wanted = {tuple(text.lower() for text in value): value for value in values}
        records = self.platform.live(table.name)
        named = {tuple((r.cells.get(n) or "").lower() for n in columns): key for key, r in records}
        return {value: named[key] for key, value in wanted.items() if key in named}


class Trimming(MemoryWriter):
    """Sends texts without the spaces at their ends."""

    def write(self, op, table, rows, *, token):
        cells = [{n: t and t.strip(" ") for n, t in row.cells.items()} for row in rows]
        rows = [replace(row, cells=each) for row, each in zip(rows, cells, strict=True)]
        return super().write(op, table, rows, token=token)


class Limited(MemoryWriter):
    """Reads the first ids of a call only, as a server with a limit does."""

    def fetch(self, table, ids, *, columns):
        return super().fetch(table, ids[:1_000], columns=columns)


class Decoding(MemoryWriter):
    """Decodes the answer where its loss is not expected."""

    def write(self, op, table, rows, *, token):
        return self.checked(super().write(op, table, rows, token=token))

    def upload(self, table, row, body, *, token):
        return self.checked([super().upload(table, row, body, token=token)])[0]

    def checked(self, outcomes):
        if any(outcome.kind is OutcomeKind.UNKNOWN for outcome in outcomes):
            raise TransientError("body-cut", "The body is cut.")
        return outcomes


class Certain(MemoryWriter):
    """Takes a lost answer for a refusal."""

    def write(self, op, table, rows, *, token):
        return [self.sure(outcome) for outcome in super().write(op, table, rows, token=token)]

    def upload(self, table, row, body, *, token):
        return self.sure(super().upload(table, row, body, token=token))

    def sure(self, outcome):
        if outcome.kind is OutcomeKind.UNKNOWN:
            return replace(outcome, kind=OutcomeKind.FAILED, code="write-refused", sentence="No.")
        return outcome


class Echoing(MemoryWriter):
    """Reports the id that a row asked for, and not the one that the record has."""

    def __init__(self, platform):
        super().__init__(platform)
        platform.ignores_ids.add("Customer")

    def write(self, op, table, rows, *, token):
        outcomes = super().write(op, table, rows, token=token)
        return [replace(o, id=r.id or o.id) for o, r in zip(outcomes, rows, strict=True)]


class Upserting(MemoryWriter):
    """Changes a live record that has the id of a new one."""

    def write(self, op, table, rows, *, token):
        live = dict(self.platform.live(table.name))
        if op is WriteOp.CREATE and any(row.id in live for row in rows):
            op = WriteOp.UPDATE
        return super().write(op, table, rows, token=token)


class Greedy(MemoryWriter):
    """Takes the records of all users for its own."""

    def recent(self, table, since, *, columns, sent):
        return self._rows(list(self.platform.live(table.name)), columns)


class CutsFiles(MemoryWriter):
    """Sends a file in part."""

    def upload(self, table, row, body, *, token):
        return super().upload(table, row, BytesIO(body.read(100)), token=token)


BROKEN = [
    (Repeating, "test_a_create_whose_answer_was_lost_is_made_once"),
    (Repeating, "test_a_create_whose_answer_cannot_be_read_is_unknown"),
    (Repeating, "test_a_create_with_an_id_whose_answer_was_lost_is_made_once"),
    (Decoding, "test_a_create_whose_answer_cannot_be_read_is_unknown"),
    (Decoding, "test_a_call_that_breaks_off_has_an_outcome_for_each_row"),
    (Certain, "test_a_call_that_breaks_off_has_an_outcome_for_each_row"),
    (Certain, "test_an_update_whose_answer_was_lost_is_unknown"),
    (Certain, "test_a_delete_whose_answer_was_lost_is_unknown"),
    (Certain, "test_an_undelete_whose_answer_was_lost_is_unknown"),
    (Certain, "test_an_upload_whose_answer_was_lost_is_unknown"),
    (Unsorted, "test_outcomes_are_in_order_and_refusals_concern_one_row"),
    (AllOrNone, "test_outcomes_are_in_order_and_refusals_concern_one_row"),
    (Forgetful, "test_an_update_changes_only_the_cells_that_are_sent"),
    (Guessing, "test_records_are_found_by_their_values"),
    (CutsKeys, "test_texts_come_back_unchanged_and_lead_to_their_records"),
    (CaseBlind, "test_texts_come_back_unchanged_and_lead_to_their_records"),
    (Trimming, "test_texts_come_back_unchanged_and_lead_to_their_records"),
    (Limited, "test_records_are_fetched_by_their_ids"),
    (Echoing, "test_a_record_has_the_id_of_its_outcome"),
    (Greedy, "test_recent_records_are_listed"),
    (Upserting, "test_the_id_of_a_live_record_is_refused"),
]


@pytest.mark.parametrize(("kind", "promise"), BROKEN)
def test_a_broken_writer_is_noticed(kind: type[MemoryWriter], promise: str) -> None:
    for writer in (MemoryWriter, kind):
        contract, platform = TestMemoryWriter(), a_platform()
        platform.keeps_ids.add("Customer")
        sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
        with raises_if(writer is kind):
            getattr(contract, promise)(writer(platform), sample)


@contextmanager
def raises_if(broken: bool) -> Iterator[None]:
    errors = (AssertionError, UnlostError, pytest.fail.Exception)
    with pytest.raises(errors) if broken else not_skipped():
        yield


@contextmanager
def not_skipped() -> Iterator[None]:
    try:
        yield
    except pytest.skip.Exception as skipped:
        raise AssertionError(f"skipped: {skipped}") from skipped


class Undated(MemoryWriter):
    """Writes to a table that does not record who created a record."""

    def recent(self, table, since, *, columns, sent):
        raise SourceRefused("no-creator", "The table has no creator.", next_step="None.")


def test_a_table_without_creators_needs_no_recent_records() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    contract.test_a_create_whose_answer_was_lost_is_made_once(Undated(platform), sample)
    with pytest.raises(pytest.skip.Exception, match="does not record who created"):
        contract.test_recent_records_are_listed(Undated(platform), sample)


def test_an_operation_that_is_not_allowed_is_skipped_and_does_not_pass() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    platform.allow(without(platform.capability("Customer"), WriteOp.UPDATE))
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    with pytest.raises(pytest.skip.Exception, match="does not allow update"):
        contract.test_an_update_whose_answer_was_lost_is_unknown(MemoryWriter(platform), sample)


def test_a_user_who_may_not_write_and_lacks_nothing_is_noticed() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    contract.test_missing_permissions_are_named(MemoryWriter(platform), sample)
    contract.forbidden_writer = lambda _: nullcontext(MemoryWriter(platform))
    with pytest.raises(AssertionError, match="names no permission"):
        contract.test_missing_permissions_are_named(MemoryWriter(platform), sample)


def test_a_permission_that_is_missing_although_the_capability_allows_all_is_noticed() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    writer = MemoryWriter(platform)
    writer.lacking = (MissingPermission("Edit", "It is missing.", "Customer", WriteOp.UPDATE),)
    with pytest.raises(AssertionError, match="allows update without"):
        contract.test_missing_permissions_are_named(writer, sample)


class Picky(MemoryWriter):
    """Refuses ids of a form that its org does not have."""

    def fetch(self, table, ids, *, columns):
        if any("-" in record for record in ids):
            raise SourceRefused("id-form", "This is no id.", next_step="None.")
        return super().fetch(table, ids, columns=columns)


def test_a_writer_that_refuses_unknown_ids_is_explained() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    with pytest.raises(SourceRefused) as caught:
        contract.test_records_are_fetched_by_their_ids(Picky(platform), sample)
    assert "unknown_ids" in caught.value.__notes__[0]


class Labelled(MemorySource):
    """Delivers a label in place of the value, in each read."""

    def _rows(self, *words):
        rows = super()._rows(*words)
        cells = rows.cells.to_pydict()
        if "Phone" in cells:
            cells["Phone"] = [text and f"Phone {text}" for text in cells["Phone"]]
        return replace(rows, cells=pa.RecordBatch.from_pydict(cells))


class Emptied(MemorySource):
    """Delivers a column without its values, in each read."""

    def _rows(self, *words):
        rows = super()._rows(*words)
        cells = rows.cells.to_pydict()
        if "Phone" in cells:
            cells["Phone"] = pa.nulls(len(rows), pa.string())
        return replace(rows, cells=pa.RecordBatch.from_pydict(cells))


class ByName(MemorySource):
    """Names users in another form than the writer."""

    def _rows(self, *words):
        rows = super()._rows(*words)
        names = pa.array([f"Mr {user}" for user in rows.modified_by.to_pylist()], pa.string())
        return replace(rows, modified_by=names)


class Fileless(MemorySource):
    """Does not know of files."""

    def files_in(self, table, rows):
        return ()


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Labelled, "test_a_created_record_is_read_by_the_source"),
        (Emptied, "test_a_created_record_is_read_by_the_source"),
        (ByName, "test_a_change_names_the_user_who_signed_in"),
        (Fileless, "test_an_uploaded_file_is_read_back"),
    ],
)
def test_a_source_that_reads_something_else_is_noticed(
    kind: type[MemorySource], promise: str
) -> None:
    for source in (MemorySource, kind):
        contract, platform = TestMemoryWriter(), a_platform()
        sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
        with raises_if(source is kind):
            getattr(contract, promise)(source(platform.org), MemoryWriter(platform), sample)


def test_a_file_that_was_cut_is_noticed() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    source = MemorySource(platform.org)
    with pytest.raises(AssertionError):
        contract.test_an_uploaded_file_is_read_back(source, CutsFiles(platform), sample)


def test_a_writer_that_uploads_needs_a_file() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = replace(TestMemoryWriter.sample.__wrapped__(contract, platform), file=None)
    source = MemorySource(platform.org)
    with pytest.raises(AssertionError, match="give the sample a file"):
        contract.test_an_uploaded_file_is_read_back(source, MemoryWriter(platform), sample)


@pytest.mark.parametrize("name", ["settable", "changeable", "ops"])
def test_plans_that_allow_less_than_the_writer_are_noticed(name: str) -> None:
    contract, platform, other = TestMemoryWriter(), a_platform(), a_platform()
    capability = platform.capability("Customer")
    fewer = frozenset(sorted(getattr(capability, name))[1:])
    other.allow(replace(capability, **{name: fewer}))
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    writer = MemoryWriter(platform)
    contract.test_plans_allow_what_the_writer_allows(writer, MemoryWriter(platform), sample)
    with pytest.raises(AssertionError):
        contract.test_plans_allow_what_the_writer_allows(writer, MemoryWriter(other), sample)


def test_access_for_plans_that_writes_is_noticed() -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    with pytest.raises(AssertionError):
        contract.test_plans_write_nothing(MemoryWriter(platform), Touching(platform), sample)


@pytest.mark.parametrize(
    "changes",
    [
        {"settable": frozenset({"Id", "Name", "Phone", "Turnover"})},
        {"settable": frozenset({"Name"}), "changeable": frozenset({"Name"})},
        {"never": (NeverColumn("Name", NeverReason.FORMULA),)},
        {
            "settable": frozenset({"Name", "Turnover"}),
            "never": (NeverColumn("Phone", NeverReason.FORMULA),),
        },
        {"needs_value": frozenset({"Other"})},
        {"ops": frozenset()},
    ],
    ids=["id", "neither", "both", "changeable", "needs", "no-reason"],
)
def test_a_capability_that_contradicts_itself_is_noticed(changes: dict[str, object]) -> None:
    platform = a_platform()
    capability = platform.capability("Customer")
    check_capability(table(platform, "Customer"), capability)
    with pytest.raises(AssertionError):
        check_capability(table(platform, "Customer"), replace(capability, **changes))
