"""The rules of an org's admins, acting on the rows of a request.

Conditions are SOQL over the row as it was saved; they are looked at inside the transaction of the
write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from unlost_simulators.salesforce import editing
from unlost_simulators.salesforce.writing import keys, rows
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.planted_rules.bypasses import is_bypassed
from unlost_simulators.salesforce.writing.request import RowError
from unlost_simulators.salesforce.writing.rules import (
    DuplicateRule,
    Moment,
    Phase,
    TriggerEffect,
    TriggerRule,
    ValidationRule,
)

_HOLE = re.compile(r"\{(\w+)\}")
_SAVED = "_saved"


def check_duplicates(job: Job, drafts: Sequence[Draft], moment: Moment) -> None:
    """Refuse rows that agree with a record of the org where a rule forbids or warns."""
    for rule in job.org.planted.rules(DuplicateRule, job.of.name):
        lenient = rule.allow_save and job.options.duplicates.allow_save
        if moment not in rule.on or job.by_platform or lenient:
            continue
        for draft, matches in _matches(job, rule, drafts):
            draft.refuse(_duplicate(job, rule, matches))
            job.org.planted.hit(rule)


def _matches(
    job: Job, rule: DuplicateRule, drafts: Sequence[Draft]
) -> Iterable[tuple[Draft, list[str]]]:
    fields = [field for field in (job.of.field(name) for name in rule.match) if field is not None]
    sound = [candidate for candidate in drafts if candidate.sound]
    by_field = [
        keys.holders(job, job.of, field, [draft.value(field.name) for draft in sound])
        for field in fields
    ]
    for draft in sound:
        matches: set[str] | None = None
        for field, holders in zip(fields, by_field, strict=True):
            value = draft.value(field.name)
            ids = set() if value is None else set(holders.get(keys.fold(field, value), []))
            matches = ids if matches is None else matches & ids
        others = sorted((matches or set()) - {draft.id})
        if others:
            yield draft, others


def _duplicate(job: Job, rule: DuplicateRule, matches: Sequence[str]) -> RowError:
    of = job.of.name
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {
                    "type": of,
                    "url": f"/services/data/v66.0/sobjects/{of}/{record_id}",
                },
                "Id": record_id,
            },
        }
        for record_id in matches
    ]
    result = {
        "entityType": of,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": records,
        "rule": rule.name,
        "size": len(records),
        "success": True,
    }
    detail = {
        "allowSave": rule.allow_save,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": of,
        "errorMessage": rule.message,
        "matchResults": [result],
    }
    return RowError("DUPLICATES_DETECTED", rule.message, (), detail)


def run(job: Job, drafts: Sequence[Draft], moment: Moment) -> None:
    """Let triggers and validation rules act on rows that were just written."""
    planted = job.org.planted
    if job.by_platform:
        return
    triggers = [rule for rule in planted.rules(TriggerRule, job.of.name) if acts(job, rule, moment)]
    for rule in triggers:
        if rule.phase is Phase.BEFORE:
            _trigger(job, rule, drafts, moment)
    for check in planted.rules(ValidationRule, job.of.name):
        if acts(job, check, moment):
            _validate(job, check, drafts)
    for rule in triggers:
        if rule.phase is Phase.AFTER:
            _trigger(job, rule, [draft for draft in drafts if draft.sound], moment)


def acts(job: Job, rule: TriggerRule | ValidationRule, moment: Moment) -> bool:
    """Return true if a rule acts on the rows of a job at this moment."""
    return rule.active and moment in rule.on and not is_bypassed(job, rule)


def _validate(job: Job, rule: ValidationRule, drafts: Sequence[Draft]) -> None:
    for draft in chosen_drafts(job, rule.where, drafts):
        named = () if rule.field is None else (rule.field,)
        draft.fail("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, *named)
        job.org.planted.hit(rule)


def _trigger(job: Job, rule: TriggerRule, drafts: Sequence[Draft], moment: Moment) -> None:
    chosen = chosen_drafts(job, rule.where, drafts)
    if not chosen:
        return
    job.org.planted.hit(rule, len(chosen))
    if rule.deed is TriggerEffect.REFUSE:
        refuse(rule, chosen, moment)
    elif rule.deed is TriggerEffect.SET:
        _set(job, rule, chosen)
    else:
        job.create(rule.creates, filled(job, rule, chosen))


def refuse(rule: TriggerRule, drafts: Sequence[Draft], moment: Moment) -> None:
    """Fail rows as an unhandled exception of a trigger does."""
    occasion = f"{rule.phase.value.title()}{moment.value.title()}"
    text = f"{rule.name}: execution of {occasion}\n\ncaused by: {rule.message}\n\n"
    text += f"Trigger.{rule.name}: line 1, column 1"
    for draft in drafts:
        draft.fail("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)


def _set(job: Job, rule: TriggerRule, drafts: Sequence[Draft]) -> None:
    changes = {
        draft.id or "": dict(values)
        for draft, values in zip(drafts, filled(job, rule, drafts), strict=True)
    }
    if rule.phase is Phase.BEFORE:
        job.amend(job.of.name, changes)
    else:
        job.update(job.of.name, changes)


def filled(job: Job, rule: TriggerRule, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """The rule's values with the rows' own in their holes."""
    wanted = {
        hole
        for value in rule.values.values()
        if isinstance(value, str)
        for hole in _HOLE.findall(value)
    }
    names = [field.name for field in job.of.stored if field.name in wanted]
    stored = rows.stored_rows(job, job.of, [draft.id or "" for draft in drafts], names)
    return [
        {name: _fill(value, stored[draft.id or ""]) for name, value in rule.values.items()}
        for draft in drafts
    ]


def _fill(value: Any, row: Mapping[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    whole = _HOLE.fullmatch(value)
    if whole is not None and whole.group(1) in row:
        return row[whole.group(1)]
    return _HOLE.sub(lambda hole: str(row.get(hole.group(1), "")), value)


def chosen_drafts(job: Job, where: str | None, drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts whose saved rows fulfil a SOQL condition."""
    if where is None:
        return list(drafts)
    chosen, _ = editing.chosen(job.store, job.of, where, {}, None)
    cursor = job.store.cursor()
    cursor.register(_SAVED, pa.table({"id": pa.array([draft.id for draft in drafts], pa.string())}))
    saved = cursor.execute(
        f'SELECT x.id FROM (SELECT t0."Id" AS id {chosen}) x SEMI JOIN {_SAVED} s ON x.id = s.id'
    ).fetchall()
    cursor.unregister(_SAVED)
    matching = {row[0] for row in saved}
    return [draft for draft in drafts if draft.id in matching]
