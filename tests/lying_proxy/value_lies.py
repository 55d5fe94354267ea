"""Lies in single values and in files, and lies that are told always and everywhere."""

import re
from dataclasses import replace
from typing import Any

from lying_proxy.calls import CallKind, Exchange, ServedAnswer
from lying_proxy.changes import each, half_body, rows_by, text_by, with_rows, without_field
from lying_proxy.lie import Fate, Lie, Spell, Stage, by_kind, kinds
from lying_proxy.schema_lies import unlisted
from lying_proxy.small_org import BACKUP

COCOA = r'"Cocoa__c": ?(\d+\.\d+)'
ANY_ROWS = kinds(CallKind.ROWS, CallKind.CHECK, CallKind.LOOKUP)


def exponent(number: re.Match[str]) -> str:
    """The same number in the form of Java."""
    digits, _, fraction = number[1].partition(".")
    return f'"Cocoa__c":{digits[0]}.{digits[1:]}{fraction}E{len(digits) - 1}'


def noise(number: re.Match[str]) -> str:
    """The same number as its binary fraction, rounded to 15 places."""
    return f'"Cocoa__c":{float(number[1]):.15f}'


def no_number(exchange: Exchange, _: Stage) -> ServedAnswer:
    """A comma in a number."""
    first, *rows = exchange.answer.json["records"]
    return with_rows(exchange.answer, [first | {"Cocoa__c": "1542,50"}, *rows])


def other_file(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """The bytes of another file of the same table and size."""
    table, column = exchange.call.table, exchange.call.target.rsplit("/", 1)[1]
    first = stage.kept.setdefault("file", exchange.call.record)
    if exchange.call.record != first:
        return exchange.answer
    others = stage.org.export(table)["Id"].to_pylist()
    other = next(record for record in others if record != first)
    blob = stage.org.blob(BACKUP, table, other, column)
    return replace(exchange.answer, body=b"".join(blob.chunks))


VALUE_LIES = (
    Lie(
        name="number-with-exponent",
        sentence="Numbers come in another notation (`1.39758964E2`).",
        kinds=kinds(CallKind.ROWS), table="Recipe__c", times=None,
        change=text_by(COCOA, exponent),
        spell=Spell.FIRST, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="number-with-noise",
        sentence="Numbers come with the digits of their binary fraction (`139.758963999999992`).",
        kinds=kinds(CallKind.ROWS), table="Recipe__c", times=None, change=text_by(COCOA, noise),
        spell=Spell.FIRST, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="number-that-is-none",
        sentence="A number is none (`1542,50`).",
        kinds=kinds(CallKind.ROWS), table="Recipe__c", page=0, change=no_number,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
        stays=True,
    ),
)  # fmt: skip

FILE_LIES = (
    Lie(
        name="file-swapped",
        sentence="A file has the bytes of another one, and a checksum.",
        kinds=kinds(CallKind.FILE), table="ContentVersion", times=None, change=other_file,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="file-short",
        sentence="A file breaks off in the middle.",
        kinds=kinds(CallKind.FILE), table="ContentVersion", change=half_body,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="attachment-short",
        sentence="An attachment breaks off in the middle.",
        kinds=kinds(CallKind.FILE), table="Attachment", change=half_body,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="attachment-swapped",
        sentence="An attachment has the bytes of another one of the same size.",
        kinds=kinds(CallKind.FILE), table="Attachment", times=None, change=other_file,
        spell=Spell.ALWAYS, fate=Fate.NEVER,
        reason="Salesforce has no checksum of attachments.",
    ),
)  # fmt: skip


def hidden_record(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """Rows without one record, and totals that fit."""
    document = exchange.answer.json
    secret = stage.kept.setdefault("secret", _a_case(stage))
    rows = [row for row in document["records"] if row["Id"] != secret]
    all_of_it = "WHERE" not in exchange.call.soql or "IsDeleted = false" in exchange.call.soql
    inside = all_of_it or len(rows) < len(document["records"])
    return exchange.answer.with_members(records=rows, totalSize=document["totalSize"] - inside)


def _a_case(stage: Stage) -> str:
    """A record that no day changes."""
    return str(stage.org.export("Case")["Id"].to_pylist()[-1])


def other_value(row: dict[str, Any]) -> dict[str, Any]:
    """A record of which one value is another, always."""
    return row | {"Name": "Account 127, Ltd"} if row["Name"] == "Account 127" else row


EVERYWHERE_LIES = (
    Lie(
        name="record-hidden-always",
        sentence="A record is in no answer and no count.",
        kinds=ANY_ROWS | kinds(CallKind.IDS, CallKind.COUNT, CallKind.CHOICE), table="Case",
        times=None, change=hidden_record,
        spell=Spell.ALWAYS, fate=Fate.NEVER,
        reason="For a client such a record does not exist.",
    ),
    Lie(
        name="value-wrong-always",
        sentence="A value is another one in all answers.",
        kinds=ANY_ROWS, table="Account", times=None, change=rows_by(each(other_value)),
        spell=Spell.ALWAYS, fate=Fate.NEVER,
        reason="Nothing else has the right value.",
    ),
    Lie(
        name="field-hidden-always",
        sentence="A field is in no describe and in no list of fields.",
        kinds=kinds(CallKind.DESCRIBE, CallKind.FIELDS), table="Account", times=None,
        change=by_kind({
            CallKind.DESCRIBE: without_field("Phone"), CallKind.FIELDS: unlisted("Phone"),
        }),
        spell=Spell.ALWAYS, fate=Fate.NEVER,
        reason="For a client such a field does not exist.",
    ),
)  # fmt: skip
