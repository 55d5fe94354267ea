"""The page with the calendar of an org's backups."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from unlost.app.access import rights_in
from unlost.app.actions.backups.calendar import calendar
from unlost.app.backups.backup_calendar import CalendarDay, parse_month
from unlost.web.requests import UserRequest

WEEK = 7
# The console writes dates by ISO 8601, so weeks begin on Monday.
WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


@dataclass(frozen=True, slots=True)
class CalendarWeek:
    """A row of the calendar: cells without a day belong to the month before or after."""

    days: Sequence[CalendarDay | None]


@require_GET
def month(request: UserRequest, org: str) -> HttpResponse:
    """Show the backups of a month, one cell a day; ``?month=2026-11``."""
    seen = calendar(request.unlost, org, month=request.GET.get("month") or None)
    context = {
        "part": "orgs",
        "org": seen.org,
        "zone": seen.zone,
        "calendar": seen,
        "first": parse_month(seen.month).first,
        "weekdays": WEEKDAYS,
        "weeks": weeks_of(seen.days),
        "summary": _summary(seen.days),
        "can": rights_in(request.unlost, org),
    }
    return render(request, "orgs/backups.html", context)


def weeks_of(days: Sequence[CalendarDay]) -> list[CalendarWeek]:
    """Arrange the days of a month in weeks from Monday to Sunday."""
    before: list[CalendarDay | None] = [None] * days[0].day.weekday()
    after: list[CalendarDay | None] = [None] * (WEEK - 1 - days[-1].day.weekday())
    cells = [*before, *days, *after]
    return [CalendarWeek(cells[at : at + WEEK]) for at in range(0, len(cells), WEEK)]


def _summary(days: Sequence[CalendarDay]) -> Mapping[str, int]:
    """Return how many days have each state."""
    return Counter(day.state.value for day in days)
