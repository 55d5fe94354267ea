"""What a runner does with a source: plan, prepare until ready, read; tasks pass through JSON."""

import json
from dataclasses import replace

from unlost.model.ports.source import Source
from unlost.model.source.reading import Cursor, Page, ReadTask, Ready, Wait
from unlost.model.source.schema import Table


def read_all(source: Source, table: Table, since: Cursor | None = None) -> list[Page]:
    return [page for task in source.plan_reads(table, since) for page in run(source, task)]


def run(source: Source, task: ReadTask) -> list[Page]:
    return [page for ready in prepared(source, task).tasks for page in source.read(ready)]


def prepared(source: Source, task: ReadTask) -> Ready:
    """The task as another process would prepare it."""
    state = json.loads(json.dumps(task.state))
    assert state == task.state, "a task is a JSON value"
    outcome = source.prepare(replace(task, state=state))
    for _ in range(100):
        if not isinstance(outcome, Wait):
            return outcome
        outcome = source.prepare(outcome.task)
    raise AssertionError("a task that never becomes ready")


def ids(pages: list[Page]) -> list[str]:
    return [one for page in pages for one in page.rows.ids.to_pylist()]


def cells(pages: list[Page], column: str) -> list[str | None]:
    return [one for page in pages if page.rows.cells for one in page.rows.cells[column].to_pylist()]
