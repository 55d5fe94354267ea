"""Forget what the rules of an org do not keep: plan it, do it, and have it done after nights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.access import action
from unlost.app.actions.retention.keeping import RetentionChange, RuleWarning, remarks, wished
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.app.restores.open_restores import check_no_restore
from unlost.app.vault.home_copy import after_run
from unlost.catalog.keeping import last_forgotten, rules_of, save_forgotten
from unlost.catalog.orgs import ProtectedOrg, get_org, list_orgs
from unlost.model.access import Right, Trace
from unlost.model.errors import UnlostError
from unlost.model.maintenance import Agreement, unconditional
from unlost.model.reading import Json
from unlost.model.retention import (
    Forget,
    Forgetting,
    ForgottenRecord,
    Hold,
    KeepRules,
    TableForgotten,
)
from unlost.model.snapshot import CommitKind, SnapshotInfo
from unlost.model.upkeep import Sweep
from unlost.model.written import written

KIND = CommitKind.COMPACT  # upkeep and forgetting exclude each other
EVERY = timedelta(days=7)
PATIENCE = timedelta(days=14)  # after which somebody is told that it never had its turn
PASSING = frozenset({IN_PROGRESS, "run-stopped"})
WAITING = frozenset({"runs-open", "maintenance-outrun"})


@dataclass(frozen=True, slots=True)
class ForgottenBackup:
    """A backup, by its number and when it looked at the org."""

    number: int
    as_of: datetime


@written(staying="kept")
@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """What forgetting would take away now.

    ``digest`` names just this: who has seen it has it done by ``forget``. ``staying`` and ``going`` are
    backups, oldest first. ``files`` of ``file_bytes`` are contents that nothing needs any more.
    ``rewritten`` bytes are written anew, for which the vault needs room for some days. ``holds`` are
    those in force.
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
    """What was forgotten. ``snapshot`` is the commit that did it, None where nothing was to go.

    ``waiting`` bytes are needed no more; they are removed at ``next_at`` at the earliest, once the run
    ``held_by`` has ended, if there is one.
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
def plan(app: Application, org: str, wish: RetentionChange) -> ForgetPlan:
    """What would be forgotten now, by the org's rules with what is wished; nothing is written.

    Raises UsageError (``keep-invalid``, ``keep-contradictory``), NotFound.
    """
    known = get_org(org)
    rules = wished(rules_of(known.oid).rules, wish)
    vault = app.whole_vault
    planned = vault.plan(known.oid, Forget(rules), pause=app.brake.check)
    forgetting = planned.effect
    infos = vault.commits(known.oid)  # a forgetting beside it takes nothing out of these
    return ForgetPlan(
        org=known.name,
        zone=known.identity.zone,
        rules=rules,
        remarks=remarks(rules),
        digest=planned.digest,
        staying=_nights(infos, forgetting.staying),
        going=_nights(infos, forgetting.nights),
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
    """Forget what the plan of this digest said, by the org's rules.

    Raises Conflict (``forget-changed``) where something else would go by now, (``runs-open``) while a
    backup or a restore is open, (``run-in-progress``), NotFound.
    """
    known = get_org(org)
    operation = Forget(rules_of(known.oid).rules)
    done, swept = _forgotten(app, known, Agreement(operation, plan))
    after_run(app)
    return ForgetResult(
        known.name,
        known.identity.zone,
        done.snapshot,
        len(done.nights),
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
    """Forget what an org's rules do not keep, once in seven days. Never raises: an alert tells.

    None if nothing was done: it is not due, or a run is open, and a later night does it.
    """
    org = next((org_row for org_row in list_orgs() if org_row.oid == oid), None)
    if org is None or not _due(oid, app.clock.now()):
        return None
    try:
        _forgotten(app, org, unconditional(Forget(rules_of(oid).rules)))
    except UnlostError as error:
        if error.code in PASSING or (error.code in WAITING and _patient(app, oid)):
            return None
        _failed(app, oid, code=error.code, sentence=error.sentence)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        name = type(error).__name__
        _failed(app, oid, code=name, sentence=str(error) or name)
    return last_forgotten(oid)


def _forgotten(
    app: Application, org: ProtectedOrg, agreed: Agreement[Forgetting]
) -> tuple[Forgetting, Sweep]:
    run = f"forget-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    vault = app.whole_vault

    def before_write(_: Forgetting) -> None:
        check_no_restore(app, org)  # the look takes its time, and one may have begun meanwhile

    with app.lease.hold(org.oid, kind=KIND, run=run):
        check_no_restore(app, org)
        done = vault.apply(
            org.oid, agreed, run=run, pause=app.brake.check, before_write=before_write
        )
        swept = _swept(app, org, done, run=f"{run}-sweep")
    save_forgotten(
        org.oid,
        ForgottenRecord(
            at=app.clock.now(),
            snapshot=done.snapshot,
            nights=len(done.nights),
            versions=done.versions,
            records=done.records,
            waiting=swept.waiting_bytes,
            next_at=swept.next_at,
        ),
    )
    return done, swept


def _swept(app: Application, org: ProtectedOrg, done: Forgetting, *, run: str) -> Sweep:
    """When the bytes go. It is forgotten already: a sweep that fails is the upkeep's to tell."""
    try:
        return app.whole_vault.sweep(org.oid, run=run)
    except UnlostError:
        return Sweep(waiting_bytes=done.condemned)


def _due(oid: str, now: datetime) -> bool:
    last = last_forgotten(oid)
    return rules_of(oid).rules.thins and (last is None or last.failed or now - last.at >= EVERY)


def _patient(app: Application, oid: str) -> bool:
    """True while it is no matter that it has not had its turn."""
    last, since = last_forgotten(oid), rules_of(oid).since
    begin = last.at if last is not None else since
    return begin is None or app.clock.now() - begin < PATIENCE


def _failed(app: Application, oid: str, *, code: str, sentence: str) -> None:
    record = ForgottenRecord(app.clock.now(), error_code=code, error_sentence=sentence)
    save_forgotten(oid, record)


def _nights(infos: Sequence[SnapshotInfo], numbers: tuple[int, ...]) -> tuple[ForgottenBackup, ...]:
    known = {info.number: info.as_of for info in infos}
    return tuple(ForgottenBackup(number, known[number]) for number in numbers)
