"""Undoing a run when records refer to each other, or to records that go before them."""

from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier
from unit.engine.restore.undone_shop import actions, codes, org_of, restored_circle
from unlost.engine.restore.running.execute import run_of
from unlost.model.plan import Action
from unlost.testing.platform import RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


def test_a_record_that_could_not_be_deleted_lost_its_references(shop: Atelier) -> None:
    """The org emptied them when it deleted the records to which they lead."""
    account = shop.make("Account", "Candy")
    memo = shop.make("Memo", "Call", About=account)
    shop.night()
    shop.lose("Memo", memo)
    shop.lose("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account), ("Memo", memo))
    shop.restore(plan)
    after = org_of(shop)
    undo = shop.undo(run_of(plan))
    assert actions(undo) == {("Account", Action.DELETE): 1, ("Memo", Action.DELETE): 1}
    shop.writer.faults.plant("row", RowRefused("REFUSED", "Not this one."), table="Memo")
    outcome = shop.restore(undo)
    assert org_of(shop) == after
    assert {one.code for one in outcome.records} == {"write-refused", "undo-stayed"}


def test_a_record_that_could_not_be_changed_lost_its_reference(shop: Atelier) -> None:
    """The org emptied it with the delete of an undo, and an undo of that left it empty."""
    account = shop.make("Account", "Candy")
    memo = shop.make("Memo", "Call", About=account)
    shop.night()
    shop.lose("Account", account)
    shop.platform.purge_bin()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    after = org_of(shop)
    undo = shop.undo(run_of(plan))
    assert actions(undo) == {("Account", Action.DELETE): 1, ("Memo", Action.UPDATE): 1}
    shop.writer.faults.plant("row", RowRefused("REFUSED", "Not this one."), table="Memo")
    outcome = shop.restore(undo)
    assert org_of(shop) == after
    assert {one.code for one in outcome.records} == {"write-refused", "undo-stayed"}
    assert shop.restore(shop.undo(run_of(plan))).whole
    assert (shop.live("Account"), shop.live("Memo")[memo]["About"]) == ({}, None)


@pytest.mark.parametrize("purged", [False, True])
@pytest.mark.parametrize("relinks", [False, True])
def test_an_undo_of_an_undo_lost_references_in_a_circle(
    shop: Atelier, purged: bool, relinks: bool
) -> None:
    """The org had emptied the reference of the one before the whole record was journaled."""
    shop.platform.relinks = relinks
    plan = restored_circle(shop)
    undo = shop.undo(run_of(plan))
    assert shop.restore(undo).whole
    assert org_of(shop)["Team"] == org_of(shop)["Player"] == {}
    if purged:
        shop.platform.purge_bin()
    outcome = shop.restore(shop.undo(run_of(undo)))
    assert outcome.whole
    (new_team, team_cells), (new_player, player_cells) = (
        shop.named("Team", "Reds"), shop.named("Player", "Ann")
    )  # fmt: skip
    assert (team_cells["Lead"], player_cells["Team"]) == (new_player, new_team)


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("purged", [False, True])
@pytest.mark.parametrize("relinks", [False, True])
@pytest.mark.parametrize("refused", ["Player", "Team"])
def test_a_record_in_a_circle_that_could_not_be_deleted_lost_its_reference_for_ever(
    shop: Atelier, refused: str, relinks: bool, purged: bool, edited: bool
) -> None:
    """The delete of the one before had emptied it, and no undo knew that."""
    shop.platform.relinks = relinks
    plan = restored_circle(shop)
    undo = shop.undo(run_of(plan))
    shop.writer.faults.plant("row", RowRefused("REFUSED", "Not this one."), table=refused)
    assert not shop.restore(undo).whole
    if not (shop.live("Team") and shop.live("Player")):
        _is_whole_again(shop, run_of(undo), purged=purged, edited=edited)


def _is_whole_again(shop: Atelier, run: str, *, purged: bool, edited: bool) -> None:
    """Undo a run that deleted one of two that refer to each other; people may set the reference."""
    table, column = ("Team", "Lead") if shop.live("Team") else ("Player", "Team")
    ((record, cells),) = shop.live(table).items()
    assert cells[column] is None
    other = shop.make(column if column == "Team" else "Player", "other") if edited else None
    if other:
        shop.org.update(table, record, {column: other})
    if purged:
        shop.platform.purge_bin()
    plan = shop.undo(run)
    shop.restore(plan)
    (new_team, _), (new_player, _) = shop.named("Team", "Reds"), shop.named("Player", "Ann")
    whole = {"Team": new_player, "Player": new_team}[table]
    assert shop.live(table)[record][column] == (other or whole)
    assert ("changed-since" in codes(plan)) is edited
