"""References that rows name by an external id of the target (``{"Account": {"Number__c": 7}}``)."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import FieldDef, ObjectDef
from unlost_simulators.salesforce.writing import keys, refusals
from unlost_simulators.salesforce.writing.draft import Draft, ForeignKey
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.values.coercion import converter, row_error

type _Group = list[tuple[Draft, ForeignKey]]


def resolve(job: Job, drafts: Sequence[Draft]) -> None:
    """Put the ids of the targets into the drafts' cells, or refuse the rows."""
    groups: dict[tuple[str, str], _Group] = {}
    for draft in drafts:
        for foreign_key in draft.foreign:
            groups.setdefault((foreign_key.target, foreign_key.key.lower()), []).append(
                (draft, foreign_key)
            )
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
    values = [_value(job, field, draft, foreign_key) for draft, foreign_key in group]
    ids_by_value = keys.holders(job, of, field, values)
    for (draft, foreign_key), value in zip(group, values, strict=True):
        if not draft.sound:
            continue
        matches = ids_by_value.get(keys.fold(field, value), []) if value is not None else []
        if len(matches) == 1:
            draft.cells[foreign_key.field.name] = matches[0]
        elif not matches:
            draft.refuse(refusals.no_foreign_key(foreign_key.value, field.name, of.name))
        else:
            draft.refuse(refusals.many_foreign_keys(foreign_key.value, field.name, of.name))


def _value(job: Job, field: FieldDef, draft: Draft, foreign_key: ForeignKey) -> object:
    if foreign_key.value is None:
        return None
    try:
        converted: object = converter(field, job.options.channel)(field, foreign_key.value)
    except SalesforceError as error:
        draft.refuse(row_error(error, field, job.options.channel, 0))
        return None
    return converted
