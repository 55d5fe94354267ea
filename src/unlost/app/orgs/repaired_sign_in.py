"""Runs that wait for the credentials of an org, and continue once these are repaired."""

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg, find_org
from unlost.catalog.runs.nights import nights_of, reopen_night
from unlost.catalog.runs.queued_restores import halted_restores, release_restore
from unlost.model.message import Message, code_of
from unlost.model.runs.night import NightState


def repaired_by_credentials(app: Application, org: str, error: Message | None) -> bool:
    """Return True if other credentials repair an error of the org of this name."""
    known = find_org(org)
    return known is not None and is_sign_in_error(app, known.identity.connector, error)


def is_sign_in_error(app: Application, connector: str, error: Message | None) -> bool:
    """Return True if other credentials repair an error of an org of this connector."""
    return error is not None and code_of(error) in app.connector(connector).sign_in().errors


def continue_runs(app: Application, org: ProtectedOrg) -> tuple[str, ...]:
    """Have the service continue the newest backup and the restores whose sign-in failed."""
    backup = continue_backup(app, org)
    return (*((backup,) if backup else ()), *continue_restores(app, org))


def continue_backup(app: Application, org: ProtectedOrg) -> str | None:
    """Have the service continue the newest backup of an org if its sign-in failed.

    Returns the id of its run. The service's next tick starts it, within a minute.
    """
    newest = next(iter(nights_of(org.oid, most=1)), None)
    if newest is None or newest.state not in (NightState.GIVEN_UP, NightState.WAITING):
        return None
    if not is_sign_in_error(app, org.identity.connector, newest.error):
        return None
    return newest.run if reopen_night(newest.run, at=app.clock.now()) else None


def continue_restores(app: Application, org: ProtectedOrg) -> tuple[str, ...]:
    """Have the service continue the restores of an org whose sign-in failed; returns their runs."""
    connector = org.identity.connector
    runs = [
        halted.run
        for halted in halted_restores(org.oid)
        if is_sign_in_error(app, connector, halted.error)
    ]
    return tuple(run for run in runs if release_restore(run))
