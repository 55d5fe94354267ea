"""Show the mass changes of a backup, and mark them as expected: before, afterwards, or always."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from unlost.alerts.loss_alerts import large_losses, loss_sentence
from unlost.alerts.mass_alerts import compare_command, repair_command, sentence_of
from unlost.alerts.mass_rules import findings_of, is_listed
from unlost.alerts.watched import MassFacts
from unlost.app.access import action
from unlost.app.alerts.loss_facts import loss_facts
from unlost.app.alerts.mass_facts import stored_mass_facts
from unlost.app.backups.moments import end_of_day
from unlost.app.compose import Application
from unlost.app.records.settable import why_never_set
from unlost.app.records.table_words import TableWords
from unlost.app.vault.home_copy import after_change
from unlost.catalog.mass_changes import limits_of, set_limits
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.silences import add_silence, remove_silence, silences_of
from unlost.engine.schedule import instant
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.mass_changes import (
    MassChange,
    MassFinding,
    MassKind,
    MassLimits,
    Silence,
    SilenceKind,
    UserShare,
)
from unlost.model.message import Message
from unlost.model.source.reading import Json
from unlost.model.source.schema import Schema
from unlost.model.source.writing import NeverReason

LONGEST = timedelta(days=366)  # of an announcement or a mute
LARGEST_ROWS = 10**9


@dataclass(frozen=True, slots=True)
class MassChangeLine:
    """A mass change of a backup. ``now``: people were notified immediately.

    ``before``: the backup with the values from before; ``backup`` has the changed ones. ``command``
    plans the repair. ``main_user``: the id of the user to whom it is limited, empty for all.
    ``changed_before``: backup ``before`` has a mass change of this column too. ``never``: the reason
    why the column cannot be put back; ``command`` then shows the changed records.
    """

    change: MassChange
    message: Message
    before: int
    now: bool
    silence: Silence | None
    command: str
    backup: int = 0
    column_label: str = ""
    main_user: str = ""
    changed_before: bool = False
    never: NeverReason | None = None

    @property
    def authors(self) -> Sequence[UserShare]:
        """The users to whom a repair can be limited, if there are several."""
        several = len(self.change.users) > 1
        return [share for share in self.change.users if share.by] if several else []


@dataclass(frozen=True, slots=True)
class ColumnRepairs:
    """Mass changes of columns of a table that can be put back, the largest first."""

    org: str
    table: str
    changes: tuple[MassChangeLine, ...]


@dataclass(frozen=True, slots=True)
class LargeLoss:
    """A large loss that a backup found, by its number in the loss inbox."""

    loss: int
    message: Message


@dataclass(frozen=True, slots=True)
class MassChanges:
    """The mass changes of a backup of an org, those to report immediately first.

    ``losses``: open large losses of the same backup, such as a customer with all its records.
    """

    org: str
    zone: str
    backup: int
    before: int
    as_of: datetime
    since: datetime
    changes: tuple[MassChangeLine, ...]
    losses: tuple[LargeLoss, ...] = ()


@dataclass(frozen=True, slots=True)
class Silences:
    """The expected, answered and muted mass changes of an org that have not ended."""

    org: str
    zone: str
    silences: tuple[Silence, ...]


@dataclass(frozen=True, slots=True)
class MassLimitsList:
    """The thresholds of an org by table; those of the whole org under the empty name."""

    org: str
    limits: Mapping[str, MassLimits]


@dataclass(frozen=True, slots=True)
class ExpectRequest:
    """An announced change, as typed: ``what`` is TABLE.COLUMN, or TABLE for whole records.

    ``until``: the last day, or a time on it, in the zone of the org.
    """

    what: str
    until: str
    reason: str = ""
    user: str = ""

    def __str__(self) -> str:
        """Return the change and its end, for the audit log."""
        return f"{self.what} until {self.until}"


@dataclass(frozen=True, slots=True)
class MuteRequest:
    """A pattern to mute, as typed; empty parts match anything, but not all may be empty.

    ``most``: the largest number of records that it covers, 0 for any.
    """

    until: str
    reason: str
    table: str = ""
    column: str = ""
    change: MassKind | None = None
    user: str = ""
    most: int = 0

    def __str__(self) -> str:
        """Return the pattern and its end, for the audit log."""
        kind = self.change.value if self.change is not None else ""
        parts = (self.table, self.column, kind, self.user)
        return f"{' '.join(part for part in parts if part)} until {self.until}"


@dataclass(frozen=True, slots=True)
class ExpectedRequest:
    """A mass change of a backup that was intended, and the reason."""

    backup: int
    table: str
    change: MassKind
    reason: str
    column: str = ""

    def __str__(self) -> str:
        """Return the change, for the audit log."""
        what = ".".join(part for part in (self.table, self.column) if part)
        return f"{what} {self.change.value} in backup {self.backup}"


def _noted(silence: Silence) -> dict[str, Json]:
    return {"reason": silence.reason, "silence": silence.id}


@action("mass.show", Right.LOOK)
def mass_changes(app: Application, org: str, backup: int) -> MassChanges:
    """Show the mass changes of a backup; raises NotFound (``mass-unknown``)."""
    known = get_org(org)
    facts = stored_mass_facts(app, known.oid, zone=known.identity.zone)
    changes = next((entry for entry in facts.backups if entry.number == backup), None)
    if changes is None:
        raise NotFound(
            "mass-unknown",
            "The mass changes of backup {backup} of {org} are not known.",
            next_step="They are counted after each backup, and kept for five weeks.",
            backup=backup,
            org=org,
        )
    findings = (finding for finding in findings_of(facts, backup) if is_listed(finding))
    words = _words(app, known)
    lines = tuple(_line(finding, org, facts, words) for finding in findings)
    return MassChanges(
        org,
        known.identity.zone,
        backup,
        changes.before,
        changes.as_of,
        changes.since,
        lines,
        _losses(app, known, facts, backup=backup, as_of=changes.as_of),
    )


def _losses(
    app: Application, org: ProtectedOrg, facts: MassFacts, *, backup: int, as_of: datetime
) -> tuple[LargeLoss, ...]:
    recent = loss_facts(app, org.oid, newest_as_of=as_of)
    some = large_losses([loss for loss in recent if loss.backup == backup], facts)
    zone = facts.words.zone
    return tuple(LargeLoss(loss.loss, loss_sentence(loss, org.name, zone=zone)) for loss in some)


@action("mass.columns", Right.LOOK)
def column_repairs(
    app: Application, org: str, table: str, *, after: int = 0, until: int | None = None
) -> ColumnRepairs:
    """List the mass changes of a table's columns in the backups after one, up to another.

    Changes that a person expects are left out, and those of columns that cannot be put back.
    """
    known = get_org(org)
    facts = stored_mass_facts(app, known.oid, zone=known.identity.zone)
    words = _words(app, known)
    numbers = [
        entry.number
        for entry in facts.backups
        if after < entry.number <= (until or entry.number) and entry.before >= after
    ]
    lines = [
        _line(finding, org, facts, words)
        for number in numbers
        for finding in findings_of(facts, number)
        if is_listed(finding) and finding.silence is None and finding.change.kind.of_column
    ]
    changes = sorted(
        (line for line in lines if line.change.table == table and line.never is None),
        key=lambda line: -line.change.count,
    )
    return ColumnRepairs(org, table, tuple(changes))


def _words(app: Application, org: ProtectedOrg) -> TableWords:
    head = app.vault.newest_backup(org.oid)
    return TableWords(head.schema() if head is not None else Schema((), ""))


def _line(finding: MassFinding, org: str, facts: MassFacts, words: TableWords) -> MassChangeLine:
    never = _never(finding.change, words)
    return MassChangeLine(
        finding.change,
        sentence_of(finding, org),
        finding.before,
        finding.now,
        finding.silence,
        repair_command(finding, org) if never is None else compare_command(finding, org),
        finding.number,
        words.column(finding.change.table, finding.change.column),
        finding.main_user,
        _changed_before(finding, facts),
        never,
    )


def _never(change: MassChange, words: TableWords) -> NeverReason | None:
    table = words.table(change.table)
    column = table.column(change.column) if table is not None else None
    return why_never_set(column, table) if table is not None and column is not None else None


def _changed_before(finding: MassFinding, facts: MassFacts) -> bool:
    place = (finding.change.table, finding.change.column)
    return bool(finding.change.column) and any(
        is_listed(earlier) and (earlier.change.table, earlier.change.column) == place
        for earlier in findings_of(facts, finding.before)
    )


@action(
    "mass.expected", Right.OPERATE, trace=Trace.WRITE, subject=("answered_change",), detail=_noted
)
def expected(app: Application, org: str, answered_change: ExpectedRequest) -> Silence:
    """Mark a mass change of a backup as expected; the alert about it ends, the repair stays.

    Raises NotFound (``mass-unknown``), UsageError (``reason-missing``).
    """
    known = get_org(org)
    shown = mass_changes(app, org, answered_change.backup)
    key = (answered_change.table, answered_change.column, answered_change.change)
    if all(line.change.key != key for line in shown.changes):
        raise NotFound(
            "mass-unknown",
            "Backup {backup} of {org} has no such mass change.",
            next_step="List them with `unlost alert changes {org} {backup}`.",
            backup=answered_change.backup,
            org=org,
        )
    silence = Silence(
        SilenceKind.ANSWERED,
        org,
        answered_change.table,
        answered_change.column,
        answered_change.change,
        snapshot=answered_change.backup,
        reason=_reason(answered_change.reason),
        by=app.actor.name,
    )
    return _added(app, known, silence)


@action("mass.expect", Right.OPERATE, trace=Trace.WRITE, subject=("announcement",), detail=_noted)
def expect(app: Application, org: str, announcement: ExpectRequest) -> Silence:
    """Announce a change, so that it raises no alert.

    Raises UsageError (``until-unreadable``, ``expect-unclear``).
    """
    known = get_org(org)
    table, _, column = announcement.what.strip().partition(".")
    if not table or "." in column:
        raise UsageError(
            "expect-unclear",
            "{what!r} is neither a table nor a column of one.",
            next_step="Write TABLE.COLUMN, or TABLE for created and deleted records.",
            what=announcement.what,
        )
    silence = Silence(
        SilenceKind.EXPECTED,
        org,
        table,
        column,
        user=announcement.user.strip(),
        since=app.clock.now(),
        until=_until(app, known, announcement.until),
        reason=announcement.reason.strip(),
        by=app.actor.name,
    )
    return _added(app, known, silence)


@action("mass.mute", Right.OPERATE, trace=Trace.WRITE, subject=("mute_request",), detail=_noted)
def mute(app: Application, org: str, mute_request: MuteRequest) -> Silence:
    """Leave a usual pattern to the daily digest, until a day.

    Raises UsageError (``until-unreadable``, ``reason-missing``, ``mute-unclear``).
    """
    known = get_org(org)
    narrowed = mute_request.table or mute_request.column or mute_request.change or mute_request.user
    if not narrowed or not 0 <= mute_request.most <= LARGEST_ROWS:
        raise UsageError(
            "mute-unclear",
            "A muted pattern needs a table, a column, a kind or a user.",
            next_step="Name at least one of them, and a size of 0 or more.",
        )
    silence = Silence(
        SilenceKind.MUTED,
        org,
        mute_request.table.strip(),
        mute_request.column.strip(),
        mute_request.change,
        mute_request.user.strip(),
        mute_request.most,
        until=_until(app, known, mute_request.until),
        reason=_reason(mute_request.reason),
        by=app.actor.name,
    )
    return _added(app, known, silence)


@action("mass.silences", Right.LOOK)
def silences(app: Application, org: str) -> Silences:
    """List the expected, answered and muted mass changes of an org that have not ended."""
    known = get_org(org)
    lasting = silences_of(known.oid, since=app.clock.now())
    return Silences(org, known.identity.zone, tuple(lasting))


@action("mass.unsilence", Right.OPERATE, trace=Trace.WRITE, subject=("silence",))
def unsilence(app: Application, org: str, silence: int) -> None:
    """End a pattern; raises NotFound (``silence-unknown``)."""
    if not remove_silence(get_org(org).oid, silence):
        raise NotFound(
            "silence-unknown",
            "There is no expected or muted change {silence} in {org}.",
            next_step="List them with `unlost alert silences {org}`.",
            silence=silence,
            org=org,
        )
    after_change(app)


@action("mass.limits", Right.LOOK)
def limits(app: Application, org: str) -> MassLimitsList:  # noqa: ARG001 (every action takes it)
    """Show the thresholds of an org and of its tables."""
    return MassLimitsList(org, dict(limits_of(get_org(org).oid)))


def _thresholds(limits: MassLimitsList) -> dict[str, Json]:
    return {"limits": {name or limits.org: str(some) for name, some in limits.limits.items()}}


@action("mass.limit", Right.OPERATE, trace=Trace.WRITE, subject=("table",), detail=_thresholds)
def limit(
    app: Application, org: str, values: MassLimits | None = None, *, table: str = ""
) -> MassLimitsList:
    """Set the thresholds of a table, or of the whole org; without values, remove them.

    Raises UsageError (``limits-invalid``).
    """
    known = get_org(org)
    others = {name: some for name, some in limits_of(known.oid).items() if name != table}
    if values is not None:
        _check(values)
        others[table] = values
    set_limits(known.oid, others)
    after_change(app)
    return limits(app, org)


def _check(values: MassLimits) -> None:
    rows = (
        values.lost_rows,
        values.bin_rows,
        values.column_rows,
        values.created_rows,
        values.below_rows,
        values.transferred_rows,
    )
    shares = (
        values.lost_share,
        values.column_share,
        values.created_share,
        values.transferred_share,
    )
    if all(0 <= count <= LARGEST_ROWS for count in rows) and all(0 <= s <= 1 for s in shares):
        return
    raise UsageError(
        "limits-invalid",
        "A threshold cannot have this value.",
        next_step="Numbers of records are 0 or more. Shares lie between 0 and 1.",
    )


def _added(app: Application, org: ProtectedOrg, silence: Silence) -> Silence:
    added = add_silence(org.oid, silence)
    after_change(app)
    return replace(added, org=org.name)


def _reason(text: str) -> str:
    if not text.strip():
        raise UsageError(
            "reason-missing",
            "A reason is required.",
            next_step="Say why this change is expected. The reason is in the audit log.",
        )
    return text.strip()


def _until(app: Application, org: ProtectedOrg, text: str) -> datetime:
    """Return the end of a day, or a time; raises UsageError (``until-unreadable``)."""
    now, zone = app.clock.now(), org.identity.zone
    until = _moment(text.strip(), zone)
    if until is None or not now < until <= now + LONGEST:
        raise UsageError(
            "until-unreadable",
            "{text!r} is not a time within the next year.",
            next_step="Write the last day as 2026-12-31, or a time as 2026-12-31T18:00.",
            text=text,
        )
    return until


def _moment(text: str, zone: str) -> datetime | None:
    try:
        if "T" not in text:
            return end_of_day(date.fromisoformat(text), zone)
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo is not None else instant(at, zone)
    except (ValueError, OverflowError):
        return None
