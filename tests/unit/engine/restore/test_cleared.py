"""Rows that the org removes when an owner changes: read before it, added again after it."""

from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import LINK, TEXT, Atelier, actions, codes, note_of
from unit.engine.restore.workshop import of
from unlost.engine.restore.planning.notes.cleared import ADDED_AGAIN, UNREADABLE
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.passes.cleared import NOT_ADDED
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.errors import Conflict
from unlost.model.plan import Action, NoteWeight, RestorePlan
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import ClearedRows, MatchKey
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

KEY = MatchKey(("Account", "User"))


class Team:
    """An account with an owner and two members, of whom the backup knows the first only."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        shop.org.add_table("Client", {"Name": TEXT, "Owner": TEXT, "Phone": TEXT})
        shop.org.add_table(
            "Member",
            {"Name": TEXT, "Account": LINK, "User": TEXT, "Level": TEXT},
            references={"Account": Reference(("Client",), DeleteRule.CASCADE)},
        )
        shop.allow("Client", clears=(ClearedRows("Owner", "Member", "Account"),))
        shop.allow("Member", keys=(KEY,))
        self.client = shop.make("Client", "Candy", Owner="Ann", Phone="1")
        self.first = self.member("Bob")
        shop.night()
        self.second = self.member("Eve", Level="Edit")
        self.hand_over("Zoe")

    def member(self, user: str, **cells: str | None) -> str:
        return self.shop.make("Member", f"M {user}", Account=self.client, User=user, **cells)

    def hand_over(self, owner: str) -> None:
        """A person changes the owner and keeps the team, as the org's own pages offer."""
        self.shop.org.update("Client", self.client, {"Owner": owner})
        self.shop.night()

    def plan(self) -> RestorePlan:
        return self.shop.plan_changed(1, 2, "Client", "Owner")

    @property
    def members(self) -> set[tuple[str | None, str | None]]:
        return {(row["User"], row["Level"]) for row in self.shop.live("Member").values()}

    @property
    def owner(self) -> str | None:
        return self.shop.live("Client")[self.client]["Owner"]


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


@pytest.fixture
def team(shop: Atelier) -> Team:
    return Team(shop)


BOTH = {("Bob", None), ("Eve", "Edit")}


def run(team: Team, plan: RestorePlan) -> RestoreOutcome:
    ended = team.shop.try_restore(plan)
    assert isinstance(ended, RestoreOutcome)
    return ended


def test_members_are_there_after_the_owner_changed(team: Team) -> None:
    outcome = team.shop.restore(team.plan())
    assert (team.owner, team.members) == ("Ann", BOTH)
    assert not {team.first, team.second} & team.shop.live("Member").keys()
    assert outcome.whole


def test_the_plan_counts_them(team: Team) -> None:
    note = note_of(team.plan(), ADDED_AGAIN)
    assert (note.table, note.count, note.weight) == ("Member", 2, NoteWeight.NOTE)
    assert "2 records of Member will be removed by the org when Owner changes" in note.sentence


def test_a_record_without_rows_needs_no_note(team: Team) -> None:
    for record in (team.first, team.second):
        team.shop.org.purge("Member", record)
    plan = team.plan()
    assert ADDED_AGAIN not in codes(plan)
    assert run(team, plan).whole


def test_other_columns_remove_nothing(team: Team) -> None:
    shop = team.shop
    shop.org.update("Client", team.client, {"Phone": "2"})
    shop.night()
    plan = shop.plan_changed(2, 3, "Client", "Phone")
    assert ADDED_AGAIN not in codes(plan)
    shop.writer.calls.clear()
    shop.restore(plan)
    assert [call for call in shop.writer.calls if call[0] == "referrers"] == []


def test_a_table_that_the_vault_does_not_know_is_left_alone(team: Team) -> None:
    team.shop.allow("Client", clears=(ClearedRows("Owner", "Player", "Elsewhere"),))
    plan = team.plan()
    del team.shop.org.tables["Player"]
    capability = ClearedRows("Owner", "Nowhere", "Account")
    team.shop.platform.capabilities["Client"] = team.shop.allow("Client", clears=(capability,))
    team.shop.org.tables["Nowhere"] = team.shop.org.tables["Member"]
    assert ADDED_AGAIN not in codes(plan)
    assert run(team, plan).whole


def test_rows_that_the_org_leaves_are_left_alone(team: Team) -> None:
    team.shop.platform.retained = {("Member", team.first), ("Member", team.second)}
    run(team, team.plan())
    assert set(team.shop.live("Member")) == {team.first, team.second}
    assert ("create", "Member", 2) not in team.shop.writes()


def test_a_row_that_automation_adds_again_is_not_doubled(team: Team) -> None:
    platform = team.shop.platform
    update = platform.update

    def with_automation(table: str, record: str, cells: Any, *, by: str) -> None:
        update(table, record, cells, by=by)
        team.member("Bob")

    platform.update = with_automation  # type: ignore[method-assign]
    run(team, team.plan())
    assert team.members == BOTH
    assert len(team.shop.live("Member")) == 2


def test_rows_without_a_key_come_back_too(team: Team) -> None:
    team.shop.allow("Member", keys=())
    run(team, team.plan())
    assert team.members == BOTH


def test_a_row_that_lacks_the_value_of_a_key_comes_back_too(team: Team) -> None:
    team.shop.org.update("Member", team.first, {"User": None})
    run(team, team.plan())
    assert team.members == {(None, None), ("Eve", "Edit")}


def test_a_refused_row_is_named(team: Team) -> None:
    team.shop.writer.faults.plant("row", RowRefused("INACTIVE", "The user left."), table="Member")
    outcome = run(team, team.plan())
    assert team.owner == "Ann"
    assert len(team.members) == 1
    lost = next(record for record in outcome.records if record.table == "Member")
    assert (lost.ending, lost.code) == (Ending.FAILED, NOT_ADDED)
    assert "when the owner changed" in lost.sentence
    assert "The user left." in lost.sentence
    assert not outcome.whole


def test_a_locked_row_is_sent_again(team: Team) -> None:
    team.shop.writer.retryable.add("LOCKED")
    team.shop.writer.faults.plant("row", RowRefused("LOCKED", "Somebody saves it."), table="Member")
    assert run(team, team.plan()).whole
    assert team.members == BOTH


def test_a_lost_answer_doubles_nothing(team: Team) -> None:
    team.shop.writer.faults.plant("written", ReplyLost(), table="Member")
    assert run(team, team.plan()).whole
    assert team.members == BOTH
    assert len(team.shop.live("Member")) == 2


@pytest.mark.parametrize("stage", ["write", "written"])
@pytest.mark.parametrize("table", ["Client", "Member"])
def test_a_crash_loses_no_row(team: Team, stage: str, table: str) -> None:
    """The journal has the rows before the org removes them."""
    plan = team.plan()
    team.shop.writer.faults.plant(stage, RuntimeError("crash"), table=table)
    with pytest.raises(RuntimeError, match="crash"):
        team.shop.try_restore(plan)
    assert run(team, plan).whole
    assert (team.owner, team.members) == ("Ann", BOTH)
    assert len(team.shop.live("Member")) == 2


def test_a_resumed_run_saves_nothing_twice(team: Team) -> None:
    """The second look finds the rows that the first one saved."""
    plan = team.plan()
    team.shop.writer.faults.plant("write", RuntimeError("crash"), table="Client")
    with pytest.raises(RuntimeError, match="crash"):
        team.shop.try_restore(plan)
    team.shop.writer.calls.clear()
    run(team, plan)
    assert team.shop.writer.calls.count(("fetch", "Member", 2)) == 1  # only to recognize them


def test_rows_that_the_user_may_not_read_are_named_by_the_plan(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team.shop.writer, "referrers", lambda queries: [None for _ in queries])
    plan = team.plan()
    note = note_of(plan, UNREADABLE)
    assert (note.table, note.weight) == ("Client", NoteWeight.WARNING)
    run(team, plan)
    assert (team.owner, team.members) == ("Ann", set())


def test_a_row_of_the_plan_is_linked_to_its_new_id(team: Team) -> None:
    """A lost member comes back, is removed with the owner, and is added again."""
    shop = team.shop
    shop.org.purge("Member", team.first)
    shop.night()
    plan = shop.plan_of(("Client", team.client), ("Member", team.first), at=1)
    assert actions(plan)[team.first] is Action.CREATE
    outcome = shop.restore(plan)
    assert (team.owner, team.members) == ("Ann", BOTH)
    assert of(outcome, team.first).live in shop.live("Member")
    assert outcome.whole


# --- undo -----------------------------------------------------------------------------------------


def test_an_undo_changes_the_owner_back_and_keeps_the_rows(team: Team) -> None:
    plan = team.plan()
    run(team, plan)
    undo = team.shop.undo(run_of(plan))
    assert actions(undo) == {team.client: Action.UPDATE}
    assert note_of(undo, ADDED_AGAIN).count == 2
    assert run(team, undo).whole
    assert (team.owner, team.members) == ("Zoe", BOTH)


def test_an_undo_has_nothing_to_do_with_rows_that_the_org_left(team: Team) -> None:
    team.shop.platform.retained = {("Member", team.first), ("Member", team.second)}
    plan = team.plan()
    run(team, plan)
    undo = team.shop.undo(run_of(plan))
    assert actions(undo) == {team.client: Action.UPDATE}
    assert run(team, undo).whole
    assert set(team.shop.live("Member")) == {team.first, team.second}


def test_an_undo_deletes_rows_that_the_run_brought(team: Team) -> None:
    """They have another id since the owner changed, in the run and in its undo."""
    shop = team.shop
    shop.org.purge("Member", team.first)
    shop.night()
    plan = shop.plan_of(("Client", team.client), ("Member", team.first), at=1)
    run(team, plan)
    undo = shop.undo(run_of(plan))
    assert sorted(actions(undo).values()) == [Action.DELETE, Action.UPDATE]
    assert run(team, undo).whole
    assert (team.owner, team.members) == ("Zoe", {("Eve", "Edit")})
    again = shop.undo(run_of(undo))
    assert run(team, again).whole
    assert (team.owner, team.members) == ("Ann", BOTH)


def test_an_undo_brings_back_rows_that_the_run_could_not_add(team: Team) -> None:
    team.shop.writer.faults.plant("row", RowRefused("INACTIVE", "The user left."), table="Member")
    plan = team.plan()
    run(team, plan)
    undo = team.shop.undo(run_of(plan))
    assert sorted(actions(undo).values()) == [Action.CREATE, Action.UPDATE]
    assert run(team, undo).whole
    assert (team.owner, team.members) == ("Zoe", BOTH)


def test_a_row_that_the_run_brought_and_lost_again_is_no_effect(team: Team) -> None:
    shop = team.shop
    shop.org.purge("Member", team.first)
    shop.org.purge("Member", team.second)
    shop.night()
    plan = shop.plan_of(("Client", team.client), ("Member", team.first), at=1)
    shop.writer.faults.plant(
        "row", RowRefused("INACTIVE", "The user left."), table="Member", after=1
    )
    outcome = run(team, plan)
    assert team.members == set()
    assert not outcome.whole
    undo = shop.undo(run_of(plan))
    assert actions(undo) == {team.client: Action.UPDATE}


def test_a_changed_row_that_the_org_removed_comes_back_as_it_was(team: Team) -> None:
    """The run changed the row, the org removed it, and it could not be added again."""
    shop = team.shop
    shop.org.update("Member", team.first, {"Level": "Read"})
    shop.night()
    shop.org.update("Member", team.first, {"Level": "None"})
    plan = shop.plan(
        team.plan().steps[0],
        shop.step("Member", team.first, Action.UPDATE, live=team.first, columns=("Level",)),
    )
    fault = RowRefused("INACTIVE", "The user left.")
    shop.writer.faults.plant("row", fault, table="Member", after=1)
    ended = run(team, plan)
    assert of(ended, team.first).ending is Ending.FAILED
    undo = shop.undo(run_of(plan))
    assert run(team, undo).whole
    assert ("Bob", "None") in team.members


def test_a_changed_row_of_the_plan_has_its_value_after_the_owner_changed(team: Team) -> None:
    shop = team.shop
    shop.org.update("Member", team.second, {"Level": "Read"})
    shop.night()
    shop.org.update("Member", team.second, {"Level": "None"})
    plan = shop.plan(
        team.plan().steps[0],
        shop.step("Member", team.second, Action.UPDATE, live=team.second, columns=("Level",)),
    )
    outcome = run(team, plan)
    assert team.members == {("Bob", None), ("Eve", "Read")}
    assert outcome.whole
    assert run(team, shop.undo(run_of(plan))).whole
    assert team.members == {("Bob", None), ("Eve", "None")}


def test_a_stopped_run_is_undone_with_what_the_org_removed(team: Team) -> None:
    plan = team.plan()
    team.shop.writer.faults.plant("find", RuntimeError("crash"), table="Member")
    with pytest.raises(RuntimeError, match="crash"):
        team.shop.try_restore(plan)
    assert team.members == set()
    undo = team.shop.undo(run_of(plan))
    assert run(team, undo).whole
    assert (team.owner, team.members) == ("Zoe", BOTH)


def test_unclear_rows_stop_the_run(team: Team) -> None:
    """Two rows of one key: neither is taken for the other."""
    team.member("Bob", Level="Read")
    with pytest.raises(Conflict):
        team.shop.writer.find(
            team.shop.head.schema().table("Member"), ("Account", "User"), [(team.client, "Bob")]
        )
    run(team, team.plan())
    assert team.members == {*BOTH, ("Bob", "Read")}
