"""A corrected record: values of any version, or typed, on the live record, the lost one, a new one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import of
from unlost.engine.restore.planning.plan import RelatedPolicy, plan_again, plan_restore
from unlost.engine.restore.planning.shown.summary import TypedRecord, summary
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.cells import value_digest
from unlost.engine.restore.values.edits import Edits, edits_of, merged
from unlost.engine.restore.values.outcome import Ending
from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan
from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.plan import Action, RecordKey, RestorePlan, Selection, SelectionKind, TakenValue
from unlost.model.source.schema import WireKind
from unlost.model.source.writing import Identity, MatchKey
from unlost.testing.platform import RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


def corrected(
    shop: Atelier,
    *records: tuple[str, str],
    taken: dict[str, int] | None = None,
    typed: dict[str, str | None] | None = None,
    at: int | None = None,
    **selected: Any,
) -> RestorePlan:
    """A correction of records: each takes these columns from these backups, and the typed values."""
    keys = tuple(RecordKey(*record) for record in records)
    edits = Edits(
        dict.fromkeys(keys, typed) if typed else {},
        taken=dict.fromkeys(keys, taken) if taken else {},
    )
    shop.plans += 1
    plan = plan_restore(
        shop.oid,
        shop.planning(),
        Selection(SelectionKind.CORRECTION, keys, **selected),
        at=at,
        edits=edits,
        plan_id=f"plan-{shop.plans}",
    )
    return read_plan(write_plan(plan))


class Changed:
    """An account whose name and number changed twice: backup 1 a/1, backup 2 b/2, backup 3 c/3."""

    def __init__(self, shop: Atelier) -> None:
        self.account = shop.make("Account", "a", Number="1")
        self.contact = shop.make("Contact", "Ann", Account=self.account)
        shop.night()
        self.nights = [shop.head.info.number]
        for name, number in (("b", "2"), ("c", "3")):
            shop.org.update("Account", self.account, {"Name": name, "Number": number})
            shop.night()
            self.nights.append(shop.head.info.number)

    @property
    def key(self) -> tuple[str, str]:
        return "Account", self.account


def test_a_live_record_takes_each_value_from_its_own_backup(shop: Atelier) -> None:
    changed = Changed(shop)
    first, second, _ = changed.nights
    plan = corrected(shop, changed.key, taken={"Name": first, "Number": second})
    step = step_of(plan, changed.account)
    assert (step.action, step.columns) == (Action.UPDATE, ("Name", "Number"))
    assert (step.taken, step.edits) == ({"Name": first, "Number": second}, {})
    assert len(plan.steps) == 1
    outcome = shop.restore(plan)
    assert outcome.whole
    assert shop.live("Account")[changed.account]["Name"] == "a"
    assert shop.live("Account")[changed.account]["Number"] == "2"


def test_a_plan_has_no_value_of_another_backup_in_it(shop: Atelier) -> None:
    account = shop.make("Account", "Kaffeehaus Sperl", Number="1")
    shop.night()
    first = shop.head.info.number
    shop.org.update("Account", account, {"Name": "b"})
    shop.night()
    plan = corrected(shop, ("Account", account), taken={"Name": first})
    assert b"Sperl" not in write_plan(plan)
    assert plan.typed.taken == (TakenValue("Account", account, "Name", first),)
    assert summary(plan).edited == (TypedRecord("Account", account, ("Name",)),)
    assert note_of(plan, "typed").count == 1


def test_other_columns_stay_as_people_left_them(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.org.update("Account", changed.account, {"Number": "4"})
    shop.restore(corrected(shop, changed.key, typed={"Name": None}))
    cells = shop.live("Account")[changed.account]
    assert (cells.get("Name"), cells["Number"]) == (None, "4")


def test_a_typed_value_counts_more_than_one_of_a_backup(shop: Atelier) -> None:
    changed = Changed(shop)
    plan = corrected(shop, changed.key, taken={"Name": changed.nights[0]}, typed={"Name": "z"})
    assert (step_of(plan, changed.account).taken, plan.steps[0].taken_digest) == ({}, "")
    shop.restore(plan)
    assert shop.live("Account")[changed.account]["Name"] == "z"


def test_a_correction_overwrites_what_came_after_the_newest_backup(shop: Atelier) -> None:
    """A person chose this value for this record."""
    changed = Changed(shop)
    shop.org.update("Account", changed.account, {"Name": "d"})
    shop.restore(corrected(shop, changed.key, taken={"Name": changed.nights[0]}))
    assert shop.live("Account")[changed.account]["Name"] == "a"


def test_a_correction_of_many_keeps_what_was_changed_since(shop: Atelier) -> None:
    changed = Changed(shop)
    first, _, third = changed.nights
    shop.org.update("Account", changed.account, {"Name": "d"})
    plan = corrected(shop, changed.key, taken={"Name": first}, typed={"Number": "9"}, until=third)
    assert note_of(plan, "changed-since").count == 1
    assert step_of(plan, changed.account).columns == ("Number",)
    shop.restore(plan)
    cells = shop.live("Account")[changed.account]
    assert (cells["Name"], cells["Number"]) == ("d", "9")


def test_a_typed_value_of_a_correction_of_many_does_not_overwrite_a_newer_one(
    shop: Atelier,
) -> None:
    changed = Changed(shop)
    shop.org.update("Account", changed.account, {"Name": "d"})
    plan = corrected(shop, changed.key, typed={"Name": "a"}, until=changed.nights[2])
    assert actions(plan) == {changed.account: Action.UNCHANGED}
    assert codes(plan) >= {"changed-since"}


def test_columns_whose_newer_value_was_seen_are_set_and_others_kept(shop: Atelier) -> None:
    changed = Changed(shop)
    first, _, third = changed.nights
    shop.org.update("Account", changed.account, {"Name": "d", "Number": "4"})
    seen = {f"Account/{changed.account}": ("Name",)}
    plan = corrected(
        shop, changed.key, taken={"Name": first, "Number": first}, until=third, overwritten=seen
    )
    assert note_of(plan, "changed-since").count == 1
    assert step_of(plan, changed.account).columns == ("Name",)
    shop.restore(plan)
    cells = shop.live("Account")[changed.account]
    assert (cells["Name"], cells["Number"]) == ("a", "4")


def test_a_value_that_changed_again_after_it_was_seen_was_overwritten(shop: Atelier) -> None:
    changed = Changed(shop)
    first, _, third = changed.nights
    shop.org.update("Account", changed.account, {"Name": "d", "Number": "4"})
    key = f"Account/{changed.account}"
    values = {
        "Name": value_digest(WireKind.TEXT, "seen"),
        "Number": value_digest(WireKind.TEXT, "4"),
    }
    plan = corrected(
        shop,
        changed.key,
        taken={"Name": first, "Number": first},
        until=third,
        overwritten={key: ("Name", "Number")},
        seen={key: values},
    )
    assert note_of(plan, "changed-since").count == 1
    assert step_of(plan, changed.account).columns == ("Number",)
    shop.restore(plan)
    assert shop.live("Account")[changed.account]["Name"] == "d"


def test_a_value_that_was_emptied_or_put_back_after_it_was_seen_stays(shop: Atelier) -> None:
    changed = Changed(shop)
    first, _, third = changed.nights
    shop.org.update("Account", changed.account, {"Number": None})
    key = f"Account/{changed.account}"
    seen = {"Name": value_digest(WireKind.TEXT, "d"), "Number": value_digest(WireKind.TEXT, "4")}
    plan = corrected(
        shop,
        changed.key,
        taken={"Name": first, "Number": first},
        until=third,
        overwritten={key: ("Name", "Number")},
        seen={key: seen},
    )
    assert actions(plan) == {changed.account: Action.UNCHANGED}


def test_chosen_columns_of_many_records_are_put_back_except_where_they_changed_since(
    shop: Atelier,
) -> None:
    """The plain way: one backup for all of them, no value chosen for one."""
    records = [shop.make("Account", f"n{number}", Number="1") for number in range(3)]
    shop.night()
    first = shop.head.info.number
    for record in records:
        shop.org.update("Account", record, {"Number": "wrong"})
    shop.night()
    shop.org.update("Account", records[1], {"Number": "by hand"})
    keys = tuple(RecordKey("Account", record) for record in records)
    selection = Selection(
        SelectionKind.RECORDS, keys, columns=("Number",), until=shop.head.info.number
    )
    plan = shop.planned(selection, at=first)
    shop.restore(plan)
    numbers = [shop.live("Account")[record]["Number"] for record in records]
    assert numbers == ["1", "by hand", "1"]


def test_a_gone_record_comes_back_whole_and_corrected(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.lose("Account", changed.account)
    plan = corrected(shop, changed.key, taken={"Number": changed.nights[0]})
    assert actions(plan) == {changed.account: Action.CREATE, changed.contact: Action.CREATE}
    assert shop.restore(plan).whole
    _, cells = shop.named("Account", "c")
    assert cells["Number"] == "1"
    assert shop.named("Contact", "Ann")


def test_a_record_in_the_bin_leaves_it_corrected(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.allow("Account", identity=Identity.UNDELETE)
    shop.platform.delete("Account", changed.account, by="U2")
    plan = corrected(shop, changed.key, taken={"Number": changed.nights[0]})
    assert step_of(plan, changed.account).action is Action.UNDELETE
    shop.restore(plan)
    cells = shop.live("Account")[changed.account]
    assert (cells["Name"], cells["Number"]) == ("c", "1")


# --- a new record beside it ------------------------------------------------------------------------


def test_a_corrected_record_comes_beside_the_live_one(shop: Atelier) -> None:
    changed = Changed(shop)
    plan = corrected(shop, changed.key, taken={"Name": changed.nights[0]}, beside=True)
    assert actions(plan) == {changed.account: Action.CREATE}
    assert note_of(plan, "beside").count == 1
    outcome = shop.restore(plan)
    assert outcome.whole
    assert sorted(c["Name"] or "" for c in shop.live("Account").values()) == ["a", "c"]
    _, cells = shop.named("Account", "a")
    assert cells["Number"] == "3"
    assert shop.named("Contact", "Ann")[1]["Account"] == changed.account


def test_the_new_record_is_not_taken_for_the_first_one(shop: Atelier) -> None:
    """Nothing that refers to the first record ever leads to the new one."""
    changed = Changed(shop)
    shop.restore(corrected(shop, changed.key, typed={"Name": "new"}, beside=True))
    assert shop.vault.lineage(shop.oid) == []
    shop.night()
    assert shop.plan_of(changed.key).steps[0].action is Action.UNCHANGED
    shop.lose("Account", changed.account)
    shop.restore(shop.plan_of(changed.key))
    assert len(shop.live("Account")) == 2


def test_two_new_records_can_come_beside_one(shop: Atelier) -> None:
    changed = Changed(shop)
    for name in ("x", "y"):
        shop.restore(corrected(shop, changed.key, typed={"Name": name}, beside=True))
    assert sorted(c["Name"] or "" for c in shop.live("Account").values()) == ["c", "x", "y"]


def test_a_plain_copy_needs_no_chosen_value(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.restore(corrected(shop, changed.key, beside=True, at=changed.nights[0]))
    assert sorted(c["Name"] or "" for c in shop.live("Account").values()) == ["a", "c"]


def test_a_unique_value_of_the_first_record_must_be_another_one(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.allow("Account", keys=(MatchKey(("Number",)),))
    plan = corrected(shop, changed.key, typed={"Name": "new"}, beside=True)
    assert actions(plan) == {changed.account: Action.SKIP}
    assert note_of(plan, "key-taken").weight.value == "block"
    other = corrected(shop, changed.key, typed={"Number": "77"}, beside=True)
    shop.restore(other)
    assert sorted(c["Number"] or "" for c in shop.live("Account").values()) == ["3", "77"]


def test_a_new_record_never_overwrites_the_one_that_people_made_since(shop: Atelier) -> None:
    """Asked for a new record beside a lost one, a plan took the live record with its number."""
    changed = Changed(shop)
    shop.allow("Account", keys=(MatchKey(("Number",)),))
    shop.lose("Account", changed.account)
    twin = shop.make("Account", "By hand", Number="3")
    plan = corrected(shop, changed.key, typed={"Name": "new"}, beside=True)
    assert actions(plan) == {changed.account: Action.SKIP}
    assert note_of(plan, "key-taken").weight.value == "block"
    shop.restore(plan)
    assert shop.live("Account")[twin]["Name"] == "By hand"


def test_a_new_record_is_undone_and_the_undo_as_well(shop: Atelier) -> None:
    changed = Changed(shop)
    plan = corrected(shop, changed.key, typed={"Name": "new"}, beside=True)
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    assert list(shop.live("Account")) == [changed.account]
    shop.platform.purge_bin()
    shop.restore(shop.undo(run_of(undo)))
    assert sorted(c["Name"] or "" for c in shop.live("Account").values()) == ["c", "new"]
    assert changed.account not in {row.old for row in shop.vault.lineage(shop.oid)}


def test_a_correction_is_undone(shop: Atelier) -> None:
    changed = Changed(shop)
    plan = corrected(shop, changed.key, taken={"Name": changed.nights[0]})
    shop.restore(plan)
    shop.restore(shop.undo(run_of(plan)))
    assert shop.live("Account")[changed.account]["Name"] == "c"


# --- references -------------------------------------------------------------------------------------


def test_a_taken_reference_brings_its_lost_record_back(shop: Atelier) -> None:
    parent, other = shop.make("Account", "p"), shop.make("Account", "o")
    child = shop.make("Account", "c", Parent=parent)
    shop.night()
    first = shop.head.info.number
    shop.org.update("Account", child, {"Parent": other})
    shop.night()
    shop.lose("Account", parent)
    plan = corrected(shop, ("Account", child), taken={"Parent": first})
    assert actions(plan) == {child: Action.UPDATE, parent: Action.CREATE}
    shop.restore(plan)
    assert shop.live("Account")[child]["Parent"] == shop.named("Account", "p")[0]


# --- bad input, and what moved since -----------------------------------------------------------------


def test_a_live_record_without_a_chosen_value_stays_as_it_is(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.org.update("Account", changed.account, {"Name": "d"})
    assert actions(corrected(shop, changed.key)) == {changed.account: Action.UNCHANGED}


def test_a_lost_record_without_a_chosen_value_comes_back_as_it_was(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.lose("Account", changed.account)
    shop.restore(corrected(shop, changed.key))
    assert shop.named("Account", "c")[1]["Number"] == "3"


def test_a_backup_without_the_record_is_named(shop: Atelier) -> None:
    shop.make("Account", "first")
    shop.night()
    first = shop.head.info.number
    changed = Changed(shop)
    with pytest.raises(NotFound, match=f"did not exist in backup {first}"):
        corrected(shop, changed.key, taken={"Name": first})


def test_a_backup_before_the_table_was_there_is_named(shop: Atelier) -> None:
    shop.night()
    first = shop.head.info.number
    shop.org.add_table("Sweet", {"Name": WireKind.TEXT})
    sweet = shop.org.create("Sweet", {"Name": "s"})
    shop.night()
    with pytest.raises(NotFound, match=f"did not exist in backup {first}"):
        corrected(shop, ("Sweet", sweet), taken={"Name": first})


def test_a_column_that_the_backup_lacks_is_named(shop: Atelier) -> None:
    changed = Changed(shop)
    columns = shop.org.tables["Account"].columns
    columns["Grade"] = replace(columns["Name"], name="Grade")
    shop.night()
    with pytest.raises(UsageError) as caught:
        corrected(shop, changed.key, taken={"Grade": changed.nights[0]})
    assert caught.value.code == "edit-column-unknown"


@pytest.mark.parametrize(
    ("column", "code"), [("Id", "edit-column-fixed"), ("X", "edit-column-unknown")]
)
def test_a_column_that_cannot_be_set_is_refused(shop: Atelier, column: str, code: str) -> None:
    changed = Changed(shop)
    with pytest.raises(UsageError) as caught:
        corrected(shop, changed.key, taken={column: changed.nights[0]})
    assert caught.value.code == code


def test_a_value_for_a_record_outside_the_plan_is_refused(shop: Atelier) -> None:
    changed = Changed(shop)
    other = RecordKey("Account", shop.make("Account", "other"))
    shop.night()
    edits = Edits(taken={other: {"Name": changed.nights[0]}})
    selection = Selection(SelectionKind.RECORDS, (RecordKey(*changed.key),))
    with pytest.raises(UsageError) as caught:
        plan_restore(shop.oid, shop.planning(), selection, edits=edits, plan_id="p")
    assert caught.value.code == "edit-record-unknown"


def test_a_value_that_is_not_the_previewed_one_is_never_written(shop: Atelier) -> None:
    changed = Changed(shop)
    plan = corrected(shop, changed.key, taken={"Name": changed.nights[0]})
    step = replace(plan.steps[0], taken={"Name": changed.nights[1]})
    with pytest.raises(IntegrityError) as caught:
        shop.restore(sealed(replace(plan, steps=(step,))))
    assert caught.value.code == "restore-version-moved"
    assert shop.live("Account")[changed.account]["Name"] == "c"


# --- a second attempt, and any other plan -------------------------------------------------------------


def test_a_retry_corrects_the_same_values(shop: Atelier) -> None:
    changed = Changed(shop)
    plan = corrected(shop, changed.key, taken={"Name": changed.nights[0]}, typed={"Number": "9"})
    shop.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Account")
    assert of(shop.restore(plan), changed.account).ending is Ending.FAILED
    retry = plan_again(plan, {RecordKey(*changed.key)}, shop.planning(), plan_id="try-2")
    shop.restore(retry)
    cells = shop.live("Account")[changed.account]
    assert (cells["Name"], cells["Number"]) == ("a", "9")


def test_a_retry_of_chosen_columns_keeps_newer_values_as_the_first_try(shop: Atelier) -> None:
    changed = Changed(shop)
    first, _, third = changed.nights
    selection = Selection(
        SelectionKind.RECORDS, (RecordKey(*changed.key),), columns=("Name",), until=third
    )
    plan = shop.planned(selection, at=first)
    shop.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Account")
    shop.restore(plan)
    shop.org.update("Account", changed.account, {"Name": "by hand"})
    retry = plan_again(plan, {RecordKey(*changed.key)}, shop.planning(), plan_id="try-2")
    assert note_of(retry, "changed-since").count == 1


def test_a_related_record_takes_a_value_of_another_backup_too(shop: Atelier) -> None:
    changed = Changed(shop)
    shop.org.update("Contact", changed.contact, {"Name": "Anna"})
    shop.night()
    shop.lose("Account", changed.account)
    edits = Edits(taken={RecordKey("Contact", changed.contact): {"Name": changed.nights[0]}})
    selection = Selection(SelectionKind.RECORDS, (RecordKey(*changed.key),))
    plan = plan_restore(shop.oid, shop.planning(), selection, edits=edits, plan_id="p")
    shop.restore(plan)
    assert shop.named("Contact", "Ann")


def test_taken_values_of_two_requests_are_merged() -> None:
    key, other = RecordKey("T", "1"), RecordKey("T", "2")
    both = merged(
        Edits(taken={key: {"a": 1, "b": 1}}), Edits(taken={key: {"b": 2}, other: {"c": 3}})
    )
    assert both.taken == {key: {"a": 1, "b": 2}, other: {"c": 3}}
    assert edits_of(both.as_plan()) == both
    assert edits_of(both.as_plan(), only=[other]).taken == {other: {"c": 3}}
    assert both.records == {key, other}


def test_what_comes_along_stays_with_the_first_record(shop: Atelier) -> None:
    """A lost team leads to the first player, not to the one that is created beside it."""
    team = shop.make("Team", "t")
    player = shop.make("Player", "p", Team=team)
    shop.org.update("Team", team, {"Lead": player})
    shop.night()
    shop.lose("Team", team)
    key = RecordKey("Player", player)
    plan = plan_restore(
        shop.oid, shop.planning(), Selection(SelectionKind.CORRECTION, (key,), beside=True),
        edits=Edits({key: {"Name": "q"}}), plan_id="beside",
    )  # fmt: skip
    shop.restore(plan)
    new, cells = shop.named("Player", "q")
    (lead,) = [cells["Lead"] for cells in shop.live("Team").values()]
    assert (lead, new != player) == (player, True)
    assert cells["Team"] in shop.live("Team")


def test_a_reference_counted_as_changed_as_its_record_came_back_with_a_new_id(
    shop: Atelier,
) -> None:
    """A correction of many records left it, as if people had changed it."""
    parent, child = parent_and_child(shop)
    shop.restore(shop.plan_of(parent, child))
    shop.night()
    plan = corrected(shop, child, typed={"Parent": None}, until=shop.head.info.number)
    assert shop.restore(plan).whole
    _, cells = shop.named("Account", "c")
    assert cells.get("Parent") is None


def parent_and_child(shop: Atelier) -> tuple[tuple[str, str], tuple[str, str]]:
    """Two accounts that a backup has, and that are lost for ever."""
    parent = shop.make("Account", "p")
    child = shop.make("Account", "c", Parent=parent)
    shop.night()
    for account in (child, parent):
        shop.lose("Account", account)
    shop.platform.purge_bin()
    return ("Account", parent), ("Account", child)


def test_a_value_counted_as_changed_since_in_a_record_that_has_a_new_id(shop: Atelier) -> None:
    """The newest backup has the value, under the new id; the correction names the former one."""
    account = shop.make("Account", "a")
    shop.night()
    shop.lose("Account", account)
    shop.platform.purge_bin()
    shop.restore(shop.plan_of(("Account", account)))
    shop.org.update("Account", shop.named("Account", "a")[0], {"Name": "b"})
    shop.night()
    until = shop.head.info.number
    plan = corrected(shop, ("Account", account), typed={"Name": "c"}, until=until)
    assert shop.restore(plan).whole
    assert shop.named("Account", "c")


@pytest.mark.parametrize("newer", [False, True])
def test_a_copy_names_the_record_that_came_back_though_that_is_copied_too(
    shop: Atelier, newer: bool
) -> None:
    """``newer``: the copied state of the parent is that of its new id."""
    parent, child = parent_and_child(shop)
    shop.restore(shop.plan_of(parent, related=RelatedPolicy.NONE))
    now, _ = shop.named("Account", "p")
    if newer:
        shop.night()
        parent = "Account", now
    outcome = shop.restore(corrected(shop, child, parent, typed={"Name": "copy"}, beside=True))
    assert outcome.whole
    parents = [cells.get("Parent") for cells in shop.live("Account").values()]
    assert sorted(parents, key=str) == sorted([None, None, now], key=str)


def test_a_copy_names_its_lost_parent_though_that_is_copied_too(shop: Atelier) -> None:
    """The copy of the parent is another record, so the reference stays empty."""
    parent, child = parent_and_child(shop)
    plan = corrected(shop, child, parent, typed={"Name": "copy"}, beside=True)
    assert [(gap.record, gap.target) for gap in plan.empty] == [(child[1], "/".join(parent))]
    outcome = shop.restore(plan)
    assert not outcome.whole
    assert {cells.get("Parent") for cells in shop.live("Account").values()} == {None}


def test_a_detail_that_could_not_be_moved_away_keeps_its_master(shop: Atelier) -> None:
    """The org would delete it with its master, though it was there before the run."""
    first, second = (shop.make("Account", name) for name in "ab")
    contact = shop.make("Contact", "Ann", Account=first)
    shop.night()
    backup = shop.head.info.number
    shop.org.update("Contact", contact, {"Account": second})
    shop.night()
    shop.lose("Account", first)
    key = RecordKey("Contact", contact)
    plan = plan_restore(
        shop.oid,
        shop.planning(),
        Selection(SelectionKind.CORRECTION, (key,)),
        edits=Edits(taken={key: {"Account": backup}}),
        plan_id="moves",
    )
    shop.restore(plan)
    master, _ = shop.named("Account", "a")
    assert shop.live("Contact")[contact]["Account"] == master
    undo = shop.undo(run_of(plan))
    shop.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Contact")
    outcome = shop.restore(undo)
    assert of(outcome, contact).ending is Ending.FAILED
    stayed = of(outcome, master)
    assert (stayed.ending, stayed.code) == (Ending.FAILED, "undo-stayed")
    assert shop.live("Contact")[contact]["Account"] == master
