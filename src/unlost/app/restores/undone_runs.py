"""Runs that their undo ended, and runs that can be undone."""

from unlost.app.compose import Application
from unlost.catalog.runs.runs import RunEnd, RunState, end_run, find_run
from unlost.engine.restore.journal.log import RestoreLog, check_not_undone
from unlost.engine.restore.running.execute import kind_of
from unlost.model.errors import Conflict, IntegrityError
from unlost.model.message import Message
from unlost.model.plan import RestorePlan, SelectionKind
from unlost.model.runs.exclusion import RunKind


def end_undone(app: Application, plan: RestorePlan) -> None:
    """Record in the home that an undo has ended the run that it takes back.

    The journals in the vault decide; a run that has not ended there stays as it is.
    """
    undone = plan.selection.run
    if plan.selection.kind is not SelectionKind.UNDO:
        return
    known = find_run(undone)
    if known is None or known.state.over:
        return
    error = undone_error(RestoreLog(app.whole_vault.journal(plan.target, undone)))
    if error is not None:
        end_run(undone, RunEnd(RunState.ABANDONED, app.clock.now(), error=error))


def undone_error(log: RestoreLog) -> Message | None:
    """Return the error of a run that was ended by its undo, None for any other."""
    try:
        check_not_undone(log.state)
    except Conflict as error:
        return error.message
    return None


def is_undoable(app: Application, oid: str, run: str) -> bool:
    """Return True if a stopped run wrote something that can be planned to be taken back."""
    try:
        state = RestoreLog(app.whole_vault.journal(oid, run)).state
    except IntegrityError:  # the page of the run shows the damage
        return False
    if state.opened is None or not state.calls:
        return False
    # An archive first ends: until then, the vault does not name its records as archived.
    return kind_of(state.opened.plan) is not RunKind.ARCHIVE or state.closed is not None
