"""Remote commands that take several API calls, such as following a run or downloading a file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from unlost.app.actions.backups.backup import BackupResult, RunOfOrg, result_of
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.records.file import FileResult, written
from unlost.app.actions.records.list_download import ListForm, SavedList
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    choose,
    discard_plan,
    make_plan_now,
    run_stored_plan,
    show_stored_plan,
)
from unlost.app.actions.restores.outcome import restore_result
from unlost.app.actions.restores.plan_diff import ComparedPlans, check_same_org
from unlost.app.actions.restores.plan_groups import show_groups
from unlost.app.actions.restores.queued_restore import QueuedPlan, hand_over
from unlost.app.actions.restores.restore_plan import (
    PlanRequest,
    PlanResult,
    RestoreRequest,
    check_out,
    plan_bytes,
)
from unlost.app.actions.restores.restore_run import RestoreResult
from unlost.app.actions.retention.privacy import PersonData
from unlost.app.actions.runs.ask_backup import ask_backup
from unlost.app.actions.runs.control import resume
from unlost.app.actions.runs.run import run_status
from unlost.app.compose import Application, SilentObserver
from unlost.app.operations import RESULT
from unlost.app.restores.overrides import NO_OVERRIDES
from unlost.catalog.people.audit import AuditEntry
from unlost.catalog.runs.plans import PlanState
from unlost.catalog.runs.runs import RunState
from unlost.cli.following import follow, not_begun, status_if_begun
from unlost.cli.remote import Given, RemoteAction, RemoteHome, home_needed
from unlost.engine.restore.planning.shown.plan_diff import plan_difference
from unlost.engine.restore.values.plan_file import read_plan
from unlost.model.decoders import decoder_for
from unlost.model.errors import StoreError, UnlostError
from unlost.model.plan import TwinPolicy
from unlost.model.ports.system import Observer

_SIDES = ("old", "new")  # the parameters of ``restore.diff``
POLL_SECONDS = 2.0  # seconds between two polls of a plan in the making


def _there(home: RemoteHome) -> Application:
    """Return the remote home as an application, so that actions are sent to its server."""
    return cast("Application", home)


def _observer(given: Given) -> Observer:
    return given.get("observer") or SilentObserver()


# --- backups --------------------------------------------------------------------------------------


def backed_up(home: RemoteHome, given: Given) -> BackupResult:
    """Have the service back up an org and wait for it; full backups need the home itself."""
    # ``backup.ask`` has no such parameter.
    if given.get("full"):
        raise home_needed()
    app, org = _there(home), given["org"]
    queued = ask_backup(app, org)
    before = status_if_begun(app, queued.run)
    done = follow(app, queued.run, observer=_observer(given), before=before)
    snapshot_list = snapshots(app, org)
    info = next(
        snapshot for snapshot in snapshot_list.snapshots if snapshot.number == done.snapshot
    )
    shown = certificate(app, org, at=str(info.number))
    run = RunOfOrg(org, snapshot_list.zone, queued.run, before is not None)
    return result_of(run, info, shown.certificate, accepted=shown.accepted)


# --- plans ----------------------------------------------------------------------------------------


def planned(home: RemoteHome, given: Given) -> PlanResult:
    """Have the server plan a restore, write the plan file here, and discard the server's copy."""
    request, out = given["request"], given["out"]
    check_out(out)
    app = _there(home)
    view = _made_plan(app, choose(app, request.org, RestoreRequest(request)))
    assert view.summary is not None, "it is made"
    with written(out) as target:
        home.save("restore.file", {"org": view.org, "plan": view.plan}, target)
    # Reading it verifies the plan's own hash.
    plan = read_plan(plan_bytes(out))
    groups = show_groups(app, view.org, view.plan)
    # A second person can approve only a plan that the server has.
    if view.approval is None:
        discard_plan(app, view.org, view.plan)
    return PlanResult(
        view.org,
        view.zone,
        str(out),
        f"restore-{plan.id}",
        plan.digest,
        view.summary,
        groups.groups,
        groups.total,
        view.approval,
    )


def shown(home: RemoteHome, given: Given) -> PlanResult:
    """Show a local plan file, as the server reads it."""
    plan_result = cast("PlanResult", home.ask("restore.show", given))
    return replace(plan_result, file=str(given["file"]))


def compared(home: RemoteHome, given: Given) -> ComparedPlans:
    """Compare two local plan files, after the server has checked each."""
    results = [cast("PlanResult", home.ask("restore.show", {"file": given[n]})) for n in _SIDES]
    check_same_org(*(plan_result.org for plan_result in results))
    old, new = (read_plan(plan_bytes(given[name])) for name in _SIDES)
    return ComparedPlans(results[0].org, results[0].zone, plan_difference(old, new))


def _made_plan(app: Application, view: PlanView) -> PlanView:
    """Wait until a plan is made; on failure raise its error and discard the plan."""
    try:
        view = make_plan_now(app, view.org, view.plan)
    except StoreError:  # a proxy timed out, or the network failed for a moment
        view = show_stored_plan(app, view.org, view.plan)
    while view.state is PlanState.MAKING:
        app.clock.sleep(POLL_SECONDS)
        view = show_stored_plan(app, view.org, view.plan)
    if view.state is PlanState.PLANNED:
        return view
    discard_plan(app, view.org, view.plan)
    if view.error is not None:
        raise UnlostError.of(view.error)
    raise StoreError(
        "plan-broken-off",
        "The console stopped while it made the plan.",
        next_step="Plan again.",
    )


# --- restores -------------------------------------------------------------------------------------


def ran(home: RemoteHome, given: Given) -> RestoreResult:
    """Queue a plan file for the service, and wait until it has run."""
    app = _there(home)
    handed = hand_over(app, given["file"], typed=given.get("typed", ""))
    return _ended(app, handed, _observer(given))


def retried(home: RemoteHome, given: Given) -> RestoreResult:
    """Plan the failed records again, and have the service run the plan."""
    app, run = _there(home), given["run"]
    org = run_status(app, run).org
    twins = given.get("twins", TwinPolicy.KEEP)
    request = PlanRequest(org, otherwise=given.get("otherwise") or NO_OVERRIDES, twins=twins)
    wanted = RestoreRequest(request, retry=run, codes=tuple(given.get("codes", ())))
    view = _made_plan(app, choose(app, org, wanted))
    return _ended(app, run_stored_plan(app, org, view.plan, typed=org), _observer(given))


def resumed(home: RemoteHome, given: Given) -> RestoreResult:
    """Have the service resume one of its restores."""
    app, run = _there(home), given["run"]
    before = run_status(app, run)
    if before.state != RunState.DONE.value:
        # The restore was run from a terminal, so the service cannot resume it.
        if resume(app, run).next_step:
            raise home_needed()
        follow(app, run, observer=_observer(given), before=before)
    return replace(_result(app, run), repeated=before.state == RunState.DONE.value)


def _ended(app: Application, handed: QueuedPlan, observer: Observer) -> RestoreResult:
    if not (handed.over or handed.served):
        raise not_begun(handed.run)
    if not handed.over:
        follow(app, handed.run, observer=observer)
    return replace(_result(app, handed.run), repeated=handed.over)


def _result(app: Application, run: str) -> RestoreResult:
    result = restore_result(app, run)
    assert result is not None, "it is done"
    return result


# --- files ----------------------------------------------------------------------------------------


def saved(home: RemoteHome, given: Given) -> FileResult:
    """Download a file."""
    out: Path = given["out"]
    with written(out) as target:
        saved_file = home.save("file.open", given, target)
    return replace(decoder_for(FileResult).decode(unquote(saved_file[RESULT])), out=str(out))


def person_saved(home: RemoteHome, given: Given) -> PersonData:
    """Download the data of a person."""
    out: Path = given["out"]
    with written(out) as target:
        saved_file = home.save("privacy.download", given, target)
    return replace(decoder_for(PersonData).decode(unquote(saved_file[RESULT])), out=str(out))


def list_saved(home: RemoteHome, given: Given) -> SavedList:
    """Download a list of records."""
    out: Path = given["out"]
    form = given.get("form", ListForm.CSV)
    query = {name: value for name, value in given.items() if name not in ("form", "out")}
    with written(out) as target:
        headers = home.save(f"record.list-{form.value}", query, target)
    return replace(decoder_for(SavedList).decode(unquote(headers[RESULT])), out=str(out))


def exported(home: RemoteHome, given: Given) -> Iterator[AuditEntry]:
    """Yield all audit entries, oldest first."""
    for line in home.lines("audit.export", given):
        yield decoder_for(AuditEntry).decode(line)


REMOTE_ACTIONS: Mapping[str, RemoteAction] = {
    "audit.export": exported,
    "backup.run": backed_up,
    "file.read": saved,
    "privacy.export": person_saved,
    "record.list-save": list_saved,
    "restore.diff": compared,
    "restore.plan": planned,
    "restore.resume": resumed,
    "restore.retry": retried,
    "restore.run": ran,
    "restore.show": shown,
}
