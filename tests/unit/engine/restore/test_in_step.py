"""Direct relations, which the org replaces itself when their contact gets another account."""

from typing import Any

import pytest

from unit.engine.restore.atelier import Atelier, codes, step_of
from unit.engine.restore.workshop import TEXT, of
from unlost.engine.restore.planning.plan import plan_restore
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.edits import Edits
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, RecordKey, RestorePlan, Selection, SelectionKind
from unlost.model.source.writing import Identity, MatchKey
from unlost.testing.memory_writer import MemoryWriter
from unlost.testing.platform import Platform

PAIR = MatchKey(("Account", "Contact"))


class KeepsInStep(Platform):
    """Replaces the direct role of a contact whose account changes; a typed one becomes direct."""

    def update(self, table: str, record: str, cells: Any, *, by: str) -> None:
        before = dict(self.org.tables[table].records[record].cells)
        super().update(table, record, cells, by=by)
        account = self.org.tables[table].records[record].cells.get("Account")
        if table == "Contact" and account != before["Account"]:
            self._replace(record, account, by)

    def _replace(self, contact: str, account: str | None, by: str) -> None:
        roles = {
            key: row.cells for key, row in self.live("Role") if row.cells["Contact"] == contact
        }
        for key, cells in roles.items():
            if cells["Name"] == "direct":
                self.org.delete("Role", key, by=by)
        typed = [k for k, c in roles.items() if c["Account"] == account and c["Name"] == "typed"]
        if typed:
            self.org.update("Role", typed[0], {"Name": "direct"}, by=by)
        else:
            self.org.create(
                "Role", {"Name": "direct", "Account": account, "Contact": contact}, by=by
            )


class Desk(Atelier):
    """A contact with a direct role at its account; a colleague moves it elsewhere."""

    def begin(self) -> None:
        self.org.add_column("Role", "Part", TEXT)
        self.platform = KeepsInStep(self.org)
        self.writer = MemoryWriter(self.platform)
        self.allow(
            "Role",
            settable=frozenset({"Part", "Account", "Contact"}),
            changeable=frozenset({"Part"}),
            by_product_when=(("Name", "direct"),),
            keys=(PAIR,),
        )
        self.home, self.away, self.third = (self.make("Account", n) for n in ("H", "A", "T"))
        self.contact = self.make("Contact", "Ann", Account=self.home)
        self.role = self.make(
            "Role", "direct", Account=self.home, Contact=self.contact, Part="buyer"
        )
        self.night()

    def move(self, account: str) -> None:
        self.platform.update("Contact", self.contact, {"Account": account}, by="U2")

    def back(self, *more: tuple[str, str]) -> RestorePlan:
        """The plan that restores the contact as of the first backup."""
        return self.plan_of(("Contact", self.contact), *more, at=1)

    def roles(self) -> list[tuple[str | None, ...]]:
        """Name, account and part of the live roles."""
        names = ("Name", "Account", "Part")
        return [tuple(cells.get(name) for name in names) for cells in self.live("Role").values()]

    def writes_to_roles(self) -> list[str]:
        return [name for name, table, _ in self.writes() if table == "Role"]


@pytest.fixture
def desk(tmp_path: Any) -> Desk:
    made = Desk(tmp_path)
    made.begin()
    return made


def assert_followed(desk: Desk, plan: RestorePlan) -> None:
    step = step_of(plan, desk.role)
    assert (step.action, step.live, step.notes) == (Action.BY_PRODUCT, None, ("kept-in-step",))
    assert {"kept-in-step"} <= codes(plan)
    assert "by-product-written" not in codes(plan)
    outcome = desk.restore(plan)
    assert outcome.whole
    assert of(outcome, desk.role).ending is Ending.BY_PRODUCT
    assert desk.live("Contact")[desk.contact]["Account"] == desk.home
    assert desk.roles() == [("direct", desk.home, "buyer")]


@pytest.mark.parametrize("identity", Identity)
@pytest.mark.parametrize("purged", [False, True])
def test_a_contact_that_moves_back_takes_its_direct_relation_along(
    desk: Desk, identity: Identity, purged: bool
) -> None:
    desk.allow("Role", identity=identity)
    desk.move(desk.away)
    desk.night()
    if purged:
        desk.platform.purge_bin()
    assert_followed(desk, desk.back())
    assert desk.writes_to_roles() == ["update"]


def test_a_live_relation_that_the_run_itself_replaces_is_no_conflict(desk: Desk) -> None:
    """The run ended incomplete: the direct relations of its contacts were no longer live."""
    desk.org.update("Contact", desk.contact, {"Account": desk.away})
    desk.night()
    assert_followed(desk, desk.back())


@pytest.mark.parametrize("live", [False, True])
def test_a_chosen_relation_follows_its_contact_too(desk: Desk, live: bool) -> None:
    if live:
        desk.org.update("Contact", desk.contact, {"Account": desk.away})
        desk.org.update("Role", desk.role, {"Part": "newer"})
    else:
        desk.move(desk.away)
    desk.night()
    assert_followed(desk, desk.back(("Role", desk.role)))


def test_a_related_live_relation_with_newer_values_keeps_them(desk: Desk) -> None:
    desk.org.update("Contact", desk.contact, {"Account": desk.away})
    desk.org.update("Role", desk.role, {"Part": "newer"})
    plan = desk.back()
    assert step_of(plan, desk.role).columns == ()
    assert desk.restore(plan).whole


@pytest.mark.parametrize("part", [None, "buyer"])
def test_an_indirect_relation_that_becomes_direct_again_is_the_former_one(
    desk: Desk, part: str | None
) -> None:
    desk.move(desk.away)
    desk.night()
    desk.make("Role", "typed", Account=desk.home, Contact=desk.contact, Part=part)
    plan = desk.back()
    assert plan.twins == ()
    assert_followed(desk, plan)


def test_a_relation_whose_contact_gets_yet_another_account_is_left_to_the_org(desk: Desk) -> None:
    key = RecordKey("Contact", desk.contact)
    selection = Selection(SelectionKind.RECORDS, (key,))
    edits = Edits({key: {"Account": desk.third}})
    plan = plan_restore(desk.oid, desk.planning(), selection, edits=edits, at=1, plan_id="typed")
    assert desk.role not in {step.record for step in plan.steps}
    assert desk.restore(plan).whole
    assert desk.roles() == [("direct", desk.third, None)]


def test_typed_values_of_a_relation_are_set_when_the_org_has_replaced_it(desk: Desk) -> None:
    desk.move(desk.away)
    desk.night()
    keys = (RecordKey("Contact", desk.contact), RecordKey("Role", desk.role))
    plan = plan_restore(
        desk.oid,
        desk.planning(),
        Selection(SelectionKind.RECORDS, keys),
        edits=Edits({keys[1]: {"Part": "typed"}}),
        at=1,
        plan_id="typed",
    )
    assert set(step_of(plan, desk.role).notes) == {"typed", "kept-in-step"}
    assert desk.restore(plan).whole
    assert desk.roles() == [("direct", desk.home, "typed")]


def test_a_relation_stays_in_the_plan_if_its_contact_keeps_its_account(desk: Desk) -> None:
    desk.org.update("Contact", desk.contact, {"Name": "Bea"})
    plan = desk.back()
    assert step_of(plan, desk.contact).columns == ("Name",)
    assert step_of(plan, desk.role).action is Action.UNCHANGED


@pytest.mark.parametrize(
    "changes", [{"keys": (MatchKey(("Name", "Contact")),)}, {"by_product_when": ()}]
)
def test_other_rows_of_a_contact_are_restored_by_the_run(desk: Desk, changes: Any) -> None:
    desk.allow("Role", **changes)
    desk.org.update("Contact", desk.contact, {"Account": desk.away})
    assert step_of(desk.back(), desk.role).action is Action.UNCHANGED


def test_a_relation_is_not_created_if_its_contact_could_not_move(desk: Desk) -> None:
    desk.move(desk.away)
    desk.night()
    plan = desk.back()
    desk.move(desk.third)
    outcome = desk.restore(plan)
    assert of(outcome, desk.contact).ending is Ending.CONFLICT
    assert of(outcome, desk.role).code == "restore-not-made"
    assert desk.writes_to_roles() == []


# --- undo ---------------------------------------------------------------------------------------


def restored(desk: Desk) -> str:
    desk.move(desk.away)
    desk.night()
    plan = desk.back()
    desk.restore(plan)
    return run_of(plan)


def test_an_undo_of_a_move_leaves_the_relation_to_the_org(desk: Desk) -> None:
    undo = desk.undo(restored(desk))
    assert [step.record for step in undo.steps] == [desk.contact]
    assert desk.restore(undo).whole
    assert desk.roles() == [("direct", desk.away, None)]
    again = desk.undo(run_of(undo))
    assert [step.record for step in again.steps] == [desk.contact]
    assert desk.restore(again).whole
    assert [role[:2] for role in desk.roles()] == [("direct", desk.home)]


def test_an_undo_puts_values_of_a_relation_back_whose_contact_stays(desk: Desk) -> None:
    run = restored(desk)
    (role,) = desk.live("Role")
    desk.org.update("Contact", desk.contact, {"Account": desk.third})
    undo = desk.undo(run)
    assert step_of(undo, desk.contact).notes == ("changed-since",)
    assert step_of(undo, role).columns == ("Part",)
    desk.restore(undo)
    assert desk.live("Role")[role]["Part"] is None


def test_an_undo_keeps_a_value_of_a_relation_that_people_changed_since(desk: Desk) -> None:
    run = restored(desk)
    (role,) = desk.live("Role")
    desk.org.update("Contact", desk.contact, {"Account": desk.third})
    desk.org.update("Role", role, {"Part": "newer"})
    step = step_of(desk.undo(run), role)
    assert (step.action, step.notes) == (Action.UNCHANGED, ("changed-since",))
