"""A plan for people: a tree of tables, what happens to each, what to know, what it costs."""

from dataclasses import replace

from unit.engine.restore.atelier import Atelier
from unlost.engine.restore.planning.shown.summary import ActionCount, Branch, summary
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.plan import Action, ActionReason, NoteWeight, PlanStep


def shape(branches: tuple[Branch, ...]) -> dict[str, object]:
    return {f"{b.table} {b.count}": shape(b.below) for b in branches}


def test_the_tree_follows_what_brought_what(atelier: Atelier) -> None:
    top = atelier.make("Account", "Holding")
    account = atelier.make("Account", "Zotter", Parent=top)
    contacts = [atelier.make("Contact", name, Account=account) for name in "ab"]
    atelier.make("Memo", "m", About=contacts[0])
    atelier.make("Memo", "n", About=account)
    atelier.make("Role", "r", Account=account, Contact=contacts[0])
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Account", top)
    plan = read_plan(write_plan(atelier.plan_of(("Account", account))))
    told = summary(plan)
    assert shape(told.tree) == {
        "Account 2": {"Contact 2": {"Memo 1": {}}, "Memo 1": {}, "Role 1": {}}
    }
    assert told.records == 7
    assert told.changes == 7
    assert told.actions == (ActionCount(Action.UPDATE, 2), ActionCount(Action.CREATE, 5))
    assert told.tree[0].why is ActionReason.SELECTED
    assert told.tree[0].below[0].why is ActionReason.CHILD
    assert told.tree[0].below[0].actions == (ActionCount(Action.CREATE, 2),)
    assert (told.plan, told.org, told.snapshot) == (plan.id, atelier.oid, 1)
    assert told.made_at == plan.made_at
    assert told.minutes == round(plan.estimate.seconds / 60, 1)
    assert told.blocked == 0


def test_the_gravest_notes_come_first(atelier: Atelier) -> None:
    atelier.platform.required.add(("Contact", "Name"))
    account = atelier.make("Account", "Zotter")
    atelier.make("Contact", "", Account=account)
    atelier.org.create("Contact", {"Account": account})
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    told = summary(replace(plan, notes=tuple(reversed(plan.notes))))
    weights = [note.weight for note in told.notes]
    assert weights == sorted(weights, key=list(reversed(NoteWeight)).index)
    assert weights[0] is NoteWeight.BLOCK
    assert told.blocked == 1
    assert told.changes == told.records - 1


def step(
    record: str, because: str | None, why: ActionReason = ActionReason.CHILD, table: str = "A"
) -> PlanStep:
    return PlanStep(table, record, Action.CREATE, why, 1, "", because=because)


def test_circles_and_strangers_end_somewhere(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    steps = (
        step("1", "B/2"),
        step("2", "A/1", table="B"),
        step("3", "gone/1", ActionReason.PARENT),
        step("4", "A/3", ActionReason.SELECTED, table="B"),
        step("5", "B/4", ActionReason.FILE, table="C"),
    )
    told = summary(replace(plan, steps=steps))
    assert shape(told.tree) == {"A 1": {}, "B 2": {"A 1": {}, "C 1": {}}}
