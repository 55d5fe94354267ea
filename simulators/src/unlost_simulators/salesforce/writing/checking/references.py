"""Checks of references: the right object, an existing and visible record, no loop."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef
from unlost_simulators.salesforce.writing import refusals, rows
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.request import RowError

HIERARCHIES = frozenset({
    ("Account", "ParentId"), ("Asset", "ParentId"), ("Campaign", "ParentId"),
    ("Case", "ParentId"), ("Contact", "ReportsToId"), ("User", "ManagerId"),
    ("UserRole", "ParentRoleId"),
})  # fmt: skip
"""Lookups of an object to itself that may not run in a circle."""
_ELSEWHERE = frozenset({"RecordTypeId"})
_DEEPEST = 500


def check(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse rows whose references cannot stand; the platform knows what it points to."""
    if job.by_platform:
        return
    for field in job.of.stored:
        if field.type is not FieldType.REFERENCE or field.name in _ELSEWHERE:
            continue
        setting = [
            draft for draft in drafts if draft.sound and draft.cells.get(field.name) is not None
        ]
        if setting:
            _check_field(job, field, setting)
            if (job.of.name, field.name) in HIERARCHIES:
                moved = [draft for draft in drafts if draft.sound and field.name in draft.cells]
                _check_hierarchy(job, field, moved)


def _check_field(job: Job, field: FieldDef, drafts: Sequence[Draft]) -> None:
    wanted = {str(draft.cells[field.name]) for draft in drafts}
    refused: dict[str, RowError] = {}
    by_object: dict[str, set[str]] = {}
    for key in wanted:
        targets = _targets(job, field, key)
        if targets is None:
            refused[key] = refusals.wrong_target(field.label, field.name, key)
        elif targets:
            by_object.setdefault(targets[0].name, set()).add(key)
    for name, keys in by_object.items():
        refused |= _missing(job, job.store.schema.index[name.lower()], keys)
    for draft in drafts:
        error = refused.get(str(draft.cells[field.name]))
        if error is not None:
            draft.refuse(error)


def _targets(job: Job, field: FieldDef, key: str) -> list[ObjectDef] | None:
    """Objects of the org that the id may belong to; none of the org's is an empty list."""
    known = [job.store.schema.get(target) for target in field.targets]
    targets = [target for target in known if target is not None]
    fitting = [target for target in targets if target.id_prefix == key[:3]]
    if fitting:
        return fitting
    # Objects that this org does not declare cannot be told by their prefix.
    return None if len(targets) == len(field.targets) and targets else []


def _missing(job: Job, of: ObjectDef, keys: set[str]) -> dict[str, RowError]:
    deleted = job.store.memo(of.name, rows.DELETED)
    stored = rows.stored_rows(job, of, keys - deleted.keys(), ())
    deleted |= {key: row["IsDeleted"] for key, row in stored.items()}
    seen = rows.visible_ids(job, of, keys & deleted.keys(), job.user)
    refused = {}
    for key in keys:
        if key not in deleted:
            refused[key] = refusals.NO_SUCH_ROW
        elif deleted[key]:
            refused[key] = refusals.DELETED
        elif key not in seen:
            refused[key] = refusals.no_access_to(key)
    return refused


def _check_hierarchy(job: Job, field: FieldDef, drafts: Sequence[Draft]) -> None:
    """Walk up from all parents together; a row that reaches itself is refused."""
    above: dict[str, str | None] = {
        draft.id: draft.cells[field.name] for draft in drafts if draft.id
    }
    known: dict[str, str | None] = {}
    frontier = {key for key in above.values() if key is not None}
    for _ in range(_DEEPEST):
        frontier = {key for key in frontier if key not in known and key not in above}
        if not frontier:
            break
        stored = rows.stored_rows(job, job.of, frontier, (field.name,))
        for key in frontier:
            known[key] = stored.get(key, {}).get(field.name)
        frontier = {key for key in known.values() if key is not None}
    for draft in drafts:
        if draft.sound and draft.id and _meets_itself(draft.id, above, known):
            draft.refuse(refusals.BELOW_ITSELF)


def _meets_itself(start: str, above: dict[str, str | None], known: dict[str, str | None]) -> bool:
    here: str | None = start
    for _ in range(_DEEPEST):
        if here is not None:
            here = above[here] if here in above else known.get(here)
        if here is None:
            return False
        if here == start:
            return True
    return True
