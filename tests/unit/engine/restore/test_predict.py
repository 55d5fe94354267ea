"""What people must know before the click, and what a run will cost."""

from dataclasses import replace

import pytest

from unit.engine.restore.atelier import Atelier, codes, note_of
from unlost.engine.restore.planning.notes.predict import WORDS
from unlost.engine.restore.planning.plan import schema_digest
from unlost.engine.restore.planning.shown.estimate import seconds_of
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import NoteWeight, RestorePlan
from unlost.model.source.quota import Quota
from unlost.model.source.schema import WireKind
from unlost.model.source.writing import (
    CallCost,
    Identity,
    LateColumn,
    MissingPermission,
    NeverColumn,
    NeverReason,
    WriteOp,
)
from unlost.model.storage import StorageRule, StorageWeight


def test_every_remark_has_words() -> None:
    assert set(WORDS) == set(NoteCode)
    for words in WORDS.values():
        assert words.next_step or words.weight is not NoteWeight.BLOCK


def lost_account(atelier: Atelier, *, bulk: int = 1) -> RestorePlan:
    made = [atelier.make("Account", f"Zotter {at}", Number="1") for at in range(bulk)]
    atelier.night()
    for record in made:
        atelier.lose("Account", record)
    return atelier.plan_of(*(("Account", record) for record in made))


def test_columns_that_nobody_can_set_are_named_by_the_reason(atelier: Atelier) -> None:
    for name in ("Sum", "Serial", "Far", "Empty", *(f"Made{at}" for at in range(7))):
        atelier.org.add_column("Account", name, WireKind.TEXT)
    capability = atelier.platform.capability("Account")
    never = [
        NeverColumn("Id", NeverReason.SYSTEM),
        NeverColumn("Modified", NeverReason.SYSTEM),
        NeverColumn("Sum", NeverReason.FORMULA),
        NeverColumn("Serial", NeverReason.AUTO_NUMBER),
        NeverColumn("Empty", NeverReason.READ_ONLY),
        NeverColumn("Far", NeverReason.NO_PERMISSION),
        *(NeverColumn(f"Made{at}", NeverReason.BY_PLATFORM) for at in range(7)),
    ]
    settable = capability.settable - {one.column for one in never}
    atelier.allow("Account", never=tuple(never), settable=settable, changeable=settable)
    values = {f"Made{at}": "x" for at in range(7)}
    one = atelier.make("Account", "a", Sum="1", Serial="2", Far="3", **values)
    two = atelier.make("Account", "b", Sum="1")
    atelier.night()
    for record in (one, two):
        atelier.lose("Account", record)
    plan = atelier.plan_of(("Account", one), ("Account", two))
    formula = note_of(plan, "column-formula")
    assert (formula.count, formula.column, formula.weight) == (2, "Sum", NoteWeight.NOTE)
    assert note_of(plan, "column-auto-number").count == 1
    assert note_of(plan, "column-no-permission").weight is NoteWeight.WARNING
    assert "column-read-only" not in codes(plan)
    many = note_of(plan, "column-by-platform")
    assert many.column is None
    assert many.sentence == (
        "1 record of Account: the org derives these columns from other values: "
        "Made0, Made1, Made2, Made3, Made4 and 2 more."
    )
    system = note_of(plan, "column-system")
    assert system.sentence == "2 records: the org sets these columns automatically: Modified."
    assert system.table is None


def test_a_secret_column_is_named_although_the_backup_has_no_value(atelier: Atelier) -> None:
    capability = atelier.platform.capability("Account")
    never = (*capability.never, NeverColumn("Password", NeverReason.SECRET))
    atelier.allow("Account", never=never)
    note = note_of(lost_account(atelier, bulk=2), "column-secret")
    assert (note.weight, note.column, note.count) == (NoteWeight.WARNING, "Password", 2)
    assert note.sentence == (
        "2 records of Account: the org never gives out the values of these columns, so they must "
        "be set again by hand: Password."
    )


def test_dates_and_authors_are_kept_where_the_org_allows_it(atelier: Atelier) -> None:
    atelier.allow("Account", audit=True)
    plan = lost_account(atelier)
    assert codes(plan) == {"new-id"}
    assert note_of(plan, "new-id").sentence.startswith("1 record will get")


def test_side_effects_and_missing_permissions_are_told(atelier: Atelier) -> None:
    atelier.allow("Account", side_effects=("A mail goes to the owner.",))
    atelier.writer.lacking = (
        MissingPermission("Edit Account", "Accounts cannot be edited.", "Account"),
        MissingPermission("Edit Memo", "Memos cannot be edited.", "Memo"),
    )
    plan = lost_account(atelier, bulk=3)
    assert note_of(plan, "side-effect").count == 3
    note = note_of(plan, "permission-missing")
    assert note.weight is NoteWeight.BLOCK
    assert "Edit Account" in note.next_step


def test_permissions_that_the_plan_does_not_need_are_no_matter(atelier: Atelier) -> None:
    """Nothing was to be changed, and the plan was blocked because nothing may be."""
    atelier.writer.lacking = (
        MissingPermission("Edit", "Accounts cannot be edited.", "Account", WriteOp.UPDATE),
        MissingPermission("Create", "Accounts cannot be created.", "Account", WriteOp.CREATE),
    )
    note = note_of(lost_account(atelier), "permission-missing")
    assert note.sentence == "Accounts cannot be created."
    live = atelier.make("Account", "Changed", Number="1")
    atelier.night()
    atelier.org.update("Account", live, {"Number": "2"})
    note = note_of(atelier.plan_of(("Account", live)), "permission-missing")
    assert note.sentence == "Accounts cannot be edited."


@pytest.mark.parametrize("late", [True, False])
def test_a_user_who_may_change_nothing_is_told_where_that_matters(
    atelier: Atelier, late: bool
) -> None:
    """Without the right to change, no column of the plan is changed; the order stayed a draft."""
    told = MissingPermission("Edit", "Accounts cannot be edited.", "Account", WriteOp.UPDATE)
    atelier.writer.lacking = (told,)
    usual = atelier.platform.capability("Account")
    atelier.allow(
        "Account",
        ops=usual.ops - {WriteOp.UPDATE},
        changeable=frozenset(),
        late=(LateColumn("Number", "draft"),) if late else (),
    )
    assert ("permission-missing" in codes(lost_account(atelier))) is late
    live = atelier.make("Account", "Changed", Number="1")
    atelier.night()
    atelier.org.update("Account", live, {"Number": "2"})
    assert "permission-missing" in codes(atelier.plan_of(("Account", live)))


def test_room_and_calls_that_are_missing_are_told(atelier: Atelier) -> None:
    atelier.allow("Account", record_bytes=2 << 20)
    paper = atelier.org.attach("Paper", "p", b"x" * 1000)
    atelier.source.quota = (
        Quota("data storage", 9 << 20, 10 << 20, "bytes"),
        Quota("file storage", 100, 1000, "bytes"),
        Quota("other bytes", 1, 1, "bytes"),
        Quota("API calls", 98, 100, "calls"),
        Quota("jobs", 1, 1, "calls"),
        Quota("seats", 1, 1, "rows"),
    )
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Paper", paper)
    plan = atelier.plan_of(("Account", account), ("Paper", paper))
    short = [note for note in plan.notes if note.code in ("quota-short", "calls-short")]
    assert len(short) == 3
    assert "2.0 MB of “data storage”, and 1.0 MB are left" in short[0].sentence
    assert "Free about 1.0 MB first" in short[0].next_step
    assert "“file storage”" in short[1].sentence
    assert "of “API calls”, and 2 are left" in short[2].sentence
    assert plan.estimate.file_bytes == 1000


def told_room(atelier: Atelier, *, used: int, limit: int) -> list[str]:
    """The notes about room of a plan that needs 2 MB in a storage with these bytes."""
    atelier.allow("Account", record_bytes=2 << 20)
    atelier.source.quota = (Quota("data storage", used, limit, "bytes"),)
    plan = lost_account(atelier)
    return [note.code + ": " + note.sentence for note in plan.notes if note.code[:5] == "quota"]


def test_a_plan_says_that_what_comes_back_fits_now(atelier: Atelier) -> None:
    (told,) = told_room(atelier, used=10 << 20, limit=100 << 20)
    assert told.startswith("quota-fits: ")
    assert "about 2.0 MB of “data storage” are needed, and 90.0 MB are left" in told


@pytest.mark.parametrize(
    ("weight", "size"),
    [
        (StorageWeight("data storage", 2048), 2048),
        (StorageWeight("data storage", 2, ("Name",)), 5),
        (StorageWeight("data storage", 8, ("Name",)), 8),
        (StorageWeight("file storage", size_column="Number"), 0),
    ],
)
def test_storage_needed_is_the_text_of_a_row_and_not_by_the_rules_of_the_org(
    atelier: Atelier, weight: StorageWeight, size: int
) -> None:
    atelier.rules = {"Account": StorageRule((weight,))}
    account = atelier.make("Account", "Zottr", Number="99")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    assert contact in {step.record for step in plan.steps}
    assert plan.estimate.data_bytes == size


def test_an_org_above_its_limit_has_no_room_less_than_none(atelier: Atelier) -> None:
    (told,) = told_room(atelier, used=104 << 20, limit=100 << 20)
    assert told.startswith("quota-short: ")
    assert "and 0 kB are left" in told


def test_a_restore_is_not_short_of_a_daily_limit_on_transfer(atelier: Atelier) -> None:
    atelier.allow("Account", record_bytes=2 << 20)
    atelier.source.quota = (Quota("Bulk query results a day", 1, 1, "bytes", storage=False),)
    assert "quota-short" not in codes(lost_account(atelier))


def test_room_that_is_there_is_no_matter(atelier: Atelier) -> None:
    assert "quota-short" not in codes(lost_account(atelier))


def test_large_parts_go_out_as_jobs(atelier: Atelier) -> None:
    atelier.allow("Account", rows_per_call=2, rows_per_job=100, job_above=5)
    assert lost_account(atelier, bulk=4).estimate.calls == 2 + 2
    assert lost_account(atelier, bulk=6).estimate.calls == 1 + 2


def test_a_slow_org_takes_as_long_as_its_connector_says(atelier: Atelier) -> None:
    atelier.allow("Account", rows_per_call=1, cost=CallCost(seconds=7.0, rows_read=3))
    cost = lost_account(atelier, bulk=6).estimate
    assert cost.calls == 6 + 2 * 2
    assert cost.seconds == 70.0


def test_files_take_as_long_as_the_connector_says(atelier: Atelier) -> None:
    atelier.allow("Paper", cost=CallCost(seconds=0.0, file_bytes_a_second=2))
    paper = atelier.org.attach("Paper", "recipe", b"cocoa!")
    atelier.night()
    atelier.lose("Paper", paper)
    cost = atelier.plan_of(("Paper", paper)).estimate
    assert (cost.file_bytes, cost.seconds) == (6, 3.0)


def test_what_comes_out_of_the_bin_takes_room_too(atelier: Atelier) -> None:
    atelier.allow("Account", identity=Identity.UNDELETE, record_bytes=7)
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.platform.delete("Account", account, by="U")
    cost = atelier.plan_of(("Account", account)).estimate
    assert (cost.data_bytes, cost.file_bytes, cost.calls) == (7, 0, 3)
    assert cost.seconds > 0


@pytest.mark.parametrize("kind", [WireKind.TEXT, WireKind.INTEGER])
def test_the_digest_of_the_description_tells_a_change(atelier: Atelier, kind: WireKind) -> None:
    tables = atelier.source.discover().tables
    assert schema_digest(tables) == schema_digest(list(reversed(tables)))
    first = tables[0]
    columns = (*first.columns[:-1], replace(first.columns[-1], kind=kind))
    assert schema_digest([replace(first, columns=columns)]) != schema_digest([first])


def test_a_plan_without_calls_has_seconds_that_are_read_as_they_were_written(
    atelier: Atelier,
) -> None:
    """The whole number 0 made another hash of the plan than the 0.0 that was read."""
    assert isinstance(seconds_of({}, atelier.platform.capability), float)
