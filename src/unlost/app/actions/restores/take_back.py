"""Take back changes of many records as one correction: chosen ones, or all that a user made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from unlost.app.access import action
from unlost.app.actions.records.history import HistoryResult, history
from unlost.app.actions.records.watch import ChangeFilter, period_of, stored_watch
from unlost.app.actions.restores.kept_plan import PlanView, choose, what_was_typed
from unlost.app.actions.restores.put_back import change_unknown, parsed_time, value_before
from unlost.app.actions.restores.restore_plan import (
    PlanRequest,
    PlanResult,
    RestoreRequest,
    make_plan,
)
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.changes.created_by import CreatedRecord, created_by
from unlost.app.records.changes.live_changes import LiveEvents, live_events, seen_values
from unlost.app.records.changes.watched_sets import events_of, members_of
from unlost.app.records.restored_as import replacements
from unlost.app.records.settable import why_never_set
from unlost.app.restores.overrides import Overrides, TakenEdit, TypedEdit
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.history import EventKind
from unlost.engine.records.taking_back import RecordedChange, recorded, taken_back
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.system import Observer
from unlost.model.source.schema import Schema

LIVE = "live"  # in place of the time of a change since the newest backup
MOST_CHANGES = 5_000  # changes of one correction
MOST_NAMES = 5  # records that an error names
MOST_RECORDS = 2_000  # changed records whose history is read for what a user did


@dataclass(frozen=True, slots=True)
class ChosenChange:
    """A change that is taken back: of a column of a record (TABLE/ID), as its history shows it.

    ``until`` is that of the history entry, as in JSON, or ``live`` for a change since the newest
    backup. With ``seen``, the hash that ``watch.show`` names, such a change is taken back only if the
    org still has that value. An empty ``column`` means all of the entry: each changed column that can be set, or the
    deletion of the record, which comes back.
    """

    record: str
    column: str
    until: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The plan that takes changes back. ``changed_later`` counts values of others, which stay.

    ``created`` records of the user stay too. ``unread``: tables of which the org did not deliver the
    changes since the newest backup.
    """

    view: PlanView
    changed_later: int
    created: tuple[CreatedRecord, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenBackPlan(PlanResult):
    """The same with a plan file."""

    changed_later: int = 0
    created: tuple[CreatedRecord, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserChanges:
    """The ``wanted`` changes of a user, and those that stay, as ``TakenBack`` has them."""

    wanted: tuple[ChosenChange, ...]
    changed_later: int
    created: tuple[CreatedRecord, ...]
    unread: tuple[str, ...]


@action("restore.take-back", Right.RESTORE, trace=Trace.READ, detail=what_was_typed)
def take_back(app: Application, org: str, changes: Sequence[ChosenChange]) -> PlanView:
    """Select the values that columns had before these changes; ``restore.make`` makes the plan.

    Of several changes of one column, the value from before the first one counts. Values that were
    changed after the newest backup stay, unless that change is one of these (``live``). Raises
    UsageError (``nothing-taken-back``, ``changes-too-many``), NotFound (``change-unknown``), and as
    ``restore.choose``.
    """
    return choose(app, org, RestoreRequest(_request(app, get_org(org), changes)))


@action(
    "restore.take-back-user",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("name", "user"),
    detail=lambda result: what_was_typed(result.view),
)
def take_back_user(
    app: Application,
    org: str,
    name: str,
    user: str,
    *,
    since: str = "",
    until: str = "",
    live: bool = False,
) -> TakenBack:
    """Select what a user (an id) changed or deleted in a watched set; ``restore.make`` makes the plan.

    ``since`` and ``until`` are days or times, as for ``watch.show``. Values that others changed later
    stay, and so do records that the user created. ``live``: the org is also read, for changes since
    the newest backup; without it they stay. Raises UsageError (``nothing-taken-back``,
    ``created-records-stay``, ``changes-too-many``, ``day-wrong``), NotFound (``watch-unknown``), and
    with ``live`` the errors of the org.
    """
    period = ChangeFilter(since=since, until=until)
    chosen = _of_user(app, get_org(org), name, user, period, live=live)
    view = take_back(app, org, chosen.wanted)
    return TakenBack(view, chosen.changed_later, chosen.created, chosen.unread)


@action(
    "restore.plan-take-back",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("name", "user"),
    detail=lambda result: {"plan": result.digest},
    writes_files=True,
)
def plan_take_back(
    app: Application,
    org: str,
    name: str,
    user: str,
    out: Path,
    *,
    since: str = "",
    until: str = "",
    live: bool = False,
    observer: Observer | None = None,
) -> TakenBackPlan:
    """Plan the same, and write the plan file; raises as ``restore.take-back-user``, and as ``restore.plan``."""
    known, period = get_org(org), ChangeFilter(since=since, until=until)
    chosen = _of_user(app, known, name, user, period, live=live)
    plan = make_plan(app, _request(app, known, chosen.wanted), out, observer=observer)
    return TakenBackPlan(
        **{each.name: getattr(plan, each.name) for each in fields(plan)},
        changed_later=chosen.changed_later,
        created=chosen.created,
        unread=chosen.unread,
    )


def _of_user(
    app: Application,
    org: ProtectedOrg,
    name: str,
    user: str,
    only: ChangeFilter,
    *,
    live: bool,
) -> UserChanges:
    """Return the changes of a user to take back, and those that stay."""
    members = members_of(app, org, stored_watch(org.name, name))
    begin, end = period_of(app, org, only, live=live)
    shown = events_of(app, org, members, since=begin, most=MOST_RECORDS)
    if shown.more or shown.unsearched:
        raise _too_many()
    now = live_events(app, org, members) if live else LiveEvents()
    head, events = newest_backup(app.vault, org), (*now.events, *shown.events)
    changes = [
        change
        for each in events
        for change in recorded(each.key, each.event)
        if _is_put_back(head.schema(), change)
    ]
    chosen = taken_back(changes, user=user, since=begin, until=end)
    created = created_by(app, org, head, events, user=user, period=(begin, end))
    if created and not chosen.first:
        raise _only_created(created)
    seen = {each.key: seen_values(head.schema(), each) for each in now.events}
    wanted = tuple(_chosen(change, seen) for change in (*chosen.first, *chosen.live))
    return UserChanges(wanted, chosen.changed_later, created, now.unread)


def _chosen(change: RecordedChange, seen: Mapping[RecordKey, Mapping[str, str]]) -> ChosenChange:
    if not change.is_live:
        return ChosenChange(str(change.key), change.column, change.until.isoformat())
    value = seen.get(change.key, {}).get(change.column, "")
    return ChosenChange(str(change.key), change.column, LIVE, value)


def _request(app: Application, org: ProtectedOrg, changes: Sequence[ChosenChange]) -> PlanRequest:
    """Return the request for the values from before these changes; raises UsageError, NotFound."""
    if not changes:
        raise _nothing()
    if len(changes) > MOST_CHANGES:
        raise _too_many()
    edits = _Edits()
    newest = newest_backup(app.vault, org).info.number
    for record, chosen in _by_record(changes).items():
        edits.read(app, org, record, chosen, newest=newest)
    return PlanRequest(
        org.name,
        tuple(edits.records),
        otherwise=Overrides(tuple(edits.typed), taken=tuple(edits.taken)),
        correct=True,
        since=str(newest),
        overwritten={key: tuple(columns) for key, columns in edits.overwritten.items()},
        seen=edits.seen,
    )


@dataclass(slots=True)
class _Edits:
    """The values of a correction in the making."""

    records: dict[str, None] = field(default_factory=dict)
    typed: list[TypedEdit] = field(default_factory=list)
    taken: list[TakenEdit] = field(default_factory=list)
    # A person who saw the change of a column in the org knows the value that is overwritten.
    overwritten: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, dict[str, str]] = field(default_factory=dict)

    def read(
        self,
        app: Application,
        org: ProtectedOrg,
        record: str,
        changes: Sequence[ChosenChange],
        *,
        newest: int,
    ) -> None:
        """Read the values from before the changes of a record; the first change of a column counts."""
        table, _, record_id = record.partition("/")
        shown = history(app, org.name, table, record_id)
        lives = replacements(app, org, shown.table, [shown.record])
        key = f"{shown.table}/{lives.get(shown.record, shown.record)}"
        self.records[key] = None
        single = [each for change in changes for each in _single(shown, change)]
        if live := [change for change in single if change.until == LIVE]:
            self.overwritten.setdefault(key, []).extend(change.column for change in live)
        if seen := {change.column: change.seen for change in live if change.seen}:
            self.seen.setdefault(key, {}).update(seen)
        first = {change.column: change for change in reversed(single)}
        for column, change in first.items():
            if change.until == LIVE:
                self.taken.append(TakenEdit(key, column, str(newest)))
                continue
            number, line = value_before(app, org, shown, column=column, until=change.until)
            if number is not None:
                self.taken.append(TakenEdit(key, column, str(number)))
            else:  # a value between two backups is only known from the org's change log
                self.typed.append(TypedEdit(key, column, line.old))


def _single(shown: HistoryResult, change: ChosenChange) -> Iterator[ChosenChange]:
    """Yield the change, or the changes of single columns for which it stands.

    Raises NotFound (``change-unknown``).
    """
    if change.column or change.until == LIVE:
        yield from [change] if change.column else ()
        return
    entries = [entry for entry in shown.entries if entry.until == parsed_time(change.until)]
    if not entries:
        raise change_unknown(change.record)
    for entry in entries:
        if entry.kind is EventKind.CHANGED:
            columns = dict.fromkeys(line.column for line in entry.fields if line.restorable)
            yield from (replace(change, column=column) for column in columns)


def _by_record(changes: Sequence[ChosenChange]) -> Mapping[str, Sequence[ChosenChange]]:
    """Return the changes of each record, the oldest first."""
    by_record: dict[str, list[ChosenChange]] = {}
    for change in sorted(changes, key=_time):
        by_record.setdefault(change.record, []).append(change)
    return by_record


def _time(change: ChosenChange) -> datetime:
    """Return the time of a change; of one that is live or unreadable the last of all."""
    at = parsed_time(change.until) if change.until != LIVE else None
    return at or datetime.max.replace(tzinfo=UTC)


def _is_put_back(schema: Schema, change: RecordedChange) -> bool:
    """Return True for a deletion, and for a column that people may set."""
    table = schema.table(change.key.table)
    column = table.column(change.column) if table is not None else None
    if table is None or column is None:
        return not change.column
    return why_never_set(column, table) is None


def _nothing() -> UsageError:
    return UsageError(
        "nothing-taken-back",
        "There is no change to take back.",
        next_step="Choose changes first, or another user or period.",
    )


def _only_created(created: Sequence[CreatedRecord]) -> UsageError:
    shown = [each.name or each.record for each in created[:MOST_NAMES]]
    return UsageError(
        "created-records-stay",
        "This user only created records in this period. Taking changes back does not delete them: {records}.",
        next_step="Open the set in the console, filter it by “created”, and select the records to "
        "delete. Or use `unlost purge plan`.",
        records=", ".join(shown) + (" …" if len(created) > MOST_NAMES else ""),
    )


def _too_many() -> UsageError:
    return UsageError(
        "changes-too-many",
        "These are too many changes for one correction.",
        next_step="Choose a shorter period, or fewer changes. Changes of one column in very many "
        "records: `unlost restore plan ORG --changed-between A B --table T --column C --by USER`.",
    )
