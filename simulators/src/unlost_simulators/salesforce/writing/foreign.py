"""References that rows name by an external id of the target (``{"Account": {"Number__c": 7}}``)."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.schema import FieldDef, ObjectDef
from unlost_simulators.salesforce.writing import keys, refusals
from unlost_simulators.salesforce.writing.coercion import converter, row_error
from unlost_simulators.salesforce.writing.draft import Draft, ForeignKey
from unlost_simulators.salesforce.writing.job import Job

type _Group = list[tuple[Draft, ForeignKey]]


def resolve(job: Job, drafts: Sequence[Draft]) -> None:
    """Put the ids of the targets into the drafts' cells, or refuse the rows."""
    groups: dict[tuple[str, str], _Group] = {}
    for draft in drafts:
        for one in draft.foreign:
            groups.setdefault((one.target, one.key.lower()), []).append((draft, one))
    for (target, _), group in groups.items():
        of = job.store.schema.get(target)
        if of is not None:
            _resolve(job, of, group)


def _resolve(job: Job, of: ObjectDef, group: _Group) -> None:
    name = group[0][1].key
    field = of.field(name)
    if field is None or not job.user.sees(of.name, field.name):
        for draft, _ in group:
            draft.refuse(refusals.no_column(of, name))
        return
    if not (field.external_id or field.id_lookup):
        text = f"The field {field.name} in entity {of.name} is not an external ID or indexed field"
        for draft, _ in group:
            draft.fail("INVALID_FIELD", text, field.name)
        return
    _fill(job, of, field, group)


def _fill(job: Job, of: ObjectDef, field: FieldDef, group: _Group) -> None:
    values = [_value(job, field, draft, one) for draft, one in group]
    found = keys.holders(job, of, field, values)
    for (draft, one), value in zip(group, values, strict=True):
        if not draft.sound:
            continue
        held = found.get(keys.fold(field, value), []) if value is not None else []
        if len(held) == 1:
            draft.cells[one.field.name] = held[0]
        elif not held:
            draft.refuse(refusals.no_foreign_key(one.value, field.name, of.name))
        else:
            draft.refuse(refusals.many_foreign_keys(one.value, field.name, of.name))


def _value(job: Job, field: FieldDef, draft: Draft, one: ForeignKey) -> object:
    if one.value is None:
        return None
    try:
        made: object = converter(field, job.options.channel)(field, one.value)
    except SalesforceError as error:
        draft.refuse(row_error(error, field, job.options.channel, 0))
        return None
    return made
