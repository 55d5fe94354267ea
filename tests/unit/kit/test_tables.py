"""Cascades and change logs of described tables."""

from unlost.kit.tables import cascading, with_described_logs
from unlost.model.source.schema import (
    ChangeLog,
    Column,
    DeleteRule,
    Reference,
    Table,
    WireKind,
)

LOG = ChangeLog("audit", "record", "field", "old", "new", "at", "by")


def table(name: str, *references: Reference, log: ChangeLog | None = None) -> Table:
    columns = [
        Column(f"to{place}", WireKind.REFERENCE, reference=reference)
        for place, reference in enumerate(references)
    ]
    return Table(name, (Column("id", WireKind.ID), *columns), change_log=log)


def test_rows_with_a_cascading_reference_go_with_their_record() -> None:
    goes = Reference(("task", "user"), DeleteRule.CASCADE)
    tables = [
        table("note", Reference(("task",), DeleteRule.SET_NULL), goes),
        table("entry", goes, goes),
        table("order", Reference(("task",), DeleteRule.RESTRICT)),
        table("group", Reference(("team",), DeleteRule.CASCADE)),
        table("task"),
    ]
    assert cascading(tables, "task") == ["entry", "note"]
    assert cascading(tables, "order") == []


def test_a_change_log_that_is_not_read_is_left_out() -> None:
    task, user = table("task", log=LOG), table("user")
    assert with_described_logs([task, user]) == (table("task"), user)
    assert with_described_logs([task, table("audit")]) == (task, table("audit"))
