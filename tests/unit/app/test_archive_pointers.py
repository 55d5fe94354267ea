"""Updated parents of archived records: a number and a link, undone with the archive."""

from dataclasses import replace
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.alerts.public_address import set_address
from unlost.app.actions.orgs.approval_policy import change
from unlost.app.actions.orgs.bypass import change as change_bypass
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.restore_plan import PlanResult
from unlost.app.actions.restores.restore_run import resume_run
from unlost.engine.restore.planning import undo_pointers
from unlost.engine.restore.running import execute
from unlost.engine.restore.running.passes import archiving
from unlost.model.approval import ApprovalPolicy
from unlost.model.archive import ArchivePolicy, Comparison, Condition, ParentPointer
from unlost.model.bypass import Automation, AutomationKind, Bypass, BypassState
from unlost.model.errors import NotAllowed, NotFound, UsageError
from unlost.model.source.schema import WireKind
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

CONSOLE = "https://unlost.example.com"
POINTING = ArchivePolicy(
    "contacts",
    "Contact",
    (Condition("Name", Comparison.IS_NOT, ("Zoe",)),),
    pointer=ParentPointer("Account", "Archived", "Link"),
)


def pointing_shop(world: World) -> Shop:
    made = open_shop(world)
    for name, kind in (("Archived", WireKind.INTEGER), ("Link", WireKind.TEXT)):
        made.org.add_column("Account", name, kind)
    made.org.create("Contact", {"Name": "Zoe", "Account": CUSTOMER})
    made.org.update("Account", CUSTOMER, {"Archived": "3"})
    made.night()
    set_writer(made.app, WRITER)
    set_address(made.app, CONSOLE)
    return made


opened = scene(pointing_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    return made


def planned(shop: Shop, **pointer: str) -> PlanResult:
    assert POINTING.pointer is not None
    return shop.plan(archive=replace(POINTING, pointer=replace(POINTING.pointer, **pointer)))


def pointed(shop: Shop) -> tuple[str | None, str | None]:
    cells = shop.live("Account")[CUSTOMER]
    return cells.get("Archived"), cells.get("Link")


def link(shop: Shop) -> str:
    tenant = shop.org.identity.tenant
    return f"{CONSOLE}/open/{tenant}/Account/{CUSTOMER}/?state=archived"


def test_the_parent_gets_the_number_and_the_link(shop: Shop) -> None:
    plan = planned(shop)
    note = next(note for note in plan.summary.notes if note.code == "archive-pointers")
    assert (note.count, note.table) == (1, "Account")
    assert plan.summary.records == 2
    assert shop.run(plan).whole
    assert pointed(shop) == ("5", link(shop))


def test_one_column_is_enough(shop: Shop) -> None:
    shop.run(planned(shop, link=""))
    assert pointed(shop) == ("5", None)


def test_an_undo_sets_the_former_values(shop: Shop) -> None:
    result = shop.run(planned(shop))
    undo = shop.plan(undo=result.run)
    assert "undo-pointers" in {note.code for note in undo.summary.notes}
    assert undo.summary.records == 2  # the account is no step: only its two columns are set
    done = shop.run(undo)
    assert done.whole
    assert pointed(shop) == ("3", None)
    assert len(shop.live("Contact")) == 3
    shop.run(shop.plan(undo=done.run))
    assert pointed(shop) == ("5", link(shop))
    assert shop.run(shop.plan(undo=result.run)).whole
    assert pointed(shop) == ("3", None), "also after an undo of the undo"


@pytest.mark.parametrize("purged", [False, True])
@pytest.mark.parametrize("backed_up", [False, True])
def test_a_parent_that_came_back_with_the_undo_was_said_to_be_gone(
    shop: Shop, purged: bool, backed_up: bool
) -> None:
    result = shop.run(planned(shop))
    if backed_up:
        shop.night()
    shop.org.delete("Account", CUSTOMER, by="U9")
    if purged:
        shop.platform.purge_bin()
    done = shop.run(shop.plan(undo=result.run))
    names = [row["Name"] for row in shop.live("Account").values()]
    assert len(names) == len(set(names))
    accounts = [record for record in done.records if record.record == CUSTOMER]
    assert [record.ending for record in accounts if record.ending.good] != []
    assert {record.code for record in accounts} == {""}
    (account,) = (row for row in shop.live("Account").values() if row.get("Archived"))
    assert (account["Archived"], account.get("Link")) == ("3", None)


@pytest.mark.parametrize("refused", ["Contact", "Account"])
def test_a_parent_that_came_back_and_keeps_its_number_had_two_outcomes(
    shop: Shop, refused: str
) -> None:
    result = shop.run(planned(shop))
    shop.night()
    shop.org.delete("Account", CUSTOMER, by="U9")
    shop.platform.purge_bin()
    undo = shop.plan(undo=result.run)
    shop.writer.faults.plant("row", RowRefused("INVALID", "Not today."), table=refused)
    done = shop.run(undo)
    (account,) = (record for record in done.records if record.record == CUSTOMER)
    came_back = refused == "Contact"
    assert (account.code == "undo-pointer-kept") == came_back, account
    assert not account.ending.good
    assert (account.live in shop.live("Account")) == came_back


def test_an_undo_leaves_what_people_changed_since(shop: Shop) -> None:
    result = shop.run(planned(shop))
    shop.org.update("Account", CUSTOMER, {"Archived": "9"})
    done = shop.run(shop.plan(undo=result.run))
    assert [record.code for record in done.records] == ["restore-changed-since"]
    assert pointed(shop) == ("9", link(shop))


def test_a_parent_that_is_left_out_of_an_undo_is_written_all_the_same(shop: Shop) -> None:
    result = shop.run(planned(shop))
    undo = shop.plan(undo=result.run, without=(f"Account/{CUSTOMER}",))
    codes = {note.code for note in undo.summary.notes}
    assert "left-out" in codes
    assert "undo-pointers" not in codes
    assert shop.run(undo).whole
    assert pointed(shop) == ("5", link(shop))
    assert len(shop.live("Contact")) == 3


def test_the_undo_names_the_automation_of_the_parents(shop: Shop) -> None:
    shop.writer.bypasses[Bypass("flag", "Quiet")] = BypassState(on=False)
    change_bypass(shop.app, "sales", kind="flag", name="Quiet")
    shop.writer.automations = (Automation(AutomationKind.FLOW, "Rate_Account", "Account"),)
    result = shop.run(planned(shop))
    notes = {note.code: note for note in shop.plan(undo=result.run).summary.notes}
    assert "Rate_Account" in notes["automation-flow"].sentence
    assert notes["automation-flow"].table == "Account"


# --- two archives of one parent, undone in any order -------------------------------------------------


def archive_of(shop: Shop, name: str, **pointer: str) -> str:
    """Archive the contact of this name; returns the run."""
    assert POINTING.pointer is not None
    policy = replace(
        POINTING,
        conditions=(Condition("Name", Comparison.IS, (name,)),),
        pointer=replace(POINTING.pointer, **pointer),
    )
    result = shop.run(shop.plan(archive=policy))
    assert result.whole
    return result.run


def undone(shop: Shop, run: str) -> None:
    assert shop.run(shop.plan(undo=run)).whole


@pytest.mark.parametrize("between", [False, True])
def test_an_undo_of_the_earlier_archive_leaves_no_number_of_records_that_came_back(
    shop: Shop, *, between: bool
) -> None:
    """The number stayed, and the link stayed although nothing was archived any more."""
    first, second = archive_of(shop, "Ann"), archive_of(shop, "Ben")
    assert pointed(shop) == ("5", link(shop))
    undone(shop, first)
    assert pointed(shop) == ("4", link(shop))
    if between:  # the backup has the first contact as live
        shop.night()
    undone(shop, second)
    assert pointed(shop) == ("3", None)


def test_an_undo_of_the_later_archive_first_takes_all_back(shop: Shop) -> None:
    first, second = archive_of(shop, "Ann"), archive_of(shop, "Ben")
    undone(shop, second)
    assert pointed(shop) == ("4", link(shop))
    undone(shop, first)
    assert pointed(shop) == ("3", None)


def test_a_link_alone_stays_until_the_last_archive_is_undone(shop: Shop) -> None:
    """The undo of the first archive emptied the link, and the second one still needed it."""
    first, second = archive_of(shop, "Ann", count=""), archive_of(shop, "Ben", count="")
    undone(shop, first)
    assert pointed(shop) == ("3", link(shop))
    undone(shop, second)
    assert pointed(shop) == ("3", None)


def test_records_that_came_back_with_new_ids_are_not_archived_any_more(shop: Shop) -> None:
    first, second = archive_of(shop, "Ann"), archive_of(shop, "Ben")
    shop.platform.purge_bin()
    undone(shop, first)
    undone(shop, second)
    assert pointed(shop) == ("3", None)


def test_a_number_that_people_changed_between_two_archives_stays(shop: Shop) -> None:
    first = archive_of(shop, "Ann")
    shop.org.update("Account", CUSTOMER, {"Archived": "8"})
    archive_of(shop, "Ben")
    done = shop.run(shop.plan(undo=first))
    assert [record.code for record in done.records] == ["restore-changed-since"]
    assert pointed(shop) == ("9", link(shop))


@pytest.mark.parametrize("names", [("Ann",), ("Ann", "Ben")])
def test_a_second_undo_of_an_archive_takes_its_number_back_once(
    shop: Shop, names: tuple[str, ...]
) -> None:
    runs = [archive_of(shop, name) for name in names]
    undone(shop, runs[0])
    counted = pointed(shop)
    again = shop.plan(undo=runs[0])
    assert "undo-pointers" not in {note.code for note in again.summary.notes}
    shop.run(again)
    assert pointed(shop) == counted


def test_nothing_is_taken_off_a_parent_that_was_restored_in_between(shop: Shop) -> None:
    """The restored number does not include the archive: it is the former one already."""
    first = archive_of(shop, "Ann")
    assert shop.run(shop.plan(f"Account/{CUSTOMER}", related=False)).whole
    assert pointed(shop) == ("3", None)
    assert shop.run(shop.plan(undo=first)).whole
    assert pointed(shop) == ("3", None)


def test_the_journal_of_a_later_archive_was_erased(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = archive_of(shop, "Ann"), archive_of(shop, "Ben")
    real = undo_pointers.effects_of

    def erased(journal: Any, run: str) -> Any:
        if run == second:
            raise NotFound("run-unknown", "The vault has no journal of the run.")
        return real(journal, run)

    monkeypatch.setattr(undo_pointers, "effects_of", erased)
    done = shop.run(shop.plan(undo=first))
    assert [record.code for record in done.records] == ["restore-changed-since"]
    assert pointed(shop) == ("5", link(shop))


def test_other_columns_of_a_later_archive_are_a_named_conflict(shop: Shop) -> None:
    first = archive_of(shop, "Ann")
    archive_of(shop, "Ben", link="")
    done = shop.run(shop.plan(undo=first))
    assert [record.code for record in done.records] == ["restore-changed-since"]
    assert pointed(shop) == ("5", link(shop))


@pytest.mark.parametrize("fault", [Crash(), ReplyLost()])
def test_a_lost_answer_counts_once(shop: Shop, fault: Exception) -> None:
    plan = planned(shop)
    shop.writer.faults.plant("written", fault, table="Account")
    if isinstance(fault, Crash):
        with pytest.raises(Crash):
            shop.run(plan)
        shop.writer.faults.clear()
        assert resume_run(shop.app, plan.run).whole
    else:
        assert shop.run(plan).whole
    assert pointed(shop) == ("5", link(shop))


def test_only_records_that_left_count(shop: Shop) -> None:
    plan = planned(shop)
    shop.writer.faults.plant("row", RowRefused("DELETE_FAILED", "no"), table="Contact", times=1)
    shop.run(plan)
    assert pointed(shop)[0] == "4"


def test_a_parent_whose_records_all_stay_is_left_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(shop)
    monkeypatch.setattr(archiving, "_pending", lambda *_: [])
    shop.run(plan)
    assert pointed(shop) == ("3", None)


def test_a_refused_update_is_named(shop: Shop) -> None:
    plan = planned(shop)
    shop.writer.faults.plant("row", RowRefused("VALIDATION", "no"), table="Account")
    result = shop.run(plan)
    assert not result.whole
    assert [(r.table, r.record) for r in result.records if r.table == "Account"] == [
        ("Account", CUSTOMER)
    ]


def test_a_parent_that_is_gone_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(shop)
    delete = shop.platform.delete

    def first(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        shop.org.tables["Account"].records[CUSTOMER].deleted = True

    monkeypatch.setattr(shop.platform, "delete", first)
    result = shop.run(plan)
    assert "archive-pointer-gone" in {record.code for record in result.records}


@pytest.mark.parametrize(
    ("pointer", "code", "word"),
    [
        ({"column": "Name"}, "archive-pointer-column", "does not refer"),
        ({"column": "Absent"}, "archive-pointer-column", "does not refer"),
        ({"count": "Absent"}, "archive-pointer-column", "no such column"),
        ({"count": "Name"}, "archive-pointer-column", "name of the record"),
        ({"count": "Link"}, "archive-pointer-column", "The kind of this column is text"),
        ({"link": "Archived"}, "archive-pointer-column", "The kind of this column is integer"),
        ({"count": "", "link": ""}, "archive-pointer-empty", "no column"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    shop: Shop, pointer: dict[str, str], code: str, word: str
) -> None:
    with pytest.raises(UsageError) as refused:
        planned(shop, **pointer)
    assert refused.value.code == code
    assert word in refused.value.sentence


def test_a_column_that_the_write_user_may_not_change_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    capability = shop.platform.capability

    def narrow(table: str) -> object:
        known = capability(table)
        return replace(known, changeable=known.changeable - {"Link"})

    monkeypatch.setattr(shop.platform, "capability", narrow)
    with pytest.raises(UsageError) as refused:
        planned(shop)
    assert "may not change it" in refused.value.sentence


def test_a_link_needs_the_address_of_the_console(shop: Shop) -> None:
    set_address(shop.app, "")
    with pytest.raises(UsageError) as refused:
        planned(shop)
    assert refused.value.code == "archive-pointer-address"
    assert planned(shop, link="").summary.records == 2


# --- values of people, and records that do not come back ---------------------------------------------


def test_a_text_of_people_in_the_link_column_stays(shop: Shop) -> None:
    """An archive overwrote any text of the column, such as notes of people."""
    shop.org.update("Account", CUSTOMER, {"Link": "see the folder"})
    result = shop.run(planned(shop))
    assert pointed(shop) == ("5", "see the folder")
    named = {(str(record.key), record.code) for record in result.records}
    assert (f"Account/{CUSTOMER}", "archive-pointer-taken") in named, "only the number was written"
    shop.run(shop.plan(undo=result.run))
    assert pointed(shop) == ("3", "see the folder")


def test_a_link_alone_that_is_taken_is_named(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Link": "see the folder"})
    result = shop.run(planned(shop, count=""))
    assert "archive-pointer-taken" in {record.code for record in result.records}
    assert pointed(shop) == ("3", "see the folder")


def test_a_link_of_an_earlier_address_of_the_console_is_renewed(shop: Shop) -> None:
    old = link(shop).replace(CONSOLE, "https://old.example.com")
    shop.org.update("Account", CUSTOMER, {"Link": old})
    shop.run(planned(shop))
    assert pointed(shop) == ("5", link(shop))


def test_the_name_of_the_parent_is_no_place_for_a_link(shop: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        planned(shop, link="Name")
    assert caught.value.code == "archive-pointer-column"


def test_a_link_that_the_column_cannot_hold_is_refused_before_records_leave(shop: Shop) -> None:
    shop.org.add_column("Account", "Short", WireKind.TEXT)
    columns = shop.org.tables["Account"].columns
    columns["Short"] = replace(columns["Short"], length=20)
    shop.night()
    with pytest.raises(UsageError) as caught:
        planned(shop, link="Short")
    assert "It holds 20 characters" in str(caught.value)


def test_an_undo_that_brings_back_only_some_keeps_the_number(shop: Shop) -> None:
    """The account said that nothing of it is archived, and a contact still was."""
    result = shop.run(planned(shop))
    shop.platform.purge_bin()
    shop.writer.faults.plant("row", RowRefused("INVALID", "Not today."), table="Contact")
    done = shop.run(shop.plan(undo=result.run))
    assert not done.whole
    assert "undo-pointer-kept" in {record.code for record in done.records}
    assert pointed(shop) == ("5", link(shop))


def test_updated_parents_count_for_the_approval_of_many_records(shop: Shop) -> None:
    """A plan with 150 deletions and 150 updated accounts needed no second person above 200."""
    change(shop.app, "sales", ApprovalPolicy(records=2))
    with pytest.raises(NotAllowed) as caught:
        shop.run(planned(shop))
    assert caught.value.code == "restore-needs-approval"
    change(shop.app, "sales", ApprovalPolicy(records=3))
    assert shop.run(planned(shop)).whole


def test_a_resume_after_the_parents_were_updated_deletes_no_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(shop)
    locked = RowRefused("UNABLE_TO_LOCK_ROW", "locked")
    shop.writer.retryable = {locked.code}
    shop.writer.faults.plant("row", locked, table="Contact", after=1, times=3)
    with monkeypatch.context() as patch:
        patch.setattr(execute, "_close", _dies)
        with pytest.raises(Crash):
            shop.run(plan)
    live = shop.live("Contact")
    assert len(live) == 2
    result = resume_run(shop.app, plan.run)
    assert shop.live("Contact") == live
    assert "archive-counted" in {record.code for record in result.records}
    assert pointed(shop)[0] == "4"


def _dies(_: object) -> None:
    raise Crash


def test_what_a_flow_deletes_when_the_parents_are_updated_is_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, update = planned(shop), shop.platform.update
    zoe = next(key for key, cells in shop.live("Contact").items() if cells["Name"] == "Zoe")

    def flow(table: str, record: str, cells: Any, *, by: str) -> None:
        update(table, record, cells, by=by)
        shop.platform.delete("Contact", zoe, by=by)

    monkeypatch.setattr(shop.platform, "update", flow)
    result = shop.run(plan)
    codes = {str(record.key): record.code for record in result.records}
    assert codes[f"Contact/{zoe}"] == "archive-vanished"
    assert pointed(shop)[0] == "5"
