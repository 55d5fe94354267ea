"""Execution of writes: every row is answered, in the order of the request.

Rows are refused one by one; with ``AllOrNone.ALL`` one refusal takes all others back. A refusal
that comes after the write (a trigger, a validation rule) rolls the whole attempt back, and the rows
that are left are tried again, as the platform does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.writing import keys, refusals, removal, save
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.request import (
    AllOrNone,
    Row,
    RowError,
    RowResult,
    Verb,
    WriteOptions,
)
from unlost_simulators.salesforce.writing.target import TargetOrg
from unlost_simulators.salesforce.writing.values.cells import Reader

SAVES = frozenset({Verb.CREATE, Verb.UPDATE, Verb.UPSERT})
SETUP_OBJECTS = frozenset({
    "FieldPermissions", "Group", "GroupMember", "ObjectPermissions", "PermissionSet",
    "PermissionSetAssignment", "Profile", "QueueSobject", "SetupEntityAccess", "User", "UserRole",
})  # fmt: skip
"""Objects that cannot be written in one transaction with others (Apex guide, mixed DML)."""
MOST_ATTEMPTS = 3
"""How often rows are tried while triggers refuse some of them (Apex guide, bulk DML)."""
TOO_MANY_ATTEMPTS = RowError(
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "Too many retries of batch save in the presence of Apex triggers with failures",
)


class _Rollback(Exception):
    """Ends a transaction whose writes shall not stand."""


def write(
    org: TargetOrg,
    user: SimUser,
    verb: Verb,
    object_name: str,
    rows: Sequence[Row],
    options: WriteOptions,
) -> list[RowResult]:
    """Carry out a request; gives one result a row, in the same order.

    Raises ``SalesforceError`` for what concerns the whole request (an object that does not exist
    for the user, an upsert by a field that is no key, a hard delete without the permission).
    """
    of = org.object(user, object_name)
    author = org.store.author(user.id, None)
    job = Job(org, user, of, verb, options, author, carry_out)
    results = carry_out(job, rows)
    _note_growth(job, results)
    return results


def carry_out(job: Job, rows: Sequence[Row]) -> list[RowResult]:
    """Carry out a job; see ``write``."""
    removal.check_allowed(job)
    if job.verb is Verb.UPSERT:
        keys.key_field(job)
    locked = _locked_places(job, rows)
    refused = {place: [error] for place, error in locked.items()}
    if job.store.in_transaction():
        return _results(job, _attempt(job, rows, refused)[0])
    drafts: list[Draft] = []
    for _ in range(MOST_ATTEMPTS):
        try:
            with job.store.transaction():
                drafts, stands = _attempt(job, rows, refused)
                if not stands:
                    raise _Rollback
        except _Rollback:
            if _all_or_none(job):
                return _results(job, drafts)
            refused = {draft.place: draft.errors for draft in drafts if draft.errors}
        else:
            return _results(job, drafts)
    for draft in drafts:
        if draft.sound:
            draft.refuse(TOO_MANY_ATTEMPTS)
    return _results(job, drafts)


def _locked_places(job: Job, rows: Sequence[Row]) -> Mapping[int, RowError]:
    """The places of a request that a mishap strikes."""
    if job.by_platform:
        return {}
    named = [next((row[key] for key in row if key.lower() == "id"), None) for row in rows]
    return job.org.mishaps.locked(
        job.subject, [str(record_id) if record_id else None for record_id in named]
    )


def _note_growth(job: Job, results: Sequence[RowResult]) -> None:
    """Report the number of added rows to the org's mishaps."""
    if job.verb in {Verb.CREATE, Verb.UNDELETE}:
        added = sum(result.success for result in results)
    else:
        added = sum(bool(result.created) for result in results)
    if added:
        job.org.mishaps.count_added(job.subject, added)


def _all_or_none(job: Job) -> bool:
    return job.options.all_or_none is AllOrNone.ALL


def _attempt(
    job: Job, rows: Sequence[Row], refused: Mapping[int, list[RowError]]
) -> tuple[list[Draft], bool]:
    """The drafts after everything was tried, and whether what was written may stand."""
    reader = Reader(job)
    drafts = reader.read(rows, range(len(rows)))
    for draft in drafts:
        if draft.place in refused:
            draft.errors = list(refused[draft.place])
    _refuse_mixed(job, drafts)
    stands = True
    for wave in keys.waves(job, drafts):
        keys.identify(job, [draft for draft in wave if draft.sound])
        stands &= _write_wave(job, wave, reader, rows)
    return drafts, stands and not (_all_or_none(job) and any(not draft.sound for draft in drafts))


def _write_wave(job: Job, wave: Sequence[Draft], reader: Reader, rows: Sequence[Row]) -> bool:
    if job.verb not in SAVES:
        return removal.attempt(job, wave)
    save.attempt(job, wave, reader, rows)
    written = [draft for draft in wave if draft.sound]
    if _all_or_none(job) and len(written) < len(wave):
        return False
    save.write(job, written)
    return all(draft.sound for draft in written)


def _refuse_mixed(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse a set-up object beside others in one transaction."""
    if job.by_platform:
        return
    with job.store.transaction() as transaction:
        first = transaction.wrote
        transaction.wrote = first or job.of.name
    if first is not None and (first in SETUP_OBJECTS) != (job.of.name in SETUP_OBJECTS):
        for draft in drafts:
            draft.errors = [refusals.mixed(job.of, first)]


def _results(job: Job, drafts: Sequence[Draft]) -> list[RowResult]:
    taken_back = _all_or_none(job) and any(not draft.sound for draft in drafts)
    return [_result(job, draft, taken_back=taken_back) for draft in drafts]


def _result(job: Job, draft: Draft, *, taken_back: bool) -> RowResult:
    upsert = job.verb is Verb.UPSERT
    if draft.sound and not taken_back:
        return RowResult(draft.id, success=True, created=bool(draft.created) if upsert else None)
    errors = tuple(draft.errors) or (refusals.ROLLED_BACK,)
    named = draft.given_id if isinstance(draft.given_id, str) else None
    known = None if job.verb is Verb.CREATE or draft.created else draft.id or named
    return RowResult(known, success=False, created=False if upsert else None, errors=errors)
