"""Tasks and events: the platform writes the relations of WhoId and WhatId itself.

Source: object reference (TaskRelation, EventRelation), answers of live orgs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform import statuses
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

PEOPLE = ("Contact", "Lead", "User")
PERSON_ONLY = "RelationId must be a contact or lead when isWhat is false"
"""Seen when a relation of the record that an event is about was sent; the code was not quoted."""
COLUMNS = ("WhoId", "WhatId")


class ActivityRelations(Effects):
    """Accepts relations to further people; the platform writes those of WhoId and WhatId."""

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse relations to records that are no people."""
        if context.by_platform:
            return
        definitions = [context.org.schema.get(name) for name in PEOPLE]
        people = tuple(definition.id_prefix for definition in definitions if definition is not None)
        for draft in rows:
            key = draft.cells.get("RelationId")
            if key is not None and not str(key).startswith(people):
                draft.fail("FIELD_INTEGRITY_EXCEPTION", PERSON_ONLY, "RelationId")


class RelatedTasks(statuses.Tasks):
    """Updates the status of tasks and their relations."""

    reads: tuple[str, ...] = (*statuses.Tasks.reads, *COLUMNS)

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Relations of new tasks."""
        write_relations(context, "TaskRelation", "TaskId", rows)

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Replace the relations of tasks whose WhoId or WhatId changed."""
        replace_relations(context, "TaskRelation", "TaskId", rows)


class Events(Effects):
    """An event relates its person and its record."""

    reads = COLUMNS

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Relations of new events."""
        write_relations(context, "EventRelation", "EventId", rows)

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Replace the relations of events whose WhoId or WhatId changed."""
        replace_relations(context, "EventRelation", "EventId", rows)


def write_relations(context: WriteContext, name: str, column: str, rows: Sequence[Draft]) -> None:
    """Write the relations of activities where the org keeps them."""
    if context.org.schema.get(name) is not None:
        relations = [row for draft in rows for row in _relations(context, name, column, draft)]
        context.create(name, relations)


def replace_relations(context: WriteContext, name: str, column: str, rows: Sequence[Draft]) -> None:
    """Replace the relations of activities that changed hands; invitees stay."""
    of = context.org.schema.get(name)
    moved = [draft for draft in rows if any(draft.changes(field) for field in COLUMNS)]
    if of is None or not moved:
        return
    old = {
        (draft.id, draft.before.get(each)) for draft in moved if draft.before for each in COLUMNS
    }
    invited = of.field("IsInvitee") is not None
    condition = f'"{column}" IN {{values}}' + (' AND NOT "IsInvitee"' if invited else "")
    keys = [draft.id or "" for draft in moved]
    stored = context.select(name, ["Id", column, "RelationId"], condition, keys)
    context.delete(name, [row["Id"] for row in stored if (row[column], row["RelationId"]) in old])
    write_relations(context, name, column, moved)


def _relations(
    context: WriteContext, name: str, column: str, draft: Draft
) -> Iterator[dict[str, Any]]:
    of = context.org.schema.get(name)
    field = None if of is None else of.field("RelationId")
    definitions = (
        [] if field is None else [context.org.schema.get(target) for target in field.targets]
    )
    fitting = tuple(definition.id_prefix for definition in definitions if definition is not None)
    for each in COLUMNS:
        key = draft.value(each)
        if key is None or not str(key).startswith(fitting):
            continue
        whole = {column: draft.id, "RelationId": key, "IsWhat": each == "WhatId", "IsParent": True}
        yield {
            cell_name: value
            for cell_name, value in whole.items()
            if of is not None and of.field(cell_name)
        }
