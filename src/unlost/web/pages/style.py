"""All components of the console on one page, for work on its design. Enabled by a setting."""

import math
from datetime import UTC, datetime, timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.records.history import ChangedField, HistoryEntry
from unlost.app.actions.storage.storage import StorageLine, StorageTrend
from unlost.app.records.record_facts import record_unknown
from unlost.engine.records.history import EventKind, Origin
from unlost.engine.storage.forecast import forecast
from unlost.model.forecast import Sample
from unlost.model.source.reading import Op
from unlost.model.status import OrgStatus
from unlost.model.vault.snapshot import ChangeKind
from unlost.web.pages.records.history import TimelineEntry
from unlost.web.pages.storage.storage import draw
from unlost.web.parts.paging import PageLinks
from unlost.web.requests import UserRequest

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LIMIT = 10e9  # bytes
STOP = 1.05
LONG = "Dear all, the pralines of last week were the best that we ever had. " * 8
ICONS = (
    "menu", "home", "search", "compare", "run", "storage", "bell", "clock", "org", "vault", "audit",
    "people", "key", "restore", "help", "settings",
)  # fmt: skip


class SampleForm(forms.Form):
    """One field of each kind; the last one has an error."""

    text = forms.CharField(label="A text", help_text="What it is for, in a sentence.")
    long = forms.CharField(label="A long text", widget=forms.Textarea(attrs={"rows": 3}))
    choice = forms.ChoiceField(label="A choice", choices=[("a", "This"), ("b", "That")])
    kind = forms.ChoiceField(
        label="One of few", choices=[("a", "This"), ("b", "That")], widget=forms.RadioSelect
    )
    tick = forms.BooleanField(label="A tick", required=False)
    wrong = forms.CharField(label="Something that is missing")


@require_GET
def style(request: UserRequest) -> HttpResponse:
    """Show all components, with invented contents."""
    if not settings.STYLE_PAGE:
        raise Http404
    messages.success(request, "It was done.")
    messages.warning(request, "It was done, and there is something to know.")
    messages.error(request, "It could not be done.")
    given = {"text": "Schoko Zürich", "long": LONG, "choice": "a", "kind": "b"}
    context = {
        "form": SampleForm(given),
        "icons": ICONS,
        "statuses": list(OrgStatus),
        "kinds": list(ChangeKind),
        "timeline": [
            _entry(EventKind.RESTORED),
            _entry(EventKind.DELETED),
            _entry(EventKind.CHANGED),
            _entry(EventKind.CREATED),
        ],
        "error": record_unknown("Account", "0040017"),
        "drawn": draw(_storage(), _trend()),
        "pages": PageLinks(200, 200, 200, 12_431),
        "now": NOW,
        "words": LONG,
        "states": ("running", "waiting", "parked", "failed", "done"),
        "story": {"zone": "Europe/Zurich"},
    }
    return render(request, "style.html", context)


def _entry(kind: EventKind) -> TimelineEntry:
    fields = (
        ChangedField("Phone", "Phone", "+41 44 000 00 00", "+41 44 111 11 11", "", "", by_itself=False),
        ChangedField("OwnerId", "Owner", "005A", "005B", "Ada Admin", "Ben Bonbon", by_itself=False),
        ChangedField("Note", "Note", LONG, None, "", "", by_itself=False),
    )  # fmt: skip
    exact = NOW if kind is EventKind.CHANGED else None
    entry = HistoryEntry(
        kind, Op.MISSING if kind is EventKind.DELETED else Op.STATE, exact,
        NOW - timedelta(days=1), NOW, "005A" if exact else None, "Ada Admin" if exact else "",
        Origin.CHANGE_LOG if exact else Origin.VAULT, 7, fields,
    )  # fmt: skip
    return TimelineEntry(entry, fields if kind is EventKind.CHANGED else ())


def _storage() -> StorageLine:
    days = range(60)
    used = [LIMIT * (0.7 + 0.0035 * day + 0.01 * math.sin(day)) for day in days]
    samples = tuple(
        Sample(NOW - timedelta(days=len(days) - day), used_bytes)
        for day, used_bytes in zip(days, used, strict=True)
    )
    seen = forecast(samples, limit=LIMIT, now=NOW, stop=STOP)
    return StorageLine("data storage", used[-1], LIMIT, samples, seen, seen)


def _trend() -> StorageTrend:
    return StorageTrend("sales", "UTC", NOW, STOP, (_storage(),))
