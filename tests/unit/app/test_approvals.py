"""Restores that need a second person: each way to run them, who approves, and what ends that."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unit.app.test_follow import refresh
from unlost.app.actions.orgs.approval_policy import change, show
from unlost.app.actions.orgs.follow import follow
from unlost.app.actions.restores import approval as module
from unlost.app.actions.restores import queued_restore, restore_run
from unlost.app.actions.restores.approval import (
    approvals,
    approve,
    approve_file,
    withdraw,
    withdraw_file,
)
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    choose,
    discard_plan,
    leave_out,
    make_plan_now,
    run_stored_plan,
    show_stored_plan,
    waiting,
)
from unlost.app.actions.restores.plan_diff import diff_files, diff_stored
from unlost.app.actions.restores.queued_restore import do_restore, hand_over
from unlost.app.actions.restores.restore_plan import (
    PlanRequest,
    PlanResult,
    RestoreRequest,
    make_plan,
    show_plan,
)
from unlost.app.actions.restores.restore_run import resume_run, retry_run, run_plan
from unlost.app.actions.runs.control import resume
from unlost.app.compose import Application
from unlost.app.restores.approvals import ApprovalState
from unlost.catalog.home.copying import settings_digest
from unlost.catalog.models import PlanRow, TokenRow
from unlost.catalog.orgs.approval_policy import LARGEST, approve_as, policy_of
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.catalog.people.audit import AuditEntry, newest
from unlost.catalog.people.people import actor_of, add_person, get_person, set_active, set_role
from unlost.catalog.people.tokens import actor_of_token, make_token
from unlost.catalog.runs.plans import PlanState, find_plan, set_approval
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.access import SERVICE, Actor, Role, machine
from unlost.model.approval import Approval, ApprovalPolicy, ApprovalReason
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    NotFound,
    UnlostError,
    UsageError,
)
from unlost.model.message import code_of
from unlost.model.org import OrgKind
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.writing import WriteOp
from unlost.testing.platform import RowRefused

ALWAYS = ApprovalPolicy(records=0)
LOST = RestoreRequest(PlanRequest("sales", lost=("1", "2")))

after_loss = scene(lost_shop)


@pytest.fixture(autouse=True)
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    return after_loss(world)


@pytest.fixture
def ada(shop: Shop) -> Application:
    """She makes the plans."""
    change(shop.app, "sales", ALWAYS)
    return acting(shop, "ada")


@pytest.fixture
def ben(shop: Shop, ada: Application) -> Application:
    """He approves them."""
    return acting(shop, "ben")


def acting(shop: Shop, name: str, role: Role = Role.RESTORER) -> Application:
    add_person(name, at=shop.app.clock.now())
    actor = actor_of(set_role(name, role, org=None).user)
    assert actor is not None
    application: Application = shop.app.acting(actor)
    return application


def made(app: Application, wanted: RestoreRequest = LOST) -> PlanView:
    return make_plan_now(app, "sales", choose(app, "sales", wanted).plan)


def approved(app: Application, view: PlanView) -> ApprovalState:
    assert view.approval is not None
    done = approve(app, "sales", view.plan, digest=view.approval.digest)
    return done.approval.state


def file_plan(app: Application, shop: Shop, *records: str) -> PlanResult:
    chosen = records or (f"Account/{CUSTOMER}",)
    return make_plan(app, PlanRequest("sales", chosen), shop.out())


def written(shop: Shop) -> bool:
    ops = {op.value for op in WriteOp}
    return any(call[0] in ops for call in shop.writer.calls)


def refused(
    kind: type[UnlostError], code: str, act: Callable[..., object], *given: Any, **more: Any
) -> UnlostError:
    with pytest.raises(kind) as caught:
        act(*given, **more)
    assert caught.value.code == code, caught.value
    return caught.value


def noted(act: str) -> list[AuditEntry]:
    return [entry for entry in newest(most=999) if entry.deed.act == act]


# --- the policy -----------------------------------------------------------------------------------


def test_by_default_no_approval_is_asked_for(shop: Shop) -> None:
    assert show(shop.app, "sales").policy.is_off
    plan = shop.whole_plan()
    assert plan.approval is None
    assert shop.run(plan).whole
    assert PlanRow.objects.count() == 0, "plans of the command line are not stored"


def test_an_admin_sets_a_policy_and_it_is_audited(shop: Shop) -> None:
    before = settings_digest()
    policy = ApprovalPolicy(records=100, production=True, deletes=True)
    result = change(shop.app, "sales", policy)
    assert (result.policy, result.days) == (policy, 7)
    assert show(shop.app, "sales") == result
    detail = noted("approval.set")[0].deed.detail
    assert detail == {"records": 100, "production": True, "deletes": True}
    assert settings_digest() != before, "the copies of the home have it"
    assert change(shop.app, "sales", ApprovalPolicy()).policy.is_off
    assert policy_of(shop.oid).is_off


def test_a_policy_needs_the_right_to_manage_and_a_number(shop: Shop) -> None:
    restorer = acting(shop, "rita")
    refused(NotAllowed, "not-permitted", change, restorer, "sales", ALWAYS)
    assert show(restorer, "sales").policy.is_off
    for number in (-1, LARGEST + 1):
        wrong = ApprovalPolicy(records=number)
        refused(UsageError, "approval-invalid", change, shop.app, "sales", wrong)


def test_a_refreshed_sandbox_takes_over_the_policy(shop: Shop) -> None:
    change(shop.app, "sales", ALWAYS)
    refresh(shop.world)
    follow(shop.app, "sales")
    assert policy_of(get_org("sales").oid) == ALWAYS


def test_each_condition_asks(shop: Shop, ada: Application) -> None:
    org = get_org("sales")
    kind = replace(org.identity, kind=OrgKind.PRODUCTION)
    for policy, reason in (
        (ApprovalPolicy(records=3), ApprovalReason.RECORDS),
        (ApprovalPolicy(production=True), ApprovalReason.PRODUCTION),
    ):
        save_org(replace(org, identity=kind))
        change(shop.app, "sales", policy)
        view = made(ada)
        assert view.approval is not None
        assert view.approval.reasons == (reason,)
    for policy in (ApprovalPolicy(records=4), ApprovalPolicy(deletes=True)):
        change(shop.app, "sales", policy)
        assert made(ada).approval is None


def test_an_undo_deletes(shop: Shop, ben: Application) -> None:
    change(shop.app, "sales", ApprovalPolicy(deletes=True))
    run = shop.run(shop.whole_plan()).run
    undo = make_plan(shop.app, PlanRequest("sales", undo=run), shop.out())
    assert undo.approval is not None
    assert undo.approval.reasons == (ApprovalReason.DELETES,)
    refused(NotAllowed, "restore-needs-approval", run_plan, shop.app, Path(undo.file))
    approve_file(ben, Path(undo.file))
    assert run_plan(shop.app, Path(undo.file)).whole


# --- each way to run ------------------------------------------------------------------------------


def test_a_file_runs_after_a_second_person_approved_it(
    shop: Shop, ada: Application, ben: Application
) -> None:
    plan = file_plan(ada, shop)
    assert plan.approval is not None
    assert (plan.approval.state, plan.approval.may_approve) == (ApprovalState.WAITING, False)
    error = refused(NotAllowed, "restore-needs-approval", run_plan, ada, Path(plan.file))
    assert "unlost restore approve" in error.next_step
    assert "unlost user add" in error.next_step, "also for who works alone"
    assert find_run(plan.run) is None, "it is no failed run"
    assert not written(shop)
    approve_file(ben, Path(plan.file))
    shown = show_plan(ada, Path(plan.file)).approval
    assert shown is not None
    assert (shown.state, shown.by) == (ApprovalState.APPROVED, "ben")
    assert run_plan(ada, Path(plan.file)).whole
    assert written(shop)
    assert PlanRow.objects.get(digest=plan.digest).run == plan.run
    assert show_plan(ada, Path(plan.file)).approval is None, "the run has begun"
    assert run_plan(ada, Path(plan.file)).repeated


def test_a_run_that_could_not_begin_leaves_its_plan_in_the_console(
    shop: Shop, ada: Application, ben: Application
) -> None:
    plan = file_plan(ada, shop)
    approve_file(ben, Path(plan.file))
    with shop.app.lease.hold(shop.oid, kind=RunKind.RESTORE, run="restore-other"):
        refused(Conflict, "run-in-progress", run_plan, ada, Path(plan.file))
    row = PlanRow.objects.get(digest=plan.digest)
    assert row.state == PlanState.PLANNED.value
    assert run_stored_plan(ada, "sales", row.id).run == plan.run
    assert PlanRow.objects.get(digest=plan.digest).run == plan.run


def test_a_file_is_handed_over_only_with_approval(
    shop: Shop, ada: Application, ben: Application
) -> None:
    plan = file_plan(ada, shop)
    refused(NotAllowed, "restore-needs-approval", hand_over, ada, Path(plan.file))
    assert plan.run not in shop.app.vault.journals(shop.oid), "nothing is in the vault"
    approve_file(ben, Path(plan.file))
    assert hand_over(ada, Path(plan.file)).run == plan.run
    assert do_restore(shop.app.acting(SERVICE), plan.run) is RunState.DONE


def test_a_plan_of_the_console_runs_only_with_approval(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view = made(ada)
    refused(NotAllowed, "restore-needs-approval", run_stored_plan, ada, "sales", view.plan)
    assert noted("restore.start")[0].deed.outcome == "restore-needs-approval"
    assert show_stored_plan(ada, "sales", view.plan).state is PlanState.PLANNED
    assert approved(ben, view) is ApprovalState.APPROVED
    handed = run_stored_plan(ada, "sales", view.plan)
    assert do_restore(shop.app.acting(SERVICE), handed.run) is RunState.DONE
    assert show_stored_plan(ada, "sales", view.plan).approval is None


def test_the_service_checks_again_before_it_writes(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view = made(ada)
    approved(ben, view)
    handed = run_stored_plan(ada, "sales", view.plan)
    withdraw(ben, "sales", view.plan)
    assert do_restore(shop.app.acting(SERVICE), handed.run) is RunState.FAILED
    known = find_run(handed.run)
    assert known is not None
    assert code_of(known.error) == "restore-needs-approval"
    assert not written(shop)
    again = show_stored_plan(ben, "sales", view.plan)
    assert approved(ben, again) is ApprovalState.APPROVED
    resume(ada, handed.run)
    assert do_restore(shop.app.acting(SERVICE), handed.run) is RunState.DONE


def test_a_policy_that_came_after_the_hand_over_counts(shop: Shop) -> None:
    plan = shop.whole_plan()
    run = hand_over(shop.app, Path(plan.file)).run
    change(shop.app, "sales", ALWAYS)
    assert do_restore(shop.app.acting(SERVICE), run) is RunState.FAILED
    assert not written(shop)
    refused(NotAllowed, "restore-needs-approval", resume_run, shop.app, run)


def parked(shop: Shop, act: Callable[[], object]) -> None:
    """Run until the customer was written, then stop at a limit."""
    shop.writer.faults.plant("write", LimitReached("full", "Full."), table="Contact")
    with pytest.raises(LimitReached):
        act()


def test_a_run_that_has_written_goes_on_without_a_new_approval(
    shop: Shop, ada: Application, ben: Application
) -> None:
    plan = file_plan(ada, shop)
    approve_file(ben, Path(plan.file))
    parked(shop, lambda: run_plan(ada, Path(plan.file)))
    refused(Conflict, "restore-begun", withdraw_file, ben, Path(plan.file))
    shop.world.clock.advance(days=8)
    assert resume_run(ada, plan.run).whole


def test_a_home_that_lost_its_approvals_resumes_what_had_begun(shop: Shop) -> None:
    plan = shop.plan(f"Account/{CUSTOMER}")
    parked(shop, lambda: run_plan(shop.app, Path(plan.file)))
    shop.lose_database()
    change(shop.app, "sales", ALWAYS)
    assert resume_run(shop.app, plan.run).whole


def test_a_retry_has_its_own_plan_and_needs_its_own_approval(
    shop: Shop, ada: Application, ben: Application
) -> None:
    plan = file_plan(ada, shop)
    approve_file(ben, Path(plan.file))
    create = shop.platform.create

    def refuse(table: str, cells: Any, *, by: str) -> str:
        if table == "Contact":
            raise RowRefused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Not today.", "Name")
        return create(table, cells, by=by)

    shop.platform.create = refuse  # type: ignore[method-assign]
    first = run_plan(ada, Path(plan.file))
    shop.platform.create = create  # type: ignore[method-assign]
    refused(NotAllowed, "restore-needs-approval", retry_run, ada, first.run)
    (line,) = approvals(ben).plans
    view = show_stored_plan(ben, "sales", line.plan)
    assert view.wanted.retry == first.run
    assert approved(ben, view) is ApprovalState.APPROVED
    handed = run_stored_plan(ada, "sales", line.plan)
    assert handed.run == f"{first.run}-try-2"


def test_a_restore_that_writes_nothing_needs_nobody(shop: Shop, ada: Application) -> None:
    view = made(ada, RestoreRequest(PlanRequest("sales", ("Account/A40018",))))
    assert view.approval is None


def test_a_preview_has_nothing_to_approve(sales: World) -> None:
    reading = Shop(sales)
    reading.lose()
    reading.night()
    change(reading.app, "sales", ALWAYS)
    view = made(reading.app)
    assert view.summary is not None
    assert (view.summary.is_preview, view.approval) == (True, None)
    stored_plan = find_plan(view.plan)
    assert stored_plan is not None
    digest = stored_plan.digest
    ben = acting(reading, "ben")
    refused(UsageError, "plan-preview", approve, ben, "sales", view.plan, digest=digest)


def test_no_other_code_runs_plans() -> None:
    """Each call of the engine stands behind the check."""
    root = Path(restore_run.__file__).parents[3]
    engine = "unlost.engine.restore.running.execute"
    texts = {file: file.read_text("utf-8") for file in root.rglob("*.py")}
    callers = {
        file.name
        for file, text in texts.items()
        if engine in text  # to read all others as programs takes seconds
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        and node.module == engine
        and {alias.name for alias in node.names} & {"execute", "open_run"}
    }
    assert callers == {"restore_run.py"}
    tree = ast.parse(Path(restore_run.__file__).read_text("utf-8"))
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        text = ast.unparse(function)
        if " execute(" in text or " open_run(" in text:
            assert "check_approved(app, org, plan)" in text, function.name


# --- who ------------------------------------------------------------------------------------------


def test_who_made_the_plan_does_not_approve_it(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view = made(ada)
    assert view.approval is not None
    digest = view.approval.digest
    refused(NotAllowed, "approval-by-requester", approve, ada, "sales", view.plan, digest=digest)
    own = shop.app.acting(token_of(shop, "ada"))
    refused(NotAllowed, "approval-by-requester", approve, own, "sales", view.plan, digest=digest)
    assert noted("restore.approve")[0].deed.outcome == "approval-by-requester"


def token_of(shop: Shop, owner: str) -> Actor:
    now = shop.app.clock.now()
    _token, text = make_token(
        owner=get_person(owner).user,
        name="cli",
        role=Role.ADMIN,
        org=None,
        at=now,
        expires=now + timedelta(days=30),
        entropy=shop.app.entropy,
    )
    actor = actor_of_token(text, at=now)
    assert actor is not None
    return actor


def test_a_token_approves_for_its_owner(shop: Shop, ada: Application, ben: Application) -> None:
    view = made(ada)
    assert approved(shop.app.acting(token_of(shop, "ben")), view) is ApprovalState.APPROVED
    refused(NotAllowed, "approval-own-run", run_stored_plan, ben, "sales", view.plan)
    TokenRow.objects.all().delete()
    run_stored_plan(ada, "sales", view.plan)


def test_who_approved_does_not_run(shop: Shop, ada: Application, ben: Application) -> None:
    view = made(ada)
    approved(ben, view)
    refused(NotAllowed, "approval-own-run", run_stored_plan, ben, "sales", view.plan)
    seen = show_stored_plan(ben, "sales", view.plan).approval
    assert seen is not None
    assert not seen.may_run


def test_users_of_the_machine_count_as_one_person(shop: Shop, ben: Application) -> None:
    plan = file_plan(shop.app, shop)
    other = shop.app.acting(machine("somebody-else"))
    refused(NotAllowed, "approval-by-requester", approve_file, other, Path(plan.file))
    approve_file(ben, Path(plan.file))
    assert run_plan(shop.app, Path(plan.file)).whole


def test_a_user_of_the_machine_approves_what_others_made(shop: Shop, ada: Application) -> None:
    view = made(ada)
    assert approved(shop.app, view) is ApprovalState.APPROVED
    same_name = shop.app.acting(machine("ada"))
    again = made(ada)
    assert again.approval is not None
    refused(
        NotAllowed,
        "approval-by-requester",
        approve,
        same_name,
        "sales",
        again.plan,
        digest=again.approval.digest,
    )


def test_the_approver_needs_the_right_to_restore(shop: Shop, ada: Application) -> None:
    view = made(ada)
    assert view.approval is not None
    operator = acting(shop, "otto", Role.OPERATOR)
    digest = view.approval.digest
    refused(NotAllowed, "not-permitted", approve, operator, "sales", view.plan, digest=digest)
    plan = file_plan(ada, shop)
    refused(NotAllowed, "not-permitted", approve_file, operator, Path(plan.file))
    refused(NotAllowed, "not-permitted", withdraw_file, operator, Path(plan.file))


def test_an_approval_of_who_may_no_longer_restore_is_void(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view = made(ada)
    approved(ben, view)
    set_role("ben", Role.VIEWER, org=None)
    refused(NotAllowed, "approval-void", run_stored_plan, ada, "sales", view.plan)
    set_active("ben", active=False)
    refused(NotAllowed, "approval-void", run_stored_plan, ada, "sales", view.plan)
    carl = acting(shop, "carl")
    assert approved(carl, show_stored_plan(carl, "sales", view.plan)) is ApprovalState.APPROVED
    run_stored_plan(ada, "sales", view.plan)


# --- what ends it ---------------------------------------------------------------------------------


def test_an_approval_ends_after_seven_days(shop: Shop, ada: Application, ben: Application) -> None:
    view = made(ada)
    approved(ben, view)
    shop.world.clock.advance(days=7)
    error = refused(NotAllowed, "approval-expired", run_stored_plan, ada, "sales", view.plan)
    assert "7 days" in error.sentence
    seen = show_stored_plan(ben, "sales", view.plan)
    assert seen.approval is not None
    assert seen.approval.state is ApprovalState.EXPIRED
    assert approved(ben, seen) is ApprovalState.APPROVED
    run_stored_plan(ada, "sales", view.plan)


def test_an_approval_is_withdrawn(shop: Shop, ada: Application, ben: Application) -> None:
    view = made(ada)
    refused(Conflict, "approval-missing", withdraw, ada, "sales", view.plan)
    approved(ben, view)
    withdraw(ada, "sales", view.plan)
    refused(NotAllowed, "restore-needs-approval", run_stored_plan, ada, "sales", view.plan)
    event = noted("restore.withdraw")[0].deed
    assert (event.actor, event.outcome, event.subject) == ("ada", "done", view.plan)


def test_a_changed_plan_is_another_plan(shop: Shop, ada: Application, ben: Application) -> None:
    view = made(ada)
    approved(ben, view)
    less = leave_out(ada, "sales", view.plan, tables=["Paper"])
    less = make_plan_now(ada, "sales", less.plan)
    assert less.approval is not None
    assert less.approval.state is ApprovalState.WAITING
    refused(NotAllowed, "restore-needs-approval", run_stored_plan, ada, "sales", less.plan)
    seen = view.approval
    assert seen is not None
    refused(Conflict, "approval-other-plan", approve, ben, "sales", less.plan, digest=seen.digest)


def test_an_edited_file_is_neither_approved_nor_run(
    shop: Shop, ada: Application, ben: Application
) -> None:
    plan = file_plan(ada, shop)
    approve_file(ben, Path(plan.file))
    file = Path(plan.file)
    file.write_bytes(file.read_bytes().replace(b'"related":true', b'"related":false'))
    refused(IntegrityError, "plan-edited", approve_file, ben, file)
    refused(IntegrityError, "plan-edited", run_plan, ada, file)


def test_a_stored_plan_that_was_exchanged_is_not_approved(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view, other = made(ada), made(ada)
    assert view.approval is not None
    row = PlanRow.objects.get(id=other.plan)
    PlanRow.objects.filter(id=view.plan).update(content=row.content)
    digest = view.approval.digest
    refused(Conflict, "approval-other-plan", approve, ben, "sales", view.plan, digest=digest)
    approved_row = Approval("ben", "ben", shop.app.clock.now())
    assert set_approval(view.plan, approved_row, digest=digest, before=None)
    refused(NotAllowed, "restore-needs-approval", run_stored_plan, ada, "sales", view.plan)


# --- one after the other, and at the same time ----------------------------------------------------


def test_two_approvals_at_the_same_time_are_one(
    shop: Shop, ada: Application, ben: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = made(ada)
    carl = acting(shop, "carl")
    real = module.set_approval

    def late(plan: str, *given: Any, **more: Any) -> bool:
        monkeypatch.setattr(module, "set_approval", real)
        approved(carl, view)
        return real(plan, *given, **more)

    monkeypatch.setattr(module, "set_approval", late)
    assert view.approval is not None
    digest = view.approval.digest
    error = refused(
        Conflict, "plan-already-approved", approve, ben, "sales", view.plan, digest=digest
    )
    assert "carl" in error.sentence
    refused(Conflict, "plan-already-approved", approve, ben, "sales", view.plan, digest=digest)


def test_a_withdrawal_does_not_end_an_approval_given_meanwhile(
    shop: Shop, ada: Application, ben: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = made(ada)
    approved(ben, view)
    monkeypatch.setattr(module, "set_approval", lambda *_, **__: False)
    refused(Conflict, "approval-other-plan", withdraw, ada, "sales", view.plan)


def test_a_plan_that_was_discarded_meanwhile_is_unknown(
    shop: Shop, ada: Application, ben: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = made(ada)
    real = module.set_approval

    def late(plan: str, *given: Any, **more: Any) -> bool:
        discard_plan(ada, "sales", plan)
        return real(plan, *given, **more)

    monkeypatch.setattr(module, "set_approval", late)
    assert view.approval is not None
    digest = view.approval.digest
    refused(NotFound, "plan-unknown", approve, ben, "sales", view.plan, digest=digest)


def test_what_cannot_be_approved_is_refused(shop: Shop, ada: Application, ben: Application) -> None:
    unmade = choose(ada, "sales", LOST).plan
    refused(Conflict, "plan-not-made", approve, ben, "sales", unmade, digest="x")
    refused(NotFound, "plan-unknown", approve, ben, "sales", "nothing", digest="x")
    plan = file_plan(ada, shop)
    change(shop.app, "sales", ApprovalPolicy(records=100))
    refused(Conflict, "approval-not-needed", approve_file, ben, Path(plan.file))
    approved_row = Approval("ben", "ben", shop.app.clock.now())
    row = PlanRow.objects.get(digest=plan.digest)
    assert set_approval(row.id, approved_row, digest=plan.digest, before=None)
    assert withdraw_file(ada, Path(plan.file)).approval.by == ""


def test_a_file_from_before_the_policy_is_planned_again(shop: Shop) -> None:
    plan = shop.whole_plan()
    change(shop.app, "sales", ALWAYS)
    ben = acting(shop, "ben")
    error = refused(NotFound, "plan-maker-unknown", approve_file, ben, Path(plan.file))
    assert "new plan" in error.next_step
    refused(NotAllowed, "restore-needs-approval", run_plan, shop.app, Path(plan.file))
    seen = show_plan(ben, Path(plan.file)).approval
    assert seen is not None
    assert not seen.may_approve


def test_a_run_that_began_is_not_approved(shop: Shop, ada: Application, ben: Application) -> None:
    change(shop.app, "sales", ApprovalPolicy(records=100))
    view = made(ada)
    run_stored = run_stored_plan(ada, "sales", view.plan)
    assert do_restore(shop.app.acting(SERVICE), run_stored.run) is RunState.DONE
    change(shop.app, "sales", ALWAYS)
    stored_plan = find_plan(view.plan)
    assert stored_plan is not None
    digest = stored_plan.digest
    refused(Conflict, "restore-begun", approve, ben, "sales", view.plan, digest=digest)


# --- audit and lists ------------------------------------------------------------------------------


def test_an_approval_is_audited_with_the_hash(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view = made(ada)
    approved(ben, view)
    event = noted("restore.approve")[0].deed
    assert view.approval is not None
    assert (event.actor, event.org, event.outcome) == ("ben", "sales", "done")
    assert event.detail == {"org": "sales", "plan": view.plan, "digest": view.approval.digest}
    assert event.at == shop.app.clock.now()
    plan = file_plan(ada, shop)
    approve_file(ben, Path(plan.file))
    assert noted("restore.approve-file")[0].deed.detail["digest"] == plan.digest


def test_plans_that_wait_are_listed_for_who_may_approve(
    shop: Shop, ada: Application, ben: Application
) -> None:
    view = made(ada)
    plan = file_plan(ada, shop)
    lines = approvals(ben).plans
    assert {line.plan for line in lines} == {view.plan, plan.summary.plan}
    assert {line.zone for line in lines} == {get_org("sales").identity.zone}
    assert approvals(ben, org="sales").plans == lines
    refused(NotFound, "org-unknown", approvals, ben, org="other")
    assert approvals(ada).plans == (), "they are her own"
    approved(ben, view)
    assert [line.plan for line in approvals(ben).plans] == [plan.summary.plan]
    states = {line.plan: line.approval for line in waiting(ada).plans}
    assert states[view.plan].state is ApprovalState.APPROVED  # type: ignore[union-attr]
    change(shop.app, "sales", ApprovalPolicy())
    assert approvals(ben).plans == ()


def test_the_policy_of_one_org_is_copied_to_another(shop: Shop) -> None:
    approve_as(shop.oid, shop.oid)
    assert policy_of(shop.oid).is_off


# --- differences ----------------------------------------------------------------------------------


def test_the_approved_plan_is_compared_with_the_new_one(shop: Shop, ada: Application) -> None:
    old = file_plan(ada, shop, f"Account/{CUSTOMER}", f"Paper/{shop.paper}")
    new = file_plan(ada, shop, f"Paper/{shop.paper}")
    seen = diff_files(ada, Path(old.file), Path(new.file))
    assert (seen.org, seen.difference.old.digest) == ("sales", old.digest)
    assert noted("restore.diff")[0].deed.detail["new"] == new.digest
    view, less = made(ada), made(ada)
    assert diff_stored(ada, "sales", view.plan, less.plan).difference.total == 0
    refused(NotFound, "plan-unknown", diff_stored, ada, "sales", view.plan, "nothing")
    operator = acting(shop, "otto", Role.OPERATOR)
    refused(NotAllowed, "not-permitted", diff_files, operator, Path(old.file), Path(new.file))
