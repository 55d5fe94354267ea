"""Pages that compare two backups, or a backup and the live org, and list deleted records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.alerts.mass_changes import MassChangeLine, column_repairs
from unlost.app.actions.backups.snapshots import SnapshotList, snapshots
from unlost.app.actions.orgs.tables import tables
from unlost.app.actions.records.compare import CompareResult, RecordChange, RecordSlice
from unlost.app.actions.records.compare import compare as differences
from unlost.app.actions.records.history import ChangedField
from unlost.app.actions.records.lost import lost as lost_records
from unlost.app.actions.restores.selections import list_name
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.engine.records.compare import TableSummary
from unlost.engine.records.main_changes import main_changes
from unlost.model.source.writing import NeverReason
from unlost.model.vault.snapshot import ChangeKind, SnapshotInfo, nights
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.parts.selections import selected
from unlost.web.requests import UserRequest

LIVE = "live"
PAGE = 200
CARDS = 25  # records shown field by field
# Records that existed at the first moment.
TICKABLE = (ChangeKind.DELETED, ChangeKind.ARCHIVED, ChangeKind.CHANGED)
NIGHTS = 400  # backups to choose from; older ones can be given in the address


@dataclass(frozen=True, slots=True)
class ComparePair:
    """The two moments of a page, and the backups to choose from, newest first."""

    older: str
    other: str
    nights: Sequence[SnapshotInfo]
    zone: str

    @property
    def live(self) -> bool:
        """True if one side is the live org."""
        return LIVE in (self.older, self.other)

    @property
    def whole(self) -> bool:
        """True if both moments are set."""
        return bool(self.older and self.other)


@require_GET
def compare(request: UserRequest, org: str) -> HttpResponse:
    """Show the tables that differ; for one table, its records field by field."""
    pair = _pair(request, org)
    table = request.GET.get("table") or None
    context = {"part": "compare", "org": org, "pair": pair, "table": table}
    if not pair.whole:
        return render(request, "compare/compare.html", context)
    if pair.live and table is None:
        context["tables"] = tables(request.unlost, org).tables
        return render(request, "compare/compare.html", context)
    start, kind, by = start_of(request), _kind(request), request.GET.get("by", "")
    part = RecordSlice(start=start, most=CARDS, kind=kind, by=by)
    compare_result = differences(
        request.unlost, org, pair.older, pair.other, table=table, part=part
    )
    compare_result = replace(compare_result, rows=tuple(map(_without_system, compare_result.rows)))
    if table is None and kind is not None:
        compare_result = replace(compare_result, tables=_of_kind(compare_result, kind))
    context |= {"comparison": compare_result, "zone": compare_result.zone}
    context |= {"labels": _labels(request, org), "kind": kind, "by": by}
    context["archived"] = any(summary.archived for summary in compare_result.tables)
    if table is not None:
        context |= {"pages": _pages(compare_result, start), "columns": _columns(compare_result)}
        context["fixed"] = _fixed_columns(compare_result)
        context |= _selection(request, org, compare_result, part)
        repairs = _repairs(request, org, compare_result)
        older = compare_result.old.snapshot
        # The repair of a mass change restores the night before it; people chose another backup.
        context["older_backup"] = older if any(line.before != older for line in repairs) else None
        context["repairs"] = repairs
    return render(request, "compare/compare.html", context)


def _selection(
    request: UserRequest, org: str, compare_result: CompareResult, part: RecordSlice
) -> dict[str, object]:
    """Return the selection of a comparison's records, and the number that can be selected at once.

    All records can be selected if a query names them: those of one kind, between two backups.
    """
    shown = [
        f"{compare_result.table}/{row.record}"
        for row in compare_result.rows
        if row.change in TICKABLE
    ]
    old, new = compare_result.old.snapshot, compare_result.new.snapshot
    of, listed = f"compare/{old}/{new or LIVE}/{compare_result.table}", 0
    counts = compare_result.tables[0] if compare_result.tables else TableSummary("")
    by_kind = {kind: counts.of_kind(kind) for kind in TICKABLE}
    kinds = [kind for kind, count in by_kind.items() if count and part.kind in (None, kind)]
    if len(kinds) == 1 and new is not None:
        query = ListQuery(
            ListKind.CHANGED,
            compare_result.table or "",
            older=str(old),
            newer=str(new),
            change=kinds[0],
            by=part.by,
        )
        name = list_name(query)
        of, listed = (name, by_kind[kinds[0]]) if name else (of, 0)
    selection = selected(request, org, of=of, shown=shown, listed=listed)
    ticked = {key for key in shown if selection is not None and selection.has(key)}
    return {"selection": selection, "listed": listed, "ticked": ticked}


@require_GET
def lost(request: UserRequest, org: str) -> HttpResponse:
    """Show the records that are in the first backup and not in the second."""
    pair = _pair(request, org)
    context = {"part": "compare", "org": org, "pair": pair}
    if not pair.whole:
        return render(request, "compare/lost.html", context)
    start, table = start_of(request), request.GET.get("table") or None
    lost_result = lost_records(
        request.unlost, org, pair.older, pair.other, table=table, start=start, most=PAGE
    )
    pages = PageLinks(start, PAGE, len(lost_result.records), lost_result.total)
    shown = [f"{record.table}/{record.record}" for record in lost_result.records]
    context["selection"] = selected(
        request, org, of=f"lost/{lost_result.old}/{lost_result.new}", shown=shown
    )
    return render(request, "compare/lost.html", context | {"lost": lost_result, "pages": pages})


def _pair(request: UserRequest, org: str) -> ComparePair:
    """Return the requested moments, by default the last two backups."""
    listed: SnapshotList = snapshots(request.unlost, org)
    whole = nights(listed.snapshots)
    numbers = [str(night.number) for night in whole]
    older, other = (request.GET.get(name, "").strip() for name in ("a", "b"))
    other = other or (numbers[-1] if len(numbers) > 1 else "")
    place = numbers.index(other) if other in numbers else len(numbers)
    older = older or (numbers[place - 1] if place else "")
    return ComparePair(older, other, whole[::-1][:NIGHTS], listed.zone)


def _kind(request: UserRequest) -> ChangeKind | None:
    kind_text = request.GET.get("kind", "")
    return ChangeKind(kind_text) if kind_text in set(ChangeKind) else None


def _of_kind(compare_result: CompareResult, kind: ChangeKind) -> tuple[TableSummary, ...]:
    """Return the tables with changes of a kind."""
    return tuple(summary for summary in compare_result.tables if summary.of_kind(kind))


def _pages(compare_result: CompareResult, start: int) -> PageLinks:
    shown = len(compare_result.rows)
    return PageLinks(start, CARDS, shown, start + shown + compare_result.more)


def _labels(request: UserRequest, org: str) -> dict[str, str]:
    return {table.table: table.label for table in tables(request.unlost, org).tables}


def _repairs(
    request: UserRequest, org: str, compare_result: CompareResult
) -> Sequence[MassChangeLine]:
    """Return the mass changes that explain most of the changed records of a comparison."""
    old, new = compare_result.old.snapshot, compare_result.new.snapshot
    table, counts = compare_result.table, compare_result.tables
    if old is None or table is None or not counts:
        return ()
    repairs = column_repairs(request.unlost, org, table, after=old, until=new)
    return main_changes(((line.change, line) for line in repairs.changes), counts[0].changed)


def _without_system(row: RecordChange) -> RecordChange:
    """Return the record without the columns that the org sets automatically."""
    return replace(row, changes=tuple(change for change in row.changes if not change.by_itself))


def _columns(compare_result: CompareResult) -> Sequence[tuple[str, str]]:
    """Return the columns that people changed in records that exist at both moments."""
    shapes = {change.column: change.label for change in _changed(compare_result, fixed=False)}
    return sorted(shapes.items(), key=lambda item: item[1])


def _fixed_columns(compare_result: CompareResult) -> Sequence[tuple[str, NeverReason]]:
    """Return the labels of changed columns that cannot be put back, and the reasons."""
    labels = {change.label: change.never for change in _changed(compare_result, fixed=True)}
    return sorted((label, never) for label, never in labels.items() if never is not None)


def _changed(compare_result: CompareResult, *, fixed: bool) -> Iterator[ChangedField]:
    return (
        change
        for row in compare_result.rows
        if row.change is ChangeKind.CHANGED
        for change in row.changes
        if (change.never is not None) is fixed
    )
