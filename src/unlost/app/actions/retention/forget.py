"""Forget what an org's rules do not keep: plan, run, and do it after nightly backups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.access import action
from unlost.app.actions.retention.keeping import (
    RetentionChange,
    RuleWarning,
    changed_rules,
    remarks,
)
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.app.restores.open_restores import check_no_restore
from unlost.app.vault.home_copy import after_run
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org, list_orgs
from unlost.catalog.vault.keeping import last_forgotten, rules_of, save_forgotten
from unlost.model.access import Right, Trace
from unlost.model.errors import UnlostError
from unlost.model.message import Message, fault
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Json
from unlost.model.vault.maintenance import Agreement, unconditional
from unlost.model.vault.maintenance_results import Sweep
from unlost.model.vault.retention import (
    Forget,
    Forgetting,
    ForgottenRecord,
    Hold,
    KeepRules,
    TableForgotten,
)
from unlost.model.vault.snapshot import SnapshotInfo
from unlost.model.written import written

EVERY = timedelta(days=7)
PATIENCE = timedelta(days=14)  # after which a notice says that it never had its turn
PASSING = frozenset({IN_PROGRESS, "run-stopped"})
WAITING = frozenset({"runs-open", "maintenance-outrun"})


@dataclass(frozen=True, slots=True)
class ForgottenBackup:
    """A backup: its number, and the time as of which it shows the org."""

    number: int
    as_of: datetime


@written(staying="kept")
@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """The effect that forgetting would have now.

    ``digest`` identifies this effect; pass it to ``forget`` to agree. ``staying`` and ``going``:
    backups, oldest first. ``files``: contents of ``file_bytes`` that are no longer needed.
    ``rewritten``: bytes that are written again, so that the vault needs this space for some days.
    ``holds``: legal holds in force.
    """

    org: str
    zone: str
    rules: KeepRules
    remarks: tuple[RuleWarning, ...]
    digest: str
    staying: tuple[ForgottenBackup, ...]
    going: tuple[ForgottenBackup, ...]
    tables: tuple[TableForgotten, ...]
    versions: int
    records: int
    files: int
    file_bytes: int
    rewritten: int
    holds: tuple[Hold, ...]

    @property
    def nothing(self) -> bool:
        """True if everything stays."""
        return not (self.going or self.versions)


@written(staying="kept")
@dataclass(frozen=True, slots=True)
class ForgetResult:
    """The result of forgetting. ``snapshot``: its commit, None if nothing was to go.

    ``waiting``: bytes that are no longer needed, removed at ``next_at`` at the earliest, after the
    run ``held_by`` has ended, if there is one.
    """

    org: str
    zone: str
    snapshot: int | None
    nights: int
    staying: int
    versions: int
    records: int
    files: int
    file_bytes: int
    waiting: int
    next_at: datetime | None
    held_by: str | None


def _noted(done: ForgetResult) -> dict[str, Json]:
    return {
        "nights": done.nights,
        "versions": done.versions,
        "records": done.records,
        "snapshot": done.snapshot,
    }


@action("forget.plan", Right.OPERATE)
def plan(app: Application, org: str, retention_change: RetentionChange) -> ForgetPlan:
    """Show what would be forgotten now, by the org's rules with this change; nothing is written.

    Raises UsageError (``keep-invalid``, ``keep-contradictory``), NotFound.
    """
    known = get_org(org)
    rules = changed_rules(rules_of(known.oid).rules, retention_change)
    vault = app.whole_vault
    planned = vault.plan(known.oid, Forget(rules), pause=app.cancel_flag.check)
    forgetting = planned.effect
    infos = vault.commits(known.oid)  # a forgetting beside it takes nothing out of these
    return ForgetPlan(
        org=known.name,
        zone=known.identity.zone,
        rules=rules,
        remarks=remarks(rules),
        digest=planned.digest,
        staying=_nights(infos, forgetting.staying),
        going=_nights(infos, forgetting.backups),
        tables=forgetting.tables,
        versions=forgetting.versions,
        records=forgetting.records,
        files=forgetting.files,
        file_bytes=forgetting.file_bytes,
        rewritten=forgetting.rewritten,
        holds=forgetting.holds,
    )


@action("forget.run", Right.MANAGE, trace=Trace.WRITE, detail=_noted)
def forget(app: Application, org: str, *, plan: str) -> ForgetResult:
    """Forget what the plan with this digest showed, by the org's rules.

    Raises Conflict (``forget-changed``) if the effect has changed, (``runs-open``) while a backup
    or a restore is open, (``run-in-progress``), NotFound.
    """
    known = get_org(org)
    operation = Forget(rules_of(known.oid).rules)
    done, swept = _forgotten(app, known, Agreement(operation, plan))
    after_run(app)
    return ForgetResult(
        known.name,
        known.identity.zone,
        done.snapshot,
        len(done.backups),
        len(done.staying),
        done.versions,
        done.records,
        done.files,
        done.file_bytes,
        swept.waiting_bytes,
        swept.next_at,
        swept.held_by,
    )


def forget_if_due(app: Application, oid: str) -> ForgottenRecord | None:
    """Forget what an org's rules do not keep, every seven days; never raises.

    An error becomes an alert. None if nothing was done, because it is not due or a run is open; a
    later nightly backup tries again.
    """
    org = next((org_row for org_row in list_orgs() if org_row.oid == oid), None)
    if org is None or not _due(oid, app.clock.now()):
        return None
    try:
        _forgotten(app, org, unconditional(Forget(rules_of(oid).rules)))
    except UnlostError as error:
        if error.code in PASSING or (error.code in WAITING and _patient(app, oid)):
            return None
        _failed(app, oid, error.message)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        _failed(app, oid, fault(error))
    return last_forgotten(oid)


def _forgotten(
    app: Application, org: ProtectedOrg, agreed: Agreement[Forgetting]
) -> tuple[Forgetting, Sweep]:
    run = f"forget-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    vault = app.whole_vault

    def before_write(_: Forgetting) -> None:
        check_no_restore(app, org)  # again: computing the effect takes long

    # The lease keeps other processes away; the vault checks again for open runs at its commit.
    with app.lease.hold(org.oid, kind=RunKind.FORGET, run=run):
        check_no_restore(app, org)
        done = vault.apply(
            org.oid, agreed, run=run, pause=app.cancel_flag.check, before_write=before_write
        )
        swept = _swept(app, org, done, run=f"{run}-sweep")
    save_forgotten(
        org.oid,
        ForgottenRecord(
            at=app.clock.now(),
            snapshot=done.snapshot,
            nights=len(done.backups),
            versions=done.versions,
            records=done.records,
            waiting=swept.waiting_bytes,
            next_at=swept.next_at,
        ),
    )
    return done, swept


def _swept(app: Application, org: ProtectedOrg, done: Forgetting, *, run: str) -> Sweep:
    """Sweep, and report when the bytes go.

    The forgetting is committed already, so that the next maintenance reports a failed sweep.
    """
    try:
        return app.whole_vault.sweep(org.oid, run=run)
    except UnlostError:
        return Sweep(waiting_bytes=done.condemned)


def _due(oid: str, now: datetime) -> bool:
    last = last_forgotten(oid)
    return rules_of(oid).rules.thins and (last is None or last.failed or now - last.at >= EVERY)


def _patient(app: Application, oid: str) -> bool:
    """Return true while it does not matter that the forgetting could not start."""
    last, since = last_forgotten(oid), rules_of(oid).since
    begin = last.at if last is not None else since
    return begin is None or app.clock.now() - begin < PATIENCE


def _failed(app: Application, oid: str, why: Message) -> None:
    save_forgotten(oid, ForgottenRecord(app.clock.now(), error=why))


def _nights(infos: Sequence[SnapshotInfo], numbers: tuple[int, ...]) -> tuple[ForgottenBackup, ...]:
    known = {info.number: info.as_of for info in infos}
    return tuple(ForgottenBackup(number, known[number]) for number in numbers)
