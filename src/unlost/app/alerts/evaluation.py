"""Evaluate what a backup found lost or changed, in the process that made the backup.

The comparison of a large backup takes many seconds, so that the service's loop only does what a
process left undone that was cut off.
"""

from contextlib import suppress

from unlost.app.alerts.mass_facts import evaluate_new_backups
from unlost.app.alerts.watch_hits import update_watches
from unlost.app.compose import Application
from unlost.app.records.changes.loss_inbox import update_losses
from unlost.catalog.orgs.orgs import ProtectedOrg


def evaluate_backups(app: Application, org: ProtectedOrg) -> None:
    """Add new losses to the inbox, and count new mass changes. Never raises."""
    update_losses(app, org)
    # The service evaluates again what failed here, and reports why.
    with suppress(Exception):
        evaluate_new_backups(app, org.oid)
    with suppress(Exception):
        update_watches(app, org)
