"""The tasks of a backup for tables that are not read whole. Pure.

Most tables are queried for rows whose SystemModstamp changed. Two refuse that condition:

FeedItem refuses every condition on SystemModstamp. Its new rows are queried by CreatedDate, its
edited rows come from Salesforce's list of changed ids; if that list is refused or does not reach
back far enough, the backup reads the table whole.

ContentDocumentLink refuses conditions on all columns except ids, and a new link does not change the
stamp of its document. So a backup reads the links of changed documents, which are most of the new
ones, and lists the ids of all links: unknown ids are read by id, missing ids were deleted. That
needs "Query All Files"; without it links are only given for named parents, from both ends, and
listing their ids takes as many calls as reading them: they are read whole each time, which is also
their census.

Neither way shows an edit in place: another ShareType or Visibility of a link, a counter of a post.
So both tables are read whole once a week, by a nightly backup.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from unlost.connectors.salesforce.reading.work import TableQuery, TaskKind, TaskState, task
from unlost.connectors.salesforce.schema.special import LINKS, NEW_BY, WHOLE_WEEKLY, ReadStrategy
from unlost.model.source.reading import ReadTask
from unlost.model.source.schema import Table, TableTrait

WEEK = timedelta(days=7)
A_SUNDAY = datetime(1970, 1, 4, tzinfo=UTC)
FIRST_KIND = {
    ReadStrategy.BULK: TaskKind.CHOOSE,
    ReadStrategy.REST: TaskKind.REST,
    ReadStrategy.PARENTS: TaskKind.PARENTS,
}
# If many rows are known to exist, counting them is superfluous.
LARGE_KIND = {**FIRST_KIND, ReadStrategy.BULK: TaskKind.BULK}


def whole_due(table: str, *, since: datetime, now: datetime) -> bool:
    """True in the first nightly backup of a week, for a table that is read whole once in each.

    ``since``: the nightly backup before it. This needs no other stored state: a week ends on
    Sunday, 0:00 UTC, and exactly one nightly backup is the first one after that end.
    """
    return table in WHOLE_WEEKLY and _week(since) != _week(now)


def unchanged_rows(reading: TableQuery, condition: str, *, before: str | None) -> TableQuery:
    """The rows with a condition that other reads skip: their stamp lies ``before`` all windows."""
    both = " AND ".join(filter(None, (reading.condition, condition)))
    return replace(reading, condition=both, hi=before)


def night_tasks(table: Table, reading: TableQuery) -> list[ReadTask]:
    """The tasks of a backup; ``reading`` begins at its ``lo``.

    Each record's state comes from one task only. Salesforce's list of deletions comes first.
    """
    deletes = TaskState(TableQuery(table.name, ("Id",), lo=reading.lo))
    listed = [task(TaskKind.DELETES, deletes, full=False)]
    rows = task(_kind(table), TaskState(_link_query(reading)), full=False)
    return [*(listed if table.has(TableTrait.REPORTS_DELETES) else []), rows]


def _kind(table: Table) -> TaskKind:
    if table.name == LINKS:
        return TaskKind.LINKED
    return TaskKind.CHANGED if table.name in NEW_BY else FIRST_KIND[ReadStrategy(table.strategy)]


def _link_query(reading: TableQuery) -> TableQuery:
    """Links have a stamp, but must not be filtered by it."""
    return replace(reading, stamp=None) if reading.table == LINKS else reading


def _week(when: datetime) -> int:
    return (when - A_SUNDAY) // WEEK
