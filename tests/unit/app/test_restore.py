"""Restores from the application: a writer of their own, plans in files, runs, and what goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homes import SECRET, WRITE_SECRET, World
from scenes import Lead, scene
from sweeps import in_full
from unit.app.shop import CUSTOMER, WRITER, Shop, lost_shop, open_shop
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.restores import restore_plan as planning
from unlost.app.actions.restores.restore_plan import PlanRequest, PlanResult, make_plan, show_plan
from unlost.app.actions.restores.restore_run import (
    RestoreResult,
    resume_run,
    retry_run,
    run_detail,
    run_plan,
    runs,
)
from unlost.app.records import record_selectors
from unlost.app.restores.plan_files import sealed_plan
from unlost.catalog.orgs.writers import find_writer
from unlost.catalog.runs.runs import RunRecord, RunState, begin_run, list_runs
from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    NotFound,
    StoreError,
    TransientError,
    UnlostError,
    UsageError,
)
from unlost.model.message import code_of
from unlost.model.ports.source import SecretField
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.writing import Identity, MissingPermission, WriteOp
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.clock import START
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import MemoryWriter, ReplyLost
from unlost.testing.org import MemoryOrg
from unlost.testing.platform import Platform, RowRefused, without

opened = scene(open_shop)
after_loss = scene(lost_shop)


@pytest.fixture
def reading(world: World, opened: Lead) -> Shop:
    """One night, and no writer."""
    return opened(world)


@pytest.fixture
def shop(reading: Shop) -> Shop:
    """The same, with a writer."""
    set_writer(reading.app, WRITER)
    return reading


@pytest.fixture
def lost(world: World, after_loss: Lead) -> Shop:
    """The loss, and a night that saw it."""
    return after_loss(world)


def endings(result: RestoreResult) -> dict[str, int]:
    return {one.ending.value: one.count for one in result.endings}


def actions(plan: PlanResult) -> dict[str, int]:
    return {one.action.value: one.count for one in plan.summary.actions}


def remembered(plan: PlanResult) -> RunRecord:
    """The run of a plan, as the home has it."""
    (found,) = [one for one in list_runs("sales") if one.id == plan.run]
    return found


def refused(kind: type[UnlostError], code: str, act: Any, *words: Any) -> UnlostError:
    with pytest.raises(kind) as caught:
        act(*words)
    assert caught.value.code == code
    return caught.value


# --- the writer -----------------------------------------------------------------------------------


def test_without_a_writer_a_plan_is_a_preview_that_cannot_run(reading: Shop) -> None:
    reading.lose()
    reading.night()
    plan = reading.plan(f"Account/{CUSTOMER}")
    assert plan.summary.is_preview
    assert plan.summary.changes == 4
    error = refused(NotAllowed, "writer-missing", reading.run, plan)
    assert "Write everything" in error.next_step
    set_writer(reading.app, WRITER)
    refused(UsageError, "plan-preview", reading.run, plan)
    assert reading.live("Contact") == {}
    again = reading.plan(f"Account/{CUSTOMER}")
    assert not again.summary.is_preview
    assert reading.run(again).whole


def test_a_writer_is_kept_apart_from_the_reader(reading: Shop) -> None:
    reading.writer.lacking = (MissingPermission("Create", "May not create.", "Contact"),)
    result = set_writer(reading.app, WRITER)
    assert (result.org, result.label, result.known_before) == ("sales", "Memory", False)
    assert result.tables > 3
    assert [one.table for one in result.missing] == ["Contact"]
    assert reading.app.secrets(reading.oid).get("password") == SECRET
    assert reading.app.writer_secrets(reading.oid).get("password") == WRITE_SECRET
    reading.night()


def test_a_writer_may_be_given_before_the_first_night(sales: World) -> None:
    assert set_writer(sales.app, WRITER).tables == 0


def test_its_secret_is_remembered_asked_for_or_named(reading: Shop) -> None:
    bare = NewWriter("sales", {})
    error = refused(NotAllowed, "secret-missing", set_writer, reading.app, bare)
    assert "UNLOST_WRITER_PASSWORD" in error.next_step

    def ask(field: SecretField) -> str | None:
        return WRITE_SECRET if field.required else None

    assert not set_writer(reading.app, bare, ask=ask).known_before
    assert set_writer(reading.app, bare).known_before


def test_a_writer_with_wrong_credentials_or_of_another_org_is_not_kept(reading: Shop) -> None:
    wrong = NewWriter("sales", {}, {"password": SECRET})
    refused(NotAllowed, "memory-sign-in", set_writer, reading.app, wrong)
    other = MemoryOrg(reading.world.clock, tenant="T-2", label="Other")
    reading.world.connector.orgs["two"] = other
    away = NewWriter("sales", {"address": "two"}, {"password": WRITE_SECRET})
    refused(Conflict, "another-org", set_writer, reading.app, away)
    assert find_writer(reading.oid) is None
    assert reading.app.writer_secrets(reading.oid).get("password") is None


def test_a_writer_that_opens_another_org_by_now_writes_nothing(lost: Shop) -> None:
    plan = lost.whole_plan()
    other = MemoryWriter(Platform(MemoryOrg(lost.world.clock, tenant="T-2")))
    lost.world.connector.writers["one"] = other
    refused(Conflict, "another-org", lost.run, plan)
    assert other.calls == []


# --- plans ----------------------------------------------------------------------------------------


def test_a_plan_says_what_comes_back_and_writes_nothing(lost: Shop) -> None:
    plan = lost.whole_plan()
    assert (plan.org, plan.summary.records, actions(plan)) == ("sales", 4, {"create": 4})
    assert Path(plan.file).is_file()
    assert [call for call in lost.writer.calls if call[0] in set(WriteOp)] == []
    shown = show_plan(lost.app, Path(plan.file))
    assert shown == plan


def test_ids_are_taken_as_people_type_them(lost: Shop) -> None:
    plan = lost.plan(f"Account/{CUSTOMER.lower()}", related=False)
    (key,) = read_plan(Path(plan.file).read_bytes()).selection.records
    assert key.record == CUSTOMER


def test_what_was_lost_between_two_nights_is_planned(lost: Shop) -> None:
    assert lost.plan(lost=("1", "2")).summary.records == 4
    assert lost.plan(lost=("1", "latest"), table="Account", related=False).summary.records == 1


def test_the_wanted_night_may_be_named(lost: Shop) -> None:
    plan = lost.plan(f"Account/{CUSTOMER}", at="1", related=False)
    assert read_plan(Path(plan.file).read_bytes()).snapshot == 1
    refused(NotFound, "restore-not-alive", lambda: lost.plan(f"Account/{CUSTOMER}", at="2"))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (PlanRequest("sales"), "restore-selection"),
        (PlanRequest("sales", ("Account/x",), lost=("1", "2")), "restore-selection"),
        (PlanRequest("sales", lost=("1", "2"), changed=("1", "2")), "restore-selection"),
        (PlanRequest("sales", ("Account",)), "record-unreadable"),
        (PlanRequest("sales", ("/x",)), "record-unreadable"),
        (PlanRequest("sales", ("Account/",)), "record-unreadable"),
        (PlanRequest("sales", ("Account/?!",)), "id-wrong"),
        (PlanRequest("sales", lost=("2", "1")), "restore-between"),
        (PlanRequest("sales", lost=("1", "2"), table="Contact", at="1"), "restore-at"),
        (PlanRequest("sales", lost=("1", "2"), table="User"), "restore-nothing"),
        (PlanRequest("sales", changed=("1", "2"), table="Account"), "restore-column"),
    ],
)
def test_what_is_asked_for_must_be_clear(lost: Shop, request_: PlanRequest, code: str) -> None:
    out = lost.out()
    refused(UsageError, code, make_plan, lost.app, request_, out)
    assert not out.exists()


def test_records_that_nobody_ever_saw_are_told(lost: Shop) -> None:
    for record in ("Account/nobody", "Nothing/x"):
        refused(NotFound, "record-unknown", lost.plan, record)


def test_nothing_is_planned_before_the_first_night(sales: World, tmp_path: Path) -> None:
    set_writer(sales.app, WRITER)
    request = PlanRequest("sales", (f"Account/{CUSTOMER}",))
    out = tmp_path / "plan.json"
    refused(NotFound, "no-backup-yet", make_plan, sales.app, request, out)


def test_more_than_a_plan_can_hold_is_refused_before_anything_is_asked(
    lost: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = len(lost.world.connector.contexts)
    monkeypatch.setattr(record_selectors, "typed_ids", None)  # no single one of them is looked at
    refused(UsageError, "restore-too-large", lost.plan, *["Account/x"] * 1_000_000)
    assert len(lost.world.connector.contexts) == contexts


def test_a_loss_that_is_too_large_is_refused(lost: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.engine.restore.planning.selection.MAX_STEPS", 2)
    refused(UsageError, "restore-too-large", lambda: lost.plan(lost=("1", "2")))


def test_a_plan_is_never_written_over_a_file_nor_into_nothing(lost: Shop) -> None:
    plan = lost.whole_plan()
    request = PlanRequest("sales", (f"Account/{CUSTOMER}",))
    refused(UsageError, "file-exists", make_plan, lost.app, request, Path(plan.file))
    nowhere = lost.folder / "none" / "plan.json"
    refused(UsageError, "folder-missing", make_plan, lost.app, request, nowhere)
    too_long = lost.folder / ("n" * 300)
    refused(StoreError, "file-not-written", make_plan, lost.app, request, too_long)


def test_a_disk_that_takes_no_plan_is_told(lost: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    error = refused(StoreError, "file-not-written", lost.whole_plan)
    assert "No space left" in error.sentence


# --- plans that cannot be run ---------------------------------------------------------------------


def test_files_that_are_no_plans_are_told(
    lost: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Path(lost.whole_plan().file)
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"\x00not a plan")
    for file in (tmp_path / "none", tmp_path, nonsense):
        for act in (show_plan, run_plan):
            refused(UsageError, "plan-unreadable", act, lost.app, file)
    monkeypatch.setattr(planning, "LARGEST_PLAN", 10)
    assert "too large" in refused(UsageError, "plan-unreadable", run_plan, lost.app, plan).sentence


def test_a_plan_that_was_edited_is_not_run(lost: Shop) -> None:
    file = Path(lost.whole_plan().file)
    plan = read_plan(file.read_bytes())
    file.write_bytes(write_plan(replace(plan, steps=plan.steps[:1])))
    refused(IntegrityError, "plan-edited", run_plan, lost.app, file)


def test_a_plan_of_a_newer_release_is_not_run(lost: Shop) -> None:
    file = Path(lost.whole_plan().file)
    newer = replace(read_plan(file.read_bytes()), format=99)
    file.write_bytes(write_plan(sealed(newer)))
    refused(UsageError, "plan-newer", run_plan, lost.app, file)


def test_a_plan_of_another_vault_is_not_run(lost: Shop) -> None:
    file = Path(lost.whole_plan().file)
    other = replace(read_plan(file.read_bytes()), org="f" * 32)
    file.write_bytes(write_plan(sealed(other)))
    refused(UsageError, "plan-other-vault", run_plan, lost.app, file)
    assert lost.live("Account").keys() == {"A40018", "A40019"}


def test_a_plan_of_an_org_that_this_home_has_not_is_not_run(lost: Shop) -> None:
    file = Path(lost.whole_plan().file)
    stranger = MemoryOrg(lost.world.clock, tenant="T-9", label="Branch")
    oid = lost.world.vault.ensure_org(stranger.identity)
    other = replace(read_plan(file.read_bytes()), org=oid, target=oid)
    file.write_bytes(sealed_plan(lost.app, sealed(other)))
    error = refused(NotFound, "org-not-added", run_plan, lost.app, file)
    assert "Branch" in error.sentence


# --- runs -----------------------------------------------------------------------------------------


def test_a_customer_comes_back_with_everything_and_twice_changes_nothing(lost: Shop) -> None:
    plan = lost.whole_plan()
    result = lost.run(plan)
    assert (result.run, result.whole, endings(result)) == (plan.run, True, {"created": 4})
    account = lost.named("Account", "Schoko Zürich")
    assert account != CUSTOMER
    assert {cells["Account"] for cells in lost.live("Contact").values()} == {account}
    paper = lost.named("Paper", "recipe.txt")
    assert lost.org.tables["Paper"].files[paper] == b"cocoa and sugar"
    calls = list(lost.writer.calls)
    assert lost.run(plan) == replace(result, repeated=True)
    assert resume_run(lost.app, result.run) == replace(result, repeated=True)
    assert lost.writer.calls == calls
    (line,) = [one for one in runs(lost.app).runs if one.run == result.run]
    assert (line.org, line.kind, line.state) == ("sales", CommitKind.RESTORE, "done")
    detail = run_detail(lost.app, result.run)
    assert {one.live for one in detail.records} >= {account, paper}
    assert actions(lost.plan(f"Account/{CUSTOMER}")) == {"unchanged": 4}


def test_a_night_follows_a_restore(lost: Shop) -> None:
    lost.run(lost.whole_plan())
    assert lost.night() > 2


def test_what_cannot_be_written_is_told_before_and_after(lost: Shop) -> None:
    """The user may not create contacts: everything else comes back."""
    lost.platform.allow(without(lost.platform.capability("Contact"), WriteOp.CREATE))
    lost.writer.lacking = (MissingPermission("Create", "May not create contacts.", "Contact"),)
    plan = lost.whole_plan()
    assert actions(plan) == {"create": 2, "skip": 2}
    assert plan.summary.blocked
    assert any("May not create contacts" in note.sentence for note in plan.summary.notes)
    result = lost.run(plan)
    assert not result.whole
    assert endings(result) == {"created": 2, "skipped": 2}
    assert {one.table for one in result.records if not one.ending.good} == {"Contact"}


def test_what_changed_since_the_plan_is_left_alone(shop: Shop) -> None:
    for record in ("A40018", "A40019"):
        shop.org.update("Account", record, {"Phone": "overwritten"})
    shop.night()
    request: dict[str, Any] = {"changed": ("1", "2"), "table": "Account", "columns": ("Phone",)}
    plan = shop.plan(**request)
    assert actions(plan) == {"update": 2}
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", "A40019", {"Phone": "+32 new", "Name": "Renamed"})
    result = shop.run(plan)
    assert endings(result) == {"updated": 1, "conflict": 1}
    assert shop.live("Account")["A40018"]["Phone"] == "+41 40018"
    assert shop.live("Account")["A40019"]["Phone"] == "+32 new"
    again = retry_run(shop.app, result.run)
    assert again.calls == 0
    cells = shop.live("Account")["A40019"]
    assert (cells["Phone"], cells["Name"]) == ("+32 new", "Renamed")


def test_another_try_puts_back_the_chosen_columns_alone(shop: Shop) -> None:
    """A retry of a changed column once put the whole record back as it was."""
    shop.org.update("Account", "A40018", {"Phone": "overwritten"})
    shop.night()
    plan = shop.plan(changed=("1", "2"), table="Account", columns=("Phone",))
    shop.org.update("Account", "A40018", {"Name": "Renamed by a person"})
    held = shop.platform.update

    def refuse(table: str, record: str, cells: Any, *, by: str) -> None:
        raise RowRefused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Not today.", "Phone")

    shop.platform.update = refuse  # type: ignore[method-assign]
    result = shop.run(plan)
    assert endings(result) == {"failed": 1}
    for number in (2, 3):
        failed = retry_run(shop.app, result.run)
        assert failed.run == f"{result.run}-try-{number}"
    shop.platform.update = held  # type: ignore[method-assign]
    last = retry_run(shop.app, f"{result.run}-try-3")
    assert endings(last) == {"updated": 1}
    cells = shop.live("Account")["A40018"]
    assert (cells["Phone"], cells["Name"]) == ("+41 40018", "Renamed by a person")


def test_another_try_brings_each_record_back_as_of_its_own_night(lost: Shop) -> None:
    """Once, records that were last alive in different nights could not be tried again."""
    lost.platform.delete("Account", "A40018", by="U1")
    lost.platform.purge_bin()
    lost.night()
    lost.platform.required.add(("Account", "Segment"))
    lost.org.add_column("Account", "Segment")
    plan = lost.plan(f"Account/{CUSTOMER}", "Account/A40018", related=False)
    lost.platform.required.clear()
    lost.platform.required.add(("Account", "Stage"))
    lost.org.add_column("Account", "Stage")
    result = lost.run(plan)
    assert not result.whole
    lost.platform.required.clear()
    again = retry_run(lost.app, result.run)
    assert endings(again) == {"created": 2}
    refused(UsageError, "run-whole", retry_run, lost.app, again.run)


def test_a_parent_that_cannot_be_created_names_its_children(lost: Shop) -> None:
    """And another try brings all of them."""
    plan = lost.whole_plan()
    lost.platform.unique.append(("Account", ("Number",)))
    twin = lost.org.create("Account", {"Name": "Twin", "Number": "0040017"})
    lost.platform.required.add(("Contact", "Account"))
    result = lost.run(plan)
    failed = {one.table: one for one in result.records if not one.ending.good}
    assert failed["Account"].code == "write-refused"
    assert failed["Contact"].code == "restore-parent-missing"
    assert len(lost.live("Contact")) == 0
    lost.platform.delete("Account", twin, by="U1")
    again = retry_run(lost.app, result.run)
    assert again.whole
    account = lost.named("Account", "Schoko Zürich")
    assert {cells["Account"] for cells in lost.live("Contact").values()} == {account}
    assert lost.live("Paper")[lost.named("Paper", "recipe.txt")]["Account"] == account


def test_a_file_that_the_vault_holds_damaged_is_named_and_the_rest_comes_back(lost: Shop) -> None:
    plan = lost.whole_plan()

    def damaged(org: str, blob: str) -> Any:
        raise IntegrityError("blob-damaged", "The bytes are not what was kept.")

    lost.world.vault.open_file = damaged  # type: ignore[method-assign]
    result = lost.run(plan)
    assert endings(result) == {"created": 3, "failed": 1}
    (failed,) = [one for one in result.records if not one.ending.good]
    assert (failed.table, failed.sentence) == ("Paper", "The bytes are not what was kept.")


def test_an_org_that_is_full_parks_the_run_and_says_how_much_is_missing(lost: Shop) -> None:
    plan = lost.whole_plan()
    lost.writer.full_after = 2
    error = refused(LimitReached, "restore-parked", lost.run, plan)
    assert "2 of 4 records are restored; 2 are missing" in error.sentence
    assert plan.run in error.next_step
    run = remembered(plan)
    assert (run.state, code_of(run.error)) == (RunState.PARKED, "restore-parked")
    refused(UsageError, "run-not-ended", retry_run, lost.app, plan.run)
    assert run_detail(lost.app, plan.run).records == ()
    refused(LimitReached, "restore-parked", resume_run, lost.app, plan.run)
    lost.writer.full_after = None
    result = resume_run(lost.app, plan.run)
    assert endings(result) == {"created": 4}
    assert len(lost.live("Contact")) == 2


def test_a_spent_allowance_parks_the_run_until_it_is_there_again(lost: Shop) -> None:
    plan = lost.whole_plan()
    later = lost.world.clock.now() + timedelta(hours=3)
    spent = LimitReached("api-limit", "Spent.", resume_at=later)
    lost.writer.faults.plant("write", spent, table="Contact")
    refused(LimitReached, "restore-parked", lost.run, plan)
    assert remembered(plan).resume_at == later
    assert lost.run(plan).whole


def test_a_run_that_an_error_stopped_is_gone_on_with(lost: Shop) -> None:
    plan = lost.whole_plan()
    lost.writer.faults.plant("write", TransientError("gone", "No answer."), table="Contact")
    refused(TransientError, "gone", lost.run, plan)
    assert (remembered(plan).state, code_of(remembered(plan).error)) == ("failed", "gone")
    assert endings(resume_run(lost.app, plan.run)) == {"created": 4}


@pytest.mark.parametrize("moment", ["write", "written", "row"])
@pytest.mark.parametrize("table", [in_full("Account"), "Contact"])
def test_a_lost_database_loses_no_restore(lost: Shop, moment: str, table: str) -> None:
    """Killed in the middle, the database deleted, org and writer added again: exactly once."""
    plan = lost.whole_plan()
    after = 1 if moment == "row" and table == "Contact" else 0
    lost.writer.faults.plant(moment, Crash(), table=table, after=after)
    with pytest.raises(Crash):
        lost.run(plan)
    lost.writer.faults.assert_met()
    lost.lose_database()
    (line,) = [one for one in runs(lost.app).runs if one.run == plan.run]
    assert (line.org, line.state) == ("sales", "unfinished")
    result = resume_run(lost.app, plan.run)
    assert (endings(result), result.whole) == ({"created": 4}, True)
    assert sorted(cells["Name"] or "" for cells in lost.live("Contact").values()) == ["Ann", "Ben"]
    assert len(lost.live("Account")) == 3
    assert lost.night() > 2


def test_an_answer_that_was_lost_is_cleared_up(lost: Shop) -> None:
    plan = lost.whole_plan()
    lost.writer.faults.plant("written", ReplyLost(), table="Contact")
    assert lost.run(plan).whole
    lost.writer.faults.assert_met()
    assert len(lost.live("Contact")) == 2


def test_restores_that_only_the_vault_knows_are_listed(lost: Shop) -> None:
    result = lost.run(lost.whole_plan())
    lost.lose_database()
    (line,) = [one for one in runs(lost.app).runs if one.run == result.run]
    assert (line.state, line.ended is not None) == ("done", True)
    assert len(run_detail(lost.app, result.run).records) == 4


def test_unknown_runs_are_told(lost: Shop) -> None:
    for act in (resume_run, retry_run, run_detail):
        refused(NotFound, "run-unknown", act, lost.app, "restore-none")


def test_what_does_not_leave_the_bin_comes_back_by_another_try(shop: Shop) -> None:
    usual = shop.platform.capability("Account")
    shop.platform.allow(replace(usual, identity=Identity.UNDELETE))
    shop.platform.delete("Account", CUSTOMER, by="U1")
    plan = shop.plan(f"Account/{CUSTOMER}", related=False)
    shop.writer.faults.plant("row", RowRefused("UNDELETE_FAILED", "not in the recycle bin"))
    assert endings(shop.run(plan)) == {"failed": 1}
    shop.writer.faults.plant("row", RowRefused("RULE", "not today"))
    second = retry_run(shop.app, plan.run)
    assert endings(second) == {"failed": 1}
    third = retry_run(shop.app, second.run)  # still knows that it does not leave the bin
    assert third.run.endswith("-try-3")
    assert endings(third)["created"] >= 1
    assert third.whole
    refused(UsageError, "run-whole", retry_run, shop.app, third.run)


# --- two at once ----------------------------------------------------------------------------------


@contextmanager
def held_elsewhere(shop: Shop, run: str) -> Iterator[None]:
    """Another process holds the lease of restores."""
    with (
        shop.world.opened() as other,
        other.lease.hold(shop.oid, kind=RunKind.RESTORE, run=run),
    ):
        yield


@pytest.fixture
def held(lost: Shop) -> Iterator[Shop]:
    """Another process restores to the same org."""
    with held_elsewhere(lost, "another"):
        yield lost


def test_two_restores_at_once_are_refused_and_harm_nothing(held: Shop) -> None:
    plan = held.whole_plan()
    refused(Conflict, "run-in-progress", held.run, plan)
    assert len(held.live("Account")) == 2
    run = remembered(plan)
    assert (run.state, code_of(run.error)) == (RunState.FAILED, "run-in-progress")


def test_a_run_that_is_done_stays_done_when_it_meets_another(lost: Shop) -> None:
    """Once it was listed as running for ever."""
    plan = lost.whole_plan()
    result = lost.run(plan)
    before = list_runs("sales")
    with held_elsewhere(lost, "another"):
        lost.world.clock.advance(hours=1)
        refused(Conflict, "run-in-progress", lost.run, plan)
    assert list_runs("sales") == before
    assert lost.run(plan) == replace(result, repeated=True)


def test_a_run_that_another_process_is_at_is_left_to_it(lost: Shop) -> None:
    plan = lost.whole_plan()
    lost.writer.faults.plant("write", TransientError("gone", "No answer."), table="Contact")
    refused(TransientError, "gone", lost.run, plan)
    begin_run(plan.run, org="sales", kind=CommitKind.RESTORE, full=False, at=START)
    with held_elsewhere(lost, plan.run):
        refused(Conflict, "run-in-progress", resume_run, lost.app, plan.run)
    assert remembered(plan).state is RunState.RUNNING
