"""One night of a saved archive policy: plan, approval, run, and its end.

    do_archive ─> choose, make_plan_now ─> approval? ─> run_stored_plan ─> do_restore ─> the end
                  the same actions as a person's, by the owner of the schedule

Each step is stored before the next one begins, and a step that is repeated has no effect: the night
has one plan, and a plan has one run. So a process may die anywhere. A night claims its run before the
plan is handed over: either the night is ended and no plan runs, or the plan runs and the night follows
it. Nothing is raised: the problem is stored with the policy, and an alert shows it. See docs/adr/0052.
"""

from dataclasses import replace
from datetime import timedelta

from unlost.app.actions.backups.night import BUSY, DATABASE_AWAY, RECONNECT
from unlost.app.actions.restores.kept_plan import choose, make_plan_now, run_stored_plan
from unlost.app.actions.restores.queued_restore import hand_over_plan
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.restores.restore_run import journal_of
from unlost.app.archive.bin_rooms import free_in_bin
from unlost.app.archive.day_limit import archived_today
from unlost.app.archive.due_archives import is_late
from unlost.app.archive.open_nights import drop_night, drop_nights, end_without_run, gives_way
from unlost.app.archive.problems import (
    NO_RIGHT,
    PLANNERS_BUSY,
    bin_is_full,
    broken_off,
    day_is_full,
    not_ended,
    not_fresh,
    owner_lost_right,
    owner_without_right,
    surplus,
    too_many,
)
from unlost.app.archive.schedule_owner import schedule_actor
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.restores.approvals import ApprovalState, approval_of_stored
from unlost.app.restores.plan_files import proved_plan
from unlost.catalog.orgs.archive_policies import (
    note_policy_problem,
    saved_policy,
    switch_policy_off,
)
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.archive_nights import (
    archive_night,
    claim_night,
    end_night,
    move_night,
    open_archive_nights,
    put_off_night,
    release_night,
    set_night_plan,
)
from unlost.catalog.runs.plans import PlanState, StoredPlan, drop_plan, find_plan, plan_content
from unlost.catalog.runs.queued_restores import drop_restore
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.archive.planning import large_share
from unlost.engine.archive.selected import selected_share
from unlost.engine.restore.planning.shown.summary import PlanSummary
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.passes.staying import VANISHED
from unlost.engine.restore.values.bin_notes import pushes_others
from unlost.model.decoders import decoder_for
from unlost.model.errors import UnlostError
from unlost.model.message import Message, code_of, fault
from unlost.model.saved_policy import ArchiveNight, ArchiveNightState, SavedPolicy

MOST_TRIES = 3
RETRY = timedelta(minutes=15)
DAY_FULL = timedelta(hours=1)  # until the next look whether the day has room again
WITHOUT_EFFECT = frozenset({"archive-nothing", "archive-all-stay"})
GROUP_LARGE = "archive-group-large"
POLICY_ERROR = "archive-"  # begins the codes of errors that the next minutes do not change


def do_archive(app: Application, number: int) -> ArchiveNight | None:
    """Take a night of a policy as far as it goes now. Errors are recorded, not raised."""
    night = archive_night(number)
    saved = saved_policy(night.policy) if night is not None else None
    if night is None or saved is None or not night.state.is_open:
        return night
    try:
        _advance(app, saved, night)
    except UnlostError as error:
        _after_error(app, archive_night(number) or night, error.message)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        _fail(app, archive_night(number) or night, fault(error))
    return archive_night(number)


def _advance(app: Application, saved: SavedPolicy, night: ArchiveNight) -> None:
    org = get_org(saved.org)
    if night.state is ArchiveNightState.RUNNING:
        if not _is_claimed_only(night):
            _end_run(app, saved, night)
            return
        # Its process died before it handed the plan over: all checks are made again.
        release_night(night.id, ArchiveNightState.PLANNED, run=night.run)
        night = replace(night, state=ArchiveNightState.PLANNED, run="")
    actor = schedule_actor(saved, at=app.clock.now())
    if not saved.is_on or _is_replaced(night):
        drop_night(app, night)
        return
    if actor is None:
        _switch_off(app, saved, night, owner_without_right(saved).message)
        return
    plan = _plan_of(app.acting(actor), org, saved, night)
    if plan is not None:
        _run_or_wait(app.acting(actor), org, saved, night, plan)


def _is_claimed_only(night: ArchiveNight) -> bool:
    """Return True if the night claimed its run, and no process handed the plan over."""
    return find_run(night.run) is None and find_plan(night.plan) is not None


def _is_replaced(night: ArchiveNight) -> bool:
    """Return True if a later night of the policy began: it plans from a newer backup."""
    newest = open_archive_nights(policy=night.policy)[-1]
    return newest.id != night.id


# --- the plan ---------------------------------------------------------------------------------------


def _plan_of(
    app: Application, org: ProtectedOrg, saved: SavedPolicy, night: ArchiveNight
) -> StoredPlan | None:
    """Return the plan of the night, which is made now if there is none; None if there can be none."""
    plan = find_plan(night.plan) if night.plan else None
    waits = night.state in (ArchiveNightState.PLANNED, ArchiveNightState.WAITING)
    if waits and plan is None:
        drop_night(app, night)  # a person discarded it, or it is too old
        return None
    if plan is None or plan.state in (PlanState.FAILED, PlanState.BROKEN_OFF):
        plan = _chosen(app, org, saved, night)
    if plan is not None and plan.state is PlanState.MAKING:
        make_plan_now(app, org.name, plan.id)
        plan = find_plan(plan.id)
    if plan is None or plan.state in (PlanState.PLANNED, PlanState.RUN):
        return plan
    _not_planned(app, org, saved, night, plan)
    return None


def _chosen(
    app: Application, org: ProtectedOrg, saved: SavedPolicy, night: ArchiveNight
) -> StoredPlan | None:
    """Choose the records of the policy for a plan; None if nothing is to be planned."""
    if is_late(night, app.clock.now()):
        end_night(night.id, ArchiveNightState.FAILED, at=app.clock.now(), error=not_fresh().message)
        return None
    if not _earlier_nights_ended(app, saved, night) or not _is_small(app, org, saved, night):
        return None
    most = _day_room(app, org, saved)
    if most <= 0:
        error = day_is_full(saved).message
        end_night(night.id, ArchiveNightState.NOTHING, at=app.clock.now(), error=error)
        return None
    free = free_in_bin(app, org, saved.policy)
    if free == 0:
        error = bin_is_full(saved).message
        end_night(night.id, ArchiveNightState.NOTHING, at=app.clock.now(), error=error)
        return None
    most = min(most, free) if free is not None else most
    request = PlanRequest(org.name, archive=saved.policy, most=most)
    view = choose(app, org.name, RestoreRequest(request))
    if night.plan:
        drop_plan(night.plan)
    if not set_night_plan(night, view.plan):  # another process was faster
        drop_plan(view.plan)
        return None
    return find_plan(view.plan)


def _earlier_nights_ended(app: Application, saved: SavedPolicy, night: ArchiveNight) -> bool:
    """Give up earlier nights that did not begin to write; false if the archive of one goes on."""
    for earlier in open_archive_nights(policy=saved.id):
        if earlier.id == night.id:
            break
        if earlier.state.is_before_run and drop_night(app, earlier):
            continue
        if not _has_ended(app, saved, archive_night(earlier.id) or earlier):
            _fail(app, night, not_ended(saved, run=earlier.run).message)
            return False
    renewed = saved_policy(saved.id)
    if renewed is not None and renewed.is_on:
        return True
    drop_night(app, night)  # an earlier run was the reason to switch it off
    return False


def _has_ended(app: Application, saved: SavedPolicy, night: ArchiveNight) -> bool:
    """End a night whose run is over, or gives way; false if its archive goes on."""
    if _is_over(night):
        _end_run(app, saved, night)
        return True
    if not gives_way(app, night):
        return False
    end_night(night.id, ArchiveNightState.DROPPED, at=app.clock.now())
    return True


def _is_small(app: Application, org: ProtectedOrg, saved: SavedPolicy, night: ArchiveNight) -> bool:
    """Return True unless the policy selects more than half of its table, and no person agreed."""
    if saved.may_be_large:
        return True
    backup = newest_backup(app.whole_vault, org)
    share = selected_share(backup, saved.policy, now=app.clock.now())
    if share.is_large:
        _switch_off(app, saved, night, too_many(org.name, saved.policy, share).message)
    return not share.is_large


def _is_plan_small(
    app: Application, saved: SavedPolicy, night: ArchiveNight, summary: PlanSummary
) -> bool:
    """Return True unless more than half of a related table goes, and no person agreed."""
    share = large_share(summary.notes) if not saved.may_be_large else None
    if share is not None:
        _switch_off(app, saved, night, too_many(saved.org, saved.policy, share).message)
    return share is None


def _not_planned(
    app: Application,
    org: ProtectedOrg,
    saved: SavedPolicy,
    night: ArchiveNight,
    plan: StoredPlan,
) -> None:
    """End a night whose plan failed, or plan again later."""
    error, code = plan.error, code_of(plan.error)
    if code == GROUP_LARGE and _is_bin_smaller(app, org, saved):
        error = bin_is_full(saved).message
    elif code not in WITHOUT_EFFECT:
        _after_error(app, night, error or not_fresh().message)
        return
    drop_plan(plan.id)
    end_night(night.id, ArchiveNightState.NOTHING, at=app.clock.now(), error=error)
    note_policy_problem(night.policy, None)


def _is_bin_smaller(app: Application, org: ProtectedOrg, saved: SavedPolicy) -> bool:
    """Return True if the recycle bin has less room for the policy's records than the day."""
    free = free_in_bin(app, org, saved.policy)
    return free is not None and free < _day_room(app, org, saved)


def _day_room(app: Application, org: ProtectedOrg, saved: SavedPolicy) -> int:
    """Return how many records of the policy may still leave the org today."""
    return saved.daily_limit - archived_today(app, org, saved.name)


# --- the run ----------------------------------------------------------------------------------------


def _run_or_wait(
    app: Application,
    org: ProtectedOrg,
    saved: SavedPolicy,
    night: ArchiveNight,
    plan: StoredPlan,
) -> None:
    """Hand the plan to the service, or let it wait for a second person."""
    if plan.state is PlanState.RUN and find_run(plan.run) is not None:
        claim_night(night.id, run=plan.run)
        return
    summary = decoder_for(PlanSummary).convert(plan.summary)
    approval = approval_of_stored(app, org, plan, summary)
    if approval is not None and not (approval.state is ApprovalState.APPROVED and approval.may_run):
        move_night(night.id, ArchiveNightState.WAITING)
        if plan.approval is not None:  # it has expired, or its person may no longer restore
            put_off_night(night.id, until=app.clock.now() + DAY_FULL)
        return
    if not _may_start(app, org, saved, night, summary):
        return
    if night.state is not ArchiveNightState.WAITING:
        move_night(night.id, ArchiveNightState.PLANNED)
        night = replace(night, state=ArchiveNightState.PLANNED)
    _hand_over(app, org, night, plan)
    now = saved_policy(saved.id)
    if now is None or not now.is_on:
        # A person switched it off while the plan was handed over.
        drop_nights(app, saved)


def _may_start(
    app: Application,
    org: ProtectedOrg,
    saved: SavedPolicy,
    night: ArchiveNight,
    summary: PlanSummary,
) -> bool:
    """Return True if a plan may run now; otherwise the night is ended, or put off.

    A plan that waited for a second person may start until the next backup of the schedule.
    """
    if night.state is not ArchiveNightState.WAITING and is_late(night, app.clock.now()):
        _fail(app, night, not_fresh().message)
        return False
    if not _is_plan_small(app, saved, night, summary):
        return False
    if pushes_others(summary.notes):  # people filled the bin since its room was read
        _fail(app, night, bin_is_full(saved).message)
        return False
    if _is_day_full(app, org, saved, summary.changes):
        put_off_night(night.id, until=app.clock.now() + DAY_FULL)
        return False
    return True


def _hand_over(app: Application, org: ProtectedOrg, night: ArchiveNight, plan: StoredPlan) -> None:
    """Hand a plan to the service, after the night claimed its run."""
    restore_plan = proved_plan(app, plan_content(plan.id), org=org.oid)
    run = run_of(restore_plan)
    if not claim_night(night.id, run=run, only_if_on=True):
        return  # a person ended it meanwhile, or the schedule is off
    try:
        if plan.state is PlanState.RUN:
            # Its process died after it had written the journal, and before it queued the run.
            hand_over_plan(app, restore_plan, org)
        else:
            run_stored_plan(app, org.name, plan.id, typed=org.name)
    except UnlostError:
        if find_run(run) is None:
            release_night(night.id, night.state, run=run)
        raise


def _is_day_full(app: Application, org: ProtectedOrg, saved: SavedPolicy, records: int) -> bool:
    """Return True if a plan has no room today: others of the policy may have run since it was made."""
    return archived_today(app, org, saved.name) + records > saved.daily_limit


# --- the end ----------------------------------------------------------------------------------------


def _is_over(night: ArchiveNight) -> bool:
    run = find_run(night.run)
    return run is None or run.state.over


def _end_run(app: Application, saved: SavedPolicy, night: ArchiveNight) -> None:
    """End a night whose run is over.

    The schedule is switched off if more vanished than planned, if the run was given up after it began
    to write, or if its owner may no longer restore.
    """
    run, now = find_run(night.run), app.clock.now()
    lost_right = run is not None and run.state is RunState.FAILED and code_of(run.error) == NO_RIGHT
    if not lost_right and not _is_over(night):
        put_off_night(night.id, until=now)  # the job that sees its end needs another name
        return
    why = _why_off(app, saved, night, lost_right=lost_right)
    if lost_right and not _is_half_done(app, night):
        drop_restore(night.run, at=now)
    is_done = run is not None and run.state is RunState.DONE
    end_night(
        night.id,
        ArchiveNightState.DONE if is_done else ArchiveNightState.DROPPED,
        at=now,
        error=why,
    )
    drop_plan(night.plan)  # no run came of it
    if why is None:
        note_policy_problem(saved.id, None)
        return
    switch_policy_off(saved.id, why=why)
    drop_nights(app, saved)


def _why_off(
    app: Application, saved: SavedPolicy, night: ArchiveNight, *, lost_right: bool
) -> Message | None:
    """Return why the end of a run switches the schedule off; None for a normal end."""
    is_half_done = _is_half_done(app, night)
    if lost_right:
        owner = owner_lost_right(saved, run=night.run) if is_half_done else None
        return (owner or owner_without_right(saved)).message
    vanished = _vanished(app, night)
    if vanished:
        return surplus(saved, run=night.run, vanished=vanished).message
    return broken_off(saved, run=night.run).message if is_half_done else None


def _is_half_done(app: Application, night: ArchiveNight) -> bool:
    """Return True if the run made a call that deletes, and did not end: records may be gone."""
    journal = journal_of(app, night.run)
    state = journal[0].state if journal is not None else None
    return state is not None and state.closed is None and state.calls > 0


def _vanished(app: Application, night: ArchiveNight) -> int:
    """Return the number of records that vanished although it was not their turn."""
    journal = journal_of(app, night.run)
    closed = journal[0].state.closed if journal is not None else None
    records = closed.records if closed is not None else ()
    return sum(record.code == VANISHED for record in records)


def _switch_off(app: Application, saved: SavedPolicy, night: ArchiveNight, why: Message) -> None:
    switch_policy_off(saved.id, why=why)
    drop_night(app, night, why=why)
    drop_nights(app, saved)


def _after_error(app: Application, night: ArchiveNight, error: Message) -> None:
    """Try a night again soon, or leave it to the next one."""
    now = app.clock.now()
    if night.state is ArchiveNightState.RUNNING:
        _fail(app, night, error)
        return
    if not is_late(night, now):
        if error.code == DATABASE_AWAY:
            put_off_night(night.id, until=now + RECONNECT)
            return
        if error.code in (IN_PROGRESS, PLANNERS_BUSY):
            put_off_night(night.id, until=now + BUSY)
            return
        if night.failures < MOST_TRIES and not error.code.startswith(POLICY_ERROR):
            put_off_night(night.id, until=now + RETRY, failed=True)
            return
    _fail(app, night, error)


def _fail(app: Application, night: ArchiveNight, error: Message) -> None:
    """End a night that has no run. One that has a run follows it: its end is read again later."""
    if night.state is ArchiveNightState.RUNNING:
        put_off_night(night.id, until=app.clock.now() + RETRY, failed=True)
        if night.failures < MOST_TRIES:
            return
    elif not end_without_run(app, night, ArchiveNightState.FAILED, why=error):
        return  # a person ended it meanwhile, or ran its plan
    note_policy_problem(night.policy, error)
