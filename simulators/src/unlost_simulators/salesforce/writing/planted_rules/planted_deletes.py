"""Triggers on the deletion of rows: they refuse it, create rows, or delete more than was asked for.

The effects of a trigger are worked out while the rows are still there, since a deletion clears the
references to them. Rows that go by cascade set off no trigger (Apex guide, operations that do not
invoke triggers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlost_simulators.salesforce import editing
from unlost_simulators.salesforce.store import database
from unlost_simulators.salesforce.writing import rows
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.planted_rules import planted
from unlost_simulators.salesforce.writing.rules import Moment, Phase, TriggerEffect, TriggerRule
from unlost_simulators.salesforce.writing.target import TargetOrg

_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Consequence:
    """The effect of a trigger: rows of an object that it creates, or ids that it deletes."""

    phase: Phase
    object: str
    creates: tuple[Mapping[str, Any], ...] = ()
    deletes: tuple[str, ...] = ()


def triggers_of(org: TargetOrg, name: str) -> list[TriggerRule]:
    """The active triggers on the deletion of an object's rows."""
    rules = org.planted.rules(TriggerRule, name)
    return [rule for rule in rules if rule.active and Moment.DELETE in rule.on]


def consequences(job: Job, drafts: Sequence[Draft]) -> list[Consequence]:
    """Let triggers refuse rows, and return the effects that the others have."""
    if job.by_platform:
        return []
    rules = [
        rule for rule in triggers_of(job.org, job.of.name) if planted.acts(job, rule, Moment.DELETE)
    ]
    for rule in rules:
        if rule.deed is TriggerEffect.REFUSE:
            chosen = planted.chosen_drafts(job, rule.where, drafts)
            planted.refuse(rule, chosen, Moment.DELETE)
            job.org.planted.hit(rule, len(chosen))
    sound = [draft for draft in drafts if draft.sound]
    acting = [rule for rule in rules if rule.deed is not TriggerEffect.REFUSE]
    return [consequence for rule in acting for consequence in _consequence(job, rule, sound)]


def _consequence(job: Job, rule: TriggerRule, drafts: Sequence[Draft]) -> list[Consequence]:
    chosen = planted.chosen_drafts(job, rule.where, drafts)
    if not chosen:
        return []
    job.org.planted.hit(rule, len(chosen))
    if rule.deed is TriggerEffect.CREATE:
        created = tuple(planted.filled(job, rule, chosen))
        return [Consequence(rule.phase, rule.creates, creates=created)]
    return [Consequence(rule.phase, rule.deletes, deletes=_victims(job, rule, chosen))]


def _victims(job: Job, rule: TriggerRule, drafts: Sequence[Draft]) -> tuple[str, ...]:
    of = job.store.schema.get(rule.deletes)
    if of is None:
        return ()
    spared = {draft.id for draft in drafts}
    selected, _ = editing.chosen(job.store, of, _condition(job, rule, drafts), {}, None)
    ids = database.column(job.store.cursor(), f'SELECT t0."Id" {selected}')
    others = [key for key in ids if key not in spared]
    return tuple(others[: rule.most] if rule.most else others)


def _condition(job: Job, rule: TriggerRule, drafts: Sequence[Draft]) -> str | None:
    """One condition for all rows: that of one of them holds."""
    if not rule.deletes_where:
        return None
    holes = set(_HOLE.findall(rule.deletes_where))
    if not holes:
        return rule.deletes_where
    names = [field.name for field in job.of.stored if field.name in holes]
    stored = rows.stored_rows(job, job.of, [draft.id or "" for draft in drafts], names)
    each = dict.fromkeys(_filled(rule.deletes_where, row) for row in stored.values())
    return " OR ".join(f"({condition})" for condition in each)


def _filled(condition: str, row: Mapping[str, Any]) -> str:
    def value(hole: re.Match[str]) -> str:
        cell = row.get(hole.group(1))
        return "" if cell is None else str(cell).replace("\\", "\\\\").replace("'", "\\'")

    return _HOLE.sub(value, condition)


def carry_out(job: Job, wanted: Sequence[Consequence], phase: Phase) -> bool:
    """Do what triggers do before or after the deletion; true if there was anything to do."""
    due = [consequence for consequence in wanted if consequence.phase is phase]
    for consequence in due:
        job.create(consequence.object, consequence.creates)
        job.delete(consequence.object, consequence.deletes)
    return bool(due)
