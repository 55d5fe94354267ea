"""Clean the home after an erasure or a rectification, also after an interruption.

The affected records are noted before the vault erases them, and the note is deleted once the home
is clean.
"""

import shutil
from datetime import timedelta

from unlost.app.backups.backup_run import IN_PROGRESS, drop_ended_steps
from unlost.app.compose import Application
from unlost.app.vault.home_copy import renew_copies
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.runs import list_runs
from unlost.catalog.vault.erasing import PendingScrub, end_scrub, note_scrub, noted_scrubs, scrub
from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.erasure import PastErasure

PATIENCE = timedelta(days=1)  # a commit whose response was lost appears within minutes, or never


def note(app: Application, org: ProtectedOrg, records: tuple[RecordKey, ...], *, run: str) -> None:
    """Note the records to be erased or corrected, so that the home is cleaned in any case."""
    note_scrub(org.oid, PendingScrub(run, app.clock.now(), records))


def finish(app: Application, org: ProtectedOrg, *, sure: str = "") -> int:
    """Clean the home of an org's erased or corrected records; returns the number of changed rows.

    Safe to repeat. No other run of the org may be active. The run ``sure`` counts as finished even
    if the vault had nothing left to erase.
    """
    noted = noted_scrubs(org.oid)
    if not noted:
        return 0
    proofs = [erasure.proof for erasure in app.whole_vault.past_operations(org.oid, PastErasure)]
    corrected = {proof.run for proof in proofs if proof.columns}
    done = {proof.run for proof in proofs} | {sure}
    erased = [scrub_row for scrub_row in noted if scrub_row.run in done]
    count = sum(
        scrub(org.name, scrub_row.records, stays=scrub_row.run in corrected) for scrub_row in erased
    )
    if erased:
        empty(app, org)
        renew_copies(app)
    for pending_scrub in noted:
        # Keep the note for a while if the vault shows no commit: the process may have lost its
        # answer.
        if pending_scrub.run in done or app.clock.now() - pending_scrub.at > PATIENCE:
            end_scrub(pending_scrub.run)
    return count


def finish_if_idle(app: Application, org: ProtectedOrg) -> None:
    """Call ``finish`` if no other run is active; the next maintenance tries again."""
    noted = noted_scrubs(org.oid)
    try:
        if noted:
            with app.lease.hold(org.oid, kind=RunKind.ERASE, run=noted[0].run):
                finish(app, org)
    except Conflict as busy:
        if busy.code != IN_PROGRESS:
            raise


def empty(app: Application, org: ProtectedOrg) -> None:
    """Delete remains of the org's runs outside of the database: caches, work folders, steps."""
    app.cache(org.oid).clear()
    for run in list_runs(org.name):
        shutil.rmtree(app.home.work / run.id, ignore_errors=True)
    drop_ended_steps(app)
    app.steps.tidy()
