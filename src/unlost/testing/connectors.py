"""The conformance suite of sources. Subclass ``SourceContract``, give it a source, and run pytest.

The suite reads and never writes. It holds for an org of any content, so it can run against a
simulator, a sandbox, or a fake.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from unlost.model.errors import IntegrityError, SourceRefused, TransientError
from unlost.model.finding import FindingKind
from unlost.model.ports.source import Source
from unlost.model.source.reading import (
    Cursor,
    Op,
    Page,
    ReadTask,
    Ready,
    RowCheckPart,
    Wait,
)
from unlost.model.source.schema import (
    DeleteRule,
    Schema,
    Table,
    TableTrait,
)
from unlost.testing.cells import steady_columns
from unlost.testing.row_checks import (
    check_read,
    check_references,
    check_rows,
    check_same_cells,
    text_columns,
)

MOST_POLLS = 1000  # before a job counts as endless
LOOK_UP = 500  # ids that a backup looks up at a time
# The errors with which a source says that it cannot deliver all.
UNREADABLE = (IntegrityError, SourceRefused, TransientError)


def prepared(source: Source, task: ReadTask) -> Ready:
    """Prepare a task until it can be read, passing it through JSON as a run's record does."""
    outcome: Ready | Wait = Wait(source.server_time(), task)
    for _ in range(MOST_POLLS):
        if isinstance(outcome, Ready):
            return outcome
        outcome = source.prepare(through_json(outcome.task))
    raise AssertionError(f"a task of {task.table} never becomes ready")


def through_json(task: ReadTask) -> ReadTask:
    """The task as another process receives it; fails if its state is not a JSON value."""
    state = json.loads(json.dumps(task.state))
    assert state == dict(task.state), f"a task of {task.table} is no JSON value"
    return replace(task, state=state)


def read_all(source: Source, tasks: Iterable[ReadTask]) -> list[Page]:
    """All pages of the tasks."""
    return [
        page
        for task in tasks
        for ready in prepared(source, task).tasks
        for page in source.read(through_json(ready))
    ]


def read_whole(source: Source, table: Table) -> list[Page]:
    """All pages of a full read of a table."""
    return read_all(source, source.plan_reads(table, None))


def live_ids(source: Source, table: Table) -> list[str] | None:
    """The ids that a census lists; None if it fails, as it must where reads are incomplete."""
    try:
        arrays = list(source.census(table))
    except UNREADABLE:
        pages = read_whole(source, table)
        assert any(page.incomplete for page in pages), f"{table.name} is read, but not listed"
        return None
    assert all(array.type == pa.string() for array in arrays)
    return [value for array in arrays for value in array.to_pylist()]


def unknown_ids(count: int) -> list[str]:
    """Ids that no record has."""
    return [f"no-such-id-{number}" for number in range(count)]


@contextmanager
def asked_for_unknown_ids() -> Iterator[None]:
    """Explain an error of a call that has ids of no record, below its traceback."""
    try:
        yield
    except Exception as error:
        error.add_note(
            "The call has ids that no record has. A source that refuses ids of this form needs its "
            "own ``unknown_ids``, in each class of the contracts that has this method."
        )
        raise


def claiming(tables: Iterable[Table], trait: TableTrait) -> list[Table]:
    """The tables with a trait; skips the test if there are none, because it would test nothing."""
    claimed = [table for table in tables if table.has(trait)]
    if not claimed:
        pytest.skip(f"no table has the trait {trait.name}")
    return claimed


def ids_of(pages: list[Page]) -> list[str]:
    """All ids in the order in which they came."""
    return [value for page in pages for value in page.rows.ids.to_pylist()]


def states(pages: list[Page]) -> dict[str, str]:
    """The op that counts for each id: the last one."""
    return {
        record: op
        for page in pages
        for record, op in zip(page.rows.ids.to_pylist(), page.rows.ops.to_pylist(), strict=True)
    }


class SourceContract:
    """The promises of ``unlost.model.ports.source.Source``, each as a test.

    A subclass provides the fixture ``source``, and may name ``samples``: tables that must be
    described, and the only ones that the tests read; without them the tests read all readable
    tables. It overrides ``unknown_ids`` if its source refuses ids of another form. Tests of traits
    that no table has are skipped.
    """

    samples: tuple[str, ...] = ()

    def unknown_ids(self, count: int) -> list[str]:
        """So many ids that no record has, in the form of the source's ids."""
        return unknown_ids(count)

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        """An open source of an org that does not change."""
        raise NotImplementedError("give the contract a source")

    @pytest.fixture
    def schema(self, source: Source) -> Schema:
        """The source's schema."""
        return source.discover()

    @pytest.fixture
    def tables(self, schema: Schema) -> list[Table]:
        """The tables to test."""
        names = {table.name for table in schema.tables}
        assert set(self.samples) <= names
        return [table for table in schema.tables if not self.samples or table.name in self.samples]

    def test_an_org_has_one_identity(self, source: Source) -> None:
        """Connector and tenant are set, and the same each time."""
        first, second = source.identity(), source.identity()
        assert first == second
        assert first.connector
        assert first.tenant

    def test_the_clock_is_aware_and_does_not_go_back(self, source: Source) -> None:
        """The source's own time, in UTC or with an offset."""
        first, second = source.server_time(), source.server_time()
        assert first.utcoffset() is not None
        assert second >= first

    def test_names_are_given_once(self, schema: Schema) -> None:
        """Names are unique: tables in the schema, columns in a table; the id is a column."""
        names = [table.name for table in schema.tables]
        assert len(names) == len(set(names))
        for table in schema.tables:
            columns = [column.name for column in table.columns]
            assert len(columns) == len(set(columns)), table.name
            assert table.id_column in columns, table.name
            assert not set(table.hidden) & set(columns), table.name

    def test_named_columns_exist(self, schema: Schema) -> None:
        """Each column that a table's description names exists."""
        for table in schema.tables:
            named = [table.name_column, table.modified_column, table.modified_by_column]
            named += [file.column for file in table.files]
            named += [file.size_column for file in table.files]
            for name in filter(None, named):
                assert table.column(name), f"{table.name}.{name}"

    def test_change_logs_are_tables_of_their_own(self, schema: Schema) -> None:
        """The change log that a table names is itself a table of the schema."""
        for table in schema.tables:
            log = table.change_log
            if log is None:
                continue
            notes = schema.table(log.table)
            assert notes is not None, log.table
            for name in log.columns:
                assert notes.column(name), f"{log.table}.{name}"

    def test_findings_say_what_and_where(self, schema: Schema) -> None:
        """Each finding is a sentence, and no refused table is also listed as readable."""
        for finding in schema.findings:
            assert finding.sentence.endswith("."), finding
        refused = {f.table for f in schema.findings if f.kind is FindingKind.TABLE_REFUSED}
        assert not refused & {table.name for table in schema.tables}

    def test_the_fingerprint_stands_still_while_the_rights_do(self, source: Source) -> None:
        """Two calls of ``discover`` return the same rights and the same tables."""
        first, second = source.discover(), source.discover()
        assert first.fingerprint == second.fingerprint
        assert first.tables == second.tables

    def test_the_rights_at_the_end_of_a_backup_are_those_at_its_start(
        self, source: Source, schema: Schema
    ) -> None:
        """``grants`` returns for each table what ``discover`` returned, while no right changes."""
        assert source.grants(schema) == schema.grants()

    def test_cascading_references_are_known(self, source: Source, schema: Schema) -> None:
        """``deleted_along`` names each described table whose rows go with a record."""
        for table in schema.tables:
            along = source.deleted_along(table)
            assert len(set(along)) == len(along)
            cascading = {
                other.name
                for other in schema.tables
                for column in other.columns
                if column.reference is not None
                and column.reference.rule is DeleteRule.CASCADE
                and column.reference.tables == (table.name,)
            }
            assert cascading <= set(along), table.name

    def test_references_name_columns_and_tables_that_exist(self, schema: Schema) -> None:
        """The columns of a reference are described; names of families stand for its own tables."""
        for table in schema.tables:
            for column in table.columns:
                reference = column.reference
                if reference is None:
                    continue
                families = {name for family in reference.families for name in family.tables}
                assert families <= set(reference.tables), column.name
                known = {c.name for c in table.columns} | {*table.hidden}
                assert reference.table_column in {None, *known}, column.name
                targets = (schema.table(name) for name in reference.tables)
                for target in targets if reference.key_column is not None else ():
                    assert target is None or target.column(str(reference.key_column)), column.name

    def test_quotas_are_numbers(self, source: Source) -> None:
        """A quota has a use, a limit and a unit."""
        for quota in source.quotas():
            assert quota.used >= 0
            assert quota.limit >= 0
            assert quota.unit in {"bytes", "calls", "rows"}

    def test_a_full_plan_delivers_every_live_record(
        self, source: Source, tables: list[Table]
    ) -> None:
        """Tasks of a full plan are marked full; their live records are the ids of the census."""
        for table in tables:
            tasks = source.plan_reads(table, None)
            assert tasks
            assert all(task.table == table.name for task in tasks)
            assert any(task.full for task in tasks)
            pages = read_all(source, tasks)
            alive = {record for record, op in states(pages).items() if Op(op).alive}
            whole = not any(page.incomplete for page in pages)
            listed = live_ids(source, table) if table.has(TableTrait.CENSUS) else None
            if listed is not None:
                assert alive == set(listed) if whole else alive <= set(listed), table.name
            if whole:
                # Rows that a read omits without a word would count as deleted.
                assert source.count(table) in {None, len(alive)}, table.name

    def test_pages_are_proved(self, source: Source, tables: list[Table]) -> None:
        """A page holds as many rows as were parsed, and as were announced, if any number was."""
        for table in tables:
            for page in read_whole(source, table):
                check_rows(table, page.rows)
                assert page.proof.parsed == len(page.rows)
                assert page.proof.announced in {None, page.proof.parsed}

    def test_rows_have_all_columns(self, source: Source, tables: list[Table]) -> None:
        """Rows have a cell, or a null, for each described column except those of files."""
        for table in tables:
            for page in read_whole(source, table):
                if page.rows.cells is not None:
                    assert set(page.rows.cells.schema.names) == text_columns(table), table.name

    def test_times_and_users_of_changes_are_read(self, source: Source, tables: list[Table]) -> None:
        """Rows with a time or a user of their last change have it in ``Rows``, too."""
        for table in tables:
            for page in read_whole(source, table):
                check_read(page.rows, table.modified_column, page.rows.modified_at)
                check_read(page.rows, table.modified_by_column, page.rows.modified_by)

    def test_estimated_counts_are_numbers(self, source: Source) -> None:
        """``record_counts`` has numbers of records."""
        assert all(count >= 0 for count in source.record_counts().values())

    def test_a_census_names_each_id_once_and_is_counted(
        self, source: Source, tables: list[Table]
    ) -> None:
        """A census has no duplicates, and as many ids as the count, if there is a count."""
        for table in claiming(tables, TableTrait.CENSUS):
            listed = live_ids(source, table)
            if listed is None:
                continue
            assert len(listed) == len(set(listed)), table.name
            assert source.count(table) in {None, len(listed)}, table.name

    def test_ids_lead_back_to_their_rows(self, source: Source, tables: list[Table]) -> None:
        """Reading by id returns only requested rows, equal to the rows of the full read."""
        for table in tables:
            pages = read_whole(source, table)
            some = list(dict.fromkeys(ids_of(pages)))[: LOOK_UP - 1]
            if not some:
                continue
            # An unknown id must be ignored, not refused.
            wanted = [*self.unknown_ids(LOOK_UP - len(some)), *some]
            with asked_for_unknown_ids():
                again = list(source.read_ids(table, wanted))
            assert set(ids_of(again)) == set(some), table.name
            for page in again:
                check_rows(table, page.rows)
            check_same_cells(table, pages, again)
            # An unknown table, however, must be refused: an empty answer would look like deleted
            # records.
            unknown = replace(table, name="No_Such_Table")
            with pytest.raises(SourceRefused):
                list(source.read_ids(unknown, some))

    def test_nothing_new_is_little_to_read(self, source: Source, tables: list[Table]) -> None:
        """A read from the present cursor returns a part of the table, and is never marked full."""
        for table in tables:
            now = source.server_time()
            cursor = source.cursor_at(table, now)
            if not table.has(TableTrait.INCREMENTAL):
                assert cursor is None, table.name
                continue
            assert cursor is not None, table.name
            assert source.cursor_at(table, now) == cursor
            tasks = source.plan_reads(table, cursor, nightly=cursor)
            assert not any(task.full for task in tasks), table.name
            whole = ids_of(read_whole(source, table))
            part = read_all(source, tasks)
            states_only = [page for page in part if page.rows.cells is not None]
            assert set(ids_of(states_only)) <= set(whole), table.name

    def test_tables_read_together_give_the_same(self, source: Source, tables: list[Table]) -> None:
        """Each planned task comes back once, with its pages or to be read alone."""
        tasks: list[ReadTask] = []
        for table in tables:
            cursor = source.cursor_at(table, source.server_time() - timedelta(days=10))
            tasks += source.plan_reads(table, cursor) if cursor is not None else []
        # A job may write times in another form than a query: ids and states are compared.
        alone = {table.name: states(read_all(source, _of(table, tasks))) for table in tables}
        together: dict[str, list[Page]] = {table.name: [] for table in tables}
        answers = list(source.read_together(tasks))
        assert sorted(t.table for t, _ in answers) == sorted(t.table for t in tasks)
        for task, pages in answers:
            together[task.table] += read_all(source, [task]) if pages is None else pages
        for table in tables:
            assert states(together[table.name]) == alone[table.name], table.name
            for page in together[table.name]:
                check_rows(table, page.rows)
                assert page.proof.announced in {None, page.proof.parsed}

    def test_live_records_are_told_from_all_others(
        self, source: Source, tables: list[Table]
    ) -> None:
        """Of ids of all tables, those of live records; deleted and unknown ones are left out."""
        wanted: list[tuple[Table, list[str]]] = []
        alive: list[set[str]] = []
        for table in tables:
            ops = states(read_whole(source, table))
            some = list(ops)[: LOOK_UP - 1]
            wanted.append((table, [*self.unknown_ids(LOOK_UP - len(some)), *some]))
            alive.append({record for record in some if Op(ops[record]).alive})
        with asked_for_unknown_ids():
            answers = source.live_among(wanted)
        assert [set(ids) for ids in answers] == alive
        unknown = replace(tables[0], name="No_Such_Table")
        with pytest.raises(SourceRefused):
            source.live_among([(unknown, ids) for _, ids in wanted])

    def test_parts_give_the_unchanged_rows(self, source: Source, tables: list[Table]) -> None:
        """All parts and the changed rows together are the whole table; also one part alone."""
        for table in claiming(tables, TableTrait.ROW_CHECK):
            cursor = source.cursor_at(table, source.server_time())
            whole = set(ids_of(read_whole(source, table)))
            if not whole:
                continue
            assert cursor is not None, table.name
            night = read_all(source, source.plan_reads(table, cursor))
            changed = set(ids_of([page for page in night if page.rows.cells is not None]))
            for of in (1, 3):
                parts = [_part(source, table, cursor, number, of, whole) for number in range(of)]
                assert set().union(*parts) | changed == whole, table.name

    def test_reading_twice_gives_the_same(self, source: Source, tables: list[Table]) -> None:
        """Reads of an unchanged org return the same records and texts."""
        for table in tables:
            first, second = (_texts(table, read_whole(source, table)) for _ in range(2))
            assert first == second, table.name

    def test_files_open_whole(self, source: Source, tables: list[Table]) -> None:
        """Each live record with bytes has a reference; a file has as many bytes as it states."""
        for table in tables:
            for page in read_whole(source, table):
                refs = source.files_in(table, page.rows)
                check_references(table, page.rows, refs)
                for ref in refs[:3]:
                    with source.open_file(ref) as stream:
                        body = stream.read()
                    assert ref.size in {None, len(body)}


def _part(
    source: Source, table: Table, cursor: Cursor, number: int, of: int, stored: set[str]
) -> set[str]:
    """The ids of the rows of a part; ``stored``: those of the whole table."""
    part = RowCheckPart(number, of, -(-len(stored) // of))
    ids = pa.array(sorted(stored), pa.string())
    tasks = source.plan_row_check(table, cursor, part, stored=lambda: iter([ids]))
    assert not any(task.full for task in tasks), table.name
    return set(ids_of(read_all(source, tasks)))


def _of(table: Table, tasks: Iterable[ReadTask]) -> list[ReadTask]:
    return [task for task in tasks if task.table == table.name]


def _texts(table: Table, pages: list[Page]) -> list[list[str | None]]:
    """The texts of all records, as they were delivered."""
    columns = steady_columns(table)
    rows = [row for page in pages if page.rows.cells for row in page.rows.cells.to_pylist()]
    texts = [[row.get(name) for name in columns] for row in rows]
    return sorted(texts, key=json.dumps)
