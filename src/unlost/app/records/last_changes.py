"""The last change of records as a backup has it: its user and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from unlost.app.records.record_facts import UserNames
from unlost.model.source.reading import Op

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot

BY_USERS = (Op.STATE.value, Op.DELETED.value)  # other rows do not name a user


@dataclass(frozen=True, slots=True)
class LastChange:
    """The user who changed a record last, or deleted it, and the time; None if unknown.

    ``by`` is the id of the user, empty if it is unknown; so is ``by_name``, the name.
    """

    by: str = ""
    by_name: str = ""
    at: datetime | None = None


UNKNOWN_CHANGE = LastChange()


def last_changes(
    snapshot: Snapshot, table: str, records: Sequence[str]
) -> Mapping[str, LastChange]:
    """Return the last change of these records by id, without those that the backup lacks."""
    if table not in snapshot.tables():
        return {}
    rows = snapshot.get(table, list(records), columns=[]).to_pylist()
    people = UserNames(snapshot)
    changes: dict[str, LastChange] = {}
    for row in rows:
        if str(row["_u_op"]) in BY_USERS:
            user = row["_u_modified_by"] or ""
            name = people.name(table, user)
            changes[row["_u_id"]] = LastChange(user, name, row["_u_modified_at"])
    return changes
