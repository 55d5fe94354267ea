"""Pages of watched sets: the list, the changes of one set, and taking changes back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from unlost.app.actions.records.watch import (
    PAGE,
    ChangeFilter,
    WatchedChange,
    WatchRequest,
    add_watch,
    extend_watch,
    remove_watch,
    watched_changes,
    watches,
)
from unlost.app.actions.restores.take_back import (
    LIVE,
    MOST_NAMES,
    ChosenChange,
    TakenBack,
    take_back,
    take_back_user,
)
from unlost.app.records.lists.queries import query_of
from unlost.engine.records.history import EventKind, Origin
from unlost.model.access import Right
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.web.needs import needs, needs_somewhere
from unlost.web.pages.restores.restore import planning
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text

MARK = "|"  # between the parts of a ticked change
FILTERS = ("column", "user", "kind", "since", "until")


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change on the page. ``tick`` begins the values of its checkboxes."""

    change: WatchedChange
    tick: str

    @property
    def is_live(self) -> bool:
        """True if the change was made after the newest backup."""
        return self.change.entry.told_by is Origin.LIVE

    @property
    def is_wide(self) -> bool:
        """True if several columns can be taken back with one box."""
        return not self.is_live and len(self._columns) > 1

    @property
    def whole(self) -> str:
        """The value of the button for all of the change; empty if no single value stands for it."""
        if self.is_deletion:
            return self.tick
        if self.is_live:  # no history entry stands for its columns
            return self.ticks[self._columns[0]] if len(self._columns) == 1 else ""
        return self.tick if self._columns else ""

    @property
    def ticks(self) -> Mapping[str, str]:
        """The value of the checkbox of each column; of a live change it also has the hash seen."""
        seen = self.change.seen
        return {
            column: f"{self.tick}{column}" + (f"{MARK}{seen[column]}" if column in seen else "")
            for column in self._columns
        }

    @property
    def is_deletion(self) -> bool:
        """True if the record can come back as a whole."""
        return self.change.entry.kind.ends and self.change.entry.newest

    @property
    def _columns(self) -> Sequence[str]:
        entry = self.change.entry
        lines = entry.fields if entry.kind is EventKind.CHANGED else ()
        return [line.column for line in lines if line.restorable]


@dataclass(frozen=True, slots=True)
class DayOfChanges:
    """The changes of one day."""

    day: date
    changes: Sequence[ShownChange]


@require_GET
@needs_somewhere(Right.READ)
def every(request: UserRequest) -> HttpResponse:
    """Show all watched sets."""
    context = {"part": "records", "watches": watches(request.unlost).watches}
    return render(request, "watched/list.html", context)


@require_GET
@needs(Right.READ)
def show(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Show the changes of a set, by day."""
    start = start_of(request)
    only = _filter(request.GET)
    live = "live" in request.GET
    shown = watched_changes(request.unlost, org, name, only=only, live=live, start=start, most=PAGE)
    context = {
        "part": "records",
        "org": org,
        "zone": shown.zone,
        "watched": shown,
        "days": list(_days(shown.changes)),
        "created": [each for each in shown.changes if _is_created_record(each)],
        "since_time": _minute(only.since, "T00:00"),
        "until_time": _minute(only.until, "T23:59"),
        "kinds": [(kind.value, _KINDS[kind]) for kind in _KINDS],
        "only": only,
        "filtered": any(request.GET.get(each) for each in FILTERS),
        "pages": PageLinks(start, PAGE, len(shown.changes), shown.total),
    }
    return render(request, "watched/changes.html", context)


@require_POST
@needs(Right.RESTORE)
def add(request: UserRequest, org: str) -> HttpResponse:
    """Watch a list, or a record; a record is added to a set of this name that has records."""
    posted = request.POST
    name, listed = posted.get("name", "").strip(), posted.get("list", "")
    wanted = WatchRequest(
        name,
        tuple(posted.getlist("record")),
        query_of(listed) if listed else None,
        deletions="deletions" in posted,
        columns=tuple(posted.getlist("column")),
    )
    try:
        watch = extend_watch(request.unlost, org, wanted)
    except (UsageError, Conflict) as error:
        messages.error(request, error_text(error))
        return redirect(_back(posted))
    messages.success(request, _("“%(name)s” is watched.") % {"name": watch.name})
    return redirect("watch", org=org, name=watch.name)


@require_POST
@needs(Right.RESTORE)
def alert(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Choose the alerts of a set, whose records stay the same."""
    app, posted = request.unlost, request.POST
    known = {watch.name: watch for watch in watches(app, org=org).watches}.get(name)
    if known is None:
        raise Http404
    deletions, columns = "deletions" in posted, tuple(posted.getlist("column"))
    wanted = WatchRequest(name, known.records, known.listed, deletions=deletions, columns=columns)
    try:
        add_watch(app, org, wanted)
    except (UsageError, NotFound) as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The alerts of “%(name)s” are saved.") % {"name": name})
    return redirect("watch", org=org, name=name)


@require_POST
@needs(Right.RESTORE)
def remove(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Stop watching a set."""
    try:
        watch = remove_watch(request.unlost, org, name)
    except NotFound as error:  # removed in another window
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("“%(name)s” is not watched any more.") % {"name": watch.name})
    return redirect("watches")


@require_POST
@needs(Right.RESTORE)
def back(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Start to plan that ticked changes, or those of a user, are taken back."""
    app, posted = request.unlost, request.POST
    try:
        if "user" not in posted:
            return planning(request, take_back(app, org, list(_ticked(posted))))
        result = take_back_user(
            app,
            org,
            name,
            posted["user"],
            since=posted.get("since", ""),
            until=posted.get("until", ""),
            live="live" in posted,
        )
    except (UsageError, NotFound) as error:
        messages.error(request, error_text(error))
        return redirect("watch", org=org, name=name)
    _name_what_stays(request, org, name, result)
    return planning(request, result.view)


def _name_what_stays(request: UserRequest, org: str, name: str, result: TakenBack) -> None:
    """Name the values and records that the plan leaves as they are."""
    if result.changed_later:
        text = ngettext(
            "%(count)d value stays: others changed it later.",
            "%(count)d values stay: others changed them later.",
            result.changed_later,
        )
        messages.info(request, text % {"count": result.changed_later})
    if result.created:
        text = ngettext(
            "%(count)d record that the user created stays: %(names)s.",
            "%(count)d records that the user created stay: %(names)s.",
            len(result.created),
        )
        names = [each.name or each.record for each in result.created[:MOST_NAMES]]
        more = " …" if len(result.created) > MOST_NAMES else ""
        text %= {"count": len(result.created), "names": ", ".join(names) + more}
        # Histories do not name the user of a creation, so a filter by the user would hide it.
        fields = {field: request.POST.get(field, "") for field in ("since", "until", "live")}
        given = {field: value for field, value in fields.items() if value}
        address = reverse("watch", kwargs={"org": org, "name": name})
        link = f"{address}?{urlencode({'kind': EventKind.CREATED.value, **given})}"
        messages.info(
            request, format_html('{} <a href="{}">{}</a>', text, link, _("Show these records"))
        )
    if result.unread:
        text = _("The org did not deliver its newest changes of %(tables)s. They are not included.")
        messages.warning(request, text % {"tables": ", ".join(result.unread)})
    if "live" not in request.POST:
        messages.info(request, _("Changes since the newest backup are not included."))


def _back(posted: QueryDict) -> str:
    """Return the page from which a form was sent; the list of sets if it is not one of ours."""
    place = posted.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(place, allowed_hosts=None)
    return place if is_ours and place.startswith("/") else reverse("watches")


def _filter(given: QueryDict) -> ChangeFilter:
    kind = given.get("kind", "")
    return ChangeFilter(
        given.get("column", ""),
        given.get("user", ""),
        EventKind(kind) if kind in set(EventKind) else None,
        given.get("since", ""),
        given.get("until", ""),
    )


def _minute(text: str, of_day: str) -> str:
    """Return a typed day or time as a field for times shows it."""
    return f"{text}{of_day}" if text and "T" not in text else text


def _is_created_record(change: WatchedChange) -> bool:
    """Return True if the newest backup has the record, so that it can be deleted in the org."""
    is_live = change.entry.told_by is Origin.LIVE
    return change.entry.kind is EventKind.CREATED and not is_live and not change.entry.newest


def _days(changes: Sequence[WatchedChange]) -> Iterator[DayOfChanges]:
    by_day: dict[date, list[ShownChange]] = {}
    for change in changes:
        by_day.setdefault(change.day, []).append(_shown(change))
    for day, shown in by_day.items():
        yield DayOfChanges(day, shown)


def _shown(change: WatchedChange) -> ShownChange:
    until = LIVE if change.entry.told_by is Origin.LIVE else change.entry.until.isoformat()
    return ShownChange(change, f"{change.table}/{change.record}{MARK}{until}{MARK}")


def _ticked(posted: QueryDict) -> Iterator[ChosenChange]:
    """Yield the ticked changes; raises UsageError (``change-unreadable``)."""
    for text in posted.getlist("change"):
        parts = text.split(MARK)
        if len(parts) not in (3, 4):
            raise UsageError(
                "change-unreadable",
                "A selected change cannot be read.",
                next_step="Reload the page, and select the changes again.",
            )
        record, until, column, *seen = parts
        yield ChosenChange(record, column, until, *seen)


_KINDS = {
    EventKind.CHANGED: gettext_lazy("changed"),
    EventKind.DELETED: gettext_lazy("deleted"),
    EventKind.ARCHIVED: gettext_lazy("archived"),
    EventKind.CREATED: gettext_lazy("created"),
    EventKind.REVIVED: gettext_lazy("undeleted"),
}
