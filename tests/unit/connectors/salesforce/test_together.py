"""Changes of many tables in few calls: what does not come whole is read alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fakes.runs import ids, run
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.model.errors import LimitReached
from unlost.model.source.reading import Page, ReadTask
from unlost.model.source.schema import Table
from unlost.testing.clock import START

NAMES = ("Account", "Contact", "Lead", "Note", "Order", "Task")
EVERY = [id_of(f"a0{place}", 1) for place in range(len(NAMES))]


def an_org(**settings: Any) -> FakeSalesforce:
    org = FakeSalesforce(**settings)
    for place, name in enumerate(NAMES):
        org.describes[name] = describe(name, *system_fields(), field("Name", nameField=True))
        org.rows[name] = [row(id_of(f"a0{place}", 1), at="2026-03-02T00:30:00.000+0000", Name=name)]
    return org


@dataclass
class Night:
    """The changes of the last hour."""

    source: SalesforceSource
    tables: list[Table]

    def tasks(self, names: tuple[str, ...] = NAMES) -> list[ReadTask]:
        tasks: list[ReadTask] = []
        for table in self.tables:
            if table.name in names:
                cursor = self.source.cursor_at(table, START - timedelta(hours=1))
                tasks += self.source.plan_reads(table, cursor)
        return tasks

    def read(self, tasks: list[ReadTask]) -> tuple[list[Page], list[ReadTask]]:
        """All pages, and the tasks that were read alone."""
        pages: list[Page] = []
        alone: list[ReadTask] = []
        for task, shared in self.source.read_together(tasks):
            if shared is None:
                alone.append(task)
            pages += run(self.source, task) if shared is None else shared
        return pages, alone


@contextmanager
def night(org: FakeSalesforce) -> Iterator[Night]:
    with org.source() as source:
        yield Night(source, [org.table(source, name) for name in NAMES])


def first_query(org: FakeSalesforce, table: str, answer: Any) -> None:
    """Give this answer to the first query of a table, and true ones to those that follow."""
    answers = iter([answer])

    def once(request: httpx.Request) -> Any:
        first = next(answers, org._query)
        return first(request) if callable(first) else first

    org.wire.on("GET", rf"/queryAll/\?q=SELECT.*FROM\+{table}", once)


def composites(org: FakeSalesforce, before: int = 0) -> int:
    return len(org.wire.made("POST", r"/composite$")) - before


def test_changes_of_six_tables_take_two_calls() -> None:
    org = an_org()
    with night(org) as changes:
        before, tasks = composites(org), changes.tasks()
        pages, alone = changes.read(tasks)
    assert sorted(ids(pages)) == EVERY
    assert not alone
    assert composites(org, before) == 2


@pytest.mark.parametrize(
    "answer",
    [error_answer("UNKNOWN_EXCEPTION", "no", 500), error_answer("INVALID_TYPE", "no", 400)],
)
def test_an_org_that_takes_no_calls_together_is_read_table_by_table(answer: Any) -> None:
    org = an_org()
    with night(org) as changes:
        tasks = changes.tasks()
        org.wire.on("POST", r"/composite$", answer)
        pages, alone = changes.read(tasks)
    assert sorted(ids(pages)) == EVERY
    assert alone == tasks


def test_only_the_refused_query_is_made_alone() -> None:
    org = an_org()
    with night(org) as changes:
        tasks = changes.tasks()
        first_query(org, "Lead", error_answer("QUERY_TIMEOUT", "slow", 400))
        pages, alone = changes.read(tasks)
    assert sorted(ids(pages)) == EVERY
    assert [(task.table, task.kind) for task in alone] == [("Lead", "choose")]


def test_a_result_with_fewer_rows_than_its_total_is_read_again() -> None:
    """A lost row would be a change that an archive does not notice."""
    org = an_org()
    with night(org) as changes:
        tasks = changes.tasks()
        short = {"totalSize": 1, "done": True, "records": []}
        first_query(org, "Note", json_answer(short))
        pages, alone = changes.read(tasks)
    assert sorted(ids(pages)) == EVERY
    assert [task.table for task in alone] == ["Note"]


def test_answers_in_another_order_are_not_taken() -> None:
    org = an_org()
    with night(org) as changes:
        tasks = changes.tasks()

        def swapped(request: httpx.Request) -> Any:
            answer = org._composite(request)
            return json_answer({"compositeResponse": answer.json()["compositeResponse"][::-1]})

        org.wire.on("POST", r"/composite$", swapped)
        pages, alone = changes.read(tasks)
    assert sorted(ids(pages)) == EVERY
    assert alone == tasks[:-1], "the last call has one query"


def test_a_list_of_deletions_that_is_refused_is_asked_for_alone() -> None:
    org = an_org()
    with night(org) as changes:
        tasks = changes.tasks(("Account",))
        org.wire.on("GET", "/sobjects/Account/deleted/", error_answer("X", "no", 400))
        pages, alone = changes.read(tasks)
    assert [task.kind for task in alone] == ["deletes"]
    assert any(page.wants_census for page in pages)


def test_many_changes_are_read_by_a_job_without_another_count() -> None:
    org = an_org(bulk_above=10)
    org.page_rows = 2
    stamp = "2026-03-02T00:30:00.000+0000"
    org.rows["Account"] = [row(id_of("a00", n), at=stamp, Name="A") for n in range(11)]
    with night(org) as changes:
        pages, alone = changes.read(changes.tasks(("Account",)))
    assert len(ids(pages)) == 11
    assert [task.kind for task in alone] == ["bulk"]
    assert len(org.wire.made("GET", r"COUNT")) == 0


def test_a_few_pages_are_followed() -> None:
    org = an_org(bulk_above=0)
    org.page_rows = 2
    stamp = "2026-03-02T00:30:00.000+0000"
    org.rows["Account"] = [row(id_of("a00", n), at=stamp, Name="A") for n in range(9)]
    with night(org) as changes:
        pages, alone = changes.read(changes.tasks(("Account",)))
    assert sorted(ids(pages)) == sorted(id_of("a00", n) for n in range(9))
    assert not alone


def test_a_spent_allowance_among_shared_calls_parks_the_run() -> None:
    org = an_org()
    with night(org) as changes:
        tasks = changes.tasks()
        spent = error_answer("REQUEST_LIMIT_EXCEEDED", "all used", 403)
        org.wire.on("GET", r"/queryAll/\?q=SELECT.*FROM\+Note", spent)
        with pytest.raises(LimitReached):
            changes.read(tasks)


def test_live_records_are_found_table_by_table_if_calls_are_not_taken_together() -> None:
    org = an_org()
    org.rows["Account"][0]["IsDeleted"] = True
    wanted = [(name, [record]) for name, record in zip(NAMES, EVERY, strict=True)]
    with night(org) as changes:
        tables = {table.name: table for table in changes.tables}
        queries = [(tables[name], records) for name, records in wanted]
        before = composites(org)
        together = changes.source.live_among(queries)
        assert composites(org, before) == 2
        org.wire.on("POST", r"/composite$", error_answer("INVALID_TYPE", "no", 400))
        assert changes.source.live_among(queries) == together
    assert together == [frozenset(), *(frozenset([record]) for record in EVERY[1:])]
