"""Acts of people at the chocolate maker: ordinary work, and two mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unlost_simulators.company.written import SONNENSCHEIN
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.query.conditions import valid_reading
from unlost_simulators.servicenow.scenarios.chocolate.setup import RESTORE
from unlost_simulators.servicenow.scenarios.chocolate.world import COMPANY
from unlost_simulators.servicenow.simulator import Act
from unlost_simulators.servicenow.store.store import equals
from unlost_simulators.servicenow.writing.writer import Writer

STORY_INCIDENT: str = ids.generated("incident", np.array([1], dtype=np.int64))[0].as_py()
"""The incident about the cooling of Sonnenschein's delivery; it has an attachment."""
STORY_CUSTOMER: str = ids.generated(COMPANY, np.array([int(SONNENSCHEIN.number)], dtype=np.int64))[
    0
].as_py()


def ordinary_day(instance: Instance) -> Mapping[str, Any]:
    """People do their work: a note, a change of state, an affected item, a new incident."""
    writer = writer_of(instance)
    writer.update("incident", STORY_INCIDENT, {"work_notes": "Logger getauscht.", "state": "6"})
    (incident,) = instance.store.select("incident", equals("sys_id", STORY_INCIDENT))
    writer.insert("task_ci", {"task": STORY_INCIDENT, "ci_item": incident["cmdb_ci"]})
    writer.insert("incident", {"short_description": "Impressora sem papel", "priority": "4"})
    return {"updated": 1, "inserted": 2}


def delete_incidents(instance: Instance) -> Mapping[str, Any]:
    """A colleague deletes the incidents of a customer, with attachments; journals stay."""
    writer = writer_of(instance)
    rows = instance.store.select("incident", equals("company", STORY_CUSTOMER))
    for row in rows:
        writer.delete("incident", row["sys_id"])
    return {"deleted": len(rows)}


def overwrite_groups(instance: Instance) -> Mapping[str, Any]:
    """An import puts all open incidents of high priority into no group."""
    writer = writer_of(instance)
    query = "active=true^priorityIN1,2"
    where = valid_reading(instance.schema, "incident", query).where
    rows = instance.store.select("incident", where)
    for row in rows:
        writer.update("incident", row["sys_id"], {"assignment_group": ""})
    return {"updated": len(rows)}


ACTS: Mapping[str, Act] = {
    "ordinary-day": ordinary_day,
    "delete-incidents": delete_incidents,
    "overwrite-groups": overwrite_groups,
}


def writer_of(instance: Instance) -> Writer:
    """Give the writer for people's work; LookupError without their user."""
    user = instance.users.get(RESTORE)
    if user is None:
        raise LookupError(f"the scenario has no user {RESTORE}")
    return Writer(instance, user)
