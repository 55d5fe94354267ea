"""Eleven lies that were invented from the documentation alone, without a look at the code."""

from typing import Any

from lying_proxy.calls import CallKind, Exchange, ServedAnswer
from lying_proxy.changes import (
    by_instants,
    csv_by,
    each,
    field_as,
    members,
    no_clock,
    rows_by,
    was_edited,
    without_column,
)
from lying_proxy.lie import Fate, Lie, Spell, Stage, by_kind, kinds
from lying_proxy.list_lies import short_census, with_deletions
from lying_proxy.query_lies import to_itself

ROWS = kinds(CallKind.ROWS)


def short_id(row: dict[str, Any]) -> dict[str, Any]:
    """A record with its id in the form of 15 characters."""
    return row | {"Id": row["Id"][:15]}


def short_ids_deleted(exchange: Exchange, _: Stage) -> ServedAnswer:
    """Deletions with ids of 15 characters."""
    listed = exchange.answer.json["deletedRecords"]
    return exchange.answer.with_members(
        deletedRecords=[one | {"id": one["id"][:15]} for one in listed]
    )


def edited_is_deleted(row: dict[str, Any]) -> dict[str, Any]:
    """A changed record that claims to be deleted."""
    return row | {"IsDeleted": True} if was_edited(row) else row


def live_among_deletions(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """A list of deletions that names four live records, which no day changes."""
    return with_deletions(exchange, stage.org.export("Contact")["Id"].to_pylist()[150:154])


def not_found(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """A second look that does not find what the census left out."""
    document = exchange.answer.json
    hidden = stage.kept.get("hidden", set())
    rows = [row for row in document["records"] if row["Id"] not in hidden]
    missing = len(document["records"]) - len(rows)
    return exchange.answer.with_members(records=rows, totalSize=document["totalSize"] - missing)


def masked(row: dict[str, Any]) -> dict[str, Any]:
    """A record whose encrypted value is masked."""
    return row | {"Tax_Number__c": "********"}


DOCUMENTED_LIES = (
    Lie(
        name="ids-of-15-characters",
        sentence="The ids of records come in their form of 15 characters for one backup.",
        kinds=kinds(
            CallKind.ROWS, CallKind.CHECK, CallKind.LOOKUP, CallKind.IDS, CallKind.DELETED
        ),
        table="Case", times=None,
        change=by_kind({
            **dict.fromkeys(
                (CallKind.ROWS, CallKind.CHECK, CallKind.LOOKUP, CallKind.IDS),
                rows_by(each(short_id)),
            ),
            CallKind.DELETED: short_ids_deleted,
        }),
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="live-rows-flagged",
        sentence="Changed records claim to be deleted.",
        kinds=ROWS, table="Case", times=None, change=rows_by(each(edited_is_deleted)),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="deletions-of-live-records",
        sentence="The list of deletions names live records.",
        kinds=kinds(CallKind.DELETED), table="Contact", times=None, change=live_among_deletions,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="deletions-covered-ahead",
        sentence="The list of deletions claims to reach into the year 2030.",
        kinds=kinds(CallKind.DELETED), times=None,
        change=members(latestDateCovered="2030-01-01T00:00:00.000+0000"),
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="pages-in-circles",
        sentence="The next page of a query is the same page.",
        kinds=ROWS, table="Case", page=1, times=None, change=to_itself,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="stamps-of-another-zone",
        sentence="The times of changed records are an hour late.",
        kinds=ROWS, table="Case", times=None,
        change=rows_by(each(by_instants("LastModifiedDate", "SystemModstamp", hours=1))),
        spell=Spell.SECOND, fate=Fate.THIRTY_BACKUPS,
        reason="No number of the org shows it; the row check compares each record once.",
    ),
    Lie(
        name="csv-without-a-column",
        sentence="A Bulk page lacks a column.",
        kinds=kinds(CallKind.RESULTS), table="Contact", page=0,
        change=csv_by(lambda table: without_column(table, "Email")),
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="clock-missing",
        sentence="No answer has a clock for one backup.",
        kinds=frozenset(CallKind), times=None, change=no_clock,
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="field-retyped",
        sentence="A describe has another type for a field for one backup.",
        kinds=kinds(CallKind.DESCRIBE), table="Account", times=None,
        change=field_as("AnnualRevenue", type="string", soapType="xsd:string"),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="census-and-second-look-short",
        sentence="A census lacks ids, and a look at each of them finds nothing.",
        kinds=kinds(CallKind.IDS, CallKind.LOOKUP), table="Junction__c", times=None,
        change=by_kind({CallKind.IDS: short_census, CallKind.LOOKUP: not_found}),
        spell=Spell.SECOND, fate=Fate.NEXT_BACKUP,
        reason="A deletion that no list reports looks the same; the next census brings them back.",
    ),
    Lie(
        name="values-masked",
        sentence="An encrypted value comes as asterisks, although the backup user may see it.",
        kinds=ROWS, table="Account", times=None, change=rows_by(each(masked)),
        spell=Spell.FIRST, fate=Fate.THIRTY_BACKUPS,
        reason="No number of the org shows it; the row check compares each record once.",
    ),
)  # fmt: skip
