"""Deletes, undeletes and emptying of the bin, with one result a row."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce import rights
from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.users import ObjectOperation, Permission
from unlost_simulators.salesforce.writing import keys, refusals, rows, sharing, storage_limit
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.registry import effects_of
from unlost_simulators.salesforce.writing.request import RowError, Verb

REFUSED_HARD_DELETE = (
    "hardDelete operation requires special user profile permission, please contact your system "
    "administrator"
)


def attempt(job: Job, drafts: Sequence[Draft]) -> None:
    """Carry out the verb on drafts that name their records."""
    if job.verb is Verb.UNDELETE:
        _undelete(job, [draft for draft in drafts if draft.sound])
    elif job.verb is Verb.EMPTY_BIN:
        _empty(job, [draft for draft in drafts if draft.sound])
    else:
        _delete(job, drafts)


def check_allowed(job: Job) -> None:
    """Refuse hard deletes of users without the permission for them."""
    if job.verb is Verb.HARD_DELETE and not job.user.may(Permission.BULK_HARD_DELETE):
        raise SalesforceError(400, "FEATURENOTENABLED", REFUSED_HARD_DELETE)


def _delete(job: Job, drafts: Sequence[Draft]) -> None:
    if not job.by_platform and not rights.may_do(job.of, job.user, ObjectOperation.DELETE):
        for draft in drafts:
            draft.refuse(refusals.no_verb(job.of, "deleted"))
        return
    effects = effects_of(job.of.name)
    keys.check_existing(job, drafts, effects.reads)
    effects.before_delete([draft for draft in drafts if draft.sound], job)
    going = _deletable(job, [draft for draft in drafts if draft.sound])
    if going:
        hard = job.verb is Verb.HARD_DELETE
        job.store.remove(job.of, [draft.id or "" for draft in going], job.author, hard=hard)
        effects.after_delete(going, job)


def _deletable(job: Job, drafts: list[Draft]) -> list[Draft]:
    """Refuse rows that cannot be deleted; returns the others, which can be deleted together."""
    while drafts:
        obstacles = job.store.obstacles(job.of, [draft.id or "" for draft in drafts])
        if not obstacles:
            return drafts
        for draft in drafts:
            error = obstacles.get(draft.id or "")
            if error is not None:
                draft.refuse(RowError(error.code, error.message, tuple(error.fields or ())))
        drafts = [draft for draft in drafts if draft.sound]
    return drafts


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
