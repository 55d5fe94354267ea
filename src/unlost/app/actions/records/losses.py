"""The loss inbox: deletions grouped by what people lost, until they are restored or dismissed.

    OPEN ──restore, or a later backup──> RESTORED
      │ ▲
      │ └────────reopen────────┬── DISMISSED  by a person, with a reason
      └──dismiss───────────────┘
    FOLDED   merges, deletions by Unlost, and records created and deleted within a day

The database has ids; names are read from the vault with the rights of the actor.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.changes.loss_inbox import known_loss
from unlost.app.records.record_facts import UserNames
from unlost.app.records.record_names import record_names
from unlost.catalog.losses import (
    LossDecision,
    LossRecord,
    decide_loss,
    list_losses,
    loss_errors,
    loss_records,
    newest_losses,
)
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.archived import ArchivedRecords
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, UsageError
from unlost.model.losses import FoldReason, LossState
from unlost.model.message import Message
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot

MOST = 50  # losses of a page
RECORDS = 200  # records of a page
EACH = 3  # losses of an org on Home
LONGEST_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class LossCount:
    """The number of records of a table in a loss."""

    table: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """A record with its name; empty if it has none."""

    table: str
    label: str
    record: str
    name: str


@dataclass(frozen=True, slots=True)
class LossLine:
    """A loss: ``roots`` records of a table, and ``more`` that were deleted with them.

    ``record`` and ``name`` are those of the first root. ``tables`` counts the roots too. ``parent``
    is the live record to which all roots belong. ``by`` is empty if the user is unknown. Without
    ``first``, the deletions lie between the backups at ``after`` and ``until``. ``keeps_id``: a
    restore keeps the id of the first of them; with ``bin_until`` only until then, and unless the
    recycle bin is emptied. ``back``: roots that are live again. ``decided_by`` is empty if Unlost
    decided. ``archive_run``: the archive that took the first root out of the org; empty if none did.
    """

    loss: int
    org: str
    zone: str
    snapshot: int
    state: LossState
    table: str
    label: str
    record: str
    name: str
    roots: int
    more: int
    tables: tuple[LossCount, ...]
    by: str
    by_name: str
    first: datetime | None
    last: datetime | None
    after: datetime | None
    until: datetime
    bin_until: datetime | None
    keeps_id: bool
    parent: NamedRecord | None
    merged_into: NamedRecord | None
    folded: FoldReason | None
    back: int
    reason: str
    decided_by: str
    decided_at: datetime | None
    archive_run: str = ""


@dataclass(frozen=True, slots=True)
class LossList:
    """Losses in one state, those first that leave the recycle bin next.

    They begin with number ``start`` of ``total``. ``errors``: why the newest backup of an org is
    not evaluated yet, by the name of the org.
    """

    state: LossState
    total: int
    start: int
    losses: tuple[LossLine, ...]
    errors: Mapping[str, Message]


@dataclass(frozen=True, slots=True)
class FirstLosses:
    """The first open losses of each org, by its name."""

    orgs: Mapping[str, tuple[LossLine, ...]]


@dataclass(frozen=True, slots=True)
class LossDetail:
    """A loss with its records, which begin with number ``start`` of ``total``.

    ``table`` is the requested one; without one, those of the roots come first, then those of the
    tables that lost most.
    """

    loss: LossLine
    table: str | None
    total: int
    start: int
    records: tuple[NamedRecord, ...]


@action("loss.list", Right.READ, trace=Trace.READ)
def losses(
    app: Application,
    org: str | None = None,
    *,
    state: LossState = LossState.OPEN,
    start: int = 0,
    most: int = MOST,
    backup: int | None = None,
) -> LossList:
    """List the losses of an org, or of all orgs; raises UsageError (``page-invalid``).

    ``backup``: only those that this backup found, the largest first.
    """
    check_page(start=start, most=most)
    orgs = _readable(app, org)
    now = app.clock.now()
    page = list_losses(orgs, state, now=now, start=start, most=most, snapshot=backup)
    errors = {name: error for name, error in loss_errors().items() if name in orgs}
    return LossList(state, page.total, start, _lines(app, page.losses, orgs), errors)


@action("loss.first", Right.READ, trace=Trace.READ)
def first_losses(app: Application) -> FirstLosses:
    """Return the first open losses of each org."""
    orgs = _readable(app, None)
    by_org = newest_losses(orgs, each=EACH, now=app.clock.now())
    lines = _lines(app, list(chain.from_iterable(by_org.values())), orgs)
    return FirstLosses({name: tuple(line for line in lines if line.org == name) for name in by_org})


@action("loss.show", Right.READ, trace=Trace.READ, subject=("loss", "table"))
def loss_detail(
    app: Application,
    org: str,
    loss: int,
    *,
    table: str | None = None,
    start: int = 0,
    most: int = RECORDS,
) -> LossDetail:
    """Show a loss and its records; raises NotFound (``loss-unknown``), UsageError."""
    check_page(start=start, most=most)
    known = get_org(org)
    line = _line(app, known, loss)
    records = loss_records(loss)
    places = {counted.table: place for place, counted in enumerate(line.tables)}
    chosen = sorted(
        (name for name in records if table in (None, name)),
        key=lambda name: places.get(name, len(places)),
    )
    keys = [RecordKey(name, record) for name in chosen for record in records[name]]
    namer = _Namer(app, known)
    some = keys[start : start + most]
    namer.learn(some)
    named = tuple(namer.named(key) for key in some)
    return LossDetail(line, table, len(keys), start, named)


@action("loss.dismiss", Right.OPERATE, trace=Trace.WRITE, subject=("loss", "reason"))
def dismiss(app: Application, org: str, loss: int, *, reason: str) -> LossLine:
    """Take a loss out of the inbox, for a reason.

    Raises NotFound (``loss-unknown``), UsageError (``loss-reason-missing``), Conflict
    (``loss-not-open``).
    """
    known = get_org(org)
    text = " ".join(reason.replace("\0", "").split())[:LONGEST_REASON]
    if not text:
        raise UsageError(
            "loss-reason-missing",
            "A loss can only be dismissed with a reason.",
            next_step="Write in a few words why these records are not missed.",
        )
    _check_state(known, loss, {LossState.OPEN})
    now = app.clock.now()
    decide_loss(loss, LossDecision(LossState.DISMISSED, now, app.actor.name, text))
    return _line(app, known, loss)


@action("loss.reopen", Right.OPERATE, trace=Trace.WRITE, subject=("loss",))
def reopen(app: Application, org: str, loss: int) -> LossLine:
    """Put a dismissed or folded loss back into the inbox.

    Raises NotFound (``loss-unknown``), Conflict (``loss-not-dismissed``).
    """
    known = get_org(org)
    _check_state(known, loss, {LossState.DISMISSED, LossState.FOLDED})
    decide_loss(loss, LossDecision(LossState.OPEN))
    return _line(app, known, loss)


# --- inside ---------------------------------------------------------------------------------------


def _readable(app: Application, org: str | None) -> Mapping[str, ProtectedOrg]:
    return {known.name: known for known in app.orgs(Right.READ) if org in (None, known.name)}


def _check_state(org: ProtectedOrg, loss: int, allowed: Collection[LossState]) -> None:
    state = known_loss(org, loss).state
    if state in allowed:
        return
    if LossState.OPEN in allowed:
        raise Conflict(
            "loss-not-open",
            "The loss {loss} is not open: it is {state}.",
            next_step="No action is needed.",
            loss=loss,
            state=state.value,
        )
    raise Conflict(
        "loss-not-dismissed",
        "The loss {loss} was not dismissed: it is {state}.",
        next_step="Only dismissed and folded losses can be reopened.",
        loss=loss,
        state=state.value,
    )


def _line(app: Application, org: ProtectedOrg, loss: int) -> LossLine:
    (line,) = _lines(app, [known_loss(org, loss)], {org.name: org})
    return line


def _lines(
    app: Application, records: Sequence[LossRecord], orgs: Mapping[str, ProtectedOrg]
) -> tuple[LossLine, ...]:
    """Describe losses in their order; each table of an org is read once."""
    namers: dict[str, _Namer] = {}
    for name in dict.fromkeys(record.org for record in records):
        namers[name] = _Namer(app, orgs[name])
        namers[name].learn(_keys(record for record in records if record.org == name))
    return tuple(_described(app, record, namers[record.org]) for record in records)


def _keys(records: Iterable[LossRecord]) -> list[RecordKey]:
    every = (
        (RecordKey(record.table, record.record), record.parent, record.merged_into)
        for record in records
    )
    return [key for key in chain.from_iterable(every) if key is not None]


def _described(app: Application, record: LossRecord, namer: "_Namer") -> LossLine:
    root = namer.named(RecordKey(record.table, record.record))
    bin_until = None if namer.keeps_id(record.table) else record.bin_until
    in_bin = bin_until is not None and bin_until >= app.clock.now()
    return LossLine(
        loss=record.id,
        org=record.org,
        zone=namer.org.identity.zone,
        snapshot=record.snapshot,
        state=record.state,
        table=record.table,
        label=namer.label(record.table, plural=record.roots > 1),
        record=record.record,
        name=root.name,
        roots=record.roots,
        more=record.more,
        tables=namer.counts(record),
        by=record.by,
        by_name=namer.user(record.table, record.by),
        first=record.first,
        last=record.last,
        after=record.after,
        until=record.until,
        bin_until=bin_until,
        keeps_id=in_bin or namer.keeps_id(record.table),
        parent=namer.visible(record.table, record.parent),
        merged_into=namer.visible(record.table, record.merged_into),
        folded=record.folded,
        back=record.back,
        reason=record.reason,
        decided_by=record.decided_by,
        decided_at=record.decided_at,
        archive_run=_archive_run(app, namer.org, record),
    )


def _archive_run(app: Application, org: ProtectedOrg, record: LossRecord) -> str:
    """Return the archive that took the first root of a loss; empty if it is unknown."""
    if record.folded is not FoldReason.ARCHIVED:
        return ""
    shown = app.vault.at(org.oid, record.snapshot, forgotten=True)
    runs = uncommitted(app.whole_vault, org.oid, until=record.snapshot)
    archives = ArchivedRecords(app.vault, shown, runs)
    act = archives.acts(record.table, [record.record]).get(record.record)
    return act.run if act is not None else ""


class _Namer:
    """Names and labels of an org's records, as the actor may see them, from the newest backup."""

    def __init__(self, app: Application, org: ProtectedOrg) -> None:
        self.org, self._app = org, app
        self._newest: Snapshot | None = app.vault.newest_backup(org.oid)
        self._hidden = app.hidden.get(org.oid)
        self._tables = (
            {table.name: table for table in self._newest.schema().tables} if self._newest else {}
        )
        self._users = UserNames(self._newest) if self._newest else None
        connector = app.connector(org.identity.connector)
        self._rules = connector.loss_rules(self._newest.schema()).tables if self._newest else {}
        self._names: dict[RecordKey, str] = {}

    def learn(self, keys: Iterable[RecordKey]) -> None:
        """Read the names of records, table by table."""
        by_table: dict[str, list[str]] = {}
        for key in keys:
            by_table.setdefault(key.table, []).append(key.record)
        if self._newest is not None:
            names = record_names(self._app, self.org, self._newest)
            for table, ids in by_table.items():
                known = names.of([table], ids)
                self._names |= {RecordKey(table, record): known[record] for record in known}

    def named(self, key: RecordKey) -> NamedRecord:
        return NamedRecord(key.table, self.label(key.table), key.record, self._names.get(key, ""))

    def visible(self, table: str, key: RecordKey | None) -> NamedRecord | None:
        """Name a record that one of the table refers to, unless columns of it are hidden."""
        hidden = self._hidden is not None and bool(self._hidden.of(table))
        return self.named(key) if key is not None and not hidden else None

    def label(self, table: str, *, plural: bool = False) -> str:
        shape = self._tables.get(table)
        if shape is None:
            return table
        return (shape.plural if plural else "") or shape.label or table

    def keeps_id(self, table: str) -> bool:
        """Return True if the org creates lost records of the table with their old ids."""
        rule = self._rules.get(table)
        return rule is not None and rule.keeps_id

    def counts(self, record: LossRecord) -> tuple[LossCount, ...]:
        ranked = sorted(record.counts.items(), key=lambda item: (item[0] != record.table, -item[1]))
        return tuple(
            LossCount(table, self.label(table, plural=count > 1), count) for table, count in ranked
        )

    def user(self, table: str, user: str) -> str:
        return self._users.name(table, user) if self._users is not None else ""
