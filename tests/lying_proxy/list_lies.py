"""Lies in lists of ids: deletions, changes, and censuses with their second look."""

from typing import Any

from lying_proxy.calls import CallKind, Exchange, ServedAnswer
from lying_proxy.changes import first_twice, members, rows_by, without
from lying_proxy.lie import Fate, Lie, Spell, Stage, kinds
from lying_proxy.query_lies import no_deletions

DELETED = kinds(CallKind.DELETED)
UPDATED = kinds(CallKind.UPDATED)
IDS = kinds(CallKind.IDS)


def deletions_twice(exchange: Exchange, _: Stage) -> ServedAnswer:
    """Each deletion twice."""
    listed = exchange.answer.json["deletedRecords"]
    return exchange.answer.with_members(deletedRecords=[*listed, *listed])


def foreign_deletions(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """Ids of another table among the deletions."""
    return with_deletions(exchange, stage.org.export("Account")["Id"].to_pylist()[:4])


def with_deletions(exchange: Exchange, records: list[str]) -> ServedAnswer:
    """A list of deletions with these ids as well."""
    document = exchange.answer.json
    at = document["latestDateCovered"]
    extra = [{"id": record, "deletedDate": at} for record in records]
    return exchange.answer.with_members(deletedRecords=[*document["deletedRecords"], *extra])


def trimmed_deletions(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A list of deletions that begins only now."""
    covered = exchange.answer.json["latestDateCovered"]
    return exchange.answer.with_members(deletedRecords=[], earliestDateAvailable=covered)


def fewer_changes(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A list of changes that lacks those of records which existed before."""
    return exchange.answer.with_members(ids=exchange.answer.json["ids"][1:])


def foreign_changes(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """A list of changes that has the ids of another table."""
    return exchange.answer.with_members(ids=stage.org.export("Account")["Id"].to_pylist()[:4])


def foreign_census(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """A census that lists another table."""
    count = len(exchange.answer.json["records"])
    return exchange.answer.with_members(records=rows_of(stage, "Account", count))


def rows_of(stage: Stage, table: str, count: int) -> list[dict[str, Any]]:
    """Some rows of a census of a table."""
    records = stage.org.export(table)["Id"].to_pylist()[:count]
    return [{"attributes": {"type": table}, "Id": record} for record in records]


def former_census(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """The ids as the first backup saw them, all on the first page."""
    former = [
        {"attributes": row["attributes"], "Id": row["Id"]}
        for earlier in stage.honest
        if earlier.call.kind is CallKind.ROWS and earlier.call.table == exchange.call.table
        if earlier.backup < stage.backup
        for row in earlier.answer.json["records"]
    ]
    return exchange.answer.with_json({"totalSize": len(former), "done": True, "records": former})


def empty_census(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A census of an empty table."""
    return exchange.answer.with_json({"totalSize": 0, "done": True, "records": []})


def short_census(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """A census that lacks four ids of its first page and counts without them."""
    rows = exchange.answer.json["records"]
    if exchange.call.page == 0:
        stage.kept["hidden"] = {row["Id"] for row in rows[:4]}
    left = [row for row in rows if row["Id"] not in stage.kept["hidden"]]
    return exchange.answer.with_members(
        records=left, totalSize=exchange.answer.json["totalSize"] - 4
    )


LIST_LIES = (
    Lie(
        name="deletions-missing",
        sentence="The list of deletions is empty.",
        kinds=DELETED, table="Case", times=None, change=no_deletions,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="deletions-twice",
        sentence="The list of deletions has each id twice.",
        kinds=DELETED, table="Case", times=None, change=deletions_twice,
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="deletions-foreign",
        sentence="The list of deletions has ids of another table.",
        kinds=DELETED, table="Case", times=None, change=foreign_deletions,
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="deletions-trimmed",
        sentence="The list of deletions begins too late.",
        kinds=DELETED, table="Case", times=None, change=trimmed_deletions,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="changes-short",
        sentence="The list of changed ids lacks an id.",
        kinds=UPDATED, table="FeedItem", times=None, change=fewer_changes,
        spell=Spell.SECOND, fate=Fate.SEVEN_DAYS,
        reason="Tables with such a list are read in full once a week.",
    ),
    Lie(
        name="changes-empty",
        sentence="The list of changed ids is empty.",
        kinds=UPDATED, table="FeedItem", times=None, change=members(ids=[]),
        spell=Spell.SECOND, fate=Fate.SEVEN_DAYS,
        reason="Tables with such a list are read in full once a week.",
    ),
    Lie(
        name="changes-foreign",
        sentence="The list of changed ids has ids of another table.",
        kinds=UPDATED, table="FeedItem", times=None, change=foreign_changes,
        spell=Spell.SECOND, fate=Fate.SEVEN_DAYS,
        reason="Tables with such a list are read in full once a week.",
    ),
    Lie(
        name="census-short",
        sentence="A census lacks ids, and its total does not count them.",
        kinds=IDS, table="Junction__c", times=None, change=short_census,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="census-page-short",
        sentence="A page of a census lacks ids.",
        kinds=IDS, table="Junction__c", page=0, change=rows_by(without(4)),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="census-repeats",
        sentence="A census has an id twice, and lacks another one.",
        kinds=IDS, table="Junction__c", page=0, times=None, change=rows_by(first_twice),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="census-foreign",
        sentence="A census lists the ids of another table.",
        kinds=IDS, table="Junction__c", page=0, times=None, change=foreign_census,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="census-stale",
        sentence="A census is that of an earlier backup.",
        kinds=IDS, table="Junction__c", page=0, times=None, change=former_census,
        spell=Spell.SECOND, fate=Fate.NEXT_BACKUP,
        reason="A record that was read may be deleted a moment later; the next census lists the "
        "deletions.",
    ),
    Lie(
        name="census-empty",
        sentence="A census of a table with records is empty.",
        kinds=IDS, table="Junction__c", page=0, times=None, change=empty_census,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
)  # fmt: skip
