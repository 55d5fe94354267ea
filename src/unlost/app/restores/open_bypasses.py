"""Bypasses that a run left on when it stopped: switched off then, or later by another process.

    run begins  ── noted in the catalog ── bypass on ── writes ── bypass off ── note removed
                                              │
              stopped by an error, a limit, a pause ──> ``guarded_run`` switches it off
              killed ──> the note stays ──> the service, the next backup of the org, or
                         `unlost doctor --repair` switches it off; if that fails, an alert says so

See docs/adr/0047.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from unlost.app.compose import Application, UnlimitedBudget
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.open_bypasses import (
    bypass_ended,
    bypass_failed,
    note_bypass,
    open_bypasses,
)
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.running.bypass import switch_off
from unlost.engine.restore.running.execute import run_of
from unlost.model.errors import Conflict, UnlostError
from unlost.model.plan import RestorePlan
from unlost.model.runs.exclusion import RunKind

IN_PROGRESS = "run-in-progress"


@contextmanager
def guarded_run(app: Application, org: ProtectedOrg, plan: RestorePlan) -> Iterator[None]:
    """Run the body, which executes a plan; afterwards the plan's bypass is off, or it is noted."""
    if plan.bypass is None:
        yield
        return
    run = run_of(plan)
    note_bypass(run, str(plan.bypass))
    try:
        yield
    finally:
        # The error of the run is the one that people must see; a failure here is an alert.
        with suppress(UnlostError):
            close_bypass(app, org, run)


def close_bypass(app: Application, org: ProtectedOrg, run: str) -> None:
    """Switch the bypass of a stopped run off, if its journal says that it may be on.

    Raises Conflict (``run-in-progress``) while the run goes on, ``bypass-still-on``, and the errors
    of the sign-in; all but the first are noted for an alert.
    """
    try:
        with app.lease.hold(org.oid, kind=RunKind.RESTORE, run=run):
            _switch_off(app, org, run)
            bypass_ended(run)
    except UnlostError as error:
        if error.code != IN_PROGRESS:
            bypass_failed(run, error.message)
        raise


def close_bypasses(app: Application, org: ProtectedOrg) -> None:
    """Switch off all bypasses of an org that stopped runs left on; failures are noted."""
    for left_on in open_bypasses(org.oid):
        with suppress(UnlostError):
            close_bypass(app, org, left_on.run)


def runs_with_bypass(app: Application, org: ProtectedOrg) -> Iterator[str]:
    """The stopped runs of an org that may have left a bypass on, by their journals in the vault."""
    for run in app.whole_vault.journals(org.oid, unfinished=True):
        if _left_on(app, org, run):
            yield run


def _left_on(app: Application, org: ProtectedOrg, run: str) -> bool:
    """Return True if a run does not go on, and its bypass may be on."""
    with suppress(Conflict), app.lease.hold(org.oid, kind=RunKind.RESTORE, run=run):
        return RestoreLog(app.whole_vault.journal(org.oid, run)).state.bypass is not None
    return False


def _switch_off(app: Application, org: ProtectedOrg, run: str) -> None:
    log = RestoreLog(app.whole_vault.journal(org.oid, run))
    if log.state.bypass is None:
        return
    # A few calls that must not wait: neither for a pause of the run, nor for the day's share.
    with app.open_writer(org, budget=UnlimitedBudget()) as writer:
        switch_off(log, writer)
