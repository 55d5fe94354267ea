"""Creates, updates and upserts: the checks in the order of the platform, then the write."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.model import rights
from unlost_simulators.salesforce.model.users import ObjectOperation
from unlost_simulators.salesforce.writing import keys, pictures, refusals, rows
from unlost_simulators.salesforce.writing.checking import (
    checks,
    references,
    storage_limit,
    uniqueness,
)
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.planted_rules import planted
from unlost_simulators.salesforce.writing.platform import sharing
from unlost_simulators.salesforce.writing.platform.registry import effects_of
from unlost_simulators.salesforce.writing.request import Row
from unlost_simulators.salesforce.writing.rules import Moment
from unlost_simulators.salesforce.writing.values import foreign
from unlost_simulators.salesforce.writing.values.cells import Reader

_PARENTS_OF_TRUTH = ("OwnerId", "RecordTypeId")


def attempt(job: Job, drafts: Sequence[Draft], reader: Reader, given: Sequence[Row]) -> None:
    """Check and write; afterwards each draft is written or holds its refusals."""
    _refuse_unwritable(job, drafts, reader, given)
    foreign.resolve(job, [draft for draft in drafts if draft.sound])
    new = [draft for draft in drafts if draft.id is None]
    old = [draft for draft in drafts if draft.id is not None]
    _prepare_old(job, old)
    _prepare_new(job, new)


def write(job: Job, drafts: Sequence[Draft]) -> None:
    """Write the sound drafts, and let what follows from it follow."""
    sound = [draft for draft in drafts if draft.sound]
    new = [draft for draft in sound if draft.id is None]
    old = [draft for draft in sound if draft.id is not None]
    effects = effects_of(job.of.name)
    if new:
        rows.insert(job, new)
        if hosted := pictures.host(job, new):
            job.amend(job.of.name, hosted)
        effects.after_insert(new, job)
        sharing.derive(job, new)
        planted.run(job, [draft for draft in new if draft.sound], Moment.INSERT)
    if old:
        pictures.host(job, old)
        rows.update(job, old)
        effects.after_update(old, job)
        sharing.hand_over(job, old)
        planted.run(job, [draft for draft in old if draft.sound], Moment.UPDATE)


def _refuse_unwritable(
    job: Job, drafts: Sequence[Draft], reader: Reader, given: Sequence[Row]
) -> None:
    if job.by_platform:
        return
    key = (job.options.external_id or "").lower()
    for is_new in (True, False):
        some = [draft for draft in drafts if draft.sound and (draft.id is None) is is_new]
        operation, done = (
            (ObjectOperation.CREATE, "inserted") if is_new else (ObjectOperation.EDIT, "updated")
        )
        if some and not rights.may_do(job.of, job.user, operation):
            for draft in some:
                draft.refuse(refusals.no_verb(job.of, done))
        elif some and reader.suspects(new=is_new):
            for draft in some:
                names = reader.unwritable(given[draft.place], new=is_new)
                names = [name for name in names if is_new or name.lower() != key]
                if names:
                    draft.refuse(refusals.not_writable(names))


def _prepare_new(job: Job, drafts: Sequence[Draft]) -> None:
    sound = [draft for draft in drafts if draft.sound]
    if not sound:
        return
    checks.record_types(job, sound, new=True)
    effects_of(job.of.name).before_insert([draft for draft in sound if draft.sound], job)
    checks.required(job, sound, new=True)
    checks.audit_times(job, sound)
    checks.owners(job, sound, new=True)
    references.check(job, sound)
    uniqueness.check(job, sound)
    planted.check_duplicates(job, sound, Moment.INSERT)
    storage_limit.check(job, sound)


def _prepare_old(job: Job, drafts: Sequence[Draft]) -> None:
    effects = effects_of(job.of.name)
    names = {name for draft in drafts for name in draft.cells}
    wanted = names | {*effects.reads, *_PARENTS_OF_TRUTH}
    fields = [field.name for field in job.of.stored if field.name in wanted]
    keys.check_existing(job, drafts, fields)
    sound = [draft for draft in drafts if draft.sound]
    if not sound:
        return
    checks.record_types(job, sound, new=False)
    effects.before_update([draft for draft in sound if draft.sound], job)
    checks.required(job, sound, new=False)
    checks.owners(job, sound, new=False)
    references.check(job, sound)
    uniqueness.check(job, sound)
    planted.check_duplicates(job, sound, Moment.UPDATE)
