"""Records of a plan in groups, and the columns that most of them share."""

from datetime import UTC, datetime

from unlost.engine.restore.planning.shown.groups import (
    GroupTable,
    group_steps,
    plan_groups,
    shared_columns,
)
from unlost.model.plan import (
    Action,
    ActionReason,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)

SELECTED, CHILD = ActionReason.SELECTED, ActionReason.CHILD


def step(
    key: str,
    because: str | None = None,
    action: Action = Action.CREATE,
    columns: tuple[str, ...] = (),
) -> PlanStep:
    table, _, record = key.partition("/")
    why = SELECTED if because is None else CHILD
    return PlanStep(table, record, action, why, 1, "", columns=columns, because=because)


def plan(*steps: PlanStep) -> RestorePlan:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    chosen = Selection(SelectionKind.RECORDS)
    return RestorePlan(1, "P", "O", "O", 3, now, chosen, related=True, steps=steps)


def test_all_that_comes_with_a_record_is_one_group() -> None:
    (group,) = plan_groups(
        plan(
            step("Note/1", "Contact/1"),
            step("Contact/1", "Account/1"),
            step("Contact/2", "Account/1"),
            step("Account/1"),
        )
    )
    assert (group.table, group.record, group.count) == ("Account", "1", 4)
    assert group.tables == (
        GroupTable("Account", 1),
        GroupTable("Contact", 2),
        GroupTable("Note", 1),
    )


def test_records_with_which_nothing_comes_are_counted_by_table() -> None:
    groups = plan_groups(
        plan(step("Case/1"), step("Case/2"), step("Account/1"), step("Contact/1", "Account/1"))
    )
    assert [(group.table, group.record, group.count) for group in groups] == [
        ("Account", "1", 2),
        ("Case", "", 2),
    ]


def test_the_largest_group_comes_first() -> None:
    groups = plan_groups(
        plan(
            step("Account/1"),
            step("Contact/1", "Account/1"),
            step("Account/2"),
            *(step(f"Contact/2{number}", "Account/2") for number in range(3)),
        )
    )
    assert [group.record for group in groups] == ["2", "1"]


def test_records_that_are_already_correct_do_not_count() -> None:
    unchanged = step("Account/1", action=Action.UNCHANGED)
    (group,) = plan_groups(plan(unchanged, step("Contact/1", "Account/1")))
    assert (group.record, group.count, group.tables) == ("1", 1, (GroupTable("Contact", 1),))
    assert plan_groups(plan(unchanged)) == ()


def test_records_that_cannot_be_written_are_counted_apart() -> None:
    skipped = step("Contact/1", "Account/1", Action.SKIP)
    (group,) = plan_groups(plan(step("Account/1"), skipped))
    assert (group.count, group.skipped) == (2, 1)


def test_a_circle_of_reasons_is_one_group() -> None:
    (group,) = plan_groups(plan(step("A/1", "B/1"), step("B/1", "A/1")))
    assert group.count == 2


def test_a_reason_outside_the_plan_leads_nowhere() -> None:
    (group,) = plan_groups(plan(step("Contact/1", "Account/9")))
    assert (group.table, group.record) == ("Contact", "")


def test_the_groups_of_an_outcome_count_what_was_written() -> None:
    steps = plan(step("Account/1"), step("Contact/1", "Account/1"), step("Contact/2", "Account/1"))
    written = {RecordKey("Account", "1"), RecordKey("Contact", "2")}
    (group,) = plan_groups(steps, counted=written)
    assert group.tables == (GroupTable("Account", 1), GroupTable("Contact", 1))


def test_the_records_of_a_group_begin_with_its_own() -> None:
    steps = plan(step("Contact/1", "Account/1"), step("Account/1"), step("Case/1"))
    keys = [str(one.key) for one in group_steps(steps, "Account", "1")]
    assert keys == ["Account/1", "Contact/1"]
    assert group_steps(steps, "Account", "2") == []


def updated(number: int, *columns: str) -> PlanStep:
    return step(f"Account/{number}", action=Action.UPDATE, columns=columns)


def test_a_column_that_most_records_share_is_known() -> None:
    shared = shared_columns([updated(1, "Phone"), updated(2, "Phone", "Name"), updated(3, "Phone")])
    assert [(one.table, one.column, one.count) for one in shared] == [("Account", "Phone", 3)]


def test_many_shared_columns_are_no_single_change() -> None:
    assert shared_columns([updated(1, "A", "B", "C", "D")]) == ()
    assert shared_columns([step("Account/1")]) == ()
