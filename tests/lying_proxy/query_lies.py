"""Lies in the pages of REST queries, and in counts."""

from dataclasses import replace
from typing import Any

from lying_proxy.calls import CallKind, Exchange, ServedAnswer
from lying_proxy.changes import (
    first_twice,
    first_twice_with,
    first_without,
    in_reverse,
    members,
    more,
    of_page,
    only,
    rows_by,
    was_created,
    was_edited,
    with_rows,
    without,
)
from lying_proxy.lie import Fate, Lie, Spell, Stage, by_kind, kinds

ROWS = kinds(CallKind.ROWS)


def former_rows(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """Each record as an earlier backup got it."""
    former = {
        row["Id"]: row
        for earlier in stage.honest
        if earlier.call.kind is CallKind.ROWS and earlier.call.table == exchange.call.table
        if earlier.backup < stage.backup
        for row in earlier.answer.json["records"]
    }
    rows = exchange.answer.json["records"]
    return with_rows(exchange.answer, [former.get(row["Id"], row) for row in rows])


def foreign_rows(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """As many rows of another table, which lacks most of the columns."""
    rows = exchange.answer.json["records"]
    others = stage.org.export("Account")["Id"].to_pylist()
    shared = ("IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp")
    foreign = [
        {"attributes": {"type": "Account"}, "Id": other} | {name: row[name] for name in shared}
        for row, other in zip(rows, others, strict=False)
    ]
    return exchange.answer.with_members(records=foreign)


def ended(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A page that claims to be the last."""
    document = {**exchange.answer.json, "done": True}
    document.pop("nextRecordsUrl", None)
    return exchange.answer.with_json(document)


def ended_and_counted(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """A page that claims to be all."""
    answer = ended(exchange, stage)
    return answer.with_members(totalSize=len(answer.json["records"]))


def to_itself(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A page whose next page is itself."""
    return exchange.answer.with_members(nextRecordsUrl=exchange.call.target)


def no_deletions(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A list of deletions that lists none."""
    return exchange.answer.with_members(deletedRecords=[])


def refused(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A query that Salesforce does not answer."""
    error = [{"errorCode": "MALFORMED_QUERY", "message": "COUNT() is not supported"}]
    return replace(exchange.answer, status=400).with_json(error)


def is_live(row: Any) -> bool:
    """True for a record that is not deleted."""
    return not row["IsDeleted"]


def doubled_in_first_page(exchange: Exchange, _: Stage) -> ServedAnswer:
    """The first row once more; all pages announce one row more."""
    rows = exchange.answer.json["records"]
    extra = rows[:1] if exchange.call.page == 0 else []
    return exchange.answer.with_members(
        records=[*rows, *extra], totalSize=exchange.answer.json["totalSize"] + 1
    )


def shortened_first_page(exchange: Exchange, _: Stage) -> ServedAnswer:
    """Three rows of the first page less; all pages announce three rows less."""
    rows = exchange.answer.json["records"]
    left = rows[:-3] if exchange.call.page == 0 else rows
    return exchange.answer.with_members(
        records=left, totalSize=exchange.answer.json["totalSize"] - 3
    )


PAGE_LIES = (
    Lie(
        name="page-repeated",
        sentence="A page of a query has the rows of the page before it.",
        kinds=ROWS, table="Case", page=1, change=of_page(0),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="row-twice",
        sentence="A page of a query has a row twice, and lacks another one.",
        kinds=ROWS, table="Case", page=0, change=rows_by(first_twice),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="row-twice-counted",
        sentence="A page of a query has a row twice, and its total counts it twice.",
        kinds=ROWS, table="Case", times=None, change=doubled_in_first_page,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="row-twice-with-other-values",
        sentence="A page of a query has a record twice, with different values.",
        kinds=ROWS, table="Case", page=0, change=rows_by(first_twice_with(Subject="Other")),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="rows-reversed",
        sentence="The rows of a query come in another order.",
        kinds=ROWS, table="Case", times=None, change=rows_by(in_reverse),
        spell=Spell.ALWAYS, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="page-short",
        sentence="A page of a query lacks rows.",
        kinds=ROWS, table="Case", page=0, change=rows_by(without(3)),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="page-always-short",
        sentence="A page of a query lacks rows, however often it is read.",
        kinds=ROWS, table="Case", times=None, change=rows_by(without(1)),
        spell=Spell.ALWAYS, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="page-short-counted",
        sentence="A first read lacks rows, and its total does not count them.",
        kinds=ROWS, table="Case", times=None, change=shortened_first_page,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="new-record-withheld",
        sentence="The changes of a day lack a new record.",
        kinds=ROWS, table="Case", times=None,
        change=rows_by(first_without(was_created), counted=True),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="change-withheld",
        sentence="The changes of a day lack a changed record.",
        kinds=ROWS, table="Case", times=None,
        change=rows_by(first_without(was_edited), counted=True),
        spell=Spell.SECOND, fate=Fate.THIRTY_BACKUPS,
        reason="No number of the org shows it; the row check compares each record once.",
    ),
    Lie(
        name="deletion-withheld",
        sentence="The changes of a day and the list of deletions lack the deleted records.",
        kinds=kinds(CallKind.ROWS, CallKind.DELETED), table="Case", times=None,
        change=by_kind({
            CallKind.ROWS: rows_by(only(is_live), counted=True), CallKind.DELETED: no_deletions,
        }),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="rows-stale",
        sentence="Changed records come with their former values.",
        kinds=ROWS, table="Case", times=None, change=former_rows,
        spell=Spell.SECOND, fate=Fate.THIRTY_BACKUPS,
        reason="No number of the org shows it; the row check compares each record once.",
    ),
    Lie(
        name="page-foreign",
        sentence="A page of a query has the rows of another table.",
        kinds=ROWS, table="Case", page=1, change=foreign_rows,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="end-too-early",
        sentence="A query ends before its last page.",
        kinds=ROWS, table="Case", page=0, change=ended,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="end-too-early-counted",
        sentence="A query ends before its last page, and its total does not count the rest.",
        kinds=ROWS, table="Case", page=0, times=None, change=ended_and_counted,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
)  # fmt: skip

COUNT_LIES = (
    Lie(
        name="count-high",
        sentence="The count of a table is too high.",
        kinds=kinds(CallKind.COUNT), table="Account", times=None, change=more(totalSize=5),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="count-low",
        sentence="The count of a table is too low.",
        kinds=kinds(CallKind.COUNT), table="Account", times=None, change=more(totalSize=-5),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="empty-before-read",
        sentence="The count before a first read is zero.",
        kinds=kinds(CallKind.CHOICE), table="Contact", change=members(totalSize=0),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="empty-throughout",
        sentence="All counts of a table are zero in its first backup.",
        kinds=kinds(CallKind.CHOICE, CallKind.COUNT), table="Contact", times=None,
        change=members(totalSize=0),
        spell=Spell.FIRST, fate=Fate.NEXT_BACKUP,
        reason="An empty table looks the same; the next honest count shows it.",
    ),
    Lie(
        name="rows-and-count-short",
        sentence="A first read lacks rows, and no count of that backup has them.",
        kinds=kinds(CallKind.ROWS, CallKind.CHOICE, CallKind.COUNT), table="Case", times=None,
        change=by_kind({
            CallKind.ROWS: shortened_first_page, CallKind.CHOICE: more(totalSize=-3),
            CallKind.COUNT: more(totalSize=-3),
        }),
        spell=Spell.FIRST, fate=Fate.NEXT_BACKUP,
        reason="A smaller table looks the same; the next honest count shows it.",
    ),
    Lie(
        name="count-refused",
        sentence="The count of a table is refused.",
        kinds=kinds(CallKind.COUNT), table="Account", times=None, change=refused,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
)  # fmt: skip
