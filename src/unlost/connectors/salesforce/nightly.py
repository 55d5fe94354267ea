"""What a night reads of a table that is not read whole. Pure.

Most tables are asked for what their SystemModstamp says was changed. Two refuse that question:

FeedItem refuses every condition on SystemModstamp. Its new rows are asked for by CreatedDate, its
edited ones by Salesforce's list of changed ids; where that list is refused or does not reach back,
the night reads it whole.

ContentDocumentLink refuses conditions on all but ids, beside other ids too, and a link that is made
to a document moves no stamp of the document. So a night reads the links of changed documents, which
are most of the new ones, and lists the ids of all links: what the vault does not have yet is read by
id, what the list lacks was deleted. That needs "Query All Files"; without it links are only given
for named parents, from both ends, and listing their ids takes as many calls as reading them: they
are read whole each night, which is their census too.

What neither way shows is an edit in place: another ShareType or Visibility of a link, a counter of a
post. Once a week both tables are read whole.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.special import LINKS, NEW_BY, WHOLE_WEEKLY, ReadStrategy
from unlost.connectors.salesforce.work import TableQuery, TaskKind, TaskState, task
from unlost.model.reading import IdRange, ReadTask
from unlost.model.schema import Table, TableTrait

WEEK = timedelta(days=7)
A_SUNDAY = datetime(1970, 1, 4, tzinfo=UTC)
FIRST_KIND = {
    ReadStrategy.BULK: TaskKind.CHOOSE,
    ReadStrategy.REST: TaskKind.REST,
    ReadStrategy.PARENTS: TaskKind.PARENTS,
}
# Where it is known that there are many rows, nothing need be counted.
LARGE_KIND = {**FIRST_KIND, ReadStrategy.BULK: TaskKind.BULK}


def whole_due(table: str, *, since: datetime, now: datetime) -> bool:
    """True in the first night of a week, for a table that is read whole once in each.

    Nothing need be remembered: a week ends on Sunday, 0:00 UTC, and one run alone sees it end.
    """
    return table in WHOLE_WEEKLY and _week(since) != _week(now)


def standing_still(reading: TableQuery, ids: IdRange, *, before: str | None) -> TableQuery:
    """The rows of a range of ids that no night asks for: their stamp lies ``before`` all windows."""
    condition = soql.id_range(ids.low, ids.high)
    both = " AND ".join(filter(None, (reading.condition, condition)))
    return replace(reading, condition=both, hi=before)


def night_tasks(table: Table, reading: TableQuery) -> list[ReadTask]:
    """The tasks of a night; ``reading`` begins at its ``lo``. No two bring the same record's state.

    What Salesforce lists as deleted comes first.
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
    """Links have a stamp, and must not be asked by it."""
    return replace(reading, stamp=None) if reading.table == LINKS else reading


def _week(when: datetime) -> int:
    return (when - A_SUNDAY) // WEEK
