"""Undoing a run after which people went on working: they keep what they wrote."""

from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier
from unit.engine.restore.undone_shop import (
    Restored,
    actions,
    binned,
    codes,
    life,
    org_of,
    restored_circle,
)
from unit.engine.restore.workshop import Overwritten, of
from unlost.engine.restore.journal.entries import RecordsRead
from unlost.engine.restore.planning.undo import plan_undo
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.plan import Action, PlanBasis, is_preview
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import Birth, WriteOp
from unlost.testing.platform import RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


def test_a_record_that_was_edited_since_stays_and_is_named(shop: Atelier) -> None:
    restored = Restored(shop)
    shop.org.update("Account", restored.live, {"Number": "008"})
    plan = shop.undo(restored.run)
    assert actions(plan)["Account", Action.SKIP] == 1
    assert "edited-since" in codes(plan)
    shop.restore(plan)
    assert shop.live("Account")[restored.live]["Number"] == "008"


def test_an_edit_of_a_record_that_came_back_without_a_reference_is_not_deleted(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The org refused the reference, and the values of the rest were never read back."""
    team = shop.make("Team", "red")
    player = shop.make("Player", "Ann", Team=team)
    shop.org.update("Team", team, {"Lead": player})
    shop.night()
    shop.lose("Team", team)
    shop.lose("Player", player)
    shop.platform.purge_bin()

    def refused(*_: object, **__: object) -> None:
        raise RowRefused("INVALID", "No references today.")

    monkeypatch.setattr(shop.platform, "update", refused)
    plan = shop.plan_of(("Team", team))
    outcome = shop.restore(plan)
    (half,) = [record for record in outcome.records if record.ending is Ending.FAILED]
    assert half.live is not None
    monkeypatch.undo()
    shop.org.update(half.table, half.live, {"Name": "edited"})
    undo = shop.undo(run_of(plan))
    assert "edited-since" in codes(undo)
    shop.restore(undo)
    assert shop.live(half.table)[half.live]["Name"] == "edited"


def test_a_value_that_was_changed_since_stays_and_the_others_go_back(shop: Atelier) -> None:
    overwritten = Overwritten(shop)
    shop.org.update("Account", overwritten.account, {"Name": "Candies"})
    shop.night()
    restored = shop.plan_of(("Account", overwritten.account), at=1)
    shop.restore(restored)
    shop.org.update("Account", overwritten.account, {"Number": "123"})
    plan = shop.undo(run_of(restored))
    (step,) = plan.steps
    assert step.columns == ("Name",)
    assert "changed-since" in codes(plan)
    shop.restore(plan)
    cells = shop.live("Account")[overwritten.account]
    assert (cells["Name"], cells["Number"]) == ("Candies", "123")


def test_an_automation_that_writes_is_no_change_by_a_person(shop: Atelier) -> None:
    """The org put its own value into a column that the restore had set."""
    restored_account = Overwritten(shop).account
    plan = shop.plan_of(("Account", restored_account), at=1)
    write = shop.platform.update

    def trimmed(table: str, record: str, cells: dict[str, str | None], *, by: str) -> None:
        write(table, record, {**cells, "Number": "007 by a flow"}, by=by)

    shop.platform.update = trimmed
    assert isinstance(execute(plan, shop.restore_ports()), RestoreOutcome)
    shop.platform.update = write
    shop.restore(shop.undo(run_of(plan)))
    assert shop.live("Account")[restored_account]["Number"] == "999"


def test_a_record_to_which_others_refer_by_now_stays_with_all_that_it_needs(shop: Atelier) -> None:
    restored = Restored(shop)
    contact, _ = shop.named("Contact", "Ann")
    memo = shop.make("Memo", "Invoice", About=contact)
    plan = shop.undo(restored.run)
    assert actions(plan)["Contact", Action.SKIP] == 1
    assert actions(plan)["Account", Action.SKIP] == 1, "deleting it would delete the contact"
    assert "referred-since" in codes(plan)
    shop.restore(plan)
    assert shop.live("Memo")[memo]["About"] == contact
    assert restored.live in shop.live("Account")


def test_what_is_gone_already_needs_no_delete(shop: Atelier) -> None:
    restored = Restored(shop)
    shop.platform.delete("Account", restored.live, by="U2")
    plan = shop.undo(restored.run)
    assert actions(plan)["Account", Action.UNCHANGED] == 1
    shop.restore(plan)
    assert org_of(shop) == restored.before


def test_an_edit_between_the_plan_and_its_run_is_a_conflict(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.org.update("Account", restored.live, {"Number": "008"})
    outcome = shop.restore(plan)
    assert of(outcome, restored.live).ending is Ending.CONFLICT
    assert shop.live("Account")[restored.live]["Number"] == "008"
    assert life(shop, restored.account) == restored.live, "it stands for the lost record still"


def test_a_record_that_somebody_deleted_in_between_is_deleted(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.platform.delete("Account", restored.live, by="U2")
    outcome = shop.restore(plan)
    assert of(outcome, restored.live).ending is Ending.DELETED


def test_a_run_of_an_earlier_release_is_undone_with_a_warning(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its journal does not have what the org held after it."""
    nothing = "unlost.engine.restore.running.readback.after_images"
    with monkeypatch.context() as patch:
        patch.setattr(nothing, lambda session, steps, fetched: RecordsRead(steps[0].table, (), ()))
        restored = Restored(shop)
    shop.org.update("Account", restored.live, {"Number": "008"})
    plan = shop.undo(restored.run)
    assert "undo-unproved" in codes(plan)
    shop.restore(plan)
    assert org_of(shop) == restored.before


def test_a_value_that_was_changed_after_a_run_without_a_reading_stays(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    overwritten = Overwritten(shop)
    nothing = "unlost.engine.restore.running.readback.after_images"
    plan = shop.plan_of(("Account", overwritten.account), at=1)
    with monkeypatch.context() as patch:
        patch.setattr(nothing, lambda session, steps, fetched: RecordsRead(steps[0].table, (), ()))
        shop.restore(plan)
    shop.org.update("Account", overwritten.account, {"Number": "123"})
    undo = shop.undo(run_of(plan))
    assert "changed-since" in codes(undo)
    shop.restore(undo)
    assert shop.live("Account")[overwritten.account]["Number"] == "123"


@pytest.mark.parametrize("birth", Birth)
def test_tables_that_the_org_does_not_show_are_named(shop: Atelier, birth: Birth) -> None:
    """No right helps with a table that no user may write, such as a history."""
    restored = Restored(shop)
    shop.allow("Memo", birth=birth)
    asked = shop.writer.referrers
    shop.writer.referrers = lambda queries: [
        None if query.table.name == "Memo" else rows
        for query, rows in zip(queries, asked(queries), strict=True)
    ]
    plan = shop.undo(restored.run)
    (note,) = [note for note in plan.notes if note.code == "undo-unlooked"]
    assert "Memo" in note.sentence
    assert ("right to read Memo" in note.next_step) is (birth is not Birth.NEVER)


def test_records_of_a_table_that_the_org_no_longer_has_are_counted(shop: Atelier) -> None:
    restored = Restored(shop)
    del shop.org.tables["Memo"]
    plan = shop.undo(restored.run)
    assert {step.table for step in plan.steps} == {"Account", "Contact"}
    assert "table-gone" in codes(plan)


def test_without_a_write_user_the_plan_is_a_preview(shop: Atelier) -> None:
    restored = Restored(shop)
    ports = replace(shop.planning(), basis=PlanBasis.BACKUP_USER)
    plan = plan_undo(shop.oid, ports, restored.run, plan_id="preview")
    assert is_preview(plan.notes)


def test_a_value_that_may_not_be_changed_stays(shop: Atelier) -> None:
    overwritten = Overwritten(shop)
    restored = shop.plan_of(("Account", overwritten.account), at=1)
    shop.restore(restored)
    allowed = shop.platform.capability
    shop.platform.capability = lambda table: replace(allowed(table), changeable=frozenset())
    plan = shop.undo(run_of(restored))
    assert [step.action for step in plan.steps] == [Action.SKIP]
    assert "update-not-allowed" in codes(plan)


def test_a_record_whose_values_were_replaced_and_that_is_gone_is_named(shop: Atelier) -> None:
    overwritten = Overwritten(shop)
    restored = shop.plan_of(("Account", overwritten.account), at=1)
    shop.restore(restored)
    shop.platform.delete("Account", overwritten.account, by="U2")
    assert "lost-since" in codes(shop.undo(run_of(restored)))


@pytest.mark.parametrize(("op", "binned"), [(WriteOp.UNDELETE, True), (WriteOp.CREATE, False)])
def test_what_may_not_come_back_after_an_undo_is_named(
    shop: Atelier, op: WriteOp, binned: bool
) -> None:
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    shop.restore(undo)
    if not binned:
        shop.platform.purge_bin()
    allowed = shop.platform.capability
    shop.platform.capability = lambda table: replace(allowed(table), ops=allowed(table).ops - {op})
    assert "create-not-allowed" in codes(shop.undo(run_of(undo)))


def test_what_somebody_brought_back_after_an_undo_is_left_alone(shop: Atelier) -> None:
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    shop.restore(undo)
    shop.platform.undelete("Account", restored.live, by="U2")
    again = shop.undo(run_of(undo))
    assert actions(again)["Account", Action.UNCHANGED] == 1


def test_a_file_that_a_restore_brought_goes_and_comes_back_with_its_bytes(shop: Atelier) -> None:
    paper = shop.org.attach("Paper", "recipe.txt", b"cocoa")
    shop.night()
    shop.lose("Paper", paper)
    shop.night()
    plan = shop.plan_of(("Paper", paper))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    assert shop.live("Paper") == {}
    shop.platform.purge_bin()
    shop.restore(shop.undo(run_of(undo)))
    (back,) = shop.live("Paper")
    assert shop.org.tables["Paper"].files[back] == b"cocoa"


def test_a_file_that_was_replaced_since_stays(shop: Atelier) -> None:
    """An undo deleted a restored file although somebody had replaced its content."""
    paper = shop.org.attach("Paper", "recipe.txt", b"cocoa")
    shop.night()
    shop.lose("Paper", paper)
    shop.night()
    plan = shop.plan_of(("Paper", paper))
    shop.restore(plan)
    (live,) = shop.live("Paper")
    shop.org.replace_file("Paper", live, b"cocoa and sugar")
    assert "edited-since" in codes(shop.undo(run_of(plan)))


def test_references_that_the_org_set_again_do_not_keep_what_left_the_bin(shop: Atelier) -> None:
    """An undo kept a record that left the bin: its undelete had set references to it again."""
    binned(shop, "Account")
    account = shop.make("Account", "Candy")
    memo = shop.make("Memo", "Call", About=account)
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    shop.night()
    before = org_of(shop)
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    assert shop.live("Memo")[memo]["About"] == account
    assert ("update", "Memo", 1) not in shop.writes(), "the org did it"
    shop.restore(shop.undo(run_of(plan)))
    assert org_of(shop) == before


def test_references_that_the_org_set_again_beside_others_do_not_keep_it_either(
    shop: Atelier,
) -> None:
    binned(shop, "Account")
    account, parent = shop.make("Account", "Candy"), shop.make("Account", "Group")
    child = shop.make("Account", "Sweets", Parent=account)
    shop.org.add_column("Account", "Payer", WireKind.REFERENCE)
    reference = Reference(("Account",), DeleteRule.SET_NULL)
    column = shop.org.tables["Account"].columns["Payer"]
    shop.org.tables["Account"].columns["Payer"] = replace(column, reference=reference)
    shop.org.update("Account", child, {"Payer": parent})
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    shop.platform.delete("Account", parent, by="U2")
    shop.platform.purge("Account", parent)
    shop.night()
    before = org_of(shop)
    plan = shop.plan_of(("Account", account), ("Account", parent))
    shop.restore(plan)
    assert shop.live("Account")[child]["Parent"] == account
    shop.restore(shop.undo(run_of(plan)))
    assert org_of(shop)["Account"].keys() == before["Account"].keys()


def test_a_reference_that_a_person_set_where_the_restore_left_none_was_emptied(
    shop: Atelier,
) -> None:
    """The parent could not come back, so the restore had left the reference of its child empty."""
    binned(shop, "Account")
    other, parent = shop.make("Account", "Group"), shop.make("Account", "Candy")
    child = shop.make("Account", "Sweets", Parent=parent)
    shop.night()
    for record in (parent, child, other):
        shop.platform.delete("Account", record, by="U2")
    shop.night()
    plan = shop.plan_of(*(("Account", record) for record in (other, child, parent)), at=1)
    shop.platform.purge("Account", parent)
    shop.restore(plan)
    shop.org.update("Account", child, {"Parent": other})
    undo = shop.undo(run_of(plan))
    assert {"edited-since", "referred-since"} <= codes(undo)
    shop.restore(undo)
    assert shop.live("Account")[child]["Parent"] == other


# --- between the plan of an undo and its run --------------------------------------------------------


def test_a_record_that_got_a_child_after_the_plan_was_deleted_with_it(shop: Atelier) -> None:
    """The org deletes a new contact with its account, and no journal had it."""
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    child = shop.make("Contact", "Bea", Account=restored.live)
    outcome = shop.restore(undo)
    assert child in shop.live("Contact")
    assert restored.live in shop.live("Account")
    (account,) = [one for one in outcome.records if one.table == "Account"]
    assert (account.ending, account.code) == (Ending.CONFLICT, "restore-changed-since")
    assert "new references" in account.sentence


def test_a_reference_that_was_set_after_the_plan_was_emptied(shop: Atelier) -> None:
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    note = shop.make("Memo", "later", About=restored.live)
    shop.restore(undo)
    assert shop.live("Memo")[note]["About"] == restored.live


def test_what_the_org_linked_again_itself_keeps_no_record(shop: Atelier) -> None:
    """The reference that came back with the record is emptied again, as the plan said."""
    binned(shop, "Account", "Contact")
    shop.platform.relinks = True
    account = shop.make("Account", "Candy")
    memo = shop.make("Memo", "Call", About=account)
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    assert shop.live("Memo")[memo]["About"] == account
    assert shop.restore(shop.undo(run_of(plan))).whole
    assert shop.live("Memo")[memo]["About"] is None


@pytest.mark.parametrize("table", ["Team", "Player"])
def test_a_reference_in_a_circle_that_was_changed_after_the_plan_keeps_both(
    shop: Atelier, table: str
) -> None:
    plan = restored_circle(shop)
    undo = shop.undo(run_of(plan))
    ((record, _),) = shop.live(table).items()
    column, other = ("Lead", "Player") if table == "Team" else ("Team", "Team")
    newer = shop.make(other, "newer")
    shop.org.update(table, record, {column: newer})
    shop.restore(undo)
    assert shop.live(table)[record][column] == newer


@pytest.mark.parametrize("first", ["Team", "Player"])
def test_a_new_reference_to_a_record_that_goes_first_was_no_edit(shop: Atelier, first: str) -> None:
    """The org emptied the reference with the team, and the player looked as the plan saw him."""
    second, column = {"Team": ("Player", "Team"), "Player": ("Team", "Lead")}[first]
    back = {"Team": "Lead", "Player": "Team"}[first]
    leader = shop.make(second, "Ann")
    group = shop.make(first, "red", **{back: leader})
    shop.night()
    for table, record in ((first, group), (second, leader)):
        shop.lose(table, record)
    plan = shop.plan_of((first, group), (second, leader))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    (((live, _),), ((target, _),)) = shop.live(second).items(), shop.live(first).items()
    shop.org.update(second, live, {column: target})
    outcome = shop.restore(undo)
    assert shop.live(second)[live][column] == target
    assert {record.code for record in outcome.records} == {"restore-changed-since", "undo-stayed"}


def test_a_second_master_of_a_detail_that_stays_was_deleted(shop: Atelier) -> None:
    """A new reference to the detail kept one of its masters; the other took the detail along."""
    references = {
        name: Reference(("Account",), rule)
        for name, rule in (("First", DeleteRule.CASCADE), ("Second", DeleteRule.CASCADE))
    }
    columns = {"Name": WireKind.TEXT, **dict.fromkeys(references, WireKind.REFERENCE)}
    shop.org.add_table("Share", columns, references=references)
    shop.org.add_table(
        "Remark",
        {"Name": WireKind.TEXT, "About": WireKind.REFERENCE},
        references={"About": Reference(("Share",), DeleteRule.SET_NULL)},
    )
    first, second = shop.make("Account", "A"), shop.make("Account", "B")
    share = shop.make("Share", "both", First=first, Second=second)
    shop.night()
    for table, record in (("Share", share), ("Account", first), ("Account", second)):
        shop.lose(table, record)
    shop.night()
    plan = shop.plan_of(("Account", first), ("Account", second), ("Share", share))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    live, _ = shop.named("Share", "both")
    remark = shop.make("Remark", "new", About=live)
    outcome = shop.restore(undo)
    assert shop.live("Remark")[remark]["About"] == live
    assert len(shop.live("Account")) == 2
    assert {one.code for one in outcome.records} == {"restore-changed-since", "undo-stayed"}


def test_a_child_in_a_table_that_is_newer_than_the_backup_was_deleted(shop: Atelier) -> None:
    restored = Restored(shop)
    columns = {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE}
    rule = Reference(("Account",), DeleteRule.CASCADE)
    shop.org.add_table("Invoice", columns, references={"Account": rule})
    undo = shop.undo(restored.run)
    invoice = shop.make("Invoice", "one", Account=restored.live)
    execute(undo, replace(shop.restore_ports(), source=shop.planning().source))
    assert invoice in shop.live("Invoice")
    assert restored.live in shop.live("Account")


def test_a_table_that_the_org_shows_no_longer_keeps_the_records(shop: Atelier) -> None:
    """The plan had seen that no record refers to them."""
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    asked = shop.writer.referrers
    shop.writer.referrers = lambda queries: [
        None if query.table.name == "Memo" else rows
        for query, rows in zip(queries, asked(queries), strict=True)
    ]
    outcome = shop.restore(undo)
    assert restored.live in shop.live("Account")
    assert "does not show" in of(outcome, restored.live).sentence
