"""Archived records whose retention ended: listed, requested, approved by another person, erased."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.archive import expired
from unlost.app.actions.archive.expired import (
    ExpiredArchives,
    approve_removal,
    erase_expired,
    list_expired,
    request_removal,
    withdraw_removal,
)
from unlost.app.actions.archive.saved_policies import PolicyRequest, remove_policy, save_policy
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.find import find
from unlost.app.actions.restores.restore_plan import load_plan
from unlost.app.actions.retention import erase as erasing
from unlost.app.actions.retention.erase import ErasureRequest, erase, erasures
from unlost.app.actions.retention.erase import plan as plan_erasure
from unlost.app.actions.retention.holds import HoldRequest, hold, lift
from unlost.app.archive.periods import archives_of, period_in, today_of
from unlost.app.compose import Application
from unlost.app.restores.approvals import ApprovalState
from unlost.catalog.archive_models import ArchivePeriodRow
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.people.people import actor_of, add_person, set_role
from unlost.engine.records import expired as due_module
from unlost.engine.records.expired import due_records
from unlost.model.access import Role
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import Conflict, IntegrityError, NotAllowed, UnlostError, UsageError
from unlost.model.runs.exclusion import RunKind

KEPT = ArchivePolicy(
    "a-year", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),), keep_days=365
)
OTHER = "A40018"

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


@pytest.fixture
def ada(shop: Shop) -> Application:
    """She requests the erasure."""
    return admin(shop, "ada")


@pytest.fixture
def ben(shop: Shop) -> Application:
    """He approves it."""
    return admin(shop, "ben")


def admin(shop: Shop, name: str, role: Role = Role.ADMIN) -> Application:
    add_person(name, at=shop.app.clock.now())
    actor = actor_of(set_role(name, role, org=None).user)
    assert actor is not None
    application: Application = shop.app.acting(actor)
    return application


def archive(shop: Shop, policy: ArchivePolicy = KEPT, *ids: str) -> str:
    """Archive accounts with their contacts, and make the backup that no longer shows them."""
    plan = shop.plan(archive=replace(policy, ids=ids))
    shop.run(plan)
    shop.night()
    return str(plan.run)


def pass_days(shop: Shop, days: int) -> None:
    shop.world.clock.advance(days=days - 1)
    shop.night()


def due(shop: Shop) -> ExpiredArchives:
    return list_expired(shop.app, "sales")


def requested(ada: Application) -> str:
    """Request the erasure of all that is due; returns the digest."""
    digest = list_expired(ada, "sales").digest
    assert request_removal(ada, "sales", plan=digest).digest == digest
    return digest


def code(error: pytest.ExceptionInfo[UnlostError]) -> str:
    return error.value.code


@pytest.mark.parametrize("days", [-1, 1, 29, 36_501, 10**12])
def test_a_period_below_the_minimum_or_beyond_a_century(shop: Shop, days: int) -> None:
    wrong = replace(KEPT, keep_days=days)
    for act in (
        lambda: save_policy(shop.app, "sales", PolicyRequest(wrong)),
        lambda: shop.plan(archive=wrong),
    ):
        with pytest.raises(UsageError) as error:
            act()
        assert code(error) == "archive-keep-days"


def test_nothing_is_due_before_its_day_and_nothing_goes_alone(shop: Shop, ada: Application) -> None:
    run = archive(shop)
    pass_days(shop, 363)
    assert due(shop).records == 0
    with pytest.raises(Conflict) as error:
        request_removal(ada, "sales", plan="")
    assert code(error) == "retention-nothing"
    pass_days(shop, 2)
    shown = due(shop)
    (line,) = shown.runs
    assert (line.run, line.policy, line.keep_days) == (run, "a-year", 365)
    assert (line.ended - line.archived).days == 365
    assert shown.records == line.records == sum(table.records for table in shown.tables)
    assert {table.table for table in shown.tables} == {"Account", "Contact"}
    assert shown.journals == (run,)
    assert shown.request is None
    pass_days(shop, 90)
    assert due(shop).records == shown.records


def test_an_archive_without_a_period_is_never_due(shop: Shop) -> None:
    archive(shop, replace(KEPT, keep_days=0))
    pass_days(shop, 5_000)
    assert due(shop).records == 0
    assert due(shop).unknown == ()


def test_a_removal_erases_what_was_due_and_names_the_policy(
    shop: Shop, ada: Application, ben: Application
) -> None:
    run = archive(shop, KEPT, CUSTOMER)
    archive(shop, replace(KEPT, name="for-ever", keep_days=0), OTHER)
    pass_days(shop, 400)
    digest = requested(ada)
    shown = approve_removal(ben, "sales", plan=digest)
    assert shown.request is not None
    assert (shown.request.state, shown.request.approved_by) == (ApprovalState.APPROVED, "ben")
    done = erase_expired(ada, "sales", plan=digest)
    assert (done.policies, done.runs) == (("a-year",), (run,))
    assert (done.requested_by, done.approved_by) == ("ada", "ben")
    assert done.erasure.records == 3
    vault = shop.app.whole_vault
    assert vault.history(shop.oid, "Account", CUSTOMER) == []
    assert str(vault.history(shop.oid, "Account", OTHER)[-1].op) == "A"
    assert find(shop.app, CUSTOMER).hits == ()
    assert run not in vault.journals(shop.oid)
    (proof,) = erasures(shop.app, "sales").erasures
    assert proof.by == "admin, at the end of the retention of a-year"
    assert proof.complete
    after = due(shop)
    assert (after.records, after.request, after.unknown) == (0, None, ())
    (entry,) = [row.deed for row in newest(most=99) if row.deed.act == "archive.erase-expired"]
    assert (entry.actor, entry.detail["policies"]) == ("ada", ["a-year"])
    assert (entry.detail["requested_by"], entry.detail["approved_by"]) == ("ada", "ben")


def test_a_removal_needs_another_person_always(
    shop: Shop, ada: Application, ben: Application
) -> None:
    archive(shop)
    pass_days(shop, 400)
    with pytest.raises(Conflict) as missing:
        approve_removal(ben, "sales", plan="")
    assert code(missing) == "retention-not-requested"
    digest = requested(ada)
    with pytest.raises(NotAllowed) as early:
        erase_expired(ada, "sales", plan=digest)
    assert code(early) == "retention-needs-approval"
    with pytest.raises(NotAllowed) as alone:
        approve_removal(ada, "sales", plan=digest)
    assert code(alone) == "retention-by-requester"
    assert "ada" in alone.value.message.sentence
    approve_removal(ben, "sales", plan=digest)
    with pytest.raises(Conflict) as twice:
        approve_removal(ben, "sales", plan=digest)
    assert code(twice) == "retention-approved"
    with pytest.raises(NotAllowed) as approver:
        erase_expired(ben, "sales", plan=digest)
    assert code(approver) == "retention-own-approval"
    with pytest.raises(NotAllowed):
        erase_expired(admin(shop, "carl", Role.RESTORER), "sales", plan=digest)
    assert erase_expired(ada, "sales", plan=digest).erasure.records


def test_an_approval_ends_with_time_with_the_right_and_with_the_request(
    shop: Shop, ada: Application, ben: Application
) -> None:
    archive(shop)
    pass_days(shop, 400)
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    pass_days(shop, 8)
    request = due(shop).request
    assert request is not None
    assert request.state is ApprovalState.EXPIRED
    with pytest.raises(NotAllowed) as expired:
        erase_expired(ada, "sales", plan=digest)
    assert code(expired) == "retention-needs-approval"
    approve_removal(ben, "sales", plan=digest)
    set_role("ben", Role.RESTORER, org=None)
    with pytest.raises(NotAllowed) as void:
        erase_expired(ada, "sales", plan=digest)
    assert code(void) == "retention-needs-approval"
    set_role("ben", Role.ADMIN, org=None)
    withdraw_removal(ada, "sales")
    assert due(shop).request is None
    with pytest.raises(Conflict) as withdrawn:
        erase_expired(ada, "sales", plan=digest)
    assert code(withdrawn) == "retention-not-requested"
    assert requested(ada) == digest
    with pytest.raises(NotAllowed) as again:
        erase_expired(ada, "sales", plan=digest)
    assert code(again) == "retention-needs-approval"


def test_a_request_binds_to_what_was_due_on_its_day(
    shop: Shop, ada: Application, ben: Application
) -> None:
    archive(shop, KEPT, CUSTOMER)
    shop.world.clock.advance(days=2)
    archive(shop, KEPT, OTHER)
    pass_days(shop, 362)
    assert due(shop).records == 3
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    pass_days(shop, 5)
    assert due(shop).records == 3
    erase_expired(ada, "sales", plan=digest)
    assert due(shop).records == 1


def test_a_hold_after_the_approval_stops_the_removal(
    shop: Shop, ada: Application, ben: Application
) -> None:
    archive(shop)
    pass_days(shop, 400)
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    hold(shop.app, "sales", HoldRequest(record=f"Account/{CUSTOMER}"))
    with pytest.raises(Conflict) as error:
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "erase-changed"
    assert "withdraw" in error.value.message.step.sentence
    shown = due(shop)
    assert shown.on_hold == 1
    assert shown.held_records == (f"Account/{CUSTOMER}",)
    assert shown.request is not None
    assert shown.request.changed
    with pytest.raises(Conflict) as late:
        approve_removal(ben, "sales", plan=digest)
    assert code(late) == "retention-approved"
    with pytest.raises(Conflict) as other:
        request_removal(ada, "sales", plan=digest)
    assert code(other) == "erase-changed"


@pytest.mark.parametrize(
    ("target", "stay"),
    [
        (HoldRequest(record=f"Account/{CUSTOMER}"), 1),
        (HoldRequest(table="Contact"), 2),
        (HoldRequest(night=1), 4),
        (HoldRequest(everything=True), 4),
    ],
    ids=["record", "table", "backup", "org"],
)
def test_records_on_hold_stay_and_are_due_when_it_ends_without_a_journal(
    shop: Shop, ada: Application, ben: Application, target: HoldRequest, stay: int
) -> None:
    archive(shop)
    pass_days(shop, 400)
    everything = due(shop).records
    hold(shop.app, "sales", target)
    shown = due(shop)
    assert shown.on_hold >= stay
    assert shown.on_hold + shown.records == everything
    if shown.records:
        digest = requested(ada)
        approve_removal(ben, "sales", plan=digest)
        erase_expired(ada, "sales", plan=digest)
        assert due(shop).records == 0
        assert due(shop).on_hold == shown.on_hold
        assert shop.app.whole_vault.journals(shop.oid) == []
    lift(shop.app, "sales", target)
    assert due(shop).records == shown.on_hold


def test_another_policy_of_the_name_does_not_shorten_the_retention(shop: Shop) -> None:
    save_policy(shop.app, "sales", PolicyRequest(KEPT))
    archive(shop)
    save_policy(shop.app, "sales", PolicyRequest(replace(KEPT, keep_days=30)))
    pass_days(shop, 300)
    assert due(shop).records == 0
    remove_policy(shop.app, "sales", "a-year")
    pass_days(shop, 100)
    (line,) = due(shop).runs
    assert (line.policy, line.keep_days) == ("a-year", 365)


def came_back(shop: Shop, run: str) -> None:
    shop.run(shop.plan(undo=run))


def test_records_that_came_back_are_not_due(shop: Shop) -> None:
    run = archive(shop, KEPT, CUSTOMER)
    shop.platform.purge_bin()
    came_back(shop, run)
    shop.night()
    pass_days(shop, 400)
    assert due(shop).records == 0


def test_a_record_that_is_live_again_without_unlost_is_not_due(shop: Shop) -> None:
    archive(shop, KEPT, CUSTOMER)
    shop.org.create("Account", {"Name": "Again"}, record=CUSTOMER)
    pass_days(shop, 400)
    assert f"Account/{CUSTOMER}" not in due(shop).tables
    assert {table.table for table in due(shop).tables} == {"Contact"}


def test_a_restore_since_the_newest_backup_stops_the_removal(
    shop: Shop, ada: Application, ben: Application
) -> None:
    run = archive(shop, KEPT, CUSTOMER)
    archive(shop, KEPT, OTHER)
    pass_days(shop, 400)
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    came_back(shop, run)
    with pytest.raises(Conflict) as error:
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "retention-needs-backup"
    shop.night()
    with pytest.raises(Conflict) as changed:
        erase_expired(ada, "sales", plan=digest)
    assert code(changed) == "erase-changed"


def test_an_old_backup_cannot_show_what_came_back(shop: Shop, ada: Application) -> None:
    archive(shop)
    shop.world.clock.advance(days=400)
    digest = due(shop).digest
    with pytest.raises(Conflict) as error:
        request_removal(ada, "sales", plan=digest)
    assert code(error) == "retention-needs-backup"


@pytest.mark.parametrize("first", [0, 3_650])
def test_the_longest_period_of_a_record_counts(shop: Shop, first: int) -> None:
    archive(shop, replace(KEPT, name="long", keep_days=first), CUSTOMER)
    shop.org.create("Account", {"Name": "Again"}, record=CUSTOMER)
    shop.night()
    archive(shop, KEPT, CUSTOMER)
    pass_days(shop, 400)
    accounts = [line for line in due(shop).tables if line.table == "Account"]
    assert accounts == []
    pass_days(shop, 3_300)
    accounts = [line for line in due(shop).tables if line.table == "Account"]
    assert bool(accounts) is bool(first)


def test_the_longest_period_counts_without_the_journal_of_its_archive(shop: Shop) -> None:
    archive(shop, replace(KEPT, name="long", keep_days=0), CUSTOMER)
    request = ErasureRequest((f"Contact/{due_contact(shop)}",))
    erase(shop.app, "sales", request, plan=plan_erasure(shop.app, "sales", request).digest)
    assert shop.app.whole_vault.journals(shop.oid) == []
    shop.org.create("Account", {"Name": "Again"}, record=CUSTOMER)
    shop.night()
    archive(shop, KEPT, CUSTOMER)
    pass_days(shop, 400)
    assert due(shop).records == 0


def due_contact(shop: Shop) -> str:
    """A contact that left with its account."""
    vault = shop.app.whole_vault
    head = vault.at(shop.oid, vault.commits(shop.oid)[-1].number, forgotten=True)
    return str(next(iter(head.scan_deleted("Contact", columns=[])))["_u_id"][0].as_py())


def test_a_record_that_stayed_in_an_archive_has_the_period_of_the_next(shop: Shop) -> None:
    plan = shop.plan(archive=replace(KEPT, name="for-ever", keep_days=0))
    shop.org.update("Account", OTHER, {"Phone": "+41 7"})
    shop.run(plan)
    assert OTHER in shop.live("Account")
    shop.night()
    archive(shop, KEPT, OTHER)
    pass_days(shop, 400)
    (line,) = due(shop).runs
    assert line.records == 1


def test_a_record_archived_under_two_ids_is_due_with_both(
    shop: Shop, ada: Application, ben: Application
) -> None:
    name = str(shop.live("Account")[CUSTOMER]["Name"])
    run = archive(shop, KEPT, CUSTOMER)
    shop.platform.purge_bin()
    came_back(shop, run)
    shop.night()
    again = shop.named("Account", name)
    archive(shop, replace(KEPT, keep_days=800), again)
    pass_days(shop, 400)
    assert due(shop).records == 0
    pass_days(shop, 500)
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    erase_expired(ada, "sales", plan=digest)
    vault = shop.app.whole_vault
    assert vault.history(shop.oid, "Account", CUSTOMER) == []
    assert vault.history(shop.oid, "Account", again) == []


def test_an_erasure_of_one_record_does_not_lose_the_period_of_the_others(shop: Shop) -> None:
    records = len(shop.live("Account")) + len(shop.live("Contact"))
    run = archive(shop)
    ArchivePeriodRow.objects.all().delete()  # of a home that was rebuilt
    request = ErasureRequest((f"Account/{OTHER}",))
    erase(shop.app, "sales", request, plan=plan_erasure(shop.app, "sales", request).digest)
    assert run not in shop.app.whole_vault.journals(shop.oid)
    pass_days(shop, 400)
    assert due(shop).records == records - 1
    assert due(shop).unknown == ()


def test_an_archive_whose_journal_was_erased_elsewhere_keeps_for_ever(
    shop: Shop, ada: Application
) -> None:
    run = archive(shop)
    request = ErasureRequest((f"Account/{OTHER}",))
    erase(shop.app, "sales", request, plan=plan_erasure(shop.app, "sales", request).digest)
    ArchivePeriodRow.objects.all().delete()
    pass_days(shop, 400)
    shown = due(shop)
    assert (shown.records, shown.unknown) == (0, (run,))
    with pytest.raises(Conflict) as error:
        request_removal(ada, "sales", plan=shown.digest)
    assert code(error) == "retention-nothing"


def test_an_open_run_stops_the_removal(shop: Shop, ada: Application, ben: Application) -> None:
    archive(shop)
    pass_days(shop, 400)
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    with (
        shop.app.lease.hold(shop.oid, kind=RunKind.ARCHIVE, run="archive-other"),
        pytest.raises(Conflict) as error,
    ):
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "run-in-progress"
    assert erase_expired(ada, "sales", plan=digest).erasure.records


def test_more_records_than_an_erasure_takes_are_due_later(shop: Shop) -> None:
    archive(shop)
    pass_days(shop, 400)
    org = get_org("sales")
    archives = archives_of(shop.app, org)
    now = shop.app.clock.now()
    some = due_records(
        shop.app.whole_vault, org.oid, archives, today=today_of(shop.app, org), now=now, most=3
    )
    assert len(some.archives) == 3
    assert some.later == due(shop).records - 3


# --- records that may be back -----------------------------------------------------------------------


def test_records_of_a_table_that_no_backup_reads_any_more_are_not_due(
    shop: Shop, ada: Application
) -> None:
    archive(shop)
    accounts = next(line.records for line in year_later(shop).tables if line.table == "Account")
    shop.org.tables["Contact"].refused = True
    shop.night()
    shown = due(shop)
    assert [line.table for line in shown.tables] == ["Account"]
    assert (shown.records, shown.unread) == (accounts, ("Contact",))
    assert requested(ada) == shown.digest


def test_a_table_that_is_read_again_is_due_again(shop: Shop) -> None:
    archive(shop)
    everything = year_later(shop).records
    shop.org.tables["Contact"].refused = True
    shop.night()
    shop.org.tables["Contact"].refused = False
    shop.night()
    assert (due(shop).records, due(shop).unread) == (everything, ())


def test_a_table_that_became_unreadable_after_the_approval_stops_the_removal(
    shop: Shop, ada: Application, ben: Application
) -> None:
    archive(shop)
    year_later(shop)
    digest = approved(ada, ben)
    shop.org.tables["Contact"].refused = True
    shop.night()
    with pytest.raises(Conflict) as error:
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "erase-changed"


def year_later(shop: Shop) -> ExpiredArchives:
    pass_days(shop, 400)
    return due(shop)


def approved(ada: Application, ben: Application) -> str:
    digest = requested(ada)
    approve_removal(ben, "sales", plan=digest)
    return digest


# --- a request that ends, or has another day ---------------------------------------------------------


@pytest.mark.parametrize("when", ["queued", "computed"])
def test_a_withdrawn_request_is_not_erased_by_a_run_that_began(
    shop: Shop,
    ada: Application,
    ben: Application,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    archive(shop)
    records = year_later(shop).records
    digest = approved(ada, ben)
    place, name = (expired, "_check_backup") if when == "queued" else (erasing, "check_no_restore")
    real, calls = getattr(place, name), []

    def withdrawn(*given: Any) -> None:
        calls.append(name)
        if len(calls) == (1 if when == "queued" else 2):
            withdraw_removal(ben, "sales")
        real(*given)

    monkeypatch.setattr(place, name, withdrawn)
    with pytest.raises(Conflict) as error:
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "retention-not-requested"
    assert due(shop).records == records


def test_an_approval_that_ends_during_the_erasure_does_not_count(
    shop: Shop, ada: Application, ben: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(shop)
    year_later(shop)
    digest = approved(ada, ben)
    real = expired._check_backup

    def void(app: Application, org: Any) -> None:
        set_role("ben", Role.RESTORER, org=None)
        real(app, org)

    monkeypatch.setattr(expired, "_check_backup", void)
    with pytest.raises(NotAllowed) as error:
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "retention-needs-approval"


def test_a_request_under_a_clock_that_was_ahead_ends_with_the_correction(
    shop: Shop, ada: Application, ben: Application
) -> None:
    archive(shop)
    pass_days(shop, 300)
    shop.world.clock.advance(days=100)
    shop.night()
    digest = approved(ada, ben)
    shop.world.clock.advance(days=-100)
    shown = due(shop)
    assert shown.records == 0
    assert shown.request is not None
    assert shown.request.changed
    with pytest.raises(Conflict) as error:
        erase_expired(ada, "sales", plan=digest)
    assert code(error) == "erase-changed"


def test_an_archive_under_a_clock_that_was_behind_is_not_due_early(shop: Shop) -> None:
    last_backup = shop.app.clock.now().date()
    plan = shop.plan(archive=KEPT)
    shop.world.clock.advance(days=-200)
    shop.run(plan)
    (commit,) = archives_of(shop.app, get_org("sales"))
    assert commit.day >= last_backup


def test_a_request_is_withdrawn_while_a_hold_on_the_change_log_lasts(
    shop: Shop, ada: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(shop)
    year_later(shop)
    requested(ada)

    def is_held(*_: object) -> None:
        raise Conflict("erase-held", "Rows of the change log are on legal hold.")

    monkeypatch.setattr(expired, "_planned", is_held)
    shown = due(shop)
    assert shown.problem is not None
    assert (shown.problem.code, shown.digest, shown.tables) == ("erase-held", "", ())
    assert withdraw_removal(ada, "sales").by == "ada"
    assert due(shop).request is None


# --- journals and names ------------------------------------------------------------------------------


def test_a_damaged_journal_does_not_hide_what_is_due(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(shop, replace(KEPT, name="for-ever", keep_days=0), OTHER)
    archive(shop, KEPT, CUSTOMER)
    records = year_later(shop).records

    def damaged(_: object) -> None:
        raise IntegrityError("journal-damaged", "The journal is damaged.")

    monkeypatch.setattr(due_module, "RestoreLog", damaged)
    assert due(shop).records == records > 0


def test_a_long_name_of_a_policy_is_refused_before_records_leave(shop: Shop) -> None:
    with pytest.raises(UsageError) as error:
        shop.plan(archive=replace(KEPT, name="n" * 121))
    assert code(error) == "archive-policy-unnamed"
    plan = load_plan(shop.app, Path(shop.plan(archive=KEPT).file))[0]
    assert plan.selection.policy is not None
    long = replace(plan.selection, policy=replace(plan.selection.policy, name="n" * 300))
    assert len(period_in(replace(plan, selection=long), run="r").policy) == 120
