"""The conformance suites of sources whose org moves between two backups.

Subclass ``MovingOrgContract``, and ``MovingRightsContract`` if users of the source can lose rights
on some records. Each test writes to the org as its users do, so give it a simulator, a sandbox, or
a fake.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from unlost.model.errors import SourceRefused
from unlost.model.finding import FindingKind
from unlost.model.ports.source import Source
from unlost.model.source.reading import Cursor, Op, Page
from unlost.model.source.schema import ALL_ROWS, ROWS, Schema, Table, TableTrait
from unlost.testing.connectors import (
    UNREADABLE,
    claiming,
    ids_of,
    live_ids,
    read_all,
    read_whole,
    states,
)
from unlost.testing.row_checks import check_read, check_rows

type OpenSource = Callable[[], AbstractContextManager[Source]]


class MovingOrg(Protocol):
    """The people who work in the org. ``table``: the one in which they do all this."""

    table: str

    def create(self) -> str:
        """Create a record and return its id."""
        ...

    def old_record(self) -> str:
        """Return the id of a record whose last change no cursor of now reaches, by any overlap."""
        ...

    def change(self, record: str) -> None:
        """Change a record that existed before."""
        ...

    def delete(self, record: str) -> None:
        """Delete a record."""
        ...

    def undelete(self, record: str) -> None:
        """Undelete a record; only called for a table with the trait UNDELETE."""
        ...

    def forget_deletions(self) -> None:
        """Let the source forget the deletions so far, as it does in time; nothing if it never does."""
        ...

    def shorten_reads(self) -> AbstractContextManager[None]:
        """Let the source return fewer records of the table than it has, while this is open."""
        ...


class MovingRights(Protocol):
    """The admin of the org, who changes the rights of the user that reads. ``table``: as above."""

    table: str

    def old_record(self) -> str:
        """Return the id of a record that the user may see, and that no cursor of now reaches."""
        ...

    def hide(self, record: str) -> None:
        """Take the right to see this record; it stays in the org."""
        ...

    def show(self, record: str) -> None:
        """Give the right to see this record back."""
        ...

    def hide_column(self) -> str | None:
        """Take the right to read a column of the table; returns its name, None if all are visible."""
        ...

    def hide_table(self) -> None:
        """Take the right to read the table."""
        ...


def described(source: Source, name: str) -> tuple[Schema, Table]:
    """The schema, and a table in it."""
    schema = source.discover()
    table = schema.table(name)
    assert table is not None, f"the schema has no table {name}"
    return schema, table


def listed_ids(source: Source, table: Table) -> set[str] | None:
    """The ids of a census, or of a full read without one; None if the source cannot list all."""
    if table.has(TableTrait.CENSUS):
        ids = live_ids(source, table)
        return None if ids is None else set(ids)
    pages = read_whole(source, table)
    if any(page.incomplete for page in pages):
        return None
    return {record for record, op in states(pages).items() if Op(op).alive}


class _OpenedOrg:
    """Opens the source as each backup does."""

    @pytest.fixture
    def opened(self) -> OpenSource:
        """A function that opens the source; each backup opens it anew."""
        raise NotImplementedError("give the contract a source to open")

    def cursor(self, opened: OpenSource, name: str) -> Cursor | None:
        """The cursor of a backup that reads the table now; None if the table has none."""
        with opened() as source:
            _, table = described(source, name)
            began = source.server_time()
            read_whole(source, table)
            return source.cursor_at(table, began)

    def changes(self, opened: OpenSource, name: str, cursor: Cursor | None) -> dict[str, str]:
        """The states that a backup from a cursor reads."""
        with opened() as source:
            _, table = described(source, name)
            return states(read_all(source, source.plan_reads(table, cursor)))

    def check_old(self, opened: OpenSource, name: str, cursor: Cursor | None, record: str) -> None:
        """Assert that only a change brings a record into a read from a cursor."""
        changes = {} if cursor is None else self.changes(opened, name, cursor)
        assert record not in changes, "old_record() is not old enough"


class MovingOrgContract(_OpenedOrg):
    """The promises of ``Source`` about an org that changes from one backup to the next.

    A subclass provides the fixtures ``opened``, which opens the source as each backup does, and
    ``people``.
    """

    @pytest.fixture
    def people(self) -> MovingOrg:
        """The people who work in the org."""
        raise NotImplementedError("give the contract people who work in the org")

    def test_a_new_record_is_read(self, opened: OpenSource, people: MovingOrg) -> None:
        """A record that was created after a backup is in the next one, with time and user."""
        cursor = self.cursor(opened, people.table)
        record = people.create()
        self.assert_read(opened, people.table, cursor, record)

    def test_a_change_is_read(self, opened: OpenSource, people: MovingOrg) -> None:
        """A record that was changed after a backup is in the next one, with time and user."""
        record = people.old_record()
        cursor = self.cursor(opened, people.table)
        self.check_old(opened, people.table, cursor, record)
        people.change(record)
        self.assert_read(opened, people.table, cursor, record)

    def test_a_deletion_is_noticed(self, opened: OpenSource, people: MovingOrg) -> None:
        """A deleted record is reported, or a list of the ids proves that it is gone."""
        record = people.create()
        cursor = self.cursor(opened, people.table)
        people.delete(record)
        self.assert_gone(opened, people.table, cursor, record)

    def test_a_deletion_is_noticed_by_an_expired_cursor(
        self, opened: OpenSource, people: MovingOrg
    ) -> None:
        """A cursor so old that the source has forgotten deletions still proves the deletion."""
        record = people.create()
        cursor = self.cursor(opened, people.table)
        people.delete(record)
        people.forget_deletions()
        self.assert_gone(opened, people.table, cursor, record)

    def test_an_undeleted_record_is_read(self, opened: OpenSource, people: MovingOrg) -> None:
        """A record that came back after a backup is in the next one."""
        with opened() as source:
            _, table = described(source, people.table)
        claiming([table], TableTrait.UNDELETE)
        record = people.old_record()
        people.delete(record)
        cursor = self.cursor(opened, people.table)
        people.undelete(record)
        self.assert_read(opened, people.table, cursor, record)

    def test_a_deleted_record_is_not_live(self, opened: OpenSource, people: MovingOrg) -> None:
        """Look-ups by id and counts agree that a deleted record is gone."""
        record, other = people.create(), people.create()
        with opened() as source:
            _, table = described(source, people.table)
            before = source.count(table)
        people.delete(record)
        with opened() as source:
            assert source.live_among([(table, [record, other])]) == [frozenset({other})]
            pages = list(source.read_ids(table, [record, other]))
            assert not Op(states(pages).get(record, Op.MISSING)).alive
            assert source.count(table) == (None if before is None else before - 1)

    def test_a_short_read_is_noticed(self, opened: OpenSource, people: MovingOrg) -> None:
        """A read that lacks rows fails, says that it is incomplete, or contradicts the count.

        Otherwise each row that it lacks would count as deleted. Without a count, a source compares
        the rows with the number that the system announces for the read (IntegrityError). If the
        system announces none, either, all reads of the table are incomplete.
        """
        records = {people.create() for _ in range(3)}
        with people.shorten_reads(), opened() as source:
            _, table = described(source, people.table)
            try:
                pages = read_whole(source, table)
            except UNREADABLE:
                return
            alive = {record for record, op in states(pages).items() if Op(op).alive}
            assert not records <= alive, "shorten_reads() shortens nothing"
            incomplete, count = any(page.incomplete for page in pages), source.count(table)
            assert incomplete or count not in {None, len(alive)}, (
                f"a read of {table.name} lacked {len(records - alive)} of the new records and did "
                f"not fail: no page is incomplete, and count() is {count}"
            )

    def test_a_short_look_up_is_noticed(self, opened: OpenSource, people: MovingOrg) -> None:
        """A record is never missing from the census and from a look-up: that would prove a deletion.

        Either of them has the record or fails, or the census contradicts the count. If the system
        has no number to compare with, the census always raises IntegrityError.
        """
        records = {people.create() for _ in range(3)}
        with people.shorten_reads(), opened() as source:
            _, table = described(source, people.table)
            claiming([table], TableTrait.CENSUS)
            try:
                ids = {record for part in source.census(table) for record in part.to_pylist()}
                count = source.count(table)
                if count not in {None, len(ids)}:
                    return
                ids |= set(ids_of(list(source.read_ids(table, sorted(records)))))
            except UNREADABLE:
                return
            assert records <= ids, (
                f"{sorted(records - ids)} would count as deleted: neither the census nor read_ids of "
                f"{table.name} has these records, both end without an error, and count() is {count}"
            )

    def assert_read(
        self, opened: OpenSource, name: str, cursor: Cursor | None, record: str
    ) -> None:
        """Assert that the next backup reads a record completely."""
        with opened() as source:
            _, table = described(source, name)
            pages = read_all(source, source.plan_reads(table, cursor))
            assert states(pages).get(record) == Op.STATE.value
            for page in (page for page in pages if record in ids_of([page])):
                check_rows(table, page.rows)
                check_stamps(table, page, record)

    def assert_gone(
        self, opened: OpenSource, name: str, cursor: Cursor | None, record: str
    ) -> None:
        """Assert that the next backup can prove a deletion."""
        with opened() as source:
            _, table = described(source, name)
            tasks = source.plan_reads(table, cursor)
            pages = read_all(source, tasks)
            reported = record in states(pages)
            assert not Op(states(pages).get(record, Op.MISSING)).alive
            whole = any(task.full for task in tasks) and not any(p.incomplete for p in pages)
            wanted = any(page.wants_census for page in pages)
            silent = not table.has(TableTrait.REPORTS_DELETES)
            assert reported or whole or wanted or silent, "the deletion goes unnoticed"
            assert record not in (listed_ids(source, table) or ())


def check_stamps(table: Table, page: Page, record: str) -> None:
    """Assert that a record has time and user of its change, if its table has columns for them."""
    check_read(page.rows, table.modified_column, page.rows.modified_at)
    check_read(page.rows, table.modified_by_column, page.rows.modified_by)
    here = pc.equal(page.rows.ids, pa.scalar(record))
    if table.modified_column is not None:
        assert page.rows.modified_at.filter(here).null_count == 0
    if table.modified_by_column is not None:
        assert page.rows.modified_by.filter(here).null_count == 0


class MovingRightsContract(_OpenedOrg):
    """The promises of ``Source`` about a user who loses rights, or gets them back.

    A subclass provides the fixtures ``opened``, as for ``MovingOrgContract``, and ``admin``.
    """

    @pytest.fixture
    def admin(self) -> MovingRights:
        """The admin of the org."""
        raise NotImplementedError("give the contract an admin of the org")

    def test_a_hidden_record_is_no_deletion(self, opened: OpenSource, admin: MovingRights) -> None:
        """A record that the user no longer sees is never taken for a deleted one.

        Either the rights show that something may be hidden: a grant is missing, or the table has
        grants of rows without ``ALL_ROWS``. Or reads say that they are incomplete, and the census
        fails.
        """
        record = admin.old_record()
        with opened() as source:
            before, table = described(source, admin.table)
            assert record in ids_of(read_whole(source, table))
        admin.hide(record)
        with opened() as source:
            after, table = described(source, admin.table)
            pages = read_whole(source, table)
            assert Op(states(pages).get(record, Op.STATE)).alive, "reported as deleted"
            if not may_hide(before, after, admin.table):
                assert any(page.incomplete for page in pages)
                ids = listed_ids(source, table)
                assert ids is None or record in ids

    def test_a_record_that_is_visible_again_is_read(
        self, opened: OpenSource, admin: MovingRights
    ) -> None:
        """The grants differ, so that all is read, or the next read has the record."""
        record = admin.old_record()
        self.check_old(opened, admin.table, self.cursor(opened, admin.table), record)
        admin.hide(record)
        cursor = self.cursor(opened, admin.table)
        with opened() as source:
            before, _ = described(source, admin.table)
        admin.show(record)
        with opened() as source:
            after, _ = described(source, admin.table)
        if after.grants()[admin.table] == before.grants()[admin.table]:
            changes = self.changes(opened, admin.table, cursor)
            assert changes.get(record) == Op.STATE.value

    def test_a_hidden_column_is_not_empty(self, opened: OpenSource, admin: MovingRights) -> None:
        """A column that the user may no longer read is hidden: its cells were not cleared."""
        with opened() as source:
            before, _ = described(source, admin.table)
        name = admin.hide_column()
        if name is None:
            pytest.skip("all columns are visible to each user")
        with opened() as source:
            after, table = described(source, admin.table)
        assert table.column(name) is None, f"{name} is described as if it could be read"
        differ = after.grants()[admin.table] != before.grants()[admin.table]
        assert name in table.hidden or differ

    def test_a_table_without_rights_is_a_gap(self, opened: OpenSource, admin: MovingRights) -> None:
        """A table that the user may not read any more is listed as refused, or is not described."""
        with opened() as source:
            before, table = described(source, admin.table)
        admin.hide_table()
        with opened() as source:
            after = source.discover()
            refused = {f.table for f in after.findings if f.kind is FindingKind.TABLE_REFUSED}
            if table.name in refused or after.table(table.name) is None:
                return
            # The schema does not show it. Then the rights do, or no read is possible.
            assert after.grants()[table.name] != before.grants()[table.name] or refuses(
                source, table
            )


def may_hide(before: Schema, after: Schema, name: str) -> bool:
    """True if the rights show that rows of a table may be hidden from the user."""
    grants = after.grants()[name]
    by_row = any(grant.startswith(ROWS) for grant in grants) and ALL_ROWS not in grants
    return by_row or bool(before.grants()[name] - grants)


def refuses(source: Source, table: Table) -> bool:
    """True if the source refuses to read a table."""
    try:
        read_whole(source, table)
    except SourceRefused:
        return True
    return False
