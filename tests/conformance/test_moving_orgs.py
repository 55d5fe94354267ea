"""The sources of this house notice what happens between two backups."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from unlost.model.source.reading import Proof
from unlost.model.source.schema import ALL_ROWS, TableTrait, WireKind
from unlost.testing.clock import VirtualClock
from unlost.testing.moving_orgs import MovingOrgContract, MovingRightsContract, OpenSource
from unlost.testing.org import ALL_TRAITS, MemoryOrg
from unlost.testing.source import INSTANT, MemorySource


class Office:
    """People and an admin who work in a memory org."""

    table = "Customer"

    def __init__(self, traits: frozenset[TableTrait] = ALL_TRAITS) -> None:
        self.org = MemoryOrg(VirtualClock())
        self.org.add_table(self.table, {"Name": WireKind.TEXT}, traits=traits)
        self.faults: list[str] = []
        self.missing: set[str] = set()

    def create(self) -> str:
        return self.org.create(self.table, {"Name": "new"})

    def change(self, record: str) -> None:
        self.org.clock.advance(hours=2)
        self.org.update(self.table, record, {"Name": "changed"})

    def delete(self, record: str) -> None:
        self.org.clock.advance(hours=2)
        self.org.delete(self.table, record)

    @contextmanager
    def cut(self) -> Iterator[None]:
        self.missing = {next(iter(self.org.visible(self.table)))}
        yield
        self.missing = set()

    def hide(self, record: str) -> None:
        self.org.hide_row(self.table, record)

    def refuse(self) -> None:
        self.org.tables[self.table].refused = True

    def source(self) -> MemorySource:
        """A source that counts the records it does not deliver."""
        return CutSource(self)


class CutSource(MemorySource):
    """Does not deliver the records that the office cut off."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.org)
        self.office = office

    def read(self, task):
        for page in super().read(task):
            cut = pa.array(self.office.missing, pa.string())
            kept = pc.invert(pc.is_in(page.rows.ids, cut))
            rows = only(page.rows, kept)
            yield replace(page, rows=rows, proof=Proof(None, len(rows)))


def only(rows, kept):
    arrays = {
        name: getattr(rows, name).filter(kept)
        for name in ("ids", "ops", "modified_at", "modified_by")
    }
    cells = None if rows.cells is None else rows.cells.filter(kept)
    return replace(rows, **arrays, cells=cells)


class TestMemoryOrg(MovingOrgContract, MovingRightsContract):
    """The fake source with which the engine is tested."""

    traits = ALL_TRAITS

    @pytest.fixture
    def people(self) -> Office:
        return Office(self.traits)

    @pytest.fixture
    def admin(self, people: Office) -> Office:
        return people

    @pytest.fixture
    def opened(self, people: Office) -> OpenSource:
        @contextmanager
        def opened() -> Iterator[MemorySource]:
            yield people.source()

        return opened


class TestMemoryOrgReadWhole(TestMemoryOrg):
    """A table without a cursor is read whole."""

    traits = frozenset({TableTrait.CENSUS})


# --- sources that break a promise -----------------------------------------------------------------


class Blind(MemorySource):
    """Omits rows that the user may not see, and says nothing: neither by rights nor in pages."""

    def discover(self):
        return replace(super().discover(), fingerprint="always")


class Untimed(MemorySource):
    """Does not understand the time of a change."""

    def _rows(self, *words):
        rows = super()._rows(*words)
        return replace(rows, modified_at=pa.nulls(len(rows), INSTANT))


class Silent(MemorySource):
    """Neither reports a deletion nor wants a census, though its table says so."""

    def _changed(self, task, start):
        return [(key, record) for key, record in super()._changed(task, start) if not record.deleted]  # fmt: skip


class Uncounted(CutSource):
    """Reads less than there is, and counts nothing."""

    def count(self, table):
        return None


def opener(kind, office: Office) -> OpenSource:
    @contextmanager
    def opened() -> Iterator[MemorySource]:
        yield kind(office if kind is Uncounted else office.org)

    return opened


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Blind, "test_a_hidden_record_is_no_deletion"),
        (Untimed, "test_a_change_is_read"),
        (Silent, "test_a_deletion_is_noticed"),
        (Uncounted, "test_a_short_read_is_noticed"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_source_that_breaks_a_promise_is_noticed(kind: type, promise: str) -> None:
    office = Office()
    with pytest.raises(AssertionError):
        getattr(TestMemoryOrg(), promise)(opener(kind, office), office)


def test_hidden_rows_are_no_deletions_if_reads_say_so_and_the_census_fails() -> None:
    office = Office(frozenset())

    class Honest(Blind):
        def __init__(self, org: MemoryOrg) -> None:
            super().__init__(org)
            self.read_incomplete = True

    TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Honest, office), office)


def test_shared_rows_are_no_deletions() -> None:
    office = Office()
    office.org.tables[office.table].grants |= {"rows:shared"}
    TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Blind, office), office)
    office.org.tables[office.table].grants |= {ALL_ROWS}
    with pytest.raises(AssertionError):
        TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Blind, office), office)
