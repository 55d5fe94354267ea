"""Query snapshots with SQL."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from unlost.app.access import action
from unlost.app.backups.moments import LATEST, parse_past, snapshot_at
from unlost.app.compose import Application
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Json
from unlost.outside import sql as session
from unlost.outside.sql import StatementTable

_NAME_BYTES = 8


@dataclass(frozen=True)
class SqlAnswer:
    """The rows of a statement, as a stream, and the tables that it reads."""

    reads: tuple[StatementTable, ...]
    rows: pa.RecordBatchReader

    @property
    def misfits(self) -> Mapping[str, int]:
        """The number of texts by column that did not fit the type and became null so far."""
        return session.misfits(self.reads)


def _tables(answer: SqlAnswer) -> Mapping[str, Json]:
    """Return the audit's details: the tables, not the statement, which may contain values."""
    return {
        "read": [
            f"{read.org}/{read.source.table}@{read.source.snapshot.info.number}"
            for read in answer.reads
        ]
    }


@action("data.sql", Right.READ, trace=Trace.READ, detail=_tables)
def sql(app: Application, statement: str, *, stack: ExitStack, as_of: str = LATEST) -> SqlAnswer:
    """Run a read-only SQL statement; its rows are available while ``stack`` is open.

    All tables are as of one moment. Raises UsageError (``sql-not-understood``, ``sql-read-only``,
    ``sql-refused``), NotFound (``org-unknown``, ``table-unknown``, ``snapshot-unknown``),
    LimitReached (``sql-too-large``).
    """
    known = {org.name: org for org in app.orgs(Right.READ)}

    @cache
    def snapshot(name: str) -> Snapshot:
        org = known[name]
        return snapshot_at(app, org, parse_past(as_of, zone=org.identity.zone))

    named = session.tables_named(statement)
    reads = session.reads_of(named, orgs=list(known), snapshot=snapshot)
    if not reads and named:
        _check_names(known, named)
    work = app.home.work / f"sql-{app.entropy.bytes(_NAME_BYTES).hex()}"
    # Registered before the folder exists, so that nothing is left if the next line fails halfway.
    stack.callback(_remove, work)
    work.mkdir(mode=0o700, parents=True)
    running = stack.enter_context(session.running(statement, reads, work=work))
    return SqlAnswer(running.reads, running.rows)


def _check_names(orgs: Mapping[str, object], named: list[session.NamedTable]) -> None:
    """Raise NotFound with the right form for a table that was named without its org."""
    bare = [table.table for table in named if not table.org]
    if bare and len(orgs) != 1:
        raise NotFound(
            "table-unknown",
            "There is no table named {table!r}.",
            next_step="Write the table with its org, which is one of: {orgs}."
            if orgs
            else "Add an org with `unlost org add`.",
            table=bare[0],
            orgs=", ".join(map(session.quoted, orgs)),
        )


def _remove(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
