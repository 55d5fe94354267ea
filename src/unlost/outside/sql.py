"""SQL over snapshots: an isolated DuckDB that can read only the tables passed to it.

A statement sees ``org.table`` (values by the schema's kinds), ``org.table_text`` (verbatim texts),
``org.table_history`` and ``org.table_history_text`` (all versions). Only tables that it names are
registered with DuckDB, which asks them for columns and filters and never sees a key.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from unlost.model.errors import LimitReached, NotFound, UnlostError, UsageError
from unlost.model.ports.vault import Snapshot
from unlost.outside.dataset import TableDataset, TableScanner
from unlost.outside.source import TableContent, TableSource, distinct, table_source

MEMORY = "1GB"
TEMP_SPACE = "20GB"
BATCH_ROWS = 16_384
TEXT, HISTORY = "_text", "_history"
_OWN_SCHEMAS = frozenset({"main", "information_schema", "pg_catalog", "temp"})
_NAMED = frozenset({"BASE_TABLE", "SHOW_REF"})


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table as a statement names it; ``org`` is empty if the statement names none."""

    org: str
    table: str


@dataclass(frozen=True, slots=True)
class StatementTable:
    """A table that a statement reads, under its name in DuckDB."""

    org: str
    name: str
    source: TableSource


@dataclass(frozen=True)
class RunningStatement:
    """A running statement: the tables that it reads, and its rows as a stream."""

    reads: tuple[StatementTable, ...]
    rows: pa.RecordBatchReader


def tables_named(statement: str) -> list[NamedTable]:
    """The tables that a statement names; some may be its own (WITH).

    Raises UsageError (``sql-not-understood``, ``sql-read-only``).
    """
    with closing(duckdb.connect(":memory:")) as parser:
        _check_kind(parser, statement)
        (parsed,) = parser.execute("SELECT json_serialize_sql(?)", [statement]).fetchone() or (
            "{}",
        )
    tree = json.loads(parsed)
    if tree.get("error"):
        raise _not_understood(str(tree.get("error_message", "")))
    return list(dict.fromkeys(_names_in(tree)))


def reads_of(
    named: Sequence[NamedTable], *, orgs: Sequence[str], snapshot: Callable[[str], Snapshot]
) -> list[StatementTable]:
    """Resolve table names; ``snapshot`` opens an org's snapshot when the org is first named.

    A name without an org means the only org, or none if there are several. Raises NotFound
    (``org-unknown``, ``table-unknown``).
    """
    tables = []
    for table in named:
        if table.org.lower() in _OWN_SCHEMAS:
            continue
        org = _org_called(table, orgs)
        if org is not None:
            read = _read(snapshot(org), org, table)
            tables += [read] if read is not None else []
    return tables


@contextmanager
def running(
    statement: str, reads: Sequence[StatementTable], *, work: Path
) -> Iterator[RunningStatement]:
    """Run a checked statement; its rows must be read inside the context.

    ``work`` is an empty folder for data that does not fit into memory; it is written encrypted.
    Raises UsageError (``sql-refused``), LimitReached (``sql-too-large``), and the errors of the
    vault.
    """
    troubles: list[UnlostError] = []
    with closing(duckdb.connect(":memory:")) as session, _failing(troubles):
        _prepare(session, reads, troubles)
        _lock(session, work)
        relation = session.sql(statement)
        rows = relation.to_arrow_reader(BATCH_ROWS)
        yield RunningStatement(tuple(reads), _watched(rows, troubles))


# --- looking at a statement ---------------------------------------------------------------------


def _check_kind(parser: duckdb.DuckDBPyConnection, statement: str) -> None:
    try:
        parts = parser.extract_statements(statement)
    except duckdb.Error as error:
        raise _not_understood(str(error)) from None
    if len(parts) != 1 or parts[0].type != duckdb.StatementType.SELECT:
        raise UsageError(
            "sql-read-only",
            "This is not a single statement that only reads.",
            next_step="Write one SELECT (or DESCRIBE, SUMMARIZE). SQL cannot change a vault.",
        )


def _names_in(tree: Any) -> Iterator[NamedTable]:
    if isinstance(tree, dict):
        if tree.get("type") in _NAMED and tree.get("table_name"):
            yield NamedTable(tree.get("schema_name") or "", tree["table_name"])
        for below in tree.values():
            yield from _names_in(below)
    elif isinstance(tree, list):
        for below in tree:
            yield from _names_in(below)


def _org_called(named: NamedTable, orgs: Sequence[str]) -> str | None:
    """Find the named org; None if none was named and there are several."""
    if not named.org:
        return orgs[0] if len(orgs) == 1 else None
    exact = [org for org in orgs if org == named.org]
    same = exact or [org for org in orgs if org.lower() == named.org.lower()]
    if len(same) == 1:
        return same[0]
    near = get_close_matches(named.org, orgs, n=3, cutoff=0.5) or list(orgs)[:5]
    raise NotFound(
        "org-unknown",
        "There is no org named {org!r} in this home.",
        next_step="Use one of: {near}." if near else "Add one with `unlost org add`.",
        near=", ".join(near),
        org=named.org,
    )


def _read(snapshot: Snapshot, org: str, named: NamedTable) -> StatementTable | None:
    tables = sorted(name for name in snapshot.tables() if not name.startswith("$"))
    known = dict(zip((name.lower() for name in distinct(tables)), tables, strict=True))
    for suffix, what, as_values in (
        ("", TableContent.RECORDS, True),
        (TEXT, TableContent.RECORDS, False),
        (HISTORY, TableContent.VERSIONS, True),
        (HISTORY + TEXT, TableContent.VERSIONS, False),
    ):
        name = named.table.lower()
        table = known.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if table is not None:
            source = table_source(snapshot, table, what=what, as_values=as_values, caseless=True)
            return StatementTable(org, named.table, source)
    if not named.org:
        return None  # perhaps a name that the statement itself defines
    raise table_unknown(named.table, org, tables)


def table_unknown(name: str, org: str, tables: Sequence[str]) -> NotFound:
    """The error for a table that a statement names and no org has."""
    bare = name.removesuffix(TEXT).removesuffix(HISTORY)
    near = get_close_matches(bare, tables, n=3, cutoff=0.5) or list(tables)[:5]
    listed = " or ".join(f"{quoted(org)}.{quoted(near_name)}" for near_name in near)
    return NotFound(
        "table-unknown",
        "The backup of {org!r} has no table {name!r}.",
        next_step="Did you mean {near}?"
        if near
        else "List the tables with `unlost certificate ORG`.",
        near=listed,
        org=org,
        name=name,
    )


def quoted(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


# --- running it ---------------------------------------------------------------------------------


def _prepare(
    session: duckdb.DuckDBPyConnection, reads: Sequence[StatementTable], troubles: list[UnlostError]
) -> None:
    # Instants would otherwise be shown in the zone of this machine.
    session.execute("SET TimeZone='UTC'")
    orgs = list(dict.fromkeys(read.org for read in reads))
    for org in orgs:
        session.execute(f"CREATE SCHEMA {quoted(org)}")
    seen: set[tuple[str, str]] = set()
    for number, read in enumerate(reads):
        if (read.org, read.name.lower()) in seen:
            continue
        seen.add((read.org, read.name.lower()))
        session.register(f"_unlost_{number}", _WatchedDataset(read.source, troubles))
        session.execute(
            f"CREATE VIEW {quoted(read.org)}.{quoted(read.name)} AS SELECT * FROM _unlost_{number}"  # noqa: S608 (names are quoted)
        )
    if len(orgs) == 1:
        session.execute("SET search_path = ?", [f"{quoted(orgs[0])},main"])


def _lock(session: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Forbid files, network and extensions, and any change of these settings."""
    for setting, value in (
        ("memory_limit", MEMORY),
        ("temp_directory", str(work)),
        ("max_temp_directory_size", TEMP_SPACE),
        ("temp_file_encryption", "true"),
        # Names in a statement must not resolve to Python variables.
        ("python_enable_replacements", "false"),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        session.execute(f"SET {setting} = '{value.replace(chr(39), chr(39) * 2)}'")


@contextmanager
def _failing(troubles: list[UnlostError]) -> Iterator[None]:
    """Turn errors of DuckDB into ours; an error while a table was read comes first."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise LimitReached(
            "sql-too-large",
            "The statement needs more than {memory} of memory and {disk} on disk.",
            next_step="Select fewer columns or rows, or aggregate before sorting.",
            memory=MEMORY,
            disk=TEMP_SPACE,
        ) from error
    except duckdb.Error as error:
        if troubles:
            raise troubles[0] from error
        raise _refused(str(error)) from None


def _watched(rows: pa.RecordBatchReader, troubles: list[UnlostError]) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        with _failing(troubles):
            try:
                yield from rows
            except (pa.ArrowException, OSError) as error:
                if troubles:
                    raise troubles[0] from error
                raise _refused(str(error)) from None

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


class _WatchedDataset(TableDataset):
    """A table that remembers errors, since DuckDB keeps only their text."""

    def __init__(self, source: TableSource, troubles: list[UnlostError]) -> None:
        super().__init__(source)
        self._troubles = troubles

    def scanner(self, columns: Any = None, filter: Any = None, **_: Any) -> TableScanner:  # noqa: A002
        """A scanner that remembers errors."""
        return _WatchedScanner(self.source, columns, filter, self._within, self._troubles)


class _WatchedScanner(TableScanner):
    def __init__(
        self,
        source: TableSource,
        columns: Any,
        where: Any,
        within: Any,
        troubles: list[UnlostError],
    ) -> None:
        super().__init__(source, columns, where, within)
        self._troubles = troubles

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from super()._batches()
        except UnlostError as error:
            self._troubles.append(error)
            raise


def _not_understood(words: str) -> UsageError:
    first, _ = _split(words)
    return UsageError(
        "sql-not-understood",
        "The statement was not understood: {reason}.",
        next_step="Use the SQL of DuckDB. Put names of orgs and tables in double quotes if "
        'they are not plain words, as in "production"."Account".',
        reason=first,
    )


def _refused(words: str) -> UsageError:
    first, hints = _split(words)
    return UsageError(
        "sql-refused",
        "The statement cannot be run: {reason}.",
        next_step="{hints}" if hints else "List columns and their types with `DESCRIBE org.table`.",
        reason=first,
        hints=hints,
    )


def _split(words: str) -> tuple[str, str]:
    """DuckDB's error in one line, and its proposals."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    first = lines[0].rstrip(".") if lines else "it gave no reason"
    hints = [line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))]
    return first, " ".join(hints)


def misfits(reads: Sequence[StatementTable]) -> Mapping[str, int]:
    """By ``org.table.column``, the number of texts that fitted no type and became null."""
    return {
        f"{read.org}.{read.source.table}.{column}": count
        for read in reads
        for column, count in sorted(read.source.misfits.items())
    }
