"""Derive the write capability of a table from its describe. Pure.

Sources: REST guide (sObject Describe: createable, updateable, undeletable, defaultedOnCreate),
object reference (system fields).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlost.connectors.salesforce.images import ADDRESS, FORMATS, LARGEST, image_fields
from unlost.connectors.salesforce.schema.columns import is_compound
from unlost.connectors.salesforce.writing.rules import (
    OWNER,
    WRITTEN_WITHOUT_TRIGGERS,
    ObjectRule,
    cleared_shares,
    is_share,
    never,
    rule_for,
    share_rule,
)
from unlost.model.source.writing import (
    Birth,
    CallCost,
    Identity,
    LateColumn,
    LockedDelete,
    MatchKey,
    NeverColumn,
    NeverReason,
    TextImages,
    TextLinks,
    WriteCapability,
    WriteOp,
)

# Collections take 200 records a call (REST guide, sObject Collections).
ROWS_PER_CALL = 200
# A call that writes 200 records without much automation takes about this long.
COST = CallCost(seconds=0.6, rows_read=500, file_bytes_a_second=2 << 20)
# For rows that may already exist: one query for all of them, then calls for the missing ones.
ROWS_WITH_TWINS = 600
# Bulk ingest works in batches of 10,000 (Bulk API 2.0 guide). A job waits in a queue, mostly longer
# than the fifty calls of one batch take; if calls are scarce, it pays from a few calls on
# (docs/adr/0019).
ROWS_PER_JOB = 10_000
JOB_ABOVE = 10_000
JOB_ABOVE_SPARING = 1_000
# Requests that run longer than 20 s are limited to 25, in trials to 5 (App limits cheatsheet, API).
CALLS_AT_ONCE = 4
# References whose record is not locked with the row, or all rows would wait for one another:
# owners, record types and the like. All other lookups lock their record (Record locking cheat
# sheet).
UNLOCKED = frozenset({"BusinessHours", "Group", "Profile", "RecordType", "User", "UserRole"})
# A file's bytes go into a row as base64; a call's body may have 50 MB (REST guide, limits).
SMALL_FILE = 1_000_000
FILES_PER_CALL = 8_000_000
RECORD_TYPE = "RecordTypeId"
# An id has 15 characters, and 3 more that make it safe where case is ignored (REST guide, ids).
ID_LENGTHS = (15, 18)
SYSTEM = frozenset({
    "CreatedById", "CreatedDate", "Id", "IsDeleted", "LastActivityDate", "LastModifiedById",
    "LastModifiedDate", "LastReferencedDate", "LastViewedDate", "MasterRecordId",
    "SystemModstamp",
})  # fmt: skip

type Describe = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatusValues:
    """The values of a status column: the initial one, and those in which nothing is deleted.

    ``free``: this user may delete records with such a value, alone.
    """

    born: str
    locks: tuple[str, ...] = ()
    free: bool = False


def capability_of(
    describe: Describe, *, status: StatusValues | None = None, sparing: bool = False
) -> WriteCapability:
    """The write capability of the describing user.

    ``status``: of an object whose records are drafts first. ``sparing``: calls are scarcer than time.
    """
    name = str(describe["name"])
    rule, reason = _rule(describe), never(name)
    fields = [field for field in describe["fields"] if not is_compound(field)]
    ops = frozenset() if reason else _ops(describe)
    settable = (
        _named(fields, "createable") - rule.leave_out if WriteOp.CREATE in ops else frozenset()
    )
    changeable = _changeable(fields, rule) if WriteOp.UPDATE in ops else frozenset()
    files = frozenset({rule.file} if rule.file else ())
    return WriteCapability(
        name,
        ops=ops,
        birth=_birth(describe, ops, rule),
        identity=Identity.UNDELETE if WriteOp.UNDELETE in ops else Identity.NEW,
        settable=settable - files | _lists(rule, fields),
        changeable=changeable - files,
        needs_value=_needed(fields) & settable - files,
        defaulted=settable.intersection(_defaulted(describe, fields)) - files,
        never=tuple(_never(fields, settable, rule)),
        late=_late(rule, status),
        keys=(*_unique(fields, settable), *rule.keys),
        after=rule.after,
        gathers=rule.gathers,
        by_products=rule.by_products,
        by_product_when=rule.by_product_when,
        file_column=rule.file,
        small_file=SMALL_FILE if rule.file else 0,
        files_per_call=FILES_PER_CALL if rule.file else 0,
        audit="CreatedDate" in settable,
        rows_per_call=ROWS_WITH_TWINS if rule.accept_twin else ROWS_PER_CALL,
        rows_per_job=0 if rule.file or rule.gathers else ROWS_PER_JOB,
        job_above=JOB_ABOVE_SPARING if sparing else JOB_ABOVE,
        calls_at_once=1 if sparing else CALLS_AT_ONCE,
        locks=_locks(fields),
        side_effects=rule.side_effects,
        reason=reason or rule.reason or _reason(name, ops),
        lists=dict(_lists_of(fields)),
        text_links=TextLinks(_linked_texts(fields, rule) & (settable | changeable), ID_LENGTHS),
        clears=(*rule.clears, cleared_shares(name)) if OWNER in changeable else (),
        text_images=TextImages(
            frozenset(image_fields(name, fields)) & changeable, ADDRESS, FORMATS, LARGEST
        ),
        cost=COST,
    )


def _lists_of(fields: Sequence[Describe]) -> Iterator[tuple[str, frozenset[str]]]:
    """The active values of restricted picklists (REST guide, sObject Describe:
    restrictedPicklist); other picklists accept any text.
    """
    for field in fields:
        if field.get("restrictedPicklist"):
            values = field.get("picklistValues") or ()
            active = frozenset(
                choice["value"] for choice in values if choice.get("active") is not False
            )
            yield str(field["name"]), active


def _linked_texts(fields: Iterable[Mapping[str, Any]], rule: ObjectRule) -> frozenset[str]:
    """Rich texts, web addresses, and plain texts that the rule names."""
    return rule.linked_texts | frozenset(
        str(field["name"])
        for field in fields
        if field.get("htmlFormatted") or field.get("type") == "url"
    )


def _rule(describe: Describe) -> ObjectRule:
    name = str(describe["name"])
    if is_share(name):
        return share_rule(name, [str(field["name"]) for field in describe["fields"]])
    return rule_for(name)


def _ops(describe: Describe) -> frozenset[WriteOp]:
    flags = {
        WriteOp.CREATE: "createable",
        WriteOp.UPDATE: "updateable",
        WriteOp.UNDELETE: "undeletable",
        WriteOp.DELETE: "deletable",
    }
    return frozenset(op for op, flag in flags.items() if describe.get(flag))


def _birth(describe: Describe, ops: frozenset[WriteOp], rule: ObjectRule) -> Birth:
    """The way in which its records are created."""
    if rule.birth is not Birth.DIRECT:
        return rule.birth
    written = bool(ops) or is_written_by_users(describe)
    return Birth.DIRECT if written and not never(str(describe["name"])) else Birth.NEVER


def is_written_by_users(describe: Describe) -> bool:
    """True if some user may write the object.

    Describe tells only what this user may do: without the marketing permission, a campaign can be
    written as little as a history. But triggers run when users write records, so an object that can
    have them is written by some users (REST guide, sObject Describe: triggerable).
    """
    name = str(describe["name"])
    listed = name in WRITTEN_WITHOUT_TRIGGERS or is_share(name)
    writable = describe.get("triggerable") or listed
    return bool(writable) and not never(name)


def _reason(name: str, ops: frozenset[WriteOp]) -> str:
    return "" if ops else f"The user may not write to {name}."


def _named(fields: Iterable[Mapping[str, Any]], flag: str) -> frozenset[str]:
    return frozenset(str(field["name"]) for field in fields if field.get(flag))


def _changeable(fields: Iterable[Mapping[str, Any]], rule: ObjectRule) -> frozenset[str]:
    named = _named(fields, "updateable")
    if rule.changeable is None:
        return named
    return frozenset(name for name in named if name in rule.changeable or name.endswith("__c"))


def _locks(fields: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Columns that refer to records which are locked while the row is written."""
    return frozenset(
        str(field["name"]) for field in fields if set(field.get("referenceTo") or ()) - UNLOCKED
    )


def _needed(fields: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(
        str(field["name"])
        for field in fields
        if not field.get("nillable", True)
        and not field.get("defaultedOnCreate")
        and field.get("type") != "boolean"
    )


def _defaulted(describe: Describe, fields: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Nullable columns that the org fills if a new row does not name them.

    The record type of a new row is then the user's own, if they have one besides the master.
    """
    types = describe.get("recordTypeInfos") or ()
    typed = any(
        mapping.get("defaultRecordTypeMapping") and not mapping.get("master") for mapping in types
    )
    for field in fields:
        is_default = any(
            field.get(key) for key in ("defaultedOnCreate", "defaultValue", "defaultValueFormula")
        )
        name = str(field["name"])
        if name.startswith("Person") or name.endswith("__pc"):
            continue  # an account that is no person has none of them
        if field.get("nillable", True) and (is_default or (typed and name == RECORD_TYPE)):
            yield name


def _lists(rule: ObjectRule, fields: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Columns that take lists of ids: describe calls them createable, and no query returns them."""
    known = _named(fields, "createable")
    return frozenset(gather.column for gather in rule.gathers if gather.column in known)


def _late(rule: ObjectRule, status: StatusValues | None) -> tuple[LateColumn, ...]:
    if status is None:
        return rule.late
    late = (replace(column, born=status.born, locks=status.locks) for column in rule.late)
    if not status.free:
        return tuple(late)
    return tuple(replace(column, locked_delete=LockedDelete.ALONE) for column in late)


def _unique(fields: Iterable[Mapping[str, Any]], settable: frozenset[str]) -> tuple[MatchKey, ...]:
    names = [str(field["name"]) for field in fields if field.get("unique")]
    return tuple(MatchKey((name,)) for name in names if name in settable)


def _never(
    fields: Iterable[Mapping[str, Any]], settable: frozenset[str], rule: ObjectRule
) -> Iterable[NeverColumn]:
    for field in fields:
        name = str(field["name"])
        if name not in settable:
            yield NeverColumn(name, _why(field, rule))


def _why(field: Mapping[str, Any], rule: ObjectRule) -> NeverReason:
    name = str(field["name"])
    if field.get("calculated"):
        return NeverReason.FORMULA
    if field.get("autoNumber"):
        return NeverReason.AUTO_NUMBER
    if name in SYSTEM:
        return NeverReason.SYSTEM
    if name in rule.leave_out or any(name == by_product.column for by_product in rule.by_products):
        return NeverReason.BY_PLATFORM
    return NeverReason.READ_ONLY
