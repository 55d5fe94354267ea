"""Running a plan: records come back, nothing is doubled, every difference is named."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.workshop import (
    Lost,
    Overwritten,
    Workshop,
    add_editions,
    endings,
    levels,
    of,
)
from unlost.engine.restore.values.outcome import Difference, Ending
from unlost.model.errors import Conflict, IntegrityError, UsageError
from unlost.model.plan import Action, RecordKey
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.progress import Phase
from unlost.model.source.schema import Reference, WireKind
from unlost.model.source.writing import (
    Birth,
    Gather,
    LateColumn,
    NeverColumn,
    NeverReason,
    WriteCapability,
)
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.testing.platform import EVERY_OP, RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_a_lost_record_comes_back_with_its_detail_under_new_ids(shop: Workshop) -> None:
    lost = Lost(shop)
    outcome = shop.restore(shop.plan(*lost.steps))
    account, cells = shop.named("Account", "Candy")
    _, contact = shop.named("Contact", "Ann")
    assert account != lost.account
    assert cells["Number"] == "007"
    assert contact["Account"] == account
    assert endings(outcome) == {lost.account: Ending.CREATED, lost.contact: Ending.CREATED}
    assert of(outcome, lost.account).live == account
    assert all(one.differences == () for one in outcome.records)
    assert outcome.whole
    assert outcome.calls == 2
    assert outcome.counts == {Ending.CREATED: 2}


def test_a_record_that_was_read_back_was_counted_twice(shop: Workshop) -> None:
    plan = shop.plan(*Lost(shop).steps)
    shop.observer.events.clear()
    shop.restore(plan)
    rows = Counter[str]()
    for event in shop.observer.events:
        rows[event.table] += event.rows
    assert (rows["Account"], rows["Contact"]) == (1, 1)
    assert any(event.phase is Phase.READ_BACK for event in shop.observer.events)


def test_the_closing_commit_holds_the_lineage_and_is_no_night(shop: Workshop) -> None:
    lost = Lost(shop)
    nights = [info.number for info in shop.vault.snapshots(shop.oid)]
    shop.restore(shop.plan(*lost.steps))
    account, _ = shop.named("Account", "Candy")
    (row,) = shop.vault.lineage(shop.oid, table="Account", records=[lost.account])
    assert (row.old, row.live, row.target) == (lost.account, account, shop.oid)
    assert [info.number for info in shop.vault.snapshots(shop.oid)] == nights


def test_restoring_twice_changes_nothing(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    first = shop.restore(plan)
    writes = shop.writes()
    assert shop.restore(plan) == first
    assert shop.writes() == writes
    assert len(shop.live("Account")) == 1


def test_another_plan_under_the_same_name_is_refused(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.restore(shop.plan(*lost.steps))
    with pytest.raises(Conflict) as caught:
        shop.restore(shop.plan(lost.steps[0]))
    assert caught.value.code == "restore-other-plan"


def test_a_plan_with_a_record_that_was_erased_since_is_refused(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    wish = Erase((RecordKey("Account", lost.account),), by="admin")
    shop.vault.apply(shop.oid, unconditional(wish), run="erase-1")
    with pytest.raises(Conflict) as caught:
        shop.restore(plan)
    assert caught.value.code == "restore-erased"
    assert list(shop.vault.journals(shop.oid)) == []
    assert shop.live("Account") == {}


def test_two_runs_at_once_are_refused(shop: Workshop) -> None:
    lost = Lost(shop)
    with (
        shop.lease.hold(shop.oid, kind=RunKind.RESTORE, run="other"),
        pytest.raises(Conflict),
    ):
        shop.restore(shop.plan(*lost.steps))
    assert shop.writes() == []


def test_a_writer_of_another_org_is_refused(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.org.identity = replace(shop.org.identity, tenant="elsewhere")
    with pytest.raises(UsageError) as caught:
        shop.restore(shop.plan(*lost.steps))
    assert caught.value.code == "other-org"
    assert shop.writes() == []


def test_a_version_that_is_not_the_planned_one_stops_the_run(shop: Workshop) -> None:
    lost = Lost(shop)
    steps = (replace(lost.steps[0], digest="0" * 32), lost.steps[1])
    with pytest.raises(IntegrityError) as caught:
        shop.restore(shop.plan(*steps))
    assert caught.value.code == "restore-version-moved"
    steps = (replace(lost.steps[0], record="nobody"), lost.steps[1])
    with pytest.raises(IntegrityError):
        shop.restore(shop.plan(*steps, name="p2"))
    assert shop.writes() == []


def test_typed_values_replace_those_of_the_vault(shop: Workshop) -> None:
    lost = Lost(shop)
    edited = replace(lost.steps[0], edits={"Number": "008"})
    shop.restore(shop.plan(edited, lost.steps[1]))
    assert shop.named("Account", "Candy")[1]["Number"] == "008"


# --- out of the bin -------------------------------------------------------------------------------


def test_a_master_comes_out_of_the_bin_with_its_details_and_their_ids(shop: Workshop) -> None:
    account = shop.make("Account", "Candy")
    contact = shop.make("Contact", "Ann", Account=account)
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    shop.night()
    steps = levels(
        [
            shop.step("Account", account, Action.UNDELETE, live=account),
            shop.step("Contact", contact, Action.UNDELETE, live=contact),
        ]
    )
    outcome = shop.restore(shop.plan(*steps))
    assert endings(outcome) == {account: Ending.UNDELETED, contact: Ending.UNDELETED}
    assert shop.writes() == [("undelete", "Account", 1)]
    assert account in shop.live("Account")
    assert shop.vault.lineage(shop.oid) == []


def test_columns_are_set_on_what_came_out_of_the_bin(shop: Workshop) -> None:
    account = shop.make("Account", "Candy", Number="007")
    shop.night()
    shop.org.update("Account", account, {"Number": "x"})
    shop.platform.delete("Account", account, by="U2")
    step = shop.step("Account", account, Action.UNDELETE, live=account, columns=("Number",))
    shop.restore(shop.plan(step))
    assert shop.live("Account")[account]["Number"] == "007"


def test_what_left_the_bin_since_the_plan_is_named(shop: Workshop) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    step = shop.step("Account", account, Action.UNDELETE, live=account, columns=("Name",))
    shop.platform.purge_bin()
    outcome = shop.restore(shop.plan(step))
    assert of(outcome, account).ending is Ending.FAILED
    assert "recycle bin" in of(outcome, account).sentence
    assert not outcome.whole


# --- columns --------------------------------------------------------------------------------------


def test_overwritten_columns_are_put_back_and_no_other(shop: Workshop) -> None:
    over = Overwritten(shop)
    shop.org.update("Account", over.account, {"Name": "Candy Ltd"})
    outcome = shop.restore(shop.plan(replace(over.step, expect=over.expect)))
    cells = shop.live("Account")[over.account]
    assert (cells["Number"], cells["Name"]) == ("007", "Candy Ltd")
    assert endings(outcome) == {over.account: Ending.UPDATED}
    assert outcome.records[0].differences == (Difference("Name", "not-set"),)


def test_a_record_that_changed_since_the_plan_is_a_conflict_and_left_alone(shop: Workshop) -> None:
    over = Overwritten(shop)
    shop.org.update("Account", over.account, {"Number": "123"})
    outcome = shop.restore(shop.plan(replace(over.step, expect=over.expect)))
    assert of(outcome, over.account).ending is Ending.CONFLICT
    assert shop.live("Account")[over.account]["Number"] == "123"
    assert shop.writes() == []


def test_a_record_that_is_as_wanted_already_takes_no_call(shop: Workshop) -> None:
    over = Overwritten(shop)
    shop.org.update("Account", over.account, {"Number": "007"})
    outcome = shop.restore(shop.plan(replace(over.step, expect=over.expect)))
    assert of(outcome, over.account).ending is Ending.UPDATED
    assert shop.writes() == []


def test_a_record_that_vanished_since_the_plan_is_a_conflict(shop: Workshop) -> None:
    over = Overwritten(shop)
    shop.lose("Account", over.account)
    outcome = shop.restore(shop.plan(replace(over.step, expect=over.expect)))
    assert of(outcome, over.account).ending is Ending.CONFLICT


def test_a_cell_can_be_cleared(shop: Workshop) -> None:
    account = shop.make("Account", "Candy", Number=None)
    shop.night()
    step = shop.step("Account", account, Action.UPDATE, live=account, columns=("Number",))
    shop.org.update("Account", account, {"Number": "1"})
    shop.restore(shop.plan(step))
    assert shop.live("Account")[account]["Number"] is None


def test_a_live_twin_is_adopted_and_completed(shop: Workshop) -> None:
    lost = Lost(shop)
    twin = shop.make("Account", "Candy (new)", Number="007")
    steps = (
        replace(lost.steps[0], action=Action.ADOPT, live=twin, columns=("Name",)),
        lost.steps[1],
    )
    outcome = shop.restore(shop.plan(*steps))
    assert list(shop.live("Account")) == [twin]
    assert shop.named("Contact", "Ann")[1]["Account"] == twin
    assert of(outcome, lost.account).ending is Ending.ADOPTED
    (row,) = shop.vault.lineage(shop.oid, table="Account", records=[lost.account])
    assert row.live == twin


# --- references -----------------------------------------------------------------------------------


def test_a_cycle_is_closed_in_a_second_pass(shop: Workshop) -> None:
    first = shop.make("Account", "Mother")
    second = shop.make("Account", "Daughter", Parent=first)
    shop.org.update("Account", first, {"Parent": second})
    shop.night()
    for record in (first, second):
        shop.platform.delete("Account", record, by="U2")
    shop.platform.purge_bin()
    steps = (
        shop.step("Account", first, Action.CREATE, late=("Parent",)),
        shop.step("Account", second, Action.CREATE, level=1),
    )
    outcome = shop.restore(shop.plan(*steps))
    mother, cells = shop.named("Account", "Mother")
    daughter, other = shop.named("Account", "Daughter")
    assert (cells["Parent"], other["Parent"]) == (daughter, mother)
    assert all(one.differences == () for one in outcome.records)


def test_a_reference_follows_what_an_earlier_restore_brought_back(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.restore(shop.plan(lost.steps[0]))
    shop.night()
    shop.restore(shop.plan(lost.steps[1], name="p2"))
    assert shop.named("Contact", "Ann")[1]["Account"] == shop.named("Account", "Candy")[0]


def test_a_reference_follows_a_record_that_was_lost_twice(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.restore(shop.plan(lost.steps[0]))
    again, _ = shop.named("Account", "Candy")
    shop.night()
    shop.lose("Account", again)
    shop.night()
    shop.restore(shop.plan(shop.step("Account", again, Action.CREATE), name="p2"))
    shop.restore(shop.plan(lost.steps[1], name="p3"))
    assert shop.named("Contact", "Ann")[1]["Account"] == shop.named("Account", "Candy")[0]


def test_a_link_to_a_record_that_failed_stays_empty_and_is_named(shop: Workshop) -> None:
    lost = Lost(shop)
    memo = shop.make("Memo", "call")
    shop.night()
    shop.org.update("Memo", memo, {"About": lost.account})
    steps = (*lost.steps, shop.step("Memo", memo, Action.SKIP))
    shop.platform.required.add(("Account", "Parent"))
    outcome = shop.restore(shop.plan(*steps))
    assert of(outcome, lost.account).ending is Ending.FAILED
    assert of(outcome, lost.contact).differences == (
        Difference("Account", "link-lost", f"Account/{lost.account}"),
    )
    assert of(outcome, memo).ending is Ending.SKIPPED


def test_a_record_whose_required_parent_cannot_come_back_is_not_sent(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.platform.required |= {("Account", "Parent"), ("Contact", "Account")}
    outcome = shop.restore(shop.plan(*lost.steps))
    assert of(outcome, lost.contact).code == "restore-parent-missing"
    assert shop.writes() == [("create", "Account", 1)] * 1


# --- what the org does by itself ------------------------------------------------------------------


def test_what_nobody_can_set_is_named_with_its_reason(shop: Workshop) -> None:
    lost = Lost(shop)
    usual = shop.platform.capability("Account")
    shop.platform.allow(
        replace(
            usual,
            settable=usual.settable - {"Number"},
            never=(NeverColumn("Number", NeverReason.AUTO_NUMBER),),
        )
    )
    outcome = shop.restore(shop.plan(*lost.steps))
    assert of(outcome, lost.account).differences == (Difference("Number", "auto-number"),)


def test_what_a_trigger_put_there_is_named(shop: Workshop) -> None:
    lost = Lost(shop)
    create = shop.platform.create

    def stamped(table: str, cells: dict[str, str | None], *, by: str) -> str:
        made = create(table, cells, by=by)
        shop.org.tables[table].records[made].cells["Number"] = "stamped"
        return made

    shop.platform.create = stamped  # type: ignore[method-assign,assignment]
    outcome = shop.restore(shop.plan(lost.steps[0]))
    assert of(outcome, lost.account).differences == (Difference("Number", "overwritten"),)


def test_a_column_that_must_be_born_otherwise_is_moved_on_at_the_end(shop: Workshop) -> None:
    account = shop.make("Account", "Candy", Number="active")
    draft = shop.make("Account", "Draft", Number="draft")
    shop.night()
    shop.lose("Account", account)
    shop.lose("Account", draft)
    usual = shop.platform.capability("Account")
    shop.platform.allow(replace(usual, late=(LateColumn("Number", "draft"),)))
    steps = [shop.step("Account", one, Action.CREATE) for one in (account, draft)]
    shop.restore(shop.plan(*steps))
    assert shop.named("Account", "Candy")[1]["Number"] == "active"
    assert shop.writes() == [("create", "Account", 2), ("update", "Account", 1)]


def test_by_products_are_shared_by_versions_and_linked(shop: Workshop) -> None:
    add_editions(shop)
    document = shop.make("Document", "plan")
    editions = [shop.make("Edition", name, Document=document) for name in ("one", "two")]
    shop.night()
    for edition in editions:
        shop.lose("Edition", edition)
    shop.lose("Document", document)
    shop.night()
    steps = (
        *levels([shop.step("Edition", one, Action.CREATE) for one in editions]),
        shop.step("Document", document, Action.BY_PRODUCT),
    )
    outcome = shop.restore(shop.plan(*steps))
    (made,) = shop.live("Document")
    assert [cells["Document"] for cells in shop.live("Edition").values()] == [made, made]
    assert of(outcome, document).live == made
    assert outcome.whole


def test_versions_of_a_file_whose_first_one_is_refused_stay_together(shop: Workshop) -> None:
    add_editions(shop)
    documents = [shop.make("Document", name) for name in ("plan", "map")]
    names = ("one", "two", "three")
    editions = [shop.make("Edition", n, Document=d) for d in documents for n in names]
    shop.night()
    for record in (*editions, *documents):
        table = "Document" if record in documents else "Edition"
        shop.platform.delete(table, record, by="U2")
    shop.platform.purge_bin()
    shop.night()
    steps = [shop.step("Edition", one, Action.CREATE) for one in editions]
    first = [replace(step, level=0) for step in steps[::3]]
    others = [replace(step, level=1) for step in steps if step not in steps[::3]]
    by_products = [shop.step("Document", one, Action.BY_PRODUCT) for one in documents]
    shop.writer.faults.plant("row", RowRefused("NO", "Refused by a test."), table="Edition")
    outcome = shop.restore(shop.plan(*first, *others, *by_products))
    plan, map_ = (of(outcome, document).live for document in documents)
    made = Counter((c["Name"], c["Document"]) for c in shop.live("Edition").values())
    whole = [("one", map_), ("two", map_), ("three", map_)]
    assert made == Counter([("two", plan), ("three", plan), *whole])
    assert shop.live("Document").keys() == {plan, map_}


def test_gathered_rows_come_with_their_record(shop: Workshop) -> None:
    shop.org.add_table("Mail", {"Name": WireKind.TEXT})
    shop.org.add_table(
        "Recipient",
        {"Mail": WireKind.REFERENCE, "Person": WireKind.REFERENCE, "Kind": WireKind.TEXT},
        references={"Mail": Reference(("Mail",)), "Person": Reference(("Contact",))},
    )
    shop.platform.allow(
        WriteCapability(
            "Mail",
            ops=EVERY_OP,
            settable=frozenset({"Name", "To"}),
            gathers=(Gather("To", "Recipient", "Mail", "Person", (("Kind", "To"),)),),
        )
    )
    shop.platform.unique.append(("Recipient", ("Mail", "Person", "Kind")))
    made_by_org = shop.platform.capability("Recipient")
    shop.platform.allow(replace(made_by_org, birth=Birth.BY_PRODUCT))
    lost = Lost(shop)
    mail = shop.make("Mail", "hello")
    rows = [
        shop.org.create("Recipient", {"Mail": mail, "Person": lost.contact, "Kind": kind})
        for kind in ("To", "From")
    ]
    other = shop.make("Mail", "nobody")
    shop.night()
    for table, record in (("Mail", mail), ("Mail", other)):
        shop.lose(table, record)
    for row in rows:
        shop.lose("Recipient", row)
    shop.night()
    steps = (
        *lost.steps,
        shop.step("Mail", mail, Action.CREATE, level=2),
        shop.step("Mail", other, Action.CREATE, level=2),
        *(shop.step("Recipient", row, Action.BY_PRODUCT) for row in rows),
    )
    outcome = shop.restore(shop.plan(*steps))
    made, _ = shop.named("Mail", "hello")
    ann, _ = shop.named("Contact", "Ann")
    live = shop.live("Recipient")
    assert {row: tuple(live[row][c] for c in ("Mail", "Person", "Kind")) for row in live} == {
        of(outcome, rows[0]).live: (made, ann, "To"),
        of(outcome, rows[1]).live: (made, ann, "From"),
    }
    assert of(outcome, rows[0]).ending is Ending.BY_PRODUCT
    assert of(outcome, rows[1]).ending is Ending.CREATED  # the org made none of this kind


# --- files ----------------------------------------------------------------------------------------


def test_files_come_back_byte_for_byte(shop: Workshop) -> None:
    paper = shop.org.attach("Paper", "recipe.txt", b"cocoa and sugar")
    shop.night()
    shop.lose("Paper", paper)
    outcome = shop.restore(shop.plan(shop.step("Paper", paper, Action.CREATE)))
    made, _ = shop.named("Paper", "recipe.txt")
    assert shop.org.tables["Paper"].files[made] == b"cocoa and sugar"
    assert of(outcome, paper).differences == ()


def test_a_file_that_the_vault_holds_damaged_is_named(shop: Workshop) -> None:
    paper = shop.org.attach("Paper", "recipe.txt", b"cocoa and sugar")
    other = shop.org.attach("Paper", "other.txt", b"milk")
    shop.night()
    for record in (paper, other):
        shop.lose("Paper", record)
    steps = [shop.step("Paper", one, Action.CREATE) for one in (paper, other)]
    open_file = shop.vault.open_file
    broken = shop.head.files("Paper", [paper])[0].blob if shop.head.files("Paper", [paper]) else ""

    def damaged(org: str, blob: str) -> object:
        if blob == broken or not broken:
            raise IntegrityError("blob-damaged", "The bytes are not what was kept.")
        return open_file(org, blob)

    shop.vault.open_file = damaged
    outcome = shop.restore(shop.plan(*steps))
    assert of(outcome, paper).ending is Ending.FAILED
    assert of(outcome, paper).sentence == "The bytes are not what was kept."
    assert of(outcome, other).ending is Ending.CREATED
