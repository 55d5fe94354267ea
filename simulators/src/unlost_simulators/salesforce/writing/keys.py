"""The record of each row: ids, external ids, and rows that name one record twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.errors import not_found
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef
from unlost_simulators.salesforce.store import tables
from unlost_simulators.salesforce.store.writes import live
from unlost_simulators.salesforce.writing import approvals, refusals, rows
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.request import RowError, Verb

CHUNK = 200
"""Rows of one transaction of the platform; a key may come again in the next one."""


def key_field(job: Job) -> FieldDef | None:
    """The key of an upsert, None for ``Id``; raises NOT_FOUND for a field that is no key."""
    name = job.options.external_id or "Id"
    if name.lower() == "id":
        return None
    field = job.of.field(name)
    seen = field is not None and job.user.sees(job.of.name, field.name)
    if field is None or not seen or not (field.external_id or field.id_lookup):
        text = f"Provided external ID field does not exist or is not accessible: {name}"
        raise not_found(text)
    return field


def identify(job: Job, drafts: Sequence[Draft]) -> None:
    """Give each sound draft its ``id``, or the refusal of what it names."""
    if job.verb is Verb.CREATE:
        for draft in drafts:
            if draft.given_id is not None:
                draft.refuse(refusals.ID_ON_INSERT)
        return
    if job.verb is Verb.UPSERT:
        _match(job, [draft for draft in drafts if draft.sound])
        return
    for draft in drafts:
        _own_id(job, draft)


def _own_id(job: Job, draft: Draft) -> None:
    given = draft.given_id
    if given is None:
        draft.refuse(refusals.NO_ID)
        return
    if not isinstance(given, str) or not ids.is_id(given):
        draft.refuse(_bad_id(job, given))
        return
    draft.id = ids.full(given)
    if not given.startswith(job.of.id_prefix):
        draft.refuse(_bad_id(job, given))


def _bad_id(job: Job, given: object) -> RowError:
    if job.verb in {Verb.UPDATE, Verb.UPSERT}:
        return refusals.misshapen_id(job.of, given)
    return refusals.malformed_id(given)


def _match(job: Job, drafts: Sequence[Draft]) -> None:
    field = key_field(job)
    if field is None:
        for draft in drafts:
            if draft.given_id is not None:
                _own_id(job, draft)
            draft.created = draft.id is None
        return
    for draft in drafts:
        if draft.cells.get(field.name) is None:
            draft.refuse(refusals.key_missing(field.name))
    wanted = [draft for draft in drafts if draft.sound]
    ids_by_value = holders(job, job.of, field, [draft.cells[field.name] for draft in wanted])
    for draft in wanted:
        matches = ids_by_value.get(fold(field, draft.cells[field.name]), [])
        draft.created = not matches
        if len(matches) > 1:
            draft.refuse(refusals.MANY_MATCHES)
        elif matches:
            draft.id = matches[0]
        elif job.options.update_only:
            draft.refuse(refusals.NOTHING_TO_UPDATE)


def fold(field: FieldDef, value: Any) -> Any:
    """The value as keys compare it: without case unless the field minds it."""
    if isinstance(value, str) and not field.case_sensitive and field.type is not FieldType.ID:
        return value.lower()
    return value


def holders(
    job: Job, of: ObjectDef, field: FieldDef, values: Sequence[Any]
) -> dict[Any, list[str]]:
    """Ids of live rows by the folded value of a field, for these values."""
    wanted = {fold(field, value) for value in values if value is not None}
    if not wanted:
        return {}
    column = f"t.{tables.name(field.name)}"
    kind = tables.arrow_type(field)
    if pa.types.is_string(kind) and not field.case_sensitive and field.type is not FieldType.ID:
        column = f"lower({column})"
    cursor = job.store.cursor()
    cursor.register("_wanted", pa.table({"value": pa.array(list(wanted), kind)}))
    pairs = cursor.execute(
        f'SELECT {column}, t."Id" FROM {tables.name(of.name)} t SEMI JOIN _wanted w '
        f"ON {column} = w.value WHERE {live(of, 't')} ORDER BY t.{tables.ORDER}"
    ).fetchall()
    cursor.unregister("_wanted")
    ids_by_value: dict[Any, list[str]] = {}
    for value, key in pairs:
        ids_by_value.setdefault(value, []).append(key)
    return ids_by_value


def waves(job: Job, drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    """The drafts in groups that name each record once, in the order of the request.

    Within one chunk of the platform a second mention is refused; in a later one it follows.
    """
    named = [_name(job, draft) for draft in drafts]
    if len({name for name in named if name is not None}) == sum(name is not None for name in named):
        yield list(drafts)
        return
    for start in range(0, len(drafts), CHUNK):
        chunk = list(drafts[start : start + CHUNK])
        seen: set[Any] = set()
        for draft, name in zip(chunk, named[start : start + CHUNK], strict=True):
            if name is not None and name in seen:
                draft.refuse(_repeated(job, draft))
            seen.add(name)
        yield chunk


def _name(job: Job, draft: Draft) -> Any:
    """Return the value by which the row names its record, None if it names none."""
    if not draft.sound:
        return None
    if job.verb is Verb.UPSERT and (field := key_field(job)) is not None:
        value = draft.cells.get(field.name)
        return None if value is None else fold(field, value)
    given = draft.given_id
    return given[: ids.BARE] if isinstance(given, str) and job.verb is not Verb.CREATE else None


def _repeated(job: Job, draft: Draft) -> RowError:
    if job.verb is Verb.UPSERT and (field := key_field(job)) is not None:
        return refusals.repeated_key(draft.cells[field.name])
    return refusals.repeated_id(str(draft.given_id))


def check_existing(job: Job, drafts: Sequence[Draft], fields: Sequence[str]) -> None:
    """Fill ``before`` of drafts that name a record; refuse drafts that cannot be changed."""
    named = [draft for draft in drafts if draft.sound and draft.id is not None]
    keys = [draft.id or "" for draft in named]
    stored = rows.stored_rows(job, job.of, keys, fields)
    seen = rows.visible_ids(job, job.of, stored, job.user) if not job.by_platform else set(stored)
    editable = rows.editable_ids(job, seen)
    for draft in named:
        row = stored.get(draft.id or "")
        if row is None or draft.id not in seen:
            draft.refuse(refusals.NO_SUCH_ROW)
        elif row["IsDeleted"]:
            draft.refuse(refusals.DELETED)
        elif draft.id not in editable:
            draft.refuse(refusals.NO_ACCESS)
        else:
            draft.before = row
    approvals.refuse_locked(job, [draft for draft in named if draft.sound])
