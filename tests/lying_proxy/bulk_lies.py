"""Lies in the answers about Bulk jobs and in their CSV pages."""

from dataclasses import replace

from lying_proxy.calls import CallKind, CsvRows, Exchange, ServedAnswer
from lying_proxy.changes import (
    csv_by,
    csv_rows,
    first_twice,
    header,
    in_reverse,
    members,
    more,
    renamed,
    without,
)
from lying_proxy.lie import Fate, Lie, Spell, Stage, by_kind, kinds

RESULTS = kinds(CallKind.RESULTS)
COUNT_HEADER = "sforce-numberofrecords"
LOST = 9
SWAPPED = {"FirstName": "LastName", "LastName": "FirstName"}


def body_of_first_page(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """The body of the page before, under the headers of this one."""
    first = stage.earlier(exchange.call, page=0)
    assert first is not None, "a page that was not delivered"
    return replace(exchange.answer, body=first.answer.body)


def shortened_and_counted(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """The last rows of the first page less, with the header that fits."""
    if exchange.call.page:
        return exchange.answer
    answer = csv_rows(without(LOST))(exchange, stage)
    rows = int(exchange.answer.headers[COUNT_HEADER]) - LOST
    return answer.with_header(COUNT_HEADER, str(rows))


def foreign_csv(table: CsvRows) -> CsvRows:
    """As many rows of another table."""
    return CsvRows(
        ("Id", "IsDeleted", "Phone"),
        tuple((row[0], "false", f"+32 {at}") for at, row in enumerate(table.rows)),
    )


def no_body(exchange: Exchange, _: Stage) -> ServedAnswer:
    """The answer 204, without a body."""
    return replace(exchange.answer, status=204, body=b"")


BULK_LIES = (
    Lie(
        name="job-count-high",
        sentence="A Bulk job announces more rows than its pages have.",
        kinds=kinds(CallKind.JOB), table="Contact", times=None,
        change=more(numberRecordsProcessed=7),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="job-count-zero",
        sentence="A Bulk job announces no rows.",
        kinds=kinds(CallKind.JOB), table="Contact", times=None,
        change=members(numberRecordsProcessed=0),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="page-header-wrong",
        sentence="The header of a Bulk page counts one row less (`Sforce-NumberOfRecords`).",
        kinds=RESULTS, table="Contact", page=0,
        change=header(COUNT_HEADER, lambda text: str(int(text) - 1)),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-row-twice",
        sentence="A Bulk page has a row twice, and lacks another one.",
        kinds=RESULTS, table="Contact", page=0, change=csv_rows(first_twice),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-page-repeated",
        sentence="A Bulk page has the rows of the page before it.",
        kinds=RESULTS, table="Contact", page=1, change=body_of_first_page,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-rows-reversed",
        sentence="The rows of a Bulk page come in another order.",
        kinds=RESULTS, table="Contact", times=None, change=csv_rows(in_reverse),
        spell=Spell.FIRST, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="csv-short",
        sentence="A Bulk page lacks rows.",
        kinds=RESULTS, table="Contact", page=0, change=csv_rows(without(LOST)),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-short-counted",
        sentence="A Bulk page lacks rows, and neither its header nor the job counts them.",
        kinds=kinds(CallKind.RESULTS, CallKind.JOB), table="Contact", times=None,
        change=by_kind({
            CallKind.RESULTS: shortened_and_counted,
            CallKind.JOB: more(numberRecordsProcessed=-LOST),
        }),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-end-too-early",
        sentence="A Bulk page claims to be the last.",
        kinds=RESULTS, table="Contact", page=0, change=header("sforce-locator", lambda _: "null"),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-foreign",
        sentence="A Bulk page has the columns of another table.",
        kinds=RESULTS, table="Contact", page=1, change=csv_by(foreign_csv),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-empty",
        sentence="A Bulk page has no body.",
        kinds=RESULTS, table="Contact", page=0, change=no_body,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="csv-names-swapped",
        sentence="Two columns of a Bulk result have each other's names.",
        kinds=RESULTS, table="Contact", times=None,
        change=csv_by(lambda table: renamed(table, SWAPPED)),
        spell=Spell.FIRST, fate=Fate.THIRTY_BACKUPS,
        reason="No number of the org shows it; the row check compares each record once.",
    ),
)  # fmt: skip
