"""Reading tasks as values: all that a worker needs to continue, and their JSON form."""

from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from unlost.connectors.salesforce import soql
from unlost.model.decoders import decoder_for
from unlost.model.source.reading import ReadTask


class TaskKind(StrEnum):
    """The next step of a task."""

    DELETES = "deletes"  # read Salesforce's list of deleted ids
    CHOOSE = "choose"  # count the rows, then read by REST or start a Bulk job
    BULK = "bulk"  # start a Bulk job
    JOB = "bulk-job"  # a Bulk job is running
    PAGES = "bulk-pages"  # read all result pages of a Bulk job
    PAGE = "bulk-page"  # read one result page of a Bulk job
    REST = "rest"
    PARENTS = "parents"
    CHANGED = "changed"  # read new rows by a stamp, and changed rows by Salesforce's list of ids
    LINKED = "linked"  # read the file links of changed documents


@dataclass(frozen=True, slots=True)
class TableQuery:
    """A query of a table: ``columns`` where ``condition`` holds and ``stamp`` is in a window.

    ``lo`` and ``hi`` are datetime literals, open if None; ``hi`` is only set for the windows into
    which a slow query is cut.
    """

    table: str
    columns: tuple[str, ...]
    condition: str = ""
    stamp: str | None = None
    lo: str | None = None
    hi: str | None = None

    @property
    def soql(self) -> str:
        """The query."""
        return soql.select(self.columns, self.table, self.condition, self.window)

    @property
    def count_soql(self) -> str:
        """The query that counts its rows."""
        return soql.select(("COUNT()",), self.table, self.condition, self.window)

    @property
    def window(self) -> str:
        """The condition on the stamp, empty if everything is read."""
        return soql.window(self.stamp, self.lo, self.hi)

    def between(self, lo: str | None, hi: str | None) -> "TableQuery":
        """The same query within another window."""
        return replace(self, lo=lo, hi=hi)


@dataclass(frozen=True, slots=True)
class TaskState:
    """The state of a task.

    ``job``: id of the Bulk job, ``rows`` its announced rows, ``polls`` its polls so far, ``tries``
    jobs that failed before it. ``parent_types``: see ``tables``. ``path``: the address of one
    result page. ``note``: the reason for another strategy than the table's own.
    """

    reading: TableQuery
    job: str = ""
    rows: int = 0
    polls: int = 0
    tries: int = 0
    path: str = ""
    pages: int = 0
    note: str = ""
    parent_types: tuple[str, ...] = ()


def task(kind: TaskKind, work: TaskState, *, full: bool) -> ReadTask:
    """The task in its JSON form."""
    state = msgspec.json.decode(msgspec.json.encode(work))
    return ReadTask(work.reading.table, kind.value, full, state)


def work_of(read_task: ReadTask) -> tuple[TaskKind, TaskState]:
    """A task's kind and state."""
    return TaskKind(read_task.kind), decoder_for(TaskState).convert(dict(read_task.state))
