"""Deletions of one backup become losses as people see them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from unlost.engine.records.losses import (
    MANY,
    DeletedTable,
    group_losses,
    loss_columns,
    roots_of,
)
from unlost.model.losses import FoldReason, LossGroup, LossLink, LossRule, LossRules
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, DeleteRule, Reference, Table, WireKind

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BIN = timedelta(days=15)
RULE = LossRule(BIN, "Born", "Author")
CASCADE, RESTRICT, LOOSE = DeleteRule.CASCADE, DeleteRule.RESTRICT, DeleteRule.SET_NULL
PLAIN = ("Master", "Born", "Author", "Done")


def table(name: str, **references: tuple[tuple[str, ...], DeleteRule]) -> Table:
    columns = [Column(plain, WireKind.TEXT) for plain in PLAIN]
    for column, (tables, rule) in references.items():
        columns.append(Column(column, WireKind.REFERENCE, reference=Reference(tables, rule)))
    return Table(name, tuple(columns), merged_into_column="Master")


ACCOUNT = table("Account", Parent=(("Account",), LOOSE), Boss=(("Account",), CASCADE))
CONTACT = table("Contact", Account=(("Account",), CASCADE))
CASE = table("Case", Contact=(("Contact",), LOOSE), Account=(("Account",), RESTRICT))
TASK = table("Task", What=(("Account", "Case"), CASCADE))
LOG = table("Log", Of=(("Account", "Log"), CASCADE))
FILE = table("File")
LINK = table("Link", File=(("File",), CASCADE), Holder=(("Account", "Case"), CASCADE))
OPENED = ("Account", "Contact", "Case", "Task", "File")
WORK = replace(RULE, state_column="Done", closed_states=frozenset({"true"}))
RULES = LossRules(
    dict.fromkeys(OPENED, RULE) | {"Case": WORK}, (LossLink("Link", "File", "Holder"),)
)

type Cells = Mapping[str, str | None]


def deleted(shape: Table, records: Mapping[str, Cells], *, op: Op = Op.DELETED) -> DeletedTable:
    """Rows as a snapshot returns them; ``by`` and ``at`` (hours after noon) are not columns."""
    ids = list(records)
    at = [NOON + timedelta(hours=float(cells.get("at") or 0)) for cells in records.values()]
    columns: dict[str, pa.Array] = {
        "_u_id": pa.array(ids, pa.string()),
        "_u_op": pa.array([op.value] * len(ids), pa.string()),
        "_u_modified_at": pa.array(at, pa.timestamp("ms", tz="UTC")),
        "_u_modified_by": pa.array([cells.get("by", "sabine") for cells in records.values()]),
    }
    for column in shape.columns:
        values = [cells.get(column.name) for cells in records.values()]
        columns[column.name] = pa.array(values, pa.string())
    return DeletedTable(shape, pa.table(columns))


def losses(*tables: DeletedTable, rules: LossRules = RULES) -> Sequence[LossGroup]:
    def locate(some: Sequence[str], ids: Sequence[str]) -> Mapping[str, str]:
        assert some == ("Account", "Case")
        return {record: "Case" for record in ids if record.startswith("c")}

    return group_losses(tables, rules, locate=locate)


def test_nothing_deleted_is_no_loss() -> None:
    assert losses() == ()
    assert losses(deleted(ACCOUNT, {})) == ()
    assert losses(deleted(LOG, {"l1": {"Of": "a9"}})) == (), "no one opens a log"


def test_a_customer_and_all_that_hung_on_it_are_one_loss() -> None:
    (loss,) = losses(
        deleted(ACCOUNT, {"a1": {}}),
        deleted(CONTACT, {"p1": {"Account": "a1"}, "p2": {"Account": "a1"}}),
        deleted(CASE, {"c1": {"Account": "a1", "Contact": "p1", "at": "-1"}}),
        deleted(TASK, {"t1": {"What": "c1"}, "t2": {"What": "a1"}}),
        deleted(LOG, {"l1": {"Of": "a1"}, "l2": {"Of": "l1"}}),
    )
    assert (loss.table, loss.roots, loss.by) == ("Account", ("a1",), "sabine")
    assert loss.counts == {"Account": 1, "Case": 1, "Contact": 2, "Task": 2}, "no logs"
    assert (loss.first, loss.last, loss.bin_until) == (NOON, NOON, NOON + BIN)
    assert (loss.parent, loss.merged_into, loss.folded) == (None, None, None)


def test_a_loss_counts_the_most_records_with_one_root_and_the_open_work_among_them() -> None:
    (loss,) = losses(
        deleted(CONTACT, {"p1": {"Account": "a9"}, "p2": {"Account": "a9"}}),
        deleted(
            CASE,
            {
                "c1": {"Contact": "p1", "Done": "false"},
                "c2": {"Contact": "p1", "Done": "true"},
                "c3": {"Contact": "p2"},
            },
        ),
        deleted(TASK, {"t1": {"What": "c1"}}),
    )
    assert (loss.roots, loss.below) == (("p1", "p2"), 3)
    assert (loss.open_counts, loss.open_roots) == ({"Case": 1}, 0)


def test_an_open_case_alone_has_no_records_below() -> None:
    (loss,) = losses(deleted(CASE, {"c1": {"Done": "false"}}))
    assert (loss.below, loss.open_counts, loss.open_roots) == (0, {}, 1)


def test_a_file_is_lost_with_the_record_that_it_was_attached_to() -> None:
    (loss,) = losses(
        deleted(ACCOUNT, {"a1": {}}),
        deleted(CASE, {"c1": {"Account": "a1"}}),
        deleted(FILE, {"f1": {}, "f2": {}}),
        deleted(LINK, {"k1": {"File": "f1", "Holder": "a1"}, "k2": {"File": "f2", "Holder": "c1"}}),
    )
    assert loss.counts == {"Account": 1, "Case": 1, "File": 2}


def test_a_record_hangs_on_all_that_its_list_names_and_in_the_table_that_its_row_names() -> None:
    about = Reference(("Account", "Case"), CASCADE, table_column="Kind")
    listed = Reference(("Account",), CASCADE, separator=",")
    note = replace(
        ACCOUNT,
        name="Task",
        columns=(
            *table("Task").columns,
            Column("Kind", WireKind.TEXT),
            Column("About", WireKind.REFERENCE, reference=about),
            Column("Listed", WireKind.REFERENCE, reference=listed),
            Column("Key", WireKind.TEXT, reference=replace(listed, key_column="Name")),
        ),
    )
    assert {"Kind", "About", "Listed"} <= {*loss_columns(note, RULE)}
    assert "Key" not in loss_columns(note, RULE)
    rows: Mapping[str, Cells] = {
        "t1": {"About": "a1", "Kind": "Account"},
        "t2": {"About": "a1", "Kind": "Case"},
        "t3": {"Listed": "a7,a1"},
        "t4": {"Key": "a1"},
    }
    found = losses(deleted(ACCOUNT, {"a1": {}}), deleted(note, rows))
    assert {loss.roots: dict(loss.counts) for loss in found} == {
        ("a1",): {"Account": 1, "Task": 2},
        ("t2",): {"Task": 1},
        ("t4",): {"Task": 1},
    }


def test_details_of_a_live_record_are_one_loss_by_user_and_record() -> None:
    gone = {
        "t1": {"What": "c7"},
        "t2": {"What": "c7", "at": "2"},
        "t3": {"What": "c8"},
        "t4": {"What": "c7", "by": "tom"},
        "t5": {"What": "x1"},
    }
    groups = losses(deleted(TASK, gone))
    assert [(group.roots, group.by, group.parent) for group in groups] == [
        (("t1", "t2"), "sabine", RecordKey("Case", "c7")),
        (("t3",), "sabine", RecordKey("Case", "c8")),
        (("t4",), "tom", RecordKey("Case", "c7")),
        (("t5",), "sabine", None),
    ]
    assert (groups[0].first, groups[0].last) == (NOON, NOON + timedelta(hours=2))
    (loss,) = losses(deleted(CONTACT, {"p1": {"Account": "a7"}}))
    assert loss.parent == RecordKey("Account", "a7"), "there is one possible table"


def test_many_deletions_of_one_user_in_one_table_are_one_loss() -> None:
    names = [f"a{number:04}" for number in range(MANY + 1)]
    contacts = {f"p{name}": {"Account": name} for name in names}
    tables = (deleted(ACCOUNT, {name: {} for name in names}), deleted(CONTACT, contacts))
    (loss,) = losses(*tables)
    assert (loss.roots, loss.parent) == (tuple(names), None)
    assert loss.counts == {"Account": MANY + 1, "Contact": MANY + 1}
    few = losses(deleted(ACCOUNT, {name: {} for name in names[1:]}))
    assert len(few) == MANY


def test_a_loose_reference_counts_only_between_deletions_of_one_user() -> None:
    case = {"c1": {"Contact": "p1"}}
    (loss,) = losses(deleted(CONTACT, {"p1": {}}), deleted(CASE, case))
    assert loss.table == "Contact"
    two = losses(deleted(CONTACT, {"p1": {"by": "tom"}}), deleted(CASE, case))
    assert [group.table for group in two] == ["Case", "Contact"]
    branches = losses(deleted(ACCOUNT, {"a1": {}, "a2": {"Parent": "a1"}}))
    assert len(branches) == 2, "a branch is a customer of its own"


def test_the_more_binding_reference_decides() -> None:
    groups = losses(
        deleted(ACCOUNT, {"a1": {}}),
        deleted(CONTACT, {"p1": {"Account": "a9"}}),
        deleted(CASE, {"c1": {"Contact": "p1", "Account": "a1"}}),
    )
    assert [(group.table, dict(group.counts)) for group in groups] == [
        ("Account", {"Account": 1, "Case": 1}),
        ("Contact", {"Contact": 1}),
    ]


def test_a_circle_of_references_is_one_loss() -> None:
    gone = {"a1": {"Boss": "a3"}, "a2": {"Boss": "a1"}, "a3": {"Boss": "a2"}, "a4": {"Boss": "a4"}}
    groups = losses(deleted(ACCOUNT, gone))
    assert [group.records["Account"] for group in groups] == [("a1", "a2", "a3"), ("a4",)]


def test_a_deep_tree_has_one_root() -> None:
    parents = np.maximum(np.arange(1000) - 1, 0)
    assert set(roots_of(parents)) == {0}
    assert list(roots_of(np.array([1, 0, 1, 3]))) == [0, 0, 0, 3]


@pytest.mark.parametrize(
    ("op", "by", "known", "bin_until"),
    [
        (Op.DELETED, "sabine", True, NOON + BIN),
        (Op.PURGED, "", False, None),
        (Op.MISSING, "", False, None),
    ],
)
def test_time_user_and_bin_are_known_as_far_as_the_org_reported_them(
    op: Op, by: str, known: bool, bin_until: datetime | None
) -> None:
    (loss,) = losses(deleted(ACCOUNT, {"a1": {}}, op=op))
    assert (loss.by, loss.first is not None, loss.bin_until) == (by, known, bin_until)
    rules = LossRules({"Account": LossRule()})
    (loss,) = losses(deleted(ACCOUNT, {"a1": {}}, op=op), rules=rules)
    assert loss.bin_until is None, "a table without a bin"


def test_a_merged_record_is_no_loss_and_names_its_survivor() -> None:
    groups = losses(deleted(ACCOUNT, {"a1": {"Master": "a9"}, "a2": {"Master": "a9"}, "a3": {}}))
    assert [(group.roots, group.merged_into, group.folded) for group in groups] == [
        (("a1", "a2"), RecordKey("Account", "a9"), FoldReason.MERGED),
        (("a3",), None, None),
    ]
    many = {f"m{number}": {"Master": f"s{number}"} for number in range(MANY + 1)}
    (loss,) = losses(deleted(ACCOUNT, many))
    assert (loss.merged_into, loss.folded) == (None, FoldReason.MERGED)


def test_what_a_run_of_ours_deleted_is_no_loss() -> None:
    rows = replace(deleted(ACCOUNT, {"a1": {}, "a2": {}}), by_runs=frozenset({"a1", "a2"}))
    (loss,) = losses(rows)
    assert (loss.roots, loss.folded) == (("a1", "a2"), FoldReason.OWN_RUN)


def test_what_was_archived_is_no_loss() -> None:
    (loss,) = losses(deleted(ACCOUNT, {"a1": {}, "a2": {}}, op=Op.ARCHIVED))
    assert (loss.roots, loss.folded) == (("a1", "a2"), FoldReason.ARCHIVED)
    rows = replace(deleted(ACCOUNT, {"a1": {}, "a2": {}}), by_archives=frozenset({"a1", "a2"}))
    (loss,) = losses(rows)
    assert (loss.roots, loss.folded) == (("a1", "a2"), FoldReason.ARCHIVED)


def test_a_loss_that_hangs_on_an_archived_record_is_hidden() -> None:
    gone = losses(
        deleted(ACCOUNT, {"a1": {}}, op=Op.ARCHIVED),
        deleted(CONTACT, {"c1": {"Account": "a1"}}),
    )
    assert {(loss.table, loss.folded) for loss in gone} == {
        ("Account", FoldReason.ARCHIVED),
        ("Contact", None),
    }


def test_what_one_user_created_and_deleted_within_a_day_is_no_loss() -> None:
    born = (NOON - timedelta(hours=3)).isoformat()
    old = (NOON - timedelta(days=3)).isoformat()
    gone = {
        "a1": {"Author": "sabine", "Born": born},
        "a2": {"Author": "sabine", "Born": old},
        "a3": {"Author": "tom", "Born": born},
        "a4": {"Author": "sabine", "Born": born},
    }
    details = {"p4": {"Account": "a4", "Author": "tom", "Born": old}}
    groups = losses(deleted(ACCOUNT, gone), deleted(CONTACT, details))
    folded = {group.roots: group.folded for group in groups}
    assert folded == {
        ("a1",): FoldReason.BRIEF,
        ("a2",): None,
        ("a3",): None,
        ("a4",): None,
    }, "a4 took an older record along"


def test_only_needed_columns_are_read() -> None:
    assert loss_columns(CONTACT, RULE) == ["Account", "Master", "Born", "Author"]
    assert loss_columns(LOG, None) == ["Of", "Master"]
    assert loss_columns(Table("Plain", ()), LossRule()) == []
