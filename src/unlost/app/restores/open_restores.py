"""Check for open restores, which only the vault's journals know for certain."""

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.runs import RunRecord, RunState, find_run
from unlost.engine.restore.journal.entries import RunOpened
from unlost.engine.restore.journal.log import RestoreLog
from unlost.model.errors import Conflict, IntegrityError


def check_no_restore(app: Application, org: ProtectedOrg) -> None:
    """Raise Conflict (``runs-open``) while a restore from this org's backups may continue.

    It may write to any org, and only its journal in the vault shows where it reads. A cancelled one
    does not count, nor one that this home does not know.
    """
    vault = app.whole_vault
    for oid in vault.orgs():
        for run in vault.journals(oid, unfinished=True):
            known = find_run(run)
            if known is None:
                # Of another home, or of this one before it was rebuilt. It may go on, but it cannot
                # be cancelled here, so it would block the org until it is resumed.
                continue
            if known.state.over:
                continue  # even if its journal is damaged
            opened = _opened(app, oid, known)
            if opened is not None and opened.plan.org == org.oid:
                raise Conflict(
                    "runs-open",
                    "The restore {run} has not ended, and may need the data to be removed.",
                    next_step="Wait until it ends, or cancel it, then try again. `unlost runs "
                    "{run}` shows its state.",
                    run=run,
                )


def _opened(app: Application, oid: str, known: RunRecord) -> RunOpened | None:
    """Return the first journal entry of a restore; None if it failed and its journal is damaged.

    Such a restore cannot be resumed.
    """
    try:
        return RestoreLog(app.whole_vault.journal(oid, known.id)).state.opened
    except IntegrityError:
        if known.state is RunState.FAILED:
            return None
        raise
