"""Lies about rights, fields and objects."""

from dataclasses import replace
from typing import Any

from lying_proxy.calls import CallKind, Exchange, ServedAnswer
from lying_proxy.changes import (
    field_as,
    half_body,
    object_as,
    only,
    rows_by,
    without_field,
)
from lying_proxy.lie import Fate, Lie, Spell, Stage, by_kind, kinds
from lying_proxy.small_org import BACKUP
from unlost_simulators.salesforce.model.users import Permission

OTHER_ORG = "00D000000000099EAA"


def take_right(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """Take View All Data from the backup user; the answer stays as it was."""
    stage.org.set_permission(BACKUP, Permission.VIEW_ALL_DATA, granted=False)
    return replace(exchange.answer)


def give_right(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """Give it back, after the answer was made without it."""
    give_back(stage)
    return replace(exchange.answer)


def give_back(stage: Stage) -> None:
    """Give the right back."""
    stage.org.set_permission(BACKUP, Permission.VIEW_ALL_DATA, granted=True)


def former_rights(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """The rights as they were before one was lost."""
    former = (
        earlier.answer
        for earlier in stage.honest
        if (earlier.call.kind, earlier.call.soql) == (CallKind.RIGHTS, exchange.call.soql)
    )
    return next(former, exchange.answer)


def other_describe(exchange: Exchange, stage: Stage) -> ServedAnswer:
    """The describe of contacts for accounts."""
    if exchange.call.table != "Account":
        return exchange.answer
    return next(
        earlier.answer
        for earlier in stage.honest
        if earlier.call.kind is CallKind.DESCRIBE and earlier.call.table == "Contact"
    )


def twice(member: str, name: str) -> Any:
    """A document that has an entry of a list twice."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        entries = exchange.answer.json[member]
        again = [entry for entry in entries if entry["name"] == name]
        return exchange.answer.with_members(**{member: [*entries, *again]})

    return changed


def unlisted(name: str) -> Any:
    """A list of fields that lacks one."""
    return rows_by(only(lambda row: row["QualifiedApiName"] != name), counted=True)


RIGHTS_LIES = (
    Lie(
        name="right-lost-in-first-backup",
        sentence="The backup user loses View All Data while a first read runs, for the rest of the "
        "backup.",
        kinds=kinds(CallKind.CHOICE), table="Contact", change=take_right, after=give_back,
        spell=Spell.FIRST, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="right-lost-in-backup",
        sentence="The backup user loses View All Data while changes are read, for the rest of the "
        "backup.",
        kinds=kinds(CallKind.CHOICE), table="Contact", change=take_right, after=give_back,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="right-lost-for-a-moment",
        sentence="The backup user loses View All Data for the moment in which the changes of one "
        "table are read.",
        kinds=kinds(CallKind.CHOICE, CallKind.ROWS), table="Contact", times=2,
        change=by_kind({CallKind.CHOICE: take_right, CallKind.ROWS: give_right}), after=give_back,
        spell=Spell.SECOND, fate=Fate.THIRTY_BACKUPS,
        reason="The rights are the same at the start and at the end; counts show new and deleted "
        "records, and the row check compares the others.",
    ),
    Lie(
        name="right-lost-in-first-backup-unseen",
        sentence="The backup user loses View All Data while a first read runs, and the rights do "
        "not show it.",
        kinds=kinds(CallKind.CHOICE, CallKind.RIGHTS), table="", times=None,
        change=by_kind({CallKind.CHOICE: take_right, CallKind.RIGHTS: former_rights}),
        after=give_back,
        spell=Spell.FIRST, fate=Fate.NEXT_BACKUP,
        reason="A smaller table looks the same; the next honest count shows it.",
    ),
    Lie(
        name="right-lost-unseen",
        sentence="The backup user loses View All Data while changes are read, and the rights do "
        "not show it.",
        kinds=kinds(CallKind.CHOICE, CallKind.RIGHTS), table="", times=None,
        change=by_kind({CallKind.CHOICE: take_right, CallKind.RIGHTS: former_rights}),
        after=give_back,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
)  # fmt: skip

SCHEMA_LIES = (
    Lie(
        name="field-hidden",
        sentence="A describe lacks a field.",
        kinds=kinds(CallKind.DESCRIBE), table="Account", times=None, change=without_field("Phone"),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="field-hidden-throughout",
        sentence="A describe and the list of all fields lack a field for one backup.",
        kinds=kinds(CallKind.DESCRIBE, CallKind.FIELDS), table="Account", times=None,
        change=by_kind({
            CallKind.DESCRIBE: without_field("Phone"), CallKind.FIELDS: unlisted("Phone"),
        }),
        spell=Spell.SECOND, fate=Fate.NEXT_BACKUP,
        reason="A deleted field looks the same. When it appears again, the table is read in full.",
    ),
    Lie(
        name="field-renamed",
        sentence="A describe has another name for a field.",
        kinds=kinds(CallKind.DESCRIBE), table="Account", times=None,
        change=field_as("Phone", name="Telephone"),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="object-hidden",
        sentence="The list of objects lacks an object.",
        kinds=kinds(CallKind.OBJECTS), times=None, change=object_as("Account", None),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="object-not-queryable",
        sentence="The list of objects calls an object not queryable.",
        kinds=kinds(CallKind.OBJECTS), times=None,
        change=object_as("Account", {"queryable": False}),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="describe-swapped",
        sentence="The describe of a table is that of another one.",
        kinds=kinds(CallKind.DESCRIBE), times=None, change=other_describe,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="field-twice",
        sentence="A describe has a field twice.",
        kinds=kinds(CallKind.DESCRIBE), table="Account", times=None,
        change=twice("fields", "Phone"),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="object-twice",
        sentence="The list of objects has an object twice.",
        kinds=kinds(CallKind.OBJECTS), times=None, change=twice("sobjects", "Account"),
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
)  # fmt: skip


def other_org(exchange: Exchange, _: Stage) -> ServedAnswer:
    """The identity of another org."""
    (row,) = exchange.answer.json["records"]
    return exchange.answer.with_members(records=[row | {"Id": OTHER_ORG}])


OPENING_LIES = (
    Lie(
        name="objects-cut",
        sentence="The list of objects breaks off in the middle.",
        kinds=kinds(CallKind.OBJECTS), change=half_body,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="rights-cut",
        sentence="The rights of the backup user break off in the middle.",
        kinds=kinds(CallKind.RIGHTS), change=half_body,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="identity-cut",
        sentence="The identity of the org breaks off in the middle.",
        kinds=kinds(CallKind.IDENTITY), change=half_body,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="sign-in-cut",
        sentence="The answer to the sign-in breaks off in the middle.",
        kinds=kinds(CallKind.SIGN_IN), change=half_body,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="describe-cut",
        sentence="A describe breaks off in the middle.",
        kinds=kinds(CallKind.DESCRIBE), table="Account", change=half_body,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="fields-cut",
        sentence="The list of all fields breaks off in the middle.",
        kinds=kinds(CallKind.FIELDS), change=half_body,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
    Lie(
        name="other-org",
        sentence="The answers have the identity of another org.",
        kinds=kinds(CallKind.IDENTITY), times=None, change=other_org,
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP, ends=False,
    ),
)  # fmt: skip
