"""Health checks of an org: sign-in, read and write permissions, and the newest backup."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from unlost.app.backups.moments import proof_of_night
from unlost.app.compose import Application
from unlost.app.health.health import RepairableCheck
from unlost.app.health.status import OVERDUE
from unlost.app.restores.open_bypasses import close_bypass, runs_with_bypass
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.orgs.writers import find_writer
from unlost.catalog.runs.schedules import schedule_of
from unlost.model.errors import UnlostError
from unlost.model.finding import Severity
from unlost.model.gaps import gap_counts, gaps_of, open_gaps
from unlost.model.message import Noun, counted
from unlost.model.ports.source import Source

SKEW = timedelta(minutes=2)  # sign-ins by signed tokens fail where clocks are five minutes apart
CREATE = "Create one with `unlost backup {org}`."


def org_checks(app: Application, org: ProtectedOrg, *, ask: bool) -> Iterator[RepairableCheck]:
    """Yield all checks of an org; ``ask`` also calls the org."""
    yield from _zone(org)
    if ask:
        yield from _reader(app, org)
        yield from _writer(app, org)
    try:
        yield from _backup(app, org)
        yield from _earlier_keys(app, org)
        yield from _bypasses(app, org)
    except UnlostError as error:
        yield RepairableCheck.failed(f"{org.name}: backup", error)


def _earlier_keys(app: Application, org: ProtectedOrg) -> Iterator[RepairableCheck]:
    """Check after a renewal of the master key how much data is still under an earlier key."""
    earlier = app.whole_vault.usage(org.oid).earlier_keys
    name = f"{org.name}: keys"
    if earlier.objects:
        yield RepairableCheck.warning(
            name,
            "Objects of backups that are still encrypted with an old key: {count}.",
            "The service re-encrypts some each night. To re-encrypt all of them now, run "
            "`unlost key rekey {org}`.",
            count=earlier.objects,
            org=org.name,
        )
    elif not earlier.complete:
        yield RepairableCheck.good(
            name,
            "All data of backups is encrypted with the newest key. The old key is deleted together "
            "with unneeded objects, in a few days.",
        )


def _bypasses(app: Application, org: ProtectedOrg) -> Iterator[RepairableCheck]:
    """Check for restores that stopped and left automation of the org switched off."""
    for run in runs_with_bypass(app, org):
        yield RepairableCheck.bad(
            f"{org.name}: automation",
            "The restore {run} stopped and may have left the bypass of the org on. Automation that "
            "checks it holds back for the write user.",
            "Resume the restore with `unlost restore resume {run}`, or switch the bypass off with "
            "`unlost doctor --repair`.",
            repair=partial(close_bypass, app, org, run),
            run=run,
        )


def _zone(org: ProtectedOrg) -> Iterator[RepairableCheck]:
    try:
        ZoneInfo(org.identity.zone)
    except (KeyError, ValueError, OSError):
        yield RepairableCheck.bad(
            f"{org.name}: schedule",
            "This machine does not know the time zone {zone}. No nightly backup starts.",
            "Install the time zone data. On Debian, run `apt install tzdata`.",
            zone=org.identity.zone,
        )


def _reader(app: Application, org: ProtectedOrg) -> Iterator[RepairableCheck]:
    name = f"{org.name}: reading"
    try:
        with app.open_org(org) as source:
            yield from _clock(app, org, source)
            gaps = [
                finding
                for finding in source.discover().findings
                if finding.severity is Severity.GAP
            ]
    except UnlostError as error:
        yield RepairableCheck.failed(name, error)
        return
    if gaps:
        first = gaps[0].message
        yield RepairableCheck.warning(
            name,
            "{gaps} in the org: {first}",
            "{step}",
            gaps=counted(len(gaps), Noun.GAP),
            first=first,
            step=first.step,
        )
    else:
        yield RepairableCheck.good(name, "The org answers, and the backup user can read all of it.")


def _clock(app: Application, org: ProtectedOrg, source: Source) -> Iterator[RepairableCheck]:
    before = app.clock.now()
    server_time = source.server_time()
    apart = abs(server_time - before - (app.clock.now() - before) / 2)
    if apart > SKEW:
        yield RepairableCheck.bad(
            f"{org.name}: clock",
            "The clocks of this machine and the org differ by {seconds} seconds.",
            "Synchronize the clock of this machine automatically (NTP).",
            seconds=round(apart.total_seconds()),
        )
    else:
        yield RepairableCheck.good(
            f"{org.name}: clock", "The clock of this machine agrees with the clock of the org."
        )


def _writer(app: Application, org: ProtectedOrg) -> Iterator[RepairableCheck]:
    name = f"{org.name}: writing"
    if find_writer(org.oid) is None:
        yield RepairableCheck.warning(
            name,
            "There is no write user: nothing can be restored.",
            "Add one before you need it, with `unlost org writer {org}`.",
            org=org.name,
        )
        return
    try:
        head = app.vault.newest_backup(org.oid)
        tables = head.schema().tables if head is not None else ()
        with app.open_writer(org) as writer:
            missing = writer.missing(tables)
    except UnlostError as error:
        yield RepairableCheck.failed(name, error)
        return
    if missing:
        yield RepairableCheck.warning(
            name,
            "Missing permissions: {count}. The first: {first}",
            "Grant the permission to the write user in the setup of {org}.",
            count=len(missing),
            first=missing[0].sentence,
            org=org.name,
        )
    else:
        yield RepairableCheck.good(
            name, "The write user can write everything that can be restored."
        )


def _backup(app: Application, org: ProtectedOrg) -> Iterator[RepairableCheck]:
    name = f"{org.name}: backup"
    proof = proof_of_night(app.vault, org.oid)
    if proof is None:
        yield RepairableCheck.warning(name, "There is no backup yet.", CREATE, org=org.name)
        return
    age = app.clock.now() - proof.as_of
    nightly = schedule_of(org.oid).schedule.nightly is not None
    every = gaps_of(proof)
    gaps = open_gaps(every, accepted_gaps(org.oid))
    if nightly and age > OVERDUE:
        hours = counted(round(age.total_seconds() / 3600), Noun.HOUR)
        yield RepairableCheck.bad(
            name, "At risk: the newest backup is {age} old.", CREATE, age=hours, org=org.name
        )
    elif gaps:
        yield RepairableCheck.warning(
            name,
            "Incomplete: the newest backup has {gaps}. {why}",
            "See them with `unlost gaps list {org}`. Close each, or accept it with a reason.",
            gaps=gap_counts(len(gaps), accepted=len(every) - len(gaps)),
            why=gaps[0].message,
            org=org.name,
        )
    elif not any(line.stored for line in proof.tables):
        yield RepairableCheck.warning(
            name,
            "Protected: the newest backup is complete, but has no records.",
            "If the org is not empty, check the permissions of the backup user.",
        )
    else:
        yield RepairableCheck.good(name, "Protected: the newest backup is complete.")
