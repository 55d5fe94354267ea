"""The sources of this house notice what happens between two backups."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from unlost.model.source.reading import Proof
from unlost.model.source.schema import ALL_ROWS, TableTrait, WireKind
from unlost.testing.clock import VirtualClock
from unlost.testing.moving_orgs import MovingOrgContract, MovingRightsContract, OpenSource
from unlost.testing.org import ALL_TRAITS, BIN_DAYS, MemoryOrg
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

    def old_record(self) -> str:
        record = self.create()
        self.org.clock.advance(days=1)
        return record

    def change(self, record: str) -> None:
        self.org.update(self.table, record, {"Name": "changed"})

    def delete(self, record: str) -> None:
        self.org.clock.advance(hours=2)
        self.org.delete(self.table, record)

    def undelete(self, record: str) -> None:
        self.org.undelete(self.table, record)

    def forget_deletions(self) -> None:
        rows = self.org.tables[self.table].records
        for record in [key for key, row in rows.items() if row.deleted]:
            self.org.purge(self.table, record)
        self.org.clock.advance(days=BIN_DAYS + 1)

    @contextmanager
    def shorten_reads(self) -> Iterator[None]:
        self.missing = {next(iter(self.org.visible(self.table)))}
        yield
        self.missing = set()

    def hide(self, record: str) -> None:
        self.org.hide_row(self.table, record)

    def show(self, record: str) -> None:
        self.org.show_row(self.table, record)

    def hide_column(self) -> str:
        self.org.hide_column(self.table, "Name")
        return "Name"

    def hide_table(self) -> None:
        self.org.tables[self.table].refused = True

    def source(self) -> MemorySource:
        """A source that counts the records it does not deliver."""
        return CutSource(self)


class CutSource(MemorySource):
    """Does not deliver the records that the office cut off, in no kind of read."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.org)
        self.office = office

    def read(self, task):
        yield from map(self._cut, super().read(task))

    def read_ids(self, table, ids):
        yield from map(self._cut, super().read_ids(table, ids))

    def census(self, table):
        for ids in super().census(table):
            yield ids.filter(self._there(ids))

    def _there(self, ids):
        return pc.invert(pc.is_in(ids, pa.array(self.office.missing, pa.string())))

    def _cut(self, page):
        rows = only(page.rows, self._there(page.rows.ids))
        return replace(page, rows=rows, proof=Proof(None, len(rows)))


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


class TestMemoryOrgWithBin(TestMemoryOrg):
    """Records come out of the recycle bin."""

    traits = ALL_TRAITS | {TableTrait.UNDELETE}


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


class Late(MemorySource):
    """Reads changes from a time after the cursor."""

    def __init__(self, org: MemoryOrg) -> None:
        super().__init__(org, overlap=timedelta(days=-2))


class AlwaysThere(MemorySource):
    """Believes that deletions are listed for ever."""

    def read(self, task):
        yield from (replace(page, wants_census=False) for page in super().read(task))


class Fresh(MemorySource):
    """Does not read records that came back."""

    def _changed(self, task, start):
        rows = super()._changed(task, start)
        return rows if start is None else [row for row in rows if row[1].deleted]


class Forgiving(MemorySource):
    """Describes a column that the user may not see, without its texts."""

    def discover(self):
        hidden, self.org.hidden_columns = self.org.hidden_columns, set()
        schema = super().discover()
        self.org.hidden_columns = hidden
        return schema


class Unaware(Blind):
    """Omits a column that the user may not see, as if the org had none."""

    def discover(self):
        schema = super().discover()
        tables = (replace(table, hidden=()) for table in schema.tables)
        return replace(schema, tables=tuple(tables))


def opener(kind, office: Office) -> OpenSource:
    @contextmanager
    def opened() -> Iterator[MemorySource]:
        yield kind(office if issubclass(kind, CutSource) else office.org)

    return opened


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Blind, "test_a_hidden_record_is_no_deletion"),
        (Blind, "test_a_record_that_is_visible_again_is_read"),
        (Forgiving, "test_a_hidden_column_is_not_empty"),
        (Unaware, "test_a_hidden_column_is_not_empty"),
        (Untimed, "test_a_change_is_read"),
        (Late, "test_a_change_is_read"),
        (Fresh, "test_an_undeleted_record_is_read"),
        (Silent, "test_a_deletion_is_noticed"),
        (AlwaysThere, "test_a_deletion_is_noticed_by_an_expired_cursor"),
        (Uncounted, "test_a_short_read_is_noticed"),
        (Uncounted, "test_a_short_look_up_is_noticed"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_source_that_breaks_a_promise_is_noticed(kind: type, promise: str) -> None:
    for source in (CutSource, kind):
        office = Office(TestMemoryOrgWithBin.traits)
        with pytest.raises(AssertionError) if source is kind else nullcontext():
            getattr(TestMemoryOrg(), promise)(opener(source, office), office)


def test_a_record_that_is_not_old_is_noticed() -> None:
    office = Office()
    office.old_record = office.create
    with pytest.raises(AssertionError, match="not old enough"):
        TestMemoryOrg().test_a_change_is_read(opener(MemorySource, office), office)


def test_hidden_rows_are_no_deletions_if_reads_say_so_and_the_census_fails() -> None:
    office = Office(frozenset())

    class Honest(Blind):
        def __init__(self, org: MemoryOrg) -> None:
            super().__init__(org)
            self.read_incomplete = True

    with pytest.raises(AssertionError):  # an empty read that says nothing
        TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Honest, office), office)
    office.create()
    TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Honest, office), office)


def test_shared_rows_are_no_deletions() -> None:
    office = Office()
    office.org.tables[office.table].grants |= {"rows:shared"}
    TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Blind, office), office)
    office.org.tables[office.table].grants |= {ALL_ROWS}
    with pytest.raises(AssertionError):
        TestMemoryOrg().test_a_hidden_record_is_no_deletion(opener(Blind, office), office)
