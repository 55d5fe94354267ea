"""Legal holds: list, place, and lift them. They override the rules for forgetting, and erasure."""

from dataclasses import dataclass
from datetime import date, datetime

from unlost.app.access import action
from unlost.app.backups.moments import Numbered, backup_at, end_of_day, newest_backup
from unlost.app.compose import Application
from unlost.app.records.ids import typed_ids
from unlost.app.records.record_facts import record_unknown, table_named
from unlost.app.records.record_text import split_record
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import NotAllowed, NotFound, UsageError
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Json
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import SnapshotInfo


@dataclass(frozen=True, slots=True)
class HoldLine:
    """A legal hold. ``lasts``: false if it has expired; ``set_at``: when it was placed."""

    hold: Hold
    lasts: bool
    set_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holds:
    """The legal holds of an org that were not lifted."""

    org: str
    zone: str
    holds: tuple[HoldLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """The target of a legal hold, as typed: a table, a record (TABLE/ID), a backup, or the org.

    ``until``: last day, in the org's time zone; empty if it lasts until it is lifted.
    """

    table: str = ""
    record: str = ""
    night: int | None = None
    everything: bool = False
    reason: str = ""
    until: str = ""

    def __str__(self) -> str:
        """Return the target, for the audit log."""
        night = "" if self.night is None else f"backup {self.night}"
        return self.record or self.table or night or "the org"


def _noted(listing: Holds) -> dict[str, Json]:
    return {"holds": len(listing.holds)}


@action("hold.list", Right.READ, trace=Trace.READ)
def holds(app: Application, org: str) -> Holds:
    """List the legal holds of an org; raises NotFound for an unknown org."""
    return _listed(app, get_org(org))


@action("hold.set", Right.OPERATE, trace=Trace.WRITE, subject=("hold_request",), detail=_noted)
def hold(app: Application, org: str, hold_request: HoldRequest) -> Holds:
    """Place a legal hold; an existing one on the same target is replaced.

    Raises UsageError (``hold-unclear``, ``hold-until-unreadable``, ``id-wrong``), NotFound for a
    target that the vault does not have, NotAllowed (``hold-shortened``) for users who may not lift
    the existing one.
    """
    known = get_org(org)
    until = _until(hold_request.until, zone=known.identity.zone, now=app.clock.now())
    fresh = Hold(
        _thing_of(app, known, hold_request), hold_request.reason.strip(), app.actor.name, until
    )
    _check_no_shorter(app, known, fresh)
    app.whole_vault.change_holds(known.oid, placed=(fresh,), run=_run(app))
    return _listed(app, known)


@action("hold.lift", Right.MANAGE, trace=Trace.WRITE, subject=("hold_request",), detail=_noted)
def lift(app: Application, org: str, hold_request: HoldRequest) -> Holds:
    """Lift a legal hold; raises NotFound (``hold-unknown``), UsageError (``hold-unclear``)."""
    known = get_org(org)
    thing = next(
        (target for target in _meant(app, known, hold_request) if _has_hold(app, known, target)),
        None,
    )
    if thing is None:
        raise NotFound(
            "hold-unknown",
            "There is no such legal hold in {org}.",
            next_step="List the legal holds with `unlost hold list {org}`.",
            org=known.name,
        )
    app.whole_vault.change_holds(known.oid, lifted=(thing,), run=_run(app))
    return _listed(app, known)


def _thing_of(app: Application, org: ProtectedOrg, hold_request: HoldRequest) -> HoldTarget:
    """Resolve the target in the vault; raises UsageError, NotFound."""
    scope = _scope(hold_request)
    if scope is HoldScope.ORG:
        return HoldTarget(scope)
    if scope is HoldScope.NIGHT:
        moment = Numbered(hold_request.night or 0)
        return HoldTarget(scope, backup=backup_at(app.whole_vault, org.oid, moment).number)
    head = newest_backup(app.whole_vault, org)
    if scope is HoldScope.TABLE:
        return HoldTarget(scope, _table(head, hold_request.table))
    name, record = split_record(hold_request.record.strip())
    table = _table(head, name)
    ids = typed_ids(app, org, record)
    known_ids = (
        record_id for record_id in ids if app.whole_vault.history(org.oid, table, record_id)
    )
    known_id = next(known_ids, None)
    if known_id is None:
        raise record_unknown(table, record)
    return HoldTarget(scope, table, known_id)


def _meant(
    app: Application, org: ProtectedOrg, hold_request: HoldRequest
) -> tuple[HoldTarget, ...]:
    """Return possible targets of the hold to lift: literally as typed, and resolved.

    The target may no longer exist in the vault.
    """
    scope = _scope(hold_request)
    if scope is HoldScope.RECORD:
        table, record = split_record(hold_request.record.strip())
        ids = dict.fromkeys((record, *typed_ids(app, org, record)))
        return tuple(HoldTarget(scope, table, record_id) for record_id in ids)
    return (HoldTarget(scope, hold_request.table, backup=hold_request.night or 0),)


def _has_hold(app: Application, org: ProtectedOrg, thing: HoldTarget) -> bool:
    return any(placed.thing == thing for placed in app.whole_vault.holds(org.oid))


def _scope(hold_request: HoldRequest) -> HoldScope:
    named = [
        scope
        for scope, is_named in (
            (HoldScope.ORG, hold_request.everything),
            (HoldScope.TABLE, hold_request.table),
            (HoldScope.RECORD, hold_request.record),
            (HoldScope.NIGHT, hold_request.night is not None),
        )
        if is_named
    ]
    if len(named) != 1:
        raise UsageError(
            "hold-unclear",
            "The target of the legal hold is not clear.",
            next_step="Choose one target: a table, a record as TABLE/ID, the number of a "
            "backup, or the whole org.",
        )
    return named[0]


def _table(head: Snapshot, name: str) -> str:
    """Return the name of a table, including a table that only the vault still has."""
    return name if name in head.tables() else table_named(head.schema(), name).name


def _until(text: str, *, zone: str, now: datetime) -> datetime | None:
    if not text.strip():
        return None
    try:
        until = end_of_day(date.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError):
        until = None
    if until is None or until <= now:
        raise UsageError(
            "hold-until-unreadable",
            "{text!r} is not a future date.",
            next_step="Write the last day of the legal hold as 2027-12-31. Without a date, the "
            "legal hold lasts until it is lifted.",
            text=text,
        )
    return until


def _check_no_shorter(app: Application, org: ProtectedOrg, fresh: Hold) -> None:
    """Refuse to replace a hold by a shorter one, for users who may not lift it."""
    now = app.clock.now()
    for placed in app.whole_vault.holds(org.oid):
        if placed.thing != fresh.thing or not placed.lasts(now) or fresh.until is None:
            continue
        shorter = placed.until is None or fresh.until < placed.until
        if shorter and not app.actor.may(Right.MANAGE, org.oid):
            raise NotAllowed(
                "hold-shortened",
                "A legal hold on this target already exists, and it lasts longer than the new one.",
                next_step="Keep the existing legal hold, or ask an Unlost admin to lift it.",
            )


def _listed(app: Application, org: ProtectedOrg) -> Holds:
    now, vault = app.clock.now(), app.whole_vault
    commits: dict[int, SnapshotInfo] = {info.number: info for info in vault.commits(org.oid)}
    lines = [
        HoldLine(
            placed,
            placed.lasts(now),
            commits[placed.since].finished if placed.since in commits else None,
        )
        for placed in vault.holds(org.oid)
    ]
    lines.sort(key=lambda line: line.hold.since)
    return Holds(org.name, org.identity.zone, tuple(lines))


def _run(app: Application) -> str:
    return f"hold-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
