"""Pause, cancel and resume runs."""

from dataclasses import dataclass, replace

from unlost.app.access import Where, action, may, run_unknown
from unlost.app.actions.backups.backup import cancel_unfinished
from unlost.app.actions.restores.queued_restore import ask_for, asker_of
from unlost.app.backups.backup_run import IN_PROGRESS, close_hours
from unlost.app.compose import Application
from unlost.app.home.cancellation import stop_error
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.nights import cancel_night, hold_night, release_night
from unlost.catalog.runs.queued_restores import drop_restore, release_restore
from unlost.catalog.runs.runs import RunRecord, RunState, find_run, set_command
from unlost.engine.restore.journal.log import RESTORE_UNDONE
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict
from unlost.model.message import HasMessage, Message, message
from unlost.model.runs.jobs import CANCELLED, PAUSED, RunCommand
from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class RunCommandResult(HasMessage):
    """The effect of a command on a run: a sentence, and the next step if there is one."""

    run: str
    org: str
    message: Message


@action("run.pause", Right.OPERATE, trace=Trace.WRITE, where=Where.RUN, subject=("run",))
def pause(app: Application, run: str) -> RunCommandResult:  # noqa: ARG001
    """Pause a run at its next call, until it is resumed.

    Raises NotFound (``run-unknown``), Conflict (``run-over``, ``run-hourly``).
    """
    known = _waits(_goes_on(run))
    set_command(run, RunCommand.PAUSE)
    hold_night(run, why=replace(stop_error(run, RunCommand.PAUSE).message, code=PAUSED))
    now = known.state is RunState.RUNNING
    return _result(
        known,
        "run-paused",
        "The run {run} stops within seconds. Nothing is lost."
        if now
        else "The run {run} is paused. Nothing is lost.",
        next_step="Resume it with `unlost runs {run} --resume`.",
    )


@action("run.cancel", Right.OPERATE, trace=Trace.WRITE, where=Where.RUN, subject=("run",))
def cancel(app: Application, run: str) -> RunCommandResult:
    """Cancel a run.

    A cancelled backup cannot be resumed; the next one starts from the beginning. A cancelled
    restore can be resumed. Raises NotFound (``run-unknown``), Conflict (``run-over``).
    """
    known = _goes_on(run)
    if known.hourly:
        return _cancel_hour(app, known)
    if known.kind is not CommitKind.BACKUP:
        if drop_restore(run, at=app.clock.now()):
            return _result(
                known,
                "run-cancelled",
                "The service will not resume {run}. Its changes in the org remain.",
                next_step="Finish it with `unlost restore resume {run}`.",
            )
        set_command(run, RunCommand.CANCEL)
        return _result(
            known,
            "run-stopping",
            "The run {run} stops within seconds. Its changes in the org remain.",
            next_step="Finish it with `unlost restore resume {run}`.",
        )
    set_command(run, RunCommand.CANCEL)
    try:
        given_up = cancel_unfinished(app, get_org(known.org), run)
    except Conflict as busy:
        if busy.code != IN_PROGRESS:
            raise
        return _result(known, "run-stopping", "The run {run} stops within seconds.")
    if not given_up:
        _goes_on(run)  # raises if it ended in the meantime
    reached = stop_error(run, RunCommand.CANCEL)
    cancel_night(run, at=app.clock.now(), why=replace(reached.message, code=CANCELLED))
    return RunCommandResult(run, known.org, reached.message)


@action("run.go-on", Right.OPERATE, trace=Trace.WRITE, where=Where.RUN, subject=("run",))
def resume(app: Application, run: str) -> RunCommandResult:
    """Resume a paused run.

    Raises NotFound (``run-unknown``), Conflict (``run-over``, ``run-hourly``).
    """
    known = _waits(_goes_on(run))
    set_command(run, RunCommand.NONE)
    # A person who may only operate resumes it for the one who asked for it.
    asked_by = asker_of(app.actor) if may(app, Right.RESTORE, known.org) else None
    if release_restore(run, asked_by=asked_by):
        ask_for(app, run)
        return _result(known, "run-resumed", "The service resumes {run}.")
    if release_night(run, at=app.clock.now()):
        return _result(known, "run-resumed", "The service resumes {run} within one minute.")
    restores = known.kind is not CommitKind.BACKUP
    return _result(
        known,
        "run-may-resume",
        "The run {run} is no longer paused.",
        next_step="Resume it with `unlost restore resume {run}`."
        if restores
        else "Resume it with `unlost backup {org}`.",
    )


def _result(known: RunRecord, code: str, template: str, *, next_step: str = "") -> RunCommandResult:
    text = message(code, template, next_step=next_step, run=known.id, org=known.org)
    return RunCommandResult(known.id, known.org, text)


def _cancel_hour(app: Application, known: RunRecord) -> RunCommandResult:
    set_command(known.id, RunCommand.CANCEL)
    try:
        close_hours(app, get_org(known.org))
    except Conflict as busy:
        if busy.code != IN_PROGRESS:
            raise
        return _result(known, "run-stopping", "The run {run} stops within seconds.")
    reached = stop_error(known.id, RunCommand.CANCEL)
    return RunCommandResult(known.id, known.org, reached.message)


def _waits(known: RunRecord) -> RunRecord:
    """Return the run if it can be paused; raises Conflict for an hourly one."""
    if known.hourly:
        raise Conflict(
            "run-hourly",
            "The run {run} is an hourly backup, which cannot be paused.",
            next_step="Cancel it, or let it finish. If you cancel it, the next hourly backup "
            "reads the same changes.",
            run=known.id,
        )
    return known


def _goes_on(run: str) -> RunRecord:
    known = find_run(run)
    if known is None:
        raise run_unknown(run)
    if known.error is not None and known.error.code == RESTORE_UNDONE:
        raise Conflict.of(known.error)
    if known.state.over:
        raise Conflict(
            "run-over",
            "The run {run} is already over: {state}.",
            next_step="List the runs with `unlost runs`.",
            run=run,
            state=known.state.value,
        )
    return known
