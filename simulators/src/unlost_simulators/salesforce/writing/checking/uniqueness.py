"""Values that may occur once, and rules that look for duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unlost_simulators.salesforce.model.schema import FieldDef
from unlost_simulators.salesforce.writing import keys, refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job

UNKNOWN_HOLDER = "<unknown>"
"""Stands for the id of a record that the same request creates."""


def check(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse rows with a unique value that another row of the org or of the request has."""
    for field in job.of.stored:
        if not field.unique:
            continue
        moved = [draft for draft in drafts if draft.sound and field.name in draft.cells]
        setting = [draft for draft in moved if draft.cells[field.name] is not None]
        if setting:
            _check_field(job, field, setting, leaving={draft.id for draft in moved})


def _check_field(
    job: Job, field: FieldDef, drafts: Sequence[Draft], *, leaving: set[str | None]
) -> None:
    """Search for other rows with the value; rows that the request changes do not count."""
    holders = keys.holders(job, job.of, field, [draft.cells[field.name] for draft in drafts])
    claimed: dict[Any, Draft] = {}
    for draft in drafts:
        value = keys.fold(field, draft.cells[field.name])
        others = [record_id for record_id in holders.get(value, []) if record_id not in leaving]
        first = claimed.setdefault(value, draft)
        if others:
            draft.refuse(refusals.taken(field.name, others[0]))
        elif first is not draft:
            draft.refuse(refusals.taken(field.name, first.id or UNKNOWN_HOLDER))
