"""The loss inbox: the losses that each backup found, until they are restored or dismissed.

Rows have ids of records and no values, so that names are read from the vault for each reader.
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, QuerySet, When, Window
from django.db.models.expressions import OrderBy
from django.db.models.functions import RowNumber

from unlost.catalog.conclusion_models import LossMarkRow, LossRow
from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import Org
from unlost.model.losses import FoldReason, LossGroup, LossState
from unlost.model.message import Message
from unlost.model.plan import RecordKey

REMEMBERED = timedelta(days=400)  # how long losses stay that nothing is to be done about
_AT_ONCE = 200  # rows read at a time
_PACKED = ("roots", "records")


@dataclass(frozen=True, slots=True)
class LossBackup:
    """A backup that found losses; ``after`` is the time of the backup before it."""

    number: int
    as_of: datetime
    after: datetime | None


@dataclass(frozen=True, slots=True)
class LossRecord:
    """A loss in the inbox: ``roots`` deleted records of a table, and ``more`` with them.

    ``record`` is the first root. ``counts`` has all of them by table. ``back``: roots that are live
    again. ``decided_by`` is empty if Unlost decided. For the rest see ``LossGroup``.
    """

    id: int
    org: str
    snapshot: int
    table: str
    record: str
    roots: int
    more: int
    counts: Mapping[str, int]
    by: str
    first: datetime | None
    last: datetime | None
    after: datetime | None
    until: datetime
    bin_until: datetime | None
    parent: RecordKey | None
    merged_into: RecordKey | None
    state: LossState
    back: int = 0
    folded: FoldReason | None = None
    reason: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    below: int = 0
    open_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LossPage:
    """Some losses of a list, and the number of all."""

    losses: tuple[LossRecord, ...]
    total: int


@dataclass(frozen=True, slots=True)
class LossDecision:
    """A new state of a loss; ``by`` is empty if Unlost decided."""

    state: LossState
    at: datetime | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OpenLoss:
    """The roots of a loss that stands in the inbox."""

    id: int
    snapshot: int
    table: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LossCheck:
    """The present state of an open loss: how many of its ``roots`` the vault knows, and are back."""

    id: int
    known: int
    back: int


@dataclass(frozen=True, slots=True)
class LossMark:
    """The newest backup whose losses are in the inbox, and why a newer one failed."""

    snapshot: int = 0
    error: Message | None = field(default=None)


# --- what backups found ---------------------------------------------------------------------------


def loss_mark(oid: str) -> LossMark | None:
    """The mark of an org; None if no backup was evaluated yet."""
    with returned_connection():
        row = LossMarkRow.objects.filter(org__oid=oid).first()
    return mark_of(row) if row is not None else None


def mark_of(row: LossMarkRow | None) -> LossMark:
    """The value of a row; without one, no backup was evaluated."""
    return LossMark(row.snapshot, row.error) if row is not None else LossMark()


def note_loss_error(oid: str, error: Message) -> None:
    """Record why the losses of the newest backup are not in the inbox."""
    with one_transaction():
        org = Org.objects.get(oid=oid)
        LossMarkRow.objects.update_or_create(org=org, defaults={"error": error})


def loss_errors() -> Mapping[str, Message]:
    """Return why the newest backup of an org is not in the inbox, by the name of the org."""
    with returned_connection():
        rows = LossMarkRow.objects.exclude(error=None).select_related("org")
        return {row.org.name: row.error for row in rows if row.error is not None}


def add_losses(oid: str, backup: LossBackup, groups: Iterable[LossGroup]) -> int:
    """Record the losses of a backup; returns how many are new. Safe to repeat."""
    with one_transaction():
        org = Org.objects.select_for_update().get(oid=oid)
        count = sum(_add(org, backup, group) for group in groups)
        mark, _ = LossMarkRow.objects.get_or_create(org=org)
        newest = max(mark.snapshot, backup.number)
        LossMarkRow.objects.filter(pk=mark.pk).update(snapshot=newest, error=None)
    return count


def forget_losses(oid: str, *, now: datetime) -> None:
    """Delete old losses that do not stand in the inbox."""
    with returned_connection():
        over = LossRow.objects.filter(org__oid=oid, until__lt=now - REMEMBERED)
        over.exclude(state=LossState.OPEN.value).delete()


def open_losses(oid: str) -> Sequence[OpenLoss]:
    """The losses of an org that stand in the inbox, with their roots."""
    return _with_roots(oid, LossState.OPEN)


def restored_losses(oid: str) -> Sequence[OpenLoss]:
    """The losses of an org that were restored, with their roots."""
    return _with_roots(oid, LossState.RESTORED)


def _with_roots(oid: str, state: LossState) -> Sequence[OpenLoss]:
    with returned_connection():
        rows = LossRow.objects.filter(org__oid=oid, state=state.value).order_by("id")
        return [
            OpenLoss(row.id, row.snapshot, row.table, tuple(_unpacked(row.roots)))
            for row in rows.defer("records").iterator(_AT_ONCE)
        ]


def reopen_losses(checks: Iterable[LossCheck]) -> None:
    """Put restored losses into the inbox again whose records are no longer back."""
    with one_transaction():
        for check in checks:
            if check.back < check.known:
                row = LossRow.objects.filter(pk=check.id, state=LossState.RESTORED.value)
                row.update(back=check.back, state=LossState.OPEN.value, decided_at=None)


def check_losses(checks: Iterable[LossCheck], *, at: datetime) -> int:
    """Update open losses; returns how many were restored.

    A loss whose roots the vault no longer knows, as they were forgotten, is deleted.
    """
    restored = 0
    with one_transaction():
        for check in checks:
            row = LossRow.objects.filter(pk=check.id, state=LossState.OPEN.value)
            if not check.known:
                row.delete()
                continue
            whole = check.back >= check.known
            row.update(back=check.back)
            if whole:
                restored += row.update(state=LossState.RESTORED.value, decided_at=at)
    return restored


# --- lists ----------------------------------------------------------------------------------------


def list_losses(
    orgs: Collection[str],
    state: LossState,
    *,
    now: datetime,
    start: int,
    most: int,
    snapshot: int | None = None,
) -> LossPage:
    """A page of the losses of these orgs: first those that leave the recycle bin next.

    ``snapshot``: only those that one backup found, the largest first.
    """
    with returned_connection():
        rows = LossRow.objects.filter(org__name__in=list(orgs), state=state.value)
        rows = rows if snapshot is None else rows.filter(snapshot=snapshot)
        total = rows.count()
        ordered = _sorted(rows, now)
        ordered = ordered if snapshot is None else ordered.order_by("-below", "-more", "id")
        some = list(ordered.select_related("org")[start : start + most])
    return LossPage(tuple(map(_loss, some)), total)


def newest_losses(
    orgs: Collection[str], *, each: int, now: datetime
) -> Mapping[str, tuple[LossRecord, ...]]:
    """The first ``each`` open losses of every org, by its name, in the order of the inbox."""
    place = Window(RowNumber(), partition_by=["org_id"], order_by=_order(now))
    with returned_connection():
        rows = LossRow.objects.filter(org__name__in=list(orgs), state=LossState.OPEN.value)
        ranked = rows.annotate(place=place).filter(place__lte=each).order_by("org_id", "place")
        some = list(ranked.defer(*_PACKED).select_related("org"))
    losses: dict[str, tuple[LossRecord, ...]] = {}
    for row in some:
        losses[row.org.name] = (*losses.get(row.org.name, ()), _loss(row))
    return losses


def losses_of_backup(oid: str, snapshot: int) -> tuple[LossRecord, ...]:
    """All losses that a backup found, in any state."""
    with returned_connection():
        rows = LossRow.objects.filter(org__oid=oid, snapshot=snapshot).order_by("id")
        return tuple(map(_loss, rows.defer(*_PACKED).select_related("org")))


def losses_with_others(oid: str, *, since: datetime, most: int) -> tuple[LossRecord, ...]:
    """The open losses of recent backups that took other records along, the largest first."""
    with returned_connection():
        rows = LossRow.objects.filter(
            org__oid=oid, state=LossState.OPEN.value, until__gte=since, below__gt=0
        )
        largest = rows.order_by("-below", "id").defer(*_PACKED).select_related("org")
        return tuple(map(_loss, largest[:most]))


def find_loss(org: str, loss: int) -> LossRecord | None:
    """A loss of an org."""
    with returned_connection():
        rows = LossRow.objects.filter(org__name=org, pk=loss)
        row = rows.defer(*_PACKED).select_related("org").first()
    return _loss(row) if row is not None else None


def loss_records(loss: int) -> Mapping[str, tuple[str, ...]]:
    """The ids of all records of a loss, by table; the table of its roots is the first."""
    with returned_connection():
        row = LossRow.objects.get(pk=loss)
    records = {table: tuple(ids) for table, ids in _unpacked(row.records).items()}
    return {row.table: records.get(row.table, ()), **records}


def decide_loss(loss: int, decision: LossDecision) -> None:
    """Change the state of a loss."""
    with returned_connection():
        LossRow.objects.filter(pk=loss).update(
            state=decision.state.value,
            reason=decision.reason,
            decided_by=decision.by,
            decided_at=decision.at,
        )


# --- erasure --------------------------------------------------------------------------------------


def scrub_losses(org: str, keys: Collection[RecordKey]) -> int:
    """Remove erased records from the inbox; returns the number of changed rows."""
    erased: dict[str, set[str]] = {}
    for key in keys:
        erased.setdefault(key.table, set()).add(key.record)
    count = 0
    for row in LossRow.objects.filter(org__name=org).iterator(_AT_ONCE):
        count += _scrub(row, lambda table, record: record in erased.get(table, ()))
    return count


def _scrub(row: LossRow, is_erased: Callable[[str, str], bool]) -> bool:
    """Remove records from a loss; deletes it if no root remains."""
    before = {table: list(ids) for table, ids in _unpacked(row.records).items()}
    records = {
        table: [record for record in ids if not is_erased(table, record)]
        for table, ids in before.items()
    }
    named = is_erased(row.parent_table, row.parent) or is_erased(row.table, row.merged_into)
    if records == before and not named:
        return False
    roots = [record for record in _unpacked(row.roots) if not is_erased(row.table, record)]
    if not roots:
        row.delete()
        return True
    shown = {table: ids for table, ids in records.items() if ids}
    row.record, row.root_count = roots[0], len(roots)
    row.more = sum(map(len, shown.values())) - len(roots)
    row.counts = {table: len(ids) for table, ids in shown.items()}
    row.below = min(row.below, row.more)
    row.open_counts = {
        table: min(count, row.counts[table])
        for table, count in row.open_counts.items()
        if table in row.counts
    }
    row.roots, row.records = _packed(roots), _packed(shown)
    if is_erased(row.parent_table, row.parent):
        row.parent_table = row.parent = ""
    if is_erased(row.table, row.merged_into):
        row.merged_into = ""
    row.save()
    return True


# --- inside ---------------------------------------------------------------------------------------


def _join(org: Org, group: LossGroup) -> bool:
    """Add records to the open loss of the record on which they depended; True if there is one.

    An hourly backup reads a few tables, and the nightly one finds the rest of what was lost.
    """
    if group.parent is None:
        return False
    rows = LossRow.objects.filter(org=org, state=LossState.OPEN.value, root_count=1)
    heads = rows.filter(table=group.parent.table, record=group.parent.record)
    row = heads.order_by("-snapshot").first()
    if row is None:
        return False
    records = _unpacked(row.records)
    for table, ids in group.records.items():
        records[table] = list(dict.fromkeys([*records.get(table, ()), *ids]))
    known, row.counts = row.counts, {table: len(ids) for table, ids in records.items()}
    row.more, row.records = sum(row.counts.values()) - 1, _packed(records)
    row.below = row.more
    if row.counts != known:  # not when an evaluation is repeated
        row.open_counts = dict(Counter(row.open_counts) + _open(group))
    row.save(update_fields=["counts", "more", "records", "below", "open_counts"])
    return True


def _open(group: LossGroup) -> Counter[str]:
    """The open records of a group, its roots included."""
    return Counter(group.open_counts) + Counter({group.table: group.open_roots})


def _add(org: Org, backup: LossBackup, group: LossGroup) -> bool:
    if _join(org, group):
        return False
    parent = group.parent
    columns = {
        "root_count": len(group.roots),
        "more": sum(group.counts.values()) - len(group.roots),
        "counts": dict(group.counts),
        "by": group.by,
        "first": group.first,
        "last": group.last,
        "after": backup.after,
        "until": backup.as_of,
        "bin_until": group.bin_until,
        "parent_table": parent.table if parent is not None else "",
        "parent": parent.record if parent is not None else "",
        "merged_into": group.merged_into.record if group.merged_into is not None else "",
        "roots": _packed(group.roots),
        "records": _packed(dict(group.records)),
        "below": group.below,
        "open_counts": dict(group.open_counts),
        "state": (LossState.FOLDED if group.folded else LossState.OPEN).value,
        "folded": group.folded.value if group.folded else "",
    }
    _, is_new = LossRow.objects.get_or_create(
        org=org,
        snapshot=backup.number,
        table=group.table,
        record=group.roots[0],
        defaults=columns,
    )
    return is_new


def _order(now: datetime) -> list[OrderBy]:
    still = When(bin_until__gte=now, then=F("bin_until"))
    leaves = Case(still, default=None, output_field=DateTimeField())
    return [leaves.asc(nulls_last=True), F("until").desc(), F("more").desc(), F("id").desc()]


def _sorted(rows: QuerySet[LossRow], now: datetime) -> QuerySet[LossRow]:
    return rows.order_by(*_order(now)).defer(*_PACKED)


def _loss(row: LossRow) -> LossRecord:
    return LossRecord(
        id=row.id,
        org=row.org.name,
        snapshot=row.snapshot,
        table=row.table,
        record=row.record,
        roots=row.root_count,
        more=row.more,
        counts=row.counts,
        by=row.by,
        first=row.first,
        last=row.last,
        after=row.after,
        until=row.until,
        bin_until=row.bin_until,
        parent=RecordKey(row.parent_table, row.parent) if row.parent else None,
        merged_into=RecordKey(row.table, row.merged_into) if row.merged_into else None,
        state=LossState(row.state),
        back=row.back,
        folded=FoldReason(row.folded) if row.folded else None,
        reason=row.reason,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        below=row.below,
        open_counts=row.open_counts,
    )


def _packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode())


def _unpacked(packed: bytes | memoryview) -> Any:
    return json.loads(zlib.decompress(bytes(packed)))
