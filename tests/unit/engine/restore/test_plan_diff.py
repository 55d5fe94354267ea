"""Two plans compared: records, actions, columns, versions and typed values; never the values."""

from dataclasses import replace

from unlost.engine.restore.planning.shown.plan_diff import (
    LISTED,
    DiffCount,
    StepDifference,
    StepPart,
    plan_difference,
)
from unlost.engine.restore.values.plan_file import sealed
from unlost.model.bypass import Bypass
from unlost.model.plan import (
    PLAN_FORMAT,
    Action,
    ActionReason,
    PlanStep,
    RestorePlan,
    Selection,
    SelectionKind,
)
from unlost.testing.clock import START


def step(record: str, action: Action = Action.UPDATE, **more: object) -> PlanStep:
    given = {"version": 3, "digest": "d3", "live": record, "expect": "e", **more}
    return PlanStep("Account", record, action, ActionReason.SELECTED, **given)  # type: ignore[arg-type]


def plan(*steps: PlanStep, name: str = "p1") -> RestorePlan:
    selection = Selection(SelectionKind.RECORDS, tuple(one.key for one in steps))
    made = RestorePlan(
        PLAN_FORMAT, name, "org", "org", 3, START, selection, related=True, steps=steps
    )
    return sealed(made)


def difference(old: PlanStep, new: PlanStep) -> StepDifference:
    (record,) = plan_difference(plan(old), plan(new)).records
    return record


def test_a_plan_equals_itself() -> None:
    seen = plan_difference(plan(step("A")), plan(step("A")))
    assert (seen.is_same, seen.records, seen.counts, seen.total) == (True, (), (), 0)


def test_the_same_steps_in_two_plans_are_two_plans() -> None:
    seen = plan_difference(plan(step("A")), plan(step("A"), name="p2"))
    assert (seen.is_same, seen.total) == (False, 0)
    assert (seen.old.plan, seen.new.plan, seen.new.records) == ("p1", "p2", 1)


def test_another_bypass_shows_in_the_plans() -> None:
    quiet = sealed(replace(plan(step("A")), bypass=Bypass("flag", "Quiet")))
    seen = plan_difference(plan(step("A")), quiet)
    assert (seen.old.bypass, seen.new.bypass) == ("", "flag Quiet")
    assert (seen.is_same, seen.total) == (False, 0)


def test_records_of_one_plan_alone_are_listed_and_counted() -> None:
    old = plan(step("A"), step("B", Action.CREATE))
    new = plan(step("C", Action.DELETE), step("A"))
    seen = plan_difference(old, new)
    assert seen.records == (
        StepDifference("Account", "B", Action.CREATE, None),
        StepDifference("Account", "C", None, Action.DELETE),
    )
    assert seen.counts == (
        DiffCount("Account", Action.CREATE, 1, 0),
        DiffCount("Account", Action.DELETE, 0, 1),
    )


def test_each_part_of_a_step_is_compared() -> None:
    assert difference(step("A"), step("A", Action.SKIP)).parts == (StepPart.ACTION,)
    assert difference(step("A"), step("A", version=4)).parts == (StepPart.STATE,)
    assert difference(step("A"), step("A", expect="f")).parts == (StepPart.LIVE,)
    columns = difference(step("A", columns=("X", "Y")), step("A", columns=("Y",), late=("Z",)))
    assert (columns.parts, columns.columns) == ((StepPart.COLUMNS,), ("X", "Z"))


def test_typed_values_are_named_by_their_columns() -> None:
    seen = difference(
        step("A", edits={"Phone": "1", "Fax": None, "Name": "same"}),
        step("A", edits={"Phone": "2", "Name": "same", "City": None}),
    )
    assert (seen.parts, seen.typed) == ((StepPart.TYPED,), ("City", "Fax", "Phone"))
    assert "1" not in str(seen.typed)


def test_of_many_differences_the_first_are_listed() -> None:
    steps = [step(f"A{number:05}") for number in range(LISTED + 5)]
    seen = plan_difference(plan(), plan(*steps))
    assert (len(seen.records), seen.total) == (LISTED, LISTED + 5)
    assert seen.records[0].record == "A00000"


def test_a_column_that_moved_to_the_second_pass_is_no_difference() -> None:
    old = step("A", columns=("X",))
    assert plan_difference(plan(old), plan(replace(old, columns=(), late=("X",)))).total == 0
