"""The writers of this house keep the promises of a Writer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from unlost.model.errors import UnlostError
from unlost.model.source.schema import Reference, Table, WireKind
from unlost.model.source.writing import NeverColumn, NeverReason, OutcomeKind, RowOutcome, WriteOp
from unlost.testing.clock import VirtualClock
from unlost.testing.memory_writer import MemoryWriter, ReplyLost
from unlost.testing.org import MemoryOrg
from unlost.testing.platform import Platform, without
from unlost.testing.source import MemorySource
from unlost.testing.writers import ReferrerSample, WriterContract, WriteSample, check_capability


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
    platform = Platform(org)
    platform.required.add(("Customer", "Name"))
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
    def sample(self, platform: Platform) -> WriteSample:
        return WriteSample(
            table(platform, "Customer"),
            key="Name",
            optional="Phone",
            text="+32 2",
            needed={"Turnover": "12.50"},
            refused={"Name": None},
            referrer=ReferrerSample(table(platform, "Order"), "Customer", {"Number": "1"}),
        )

    @contextmanager
    def lose_answer(self, writer: MemoryWriter) -> Iterator[None]:
        writer.faults.plant("written", ReplyLost())
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


BROKEN = {
    Repeating: "test_a_create_whose_answer_was_lost_is_made_once",
    Unsorted: "test_outcomes_are_in_order_and_refusals_concern_one_row",
    AllOrNone: "test_outcomes_are_in_order_and_refusals_concern_one_row",
    Forgetful: "test_an_update_changes_only_the_cells_that_are_sent",
    Guessing: "test_records_are_found_by_their_values",
}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_writer_is_noticed(kind: type[MemoryWriter]) -> None:
    contract, platform = TestMemoryWriter(), a_platform()
    sample = TestMemoryWriter.sample.__wrapped__(contract, platform)
    with pytest.raises((AssertionError, UnlostError, pytest.fail.Exception)):
        getattr(contract, BROKEN[kind])(kind(platform), sample)


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
        {"needs_value": frozenset({"Other"})},
        {"ops": frozenset()},
    ],
    ids=["id", "neither", "both", "needs", "no-reason"],
)
def test_a_capability_that_contradicts_itself_is_noticed(changes: dict[str, object]) -> None:
    platform = a_platform()
    capability = platform.capability("Customer")
    check_capability(table(platform, "Customer"), capability)
    with pytest.raises(AssertionError):
        check_capability(table(platform, "Customer"), replace(capability, **changes))
