"""Bypasses that a run left on when it stopped: switched off then, or later by another process.

    run begins  ── noted in the catalog ── bypass on ── writes ── bypass off ── note removed
                                              │
              stopped by an error, a limit, a pause ──> ``guarded_run`` switches it off
              killed ──> the note stays ──> the service, the next backup of the org, or
                         `unlost doctor --repair` switches it off; if that fails, an alert says so

A note is removed only if the journal shows that the bypass is off. If the journal is empty, because
it was erased or lost, the note stays with an alert, until a person cancels the run. See
docs/adr/0047.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from unlost.app.compose import Application, UnlimitedBudget
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.open_bypasses import (
    OpenBypass,
    bypass_ended,
    bypass_failed,
    note_bypass,
    open_bypasses,
)
from unlost.catalog.runs.runs import find_run
from unlost.engine.restore.journal.log import RestoreLog, RestoreState
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.passes.bypass import switch_off
from unlost.model.bypass import Bypass
from unlost.model.errors import Conflict, IntegrityError, UnlostError
from unlost.model.plan import RestorePlan
from unlost.model.ports.system import Lease
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import RunCommand

IN_PROGRESS = "run-in-progress"


@dataclass(frozen=True, slots=True)
class NotingLease:
    """A lease that notes the bypass of a run once it is taken: others end notes only under it."""

    lease: Lease
    bypass: Bypass | None

    @contextmanager
    def hold(self, org: str, *, kind: RunKind, run: str) -> Iterator[None]:
        """Take the lease; raises Conflict (``run-in-progress``)."""
        with self.lease.hold(org, kind=kind, run=run):
            if self.bypass is not None:
                note_bypass(run, str(self.bypass))
            yield


class ShownBypass(StrEnum):
    """The bypass of a stopped run, as the journal of the run shows it."""

    NOTHING = "nothing"  # it is empty: the run has not begun, or its journal is gone
    NOT_YET = "not yet"  # the run has not switched it
    OPEN = "open"  # it may be on
    OFF = "off"  # it is as it was before the run


@contextmanager
def guarded_run(app: Application, org: ProtectedOrg, plan: RestorePlan) -> Iterator[None]:
    """Run the body, which executes a plan; afterwards the plan's bypass is off, or it is noted."""
    if plan.bypass is None:
        yield
        return
    run = run_of(plan)
    new = note_bypass(run, str(plan.bypass))
    try:
        yield
    finally:
        # The error of the run is the one that people must see; a failure here is an alert.
        with suppress(UnlostError):
            close_bypass(app, org, run, ends_unbegun=new)


def close_bypass(
    app: Application, org: ProtectedOrg, run: str, *, ends_unbegun: bool = False
) -> None:
    """Switch the bypass of a stopped run off, if its journal shows that it may be on.

    ``ends_unbegun``: the caller knows that the run switched nothing, unless its journal says so.
    Raises Conflict (``run-in-progress``) while the run goes on, ``bypass-still-on``, IntegrityError
    (``bypass-journal-gone``), and the errors of the sign-in; all but the first are noted for an
    alert.
    """
    try:
        with app.lease.hold(org.oid, kind=RunKind.RESTORE, run=run):
            _close(app, org, run, ends_unbegun=ends_unbegun)
    except UnlostError as error:
        bypass_failed(run, error.message if error.code != IN_PROGRESS else None)
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


def shown_bypass(state: RestoreState) -> ShownBypass:
    """Decide from the state of a run whether its bypass may be on."""
    if state.opened is None:
        return ShownBypass.NOTHING
    if state.bypass is not None:
        return ShownBypass.OPEN
    over = state.noted_bypass or state.closed is not None
    return ShownBypass.OFF if over else ShownBypass.NOT_YET


def _close(app: Application, org: ProtectedOrg, run: str, *, ends_unbegun: bool) -> None:
    """Switch a bypass off; end its note if it is certain to be off."""
    log = RestoreLog(app.whole_vault.journal(org.oid, run))
    shown = shown_bypass(log.state)
    if shown is ShownBypass.OPEN:
        _switch_off(app, org, log)
    certain = shown in (ShownBypass.OPEN, ShownBypass.OFF)
    if certain or ends_unbegun or _is_cancelled(run):
        bypass_ended(run)
    elif shown is ShownBypass.NOTHING:
        raise _journal_gone(org, run)


def _is_cancelled(run: str) -> bool:
    """Return True if people cancelled a run."""
    record = find_run(run)
    return record is not None and (record.state.over or record.wish is RunCommand.CANCEL)


def _journal_gone(org: ProtectedOrg, run: str) -> IntegrityError:
    notes: dict[str, OpenBypass] = {note.run: note for note in open_bypasses(org.oid)}
    return IntegrityError(
        "bypass-journal-gone",
        "The bypass {bypass} may still be on. The journal of the run {run}, which would show it, is "
        "missing.",
        next_step="Switch the bypass off for the write user in the org, then cancel the run with "
        "`unlost runs {run} --cancel`.",
        bypass=notes[run].bypass if run in notes else "",
        run=run,
    )


def _switch_off(app: Application, org: ProtectedOrg, log: RestoreLog) -> None:
    # A few calls that must not wait: neither for a pause of the run, nor for the day's share.
    with app.open_writer(org, budget=UnlimitedBudget()) as writer:
        switch_off(log, writer)
