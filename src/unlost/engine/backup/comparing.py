"""Compare the vault with the source, table by table, and explain each difference.

A read can be wrong without an error: a page is delivered twice, a right is lost meanwhile, a result
is short and says that it is whole. So the source is asked for its own number of every table that
was read:

  census       list the live ids of tables where that is due (``census``)
  count        the source's own number of live records of all other tables
  differences  list the ids of tables whose number differs from the vault's
  look up      the records that only one side has
  rights       did the user lose a right meanwhile? Then absence proves nothing
  decide       deleted, not visible, or an unusual loss (``deletes``)
  explain      what is still different, and the source still lists, is a gap

Records that are created or deleted between the read and the list are found by the look-up, so an
org that never rests raises nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.files import add_files
from unlost.engine.backup.missing.cascades import DeletedParents
from unlost.engine.backup.missing.census import CensusResult, still_listed, take_census
from unlost.engine.backup.missing.deletes import Differences, look_for_differences, resolve
from unlost.engine.backup.missing.lookup import LookupResult
from unlost.engine.backup.rights import rights_changed
from unlost.engine.backup.session import (
    BackupSession,
    ReadFailure,
    SourceFailed,
    failure_of,
    source_errors,
)
from unlost.engine.backup.table_progress import TableProgress, reads_by_table
from unlost.engine.temp_rows import batches
from unlost.model.source.reading import Op
from unlost.model.source.schema import DeleteRule, Schema, Table, TableTrait

CANNOT_LIST = ReadFailure(
    "census-unsupported",
    "The source has lost its list of deleted records and cannot list its live records.",
    "Run a full backup: `unlost backup ORG --full`",
    refused=True,
)
NOT_WHOLE = ReadFailure(
    "read-incomplete",
    "Not every record could be read, and the source cannot list its live records.",
    "Give the backup user access to all records of the table.",
    refused=True,
)


@dataclass(frozen=True, slots=True)
class SourceCount:
    """Live rows by the source's own count; None if it does not count, or ``failure`` says why."""

    live: int | None
    failure: ReadFailure | None = None


@dataclass(frozen=True, slots=True)
class GrantsNow:
    """The rights of the user on each table: a JSON value."""

    tables: dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class ListedAgain:
    """Ids that the source lists, and does not deliver."""

    ids: int


def compare_with_source(
    session: BackupSession, progresses: Sequence[TableProgress], schema: Schema
) -> None:
    """Compare all tables that were read with the source; sets what the certificate says of them.

    ``schema``: the source's, as discovered at the beginning of the run.
    """
    read = [progress for progress in progresses if progress.failure is None]
    _note_revivals(session, read)
    _take_due(session, read)
    _count(session, read)
    _take(session, [p for p in read if _differs(session, p)], step="census/differing", listed=True)
    counted = [p for p in read if p.census is not None and p.census.failure is None]
    parents = DeletedParents(session, reads_by_table(read))
    differences = {p.name: look_for_differences(session, _census(p), parents) for p in counted}
    _compare_rights(session, read, schema)
    for progress in counted:
        _decide(session, progress, differences[progress.name], parents)
    for progress in read:
        progress.unexplained = _unexplained(session, progress)


def revivals_unseen(table: Table, *, revived: frozenset[str]) -> bool:
    """Return true if records of a table came back with those of ``revived`` tables, unseen.

    They were deleted with their parents, and the table is asked for new records alone. Records of a
    table that shows deletions in no way were never deleted here. Pure.
    """
    loses = table.has(TableTrait.CENSUS) or table.has(TableTrait.REPORTS_DELETES)
    if not (table.has(TableTrait.NEW_ONLY) and loses):
        return False
    return any(
        column.reference is not None
        and column.reference.rule is DeleteRule.CASCADE
        and revived & set(column.reference.tables)
        for column in table.columns
    )


def visible_count(session: BackupSession, progress: TableProgress) -> int:
    """Live records of a table in the vault that the user may see, after this run."""
    return progress.tally(session).alive - hidden_count(session, progress)


def hidden_count(session: BackupSession, progress: TableProgress) -> int:
    """Rows hidden before, minus rows seen again or gone, plus rows hidden by this run."""
    again = {record for read in progress.reads for record in read.again}
    moved = 0
    if progress.resolved is not None:
        moved = progress.resolved.hidden - progress.resolved.shown
    return len(session.hidden(progress.name)) - len(again) + moved


def _census(progress: TableProgress) -> CensusResult:
    assert progress.census is not None, "only asked for tables with a census"
    return progress.census


def _note_revivals(session: BackupSession, read: Sequence[TableProgress]) -> None:
    candidates = [p for p in read if p.plan.table.has(TableTrait.NEW_ONLY)]
    if not candidates:
        return
    revived = frozenset(p.name for p in read if p.tally(session).revived)
    for progress in candidates:
        progress.revived = revivals_unseen(progress.plan.table, revived=revived)


def _take_due(session: BackupSession, read: Sequence[TableProgress]) -> None:
    due = [p for p in read if p.plan.census or p.wants_census]
    by_reads, by_list = [], []
    for progress in due:
        lists = progress.plan.table.has(TableTrait.CENSUS)
        if progress.full and not progress.incomplete and not progress.plan.lists_ids:
            by_reads.append(progress)
        elif lists:
            by_list.append(progress)
        else:
            # Without a list of ids no deletion is proved: that is a gap until the next full read.
            progress.census_unsupported = NOT_WHOLE if progress.full else CANNOT_LIST
    _take(session, by_list, step="census", listed=True)
    _take(session, by_reads, step="census/reads", listed=False)


def _take(session: BackupSession, due: Sequence[TableProgress], *, step: str, listed: bool) -> None:
    """Take the census of tables: by a list of ids, or by reads that have every row."""
    if not due:
        return
    # One time for all: to ask before each table would cost a call each, and an earlier one is safe.
    at = session.time(f"{step}/clocks")
    results = session.runner.map(
        step,
        lambda progress: take_census(session, progress.name, progress.reads, at=at, listed=listed),
        due,
        key=lambda progress: progress.name,
        result=CensusResult,
    )
    for progress, census in zip(due, results, strict=True):
        progress.census = census
        progress.listed = listed and census.failure is None


def _count(session: BackupSession, read: Sequence[TableProgress]) -> None:
    """Ask for the source's number of each table whose ids were not listed."""
    unlisted = [p for p in read if not p.listed]
    counts = session.runner.map(
        "count",
        lambda progress: _count_table(session, progress.plan.table),
        unlisted,
        key=lambda progress: progress.name,
        result=SourceCount,
    )
    for progress, count in zip(unlisted, counts, strict=True):
        progress.live, progress.uncounted = count.live, count.failure
        if count.live is not None:
            progress.live = count.live - _erased(session, progress, count.live)


def _count_table(session: BackupSession, table: Table) -> SourceCount:
    """Count a table; without a count nothing is compared, and the certificate says so."""
    try:
        with source_errors():
            return SourceCount(session.source.count(table))
    except SourceFailed as broke:
        return SourceCount(None, failure_of(broke, session.source))


def _expected(session: BackupSession, progress: TableProgress) -> int:
    """The number of live records that the source must have if everything was read."""
    if progress.census is not None and progress.census.failure is None:
        return progress.census.live
    return visible_count(session, progress)


def _erased(session: BackupSession, progress: TableProgress, live: int) -> int:
    """Erased records that the source seems to count: the vault must not store them.

    Which of the erased ones still live in the org is not known, so a difference of at most their
    number is taken for them; the regular census does not need this.
    """
    more = live - _expected(session, progress)
    return more if 0 < more <= session.commit.erased_count(progress.name) else 0


def _differs(session: BackupSession, progress: TableProgress) -> bool:
    """True if the source's number is another one; a census by reads is given up then."""
    if progress.live is None or progress.listed or progress.unproved is not None:
        return False
    if progress.live == _expected(session, progress):
        return False
    progress.census = None
    lists = progress.plan.table.has(TableTrait.CENSUS)
    if not lists and progress.full:
        progress.census_unsupported = NOT_WHOLE
    return lists


def _compare_rights(session: BackupSession, read: Sequence[TableProgress], schema: Schema) -> None:
    """Compare the rights with those at the beginning, after everything was read and looked up."""
    now = session.runner.step(
        "rights", lambda: GrantsNow(dict(session.source.grants(schema))), result=GrantsNow
    ).tables
    for progress in read:
        progress.rights = rights_changed(
            progress.plan.table,
            before=progress.plan.grants,
            after=now.get(progress.name, frozenset()),
        )


def _decide(
    session: BackupSession,
    progress: TableProgress,
    differences: Differences,
    parents: DeletedParents,
) -> None:
    census = _census(progress)
    trusted = progress.plan.trusted and not progress.rights_lost
    progress.resolved = resolve(session, census, differences, parents, trusted=trusted)
    progress.files += add_files(session, progress.resolved.reads, round_name="census")
    if progress.unproved is None and (progress.listed or progress.live is not None):
        progress.live = census.live + _moved(session, census, differences)


def _moved(session: BackupSession, census: CensusResult, differences: Differences) -> int:
    """Records that came, less those that went, between read, list, and look-up."""
    unfound = differences.unfound
    gone = len(unfound) - _still_listed(session, census.table, unfound)
    appeared = _count_op(
        session, (*(differences.lost or ()), *differences.hidden.lookups), Op.STATE
    )
    found = sum(lookup.read.rows for lookup in differences.unread if lookup.read is not None)
    dead = found - _count_op(session, differences.unread, Op.STATE)
    return census.late + appeared - dead - gone


def _still_listed(session: BackupSession, table: str, ids: Sequence[str]) -> int:
    """Ids that the source lists again although it does not deliver them."""
    if not ids:
        return 0
    return session.runner.map(
        "census/again",
        lambda _: ListedAgain(still_listed(session, table, ids)),
        [table],
        key=str,
        result=ListedAgain,
    )[0].ids


def _count_op(session: BackupSession, lookups: Iterable[LookupResult], op: Op) -> int:
    """Rows of lookups that were observed like this."""
    return sum(
        pc.sum(pc.equal(batch.column("op").cast(pa.string()), op.value)).as_py() or 0
        for lookup in lookups
        if lookup.read is not None
        for batch in batches(session.folder, lookup.read.seen)
    )


def _unexplained(session: BackupSession, progress: TableProgress) -> int:
    """Records that the source has and the vault lacks; negative if the vault has more."""
    if progress.live is None or progress.unproved is not None:
        return 0
    return progress.live - visible_count(session, progress)
