"""References that name their table, name records by key, or hold lists: restored, undone, archived."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.restore.atelier import LINK, Atelier, actions, step_of
from unit.engine.restore.workshop import TEXT, endings
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, ActionReason
from unlost.model.source.schema import DeleteRule, Reference, TableFamily
from unlost.model.source.writing import MatchKey

KINDS = ("Incident", "Problem")
FAMILIES = (TableFamily("Work", KINDS),)


class Desk(Atelier):
    """People, their incidents and problems, and notes on either."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.org.add_table("User", {"Name": TEXT, "Login": TEXT})
        for kind in KINDS:
            self.org.add_table(
                kind,
                {"Name": TEXT, "Opener": TEXT, "Watchers": LINK},
                references={
                    "Opener": Reference(("User",), DeleteRule.SET_NULL, key_column="Login"),
                    "Watchers": Reference(("User",), DeleteRule.SET_NULL, separator=","),
                },
            )
        self.org.add_table(
            "Note",
            {"Name": TEXT, "Document": LINK, "Kind": TEXT},
            references={
                "Document": Reference(
                    KINDS, DeleteRule.CASCADE, table_column="Kind", families=FAMILIES
                )
            },
        )
        self.ann = self.make("User", "Ann", Login="ann")
        self.bob = self.make("User", "Bob", Login="bob")

    def gone(self, table: str, *records: str) -> None:
        """Lose records of one table for good, between two nights."""
        self.night()
        for record in records:
            self.lose(table, record)
        self.night()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.writer.faults.assert_met()
    made.close()


def looked_up(desk: Desk) -> set[str]:
    """The tables in which records were looked up by their ids."""
    return {table for verb, table, _ in desk.writer.calls if verb == "fetch"}


# --- the table is named in the row ----------------------------------------------------------------


def test_a_lost_record_comes_with_the_note_that_names_its_table(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken")
    note = desk.make("Note", "Call", Document=incident, Kind="Incident")
    desk.gone("Incident", incident)
    plan = desk.plan_of(("Incident", incident))
    assert actions(plan) == {incident: Action.CREATE, note: Action.CREATE}
    assert step_of(plan, note).level > step_of(plan, incident).level
    assert desk.restore(plan).whole
    record, cells = desk.named("Note", "Call")
    assert cells["Document"] == desk.named("Incident", "Broken")[0]
    assert record != note


def noted_problem(desk: Desk) -> tuple[str, str]:
    """A problem, and a note that names it and its table."""
    problem = desk.make("Problem", "Cause")
    return problem, desk.make("Note", "Call", Document=problem, Kind="Problem")


def test_a_note_brings_its_record_from_the_table_that_it_names(desk: Desk) -> None:
    problem, note = noted_problem(desk)
    desk.gone("Problem", problem)
    desk.writer.calls.clear()
    plan = desk.plan_of(("Note", note))
    assert actions(plan) == {problem: Action.CREATE, note: Action.CREATE}
    assert step_of(plan, problem).why is ActionReason.PARENT
    assert "Incident" not in looked_up(desk)
    assert desk.restore(plan).whole


def test_the_record_of_a_live_note_was_looked_for_in_every_table(desk: Desk) -> None:
    problem, note = noted_problem(desk)
    desk.gone("Note", note)
    desk.writer.calls.clear()
    plan = desk.plan_of(("Note", note))
    assert actions(plan) == {note: Action.CREATE}
    assert "Incident" not in looked_up(desk)
    assert desk.restore(plan).whole
    assert desk.named("Note", "Call")[1]["Document"] == problem


def test_a_family_and_an_empty_name_stand_for_several_tables(desk: Desk) -> None:
    problem = desk.make("Problem", "Cause")
    first = desk.make("Note", "First", Document=problem, Kind="Work")
    second = desk.make("Note", "Second", Document=problem)
    desk.gone("Problem", problem)
    plan = desk.plan_of(("Problem", problem))
    assert set(actions(plan)) == {problem, first, second}
    assert desk.restore(plan).whole
    new = desk.named("Problem", "Cause")[0]
    assert {cells["Document"] for cells in desk.live("Note").values()} == {new}


def test_a_record_of_a_table_that_is_not_read_keeps_its_id(desk: Desk) -> None:
    problem, note = noted_problem(desk)
    desk.org.update("Note", note, {"Kind": "Elsewhere"}, by="U2")
    desk.gone("Note", note)
    plan = desk.plan_of(("Note", note))
    assert desk.restore(plan).whole
    assert desk.named("Note", "Call")[1]["Document"] == problem


# --- a key in place of the id ---------------------------------------------------------------------


def test_a_user_comes_back_before_the_incident_that_names_the_login(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Opener="ann")
    desk.night()
    desk.lose("Incident", incident)
    desk.lose("User", desk.ann)
    desk.night()
    plan = desk.plan_of(("Incident", incident))
    assert actions(plan) == {desk.ann: Action.CREATE, incident: Action.CREATE}
    assert step_of(plan, desk.ann).level < step_of(plan, incident).level
    assert desk.restore(plan).whole
    assert desk.named("Incident", "Broken")[1]["Opener"] == "ann"


def test_an_incident_comes_with_the_user_whose_login_it_has(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Opener="ann")
    other = desk.make("Incident", "Other", Opener="bob")
    desk.night()
    for table, record in (("Incident", incident), ("Incident", other), ("User", desk.ann)):
        desk.lose(table, record)
    desk.night()
    plan = desk.plan_of(("User", desk.ann))
    assert set(actions(plan)) == {desk.ann, incident}
    assert step_of(plan, incident).why is ActionReason.CHILD


def test_a_live_user_is_named_by_login_without_a_step(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Opener="ann")
    desk.gone("Incident", incident)
    plan = desk.plan_of(("Incident", incident))
    assert actions(plan) == {incident: Action.CREATE}
    outcome = desk.restore(plan)
    assert outcome.whole
    (new,) = desk.live("Incident")
    undone = desk.restore(desk.undo(run_of(plan)))
    assert endings(undone) == {new: Ending.DELETED}


def test_a_login_of_nobody_stays(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Opener="system")
    desk.gone("Incident", incident)
    assert desk.restore(desk.plan_of(("Incident", incident))).whole
    assert desk.named("Incident", "Broken")[1]["Opener"] == "system"


def test_a_login_that_changed_is_put_back_as_a_text(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Opener="ann")
    desk.night()
    desk.org.update("Incident", incident, {"Opener": "bob"}, by="U2")
    desk.night()
    plan = desk.plan_of(("Incident", incident), at=1)
    assert step_of(plan, incident).columns == ("Opener",)
    assert desk.restore(plan).whole
    assert desk.live("Incident")[incident]["Opener"] == "ann"


# --- lists ----------------------------------------------------------------------------------------


def test_a_list_gets_the_new_ids_of_the_records_that_come_back(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}")
    desk.night()
    desk.lose("Incident", incident)
    desk.lose("User", desk.ann)
    desk.night()
    plan = desk.plan_of(("Incident", incident))
    assert actions(plan) == {desk.ann: Action.CREATE, incident: Action.CREATE}
    outcome = desk.restore(plan)
    assert outcome.whole
    ann = desk.named("User", "Ann")[0]
    assert desk.named("Incident", "Broken")[1]["Watchers"] == f"{ann},{desk.bob}"
    assert all(not record.differences for record in outcome.records)


def test_a_live_list_that_lost_a_name_gets_it_back(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}")
    desk.gone("User", desk.ann)
    assert desk.live("Incident")[incident]["Watchers"] == desk.bob
    plan = desk.plan_of(("User", desk.ann))
    assert actions(plan) == {desk.ann: Action.CREATE, incident: Action.UPDATE}
    assert desk.restore(plan).whole
    ann = desk.named("User", "Ann")[0]
    assert desk.live("Incident")[incident]["Watchers"] == f"{ann},{desk.bob}"
    assert desk.restore(desk.undo(run_of(plan))).whole
    assert desk.live("Incident")[incident]["Watchers"] == desk.bob


def test_a_live_list_that_kept_a_lost_name_gets_the_new_one(desk: Desk) -> None:
    desk.platform.leaves_links = True
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}")
    desk.gone("User", desk.ann)
    plan = desk.plan_of(("User", desk.ann))
    assert actions(plan)[incident] is Action.UPDATE
    assert desk.restore(plan).whole
    ann = desk.named("User", "Ann")[0]
    assert desk.live("Incident")[incident]["Watchers"] == f"{ann},{desk.bob}"


def test_a_list_that_people_changed_since_stays(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}")
    cara = desk.make("User", "Cara")
    desk.gone("User", desk.ann)
    desk.org.update("Incident", incident, {"Watchers": f"{desk.bob},{cara}"}, by="U2")
    plan = desk.plan_of(("User", desk.ann))
    assert actions(plan)[incident] is Action.UNCHANGED
    assert "moved-since" in step_of(plan, incident).notes


def test_a_list_keeps_the_name_of_a_record_that_stays_away(desk: Desk) -> None:
    desk.allow("User", ops=frozenset())
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}")
    desk.platform.leaves_links = True
    desk.night()
    desk.lose("Incident", incident)
    desk.lose("User", desk.ann)
    desk.night()
    outcome = desk.restore(desk.plan_of(("Incident", incident)))
    assert endings(outcome)[incident] is Ending.CREATED
    assert desk.named("Incident", "Broken")[1]["Watchers"] == f"{desk.ann},{desk.bob}"


def test_a_list_of_records_in_a_circle_is_set_in_a_second_pass(desk: Desk) -> None:
    desk.org.add_table(
        "Group",
        {"Name": TEXT, "Parts": LINK},
        references={"Parts": Reference(("Group",), separator=",")},
    )
    first = desk.make("Group", "First")
    second = desk.make("Group", "Second", Parts=first)
    desk.org.update("Group", first, {"Parts": f"{first},{second}"}, by="U2")
    desk.platform.leaves_links = True
    desk.gone("Group", first, second)
    outcome = desk.restore(desk.plan_of(("Group", first)))
    assert outcome.whole
    a, b = desk.named("Group", "First")[0], desk.named("Group", "Second")[0]
    assert {c["Name"]: c["Parts"] for c in desk.live("Group").values()} == {
        "First": f"{a},{b}",
        "Second": a,
    }


def test_a_list_names_records_that_came_back_earlier(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}")
    desk.night()
    desk.lose("Incident", incident)
    desk.lose("User", desk.ann)
    desk.night()
    assert desk.restore(desk.plan_of(("User", desk.ann))).whole
    ann = desk.named("User", "Ann")[0]
    (after,) = desk.live("Incident")
    assert desk.live("Incident")[after]["Watchers"] == f"{ann},{desk.bob}"
    again = desk.plan_of(("Incident", incident), at=1)
    assert actions(again)[incident] is Action.UNCHANGED


def test_an_undo_keeps_a_record_that_a_list_names_since(desk: Desk) -> None:
    desk.gone("User", desk.ann)
    plan = desk.plan_of(("User", desk.ann))
    assert desk.restore(plan).whole
    ann = desk.named("User", "Ann")[0]
    desk.make("Incident", "Later", Watchers=f"{desk.bob},{ann}")
    assert actions(desk.undo(run_of(plan))) == {ann: Action.SKIP}
    assert ann in desk.live("User")


def test_a_user_who_took_the_login_is_named_by_it(desk: Desk) -> None:
    desk.allow("User", keys=(MatchKey(("Login",)),))
    incident = desk.make("Incident", "Broken", Opener="ann")
    desk.night()
    desk.lose("Incident", incident)
    desk.lose("User", desk.ann)
    twin = desk.make("User", "Ann", Login="ann")
    desk.night()
    plan = desk.plan_of(("Incident", incident))
    assert (step_of(plan, desk.ann).action, step_of(plan, desk.ann).live) == (Action.ADOPT, twin)
    assert desk.restore(plan).whole
    assert [cells["Login"] for cells in desk.live("User").values()] == ["bob", "ann"]
