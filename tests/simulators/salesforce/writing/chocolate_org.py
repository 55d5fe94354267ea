"""An org with the objects of the chocolate maker and next to no rows."""

from simulators.salesforce.writing.record_writer import RecordWriter
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import FIXED_ROWS, KEYS
from unlost_simulators.salesforce.scenarios.registry import scenario

TASK_RELATION = build_object(
    "TaskRelation",
    prefix="0RT",
    flags="QCUD-R-",
    owned=False,
    fields=[
        f.reference("TaskId", "Task", children="TaskRelations"),
        f.reference("RelationId", "Account", "Contact", "Lead", children="TaskRelations"),
        f.boolean("IsWhat", createable=False),
    ],
)


def _objects() -> list[ObjectDef]:
    """The declared objects, with the relations of tasks."""
    return [*scenario("chocolate").objects(), TASK_RELATION]


def empty_org() -> Org:
    chosen = scenario("chocolate")
    org = Org(_objects(), chosen.users(), clock=VirtualClock(chosen.opening), id18=chosen.org_id)
    for table in ("User", "TaskStatus", "TaskPriority", "CaseStatus"):
        declared = {one.name: one for one in chosen.objects()}
        for name, loaded in FIXED_ROWS.tables(declared, KEYS, only=frozenset({table})):
            org.store.load(name, loaded)
    return org


def admin(org: Org) -> RecordWriter:
    found = next(one for one in org.users.all() if one.may(Permission.MODIFY_ALL_DATA))
    return RecordWriter(org, found)


def rows(writer: RecordWriter, name: str, column: str, key: str) -> list[dict[str, object]]:
    """Live rows that point to a record."""
    return [one for one in writer.org.export(name).to_pylist() if one[column] == key]
