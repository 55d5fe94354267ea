"""Pages of a record: its history, its fields at a date, related records, files."""

import mimetypes
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from unlost.app.actions.records.file import open_stored
from unlost.app.actions.records.history import ChangedField, HistoryEntry, HistoryResult, history
from unlost.app.actions.records.record_files import record_files
from unlost.app.actions.records.show import ShowResult, show
from unlost.app.records.relations.related import RelatedState
from unlost.model.source.reading import Op
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.parts.streaming import StreamedResponse, pieces
from unlost.web.requests import UserRequest

# Media types that contain no scripts may be shown in the browser; others are only saved.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})
SAVED = "application/octet-stream"
ENTRIES = 50  # of the history on a page


@require_GET
def timeline(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show a page of the history of a record, newest first; all of it, or what a filter leaves."""
    column, user = request.GET.get("column", ""), request.GET.get("user", "")
    start = start_of(request)
    story = history(
        request.unlost,
        org,
        table,
        record,
        column=column or None,
        user=user or None,
        automatic=False,
        start=start,
        most=ENTRIES,
    )
    context = {
        "story": story,
        "timeline": _timeline(story),
        "pages": PageLinks(start, ENTRIES, len(story.entries), story.total),
        "column": column,
        "user": user,
        **_place(request, story),
    }
    return render(request, "records/timeline.html", context | {"tab": "timeline"})


@require_GET
def fields(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show the fields of a record as of a backup, or now."""
    at = request.GET.get("at", "latest").strip() or "latest"
    shown = show(request.unlost, org, table, record, at=at)
    every, raw = "all" in request.GET, "raw" in request.GET
    rows = [(field, shown.values.get(field.column)) for field in shown.fields]
    shown_rows = [row for row in rows if every or row[0].unknown or row[1] not in (None, "")]
    context = {
        "shown": shown,
        "rows": [row for row in shown_rows if not row[0].system],
        "system_rows": [row for row in shown_rows if row[0].system],
        "remaining": len(rows) - len(shown_rows),
        "at": at,
        "raw": raw,
        "calculated": any(field.calculated for field, _ in shown_rows),
    }
    return render(
        request, "records/fields.html", context | _place(request, shown) | {"tab": "fields"}
    )


@require_GET
def related(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show the related records, by table: all of them, or archived ones."""
    at = request.GET.get("at", "latest").strip() or "latest"
    state = _related_state(request)
    shown = show(request.unlost, org, table, record, at=at, related_state=state)
    context = {"shown": shown, "at": at, "only_archived": state is RelatedState.ARCHIVED}
    context |= _place(request, shown) | {"tab": "related"}
    return render(request, "records/related.html", context)


@require_GET
def files(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show the files of a record and of related records as of a backup, and their other versions."""
    at = request.GET.get("at", "latest").strip() or "latest"
    state = _related_state(request)
    files = record_files(request.unlost, org, table, record, at=at, related_state=state)
    shown = files.shown
    context = {
        "shown": shown,
        "files": files,
        "at": at,
        "only_archived": state is RelatedState.ARCHIVED,
    }
    context |= _place(request, shown) | {"tab": "files"}
    return render(request, "records/files.html", context)


@require_GET
def download(request: UserRequest, org: str, record: str) -> HttpResponseBase:
    """Send a file: shown in the browser if that is safe and requested, else saved.

    With ``table`` and ``image``: an image in a text of the record. ``at``: the backup.
    """
    stack = ExitStack()
    table, image = request.GET.get("table") or None, request.GET.get("image") or None
    at = request.GET.get("at", "").strip() or "latest"
    stored, body = open_stored(
        request.unlost, org, record, table=table, image=image, at=at, stack=stack
    )
    kind = stored.media_type or mimetypes.guess_type(stored.name)[0] or SAVED
    shown = "show" in request.GET and kind in SHOWN
    response = StreamedResponse(pieces(stack, body), content_type=kind if shown else SAVED)
    response["Content-Length"] = str(stored.size)
    named = content_disposition_header(as_attachment=not shown, filename=stored.name or record)
    response["Content-Disposition"] = named or "attachment"
    # A file from the org is untrusted: it must run nothing with the user's session.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A history entry, with the fields that people changed.

    ``names_id``: the record had several ids.
    """

    entry: HistoryEntry
    fields: tuple[ChangedField, ...]
    names_id: bool = False

    @property
    def until(self) -> str:
        """The time that distinguishes its change from others."""
        return self.entry.until.isoformat()

    @property
    def is_restorable(self) -> bool:
        """True if an old value can be put back."""
        return any(field.restorable for field in self.fields)

    @property
    def earlier_values(self) -> str:
        """The query of the page that corrects the record, with the old values of this change chosen."""
        columns = [field.column for field in self.fields if field.restorable]
        return urlencode({"until": self.until, "column": columns}, doseq=True)


def _related_state(request: UserRequest) -> RelatedState:
    """Return the state in the address; all related records for any other text."""
    wants = request.GET.get("state") == RelatedState.ARCHIVED.value
    return RelatedState.ARCHIVED if wants else RelatedState.ANY


def _timeline(story: HistoryResult) -> list[TimelineEntry]:
    """Return the entries, the newest first, without columns that the org sets automatically."""
    several = len(story.records) > 1
    return [
        TimelineEntry(
            entry, tuple(field for field in entry.fields if not field.by_itself), names_id=several
        )
        for entry in reversed(story.entries)
    ]


def _merged(story: HistoryResult | ShowResult) -> bool:
    """Return true if the org merged a deleted record into another."""
    if isinstance(story, ShowResult):
        return story.gone is not None and story.gone.merged_into is not None
    return story.merged_into is not None


def _archived_at(story: HistoryResult | ShowResult) -> datetime | None:
    """Return when an archive took the record out of the org; None if none did."""
    if isinstance(story, HistoryResult):
        return story.archived_at
    gone = story.gone
    return (gone.at or gone.until) if gone is not None and gone.how is Op.ARCHIVED else None


def _watchable(story: HistoryResult | ShowResult) -> list[tuple[str, str]]:
    """Return columns that can raise alerts; on the page of the history those that have changed."""
    if isinstance(story, HistoryResult):
        return [(each.value, each.label) for each in story.columns]
    return [(each.column, each.label) for each in story.fields if not each.system]


def _place(request: UserRequest, story: HistoryResult | ShowResult) -> dict[str, object]:
    """Return the context common to all pages of a record."""
    return {
        "part": "records",
        "text": request.GET.get("q", ""),
        "org": story.org,
        "table": story.table,
        "table_label": story.table_label,
        "record": story.record,
        "name": story.name,
        "watchable": _watchable(story),
        "alive": story.alive,
        "merged": not story.alive and _merged(story),
        "archived_at": _archived_at(story),
        "on_hold": story.on_hold,
        "head": story.head,
        "zone": story.zone,
    }
