"""Deletes, undeletes and emptying of the bin, with one result a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlost_simulators.salesforce.model import ids, rights
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import ObjectOperation, Permission
from unlost_simulators.salesforce.writing import keys, refusals, rows
from unlost_simulators.salesforce.writing.checking import storage_limit
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.mishaps import WriteSubject
from unlost_simulators.salesforce.writing.planted_rules import planted_deletes
from unlost_simulators.salesforce.writing.platform import sharing
from unlost_simulators.salesforce.writing.platform.registry import effects_of
from unlost_simulators.salesforce.writing.request import RowError, Verb
from unlost_simulators.salesforce.writing.rules import Phase
from unlost_simulators.salesforce.writing.target import TargetOrg

REFUSED_HARD_DELETE = (
    "hardDelete operation requires special user profile permission, please contact your system "
    "administrator"
)


def attempt(job: Job, drafts: Sequence[Draft]) -> bool:
    """Carry out the verb on drafts that name their records; true if what was done may stand."""
    if job.verb is Verb.UNDELETE:
        _undelete(job, [draft for draft in drafts if draft.sound])
    elif job.verb is Verb.EMPTY_BIN:
        _empty(job, [draft for draft in drafts if draft.sound])
    else:
        return _delete(job, drafts)
    return True


def check_allowed(job: Job) -> None:
    """Refuse hard deletes of users without the permission for them."""
    if job.verb is Verb.HARD_DELETE and not job.user.may(Permission.BULK_HARD_DELETE):
        raise SalesforceError(400, "FEATURENOTENABLED", REFUSED_HARD_DELETE)


def independent(org: TargetOrg, subject: WriteSubject, record_ids: Sequence[str]) -> bool:
    """True if nobody can tell whether these records are deleted together or one after another."""
    of = org.schema.get(subject.object)
    if of is None or org.mishaps.may_strike(subject) or planted_deletes.triggers_of(org, of.name):
        return False
    given = [ids.full(key) for key in record_ids if ids.is_id(key)]
    return org.store.independent(of, given)


def _delete(job: Job, drafts: Sequence[Draft]) -> bool:
    if not job.by_platform and not rights.may_do(job.of, job.user, ObjectOperation.DELETE):
        for draft in drafts:
            draft.refuse(refusals.no_verb(job.of, "deleted"))
        return True
    effects = effects_of(job.of.name)
    keys.check_existing(job, drafts, effects.reads)
    effects.before_delete(_sound(drafts), job)
    triggered = planted_deletes.consequences(job, _sound(drafts))
    acted = planted_deletes.carry_out(job, triggered, Phase.BEFORE)
    if acted:
        keys.check_existing(job, drafts, effects.reads)
    going = _sound(drafts)
    if not going:
        return True
    hard = job.verb is Verb.HARD_DELETE
    obstacles = job.store.remove(job.of, [draft.id or "" for draft in going], job.author, hard=hard)
    _refuse(going, obstacles)
    if obstacles and triggered:
        # The trigger runs again for the rows that are left, as after any other refusal.
        return False
    effects.after_delete(_sound(going), job)
    planted_deletes.carry_out(job, triggered, Phase.AFTER)
    return True


def _sound(drafts: Sequence[Draft]) -> list[Draft]:
    return [draft for draft in drafts if draft.sound]


def _refuse(drafts: Sequence[Draft], obstacles: Mapping[str, SalesforceError]) -> None:
    for draft in drafts:
        error = obstacles.get(draft.id or "")
        if error is not None:
            draft.refuse(RowError(error.code, error.message, tuple(error.fields or ())))


def _undelete(job: Job, drafts: list[Draft]) -> None:
    undeletable = job.store.undeletable(job.of, [draft.id or "" for draft in drafts])
    for draft in drafts:
        if draft.id not in undeletable:
            draft.refuse(refusals.NOT_IN_BIN)
    storage_limit.refuse_surplus(job, [draft for draft in drafts if draft.sound])
    coming = [draft for draft in drafts if draft.sound]
    if coming and job.org.figures.is_full(job.of):
        for draft in coming:
            draft.refuse(refusals.NO_ROOM)
        return
    _refuse_taken(job, coming)
    coming = [draft for draft in coming if draft.sound]
    if coming:
        job.store.undelete([draft.id or "" for draft in coming])
        effects_of(job.of.name).after_undelete(coming, job)
        sharing.derive(job, coming)


def _refuse_taken(job: Job, drafts: Sequence[Draft]) -> None:
    """A unique value that a living record took meanwhile keeps the deleted one away."""
    unique = [field for field in job.of.stored if field.unique]
    if not unique or not drafts:
        return
    names = [field.name for field in unique]
    stored = rows.stored_rows(job, job.of, [draft.id or "" for draft in drafts], names)
    for field in unique:
        holders = keys.holders(job, job.of, field, [row[field.name] for row in stored.values()])
        for draft in drafts:
            value = stored[draft.id or ""][field.name]
            others = [] if value is None else holders.get(keys.fold(field, value), [])
            if draft.sound and others:
                draft.refuse(refusals.taken(field.name, others[0]))


def _empty(job: Job, drafts: Sequence[Draft]) -> None:
    entries = job.store.bin_entries(job.of, [draft.id or "" for draft in drafts])
    for draft in drafts:
        if draft.id not in entries:
            draft.refuse(refusals.NO_BIN_ENTRY)
    going = [draft.id or "" for draft in drafts if draft.sound]
    if going:
        job.store.empty_bin(going)
