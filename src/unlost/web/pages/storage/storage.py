"""Storage: how full it is, when it will be full, and what fills it."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from unlost.app.access import rights_in
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.storage.storage import (
    StorageLine,
    StorageTrend,
    storage_loops,
    trend,
    use,
)
from unlost.app.actions.storage.storage_use import OwnerLine, StorageUse, UseLine, YearLine
from unlost.app.storage.storage_chart import NARROW, WIDE, ChartSheet, chart
from unlost.web.requests import UserRequest
from unlost.web.said import word

TABLES = 15  # the largest of each storage


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A storage with its charts, for wide screens and for phones."""

    line: StorageLine
    wide: SafeString
    narrow: SafeString


@dataclass(frozen=True, slots=True)
class StorageFilling:
    """What fills one storage, the largest first; ``rest`` tables are not told."""

    name: str
    tables: tuple[UseLine, ...]
    rest: int
    years: tuple[YearLine, ...]
    owners: tuple[OwnerLine, ...]


@require_GET
def every(request: UserRequest) -> HttpResponse:
    """The storages of all orgs; of a single org its own page."""
    found = overview(request.unlost).orgs
    if len(found) == 1:
        return redirect("storage", org=found[0].name)
    return render(request, "storage/every.html", {"part": "storage", "orgs": found})


@require_GET
def one(request: UserRequest, org: str) -> HttpResponse:
    """The storages of an org; ``?show=use`` and ``?show=loops``: also what takes time to read."""
    app, show = request.unlost, request.GET.get("show", "")
    context: dict[str, object] = {"part": "storage", "org": org, "show": show}
    if show == "use":
        filled = use(app, org)
        context |= {"use": filled, "fillings": fillings(filled)}
    if show == "loops":
        context["loops"] = storage_loops(app, org)
    if request.htmx and show in ("use", "loops"):
        return render(request, f"storage/{show}.html", context)
    found = trend(app, org)
    context |= {
        "found": found,
        "zone": found.zone,
        "drawn": [draw(one, found) for one in found.storages],
    }
    return render(request, "storage/one.html", context | {"can": rights_in(app, org)})


def draw(line: StorageLine, found: StorageTrend) -> DrawnChart:
    """A storage with its charts."""
    return DrawnChart(line, _chart(line, found, WIDE), _chart(line, found, NARROW))


def _chart(line: StorageLine, found: StorageTrend, sheet: ChartSheet) -> SafeString:
    name = f"{word(line.name)}, {found.org}"
    drawn = chart(
        name,
        line.samples,
        limit=line.limit,
        seen=line.forecast,
        now=found.at,
        sheet=sheet,
        styled=False,
        full_on=_("full on"),
    )
    return SafeString(drawn)  # made by us of numbers; the one text in it is escaped


def fillings(filled: StorageUse) -> list[StorageFilling]:
    """What fills each storage."""
    names = dict.fromkeys(one.storage for one in filled.tables)
    return [_filling(filled, name) for name in names]


def _filling(filled: StorageUse, name: str) -> StorageFilling:
    tables = tuple(one for one in filled.tables if one.storage == name)
    return StorageFilling(
        name,
        tables[:TABLES],
        max(0, len(tables) - TABLES),
        tuple(one for one in filled.years if one.storage == name),
        tuple(one for one in filled.owners if one.storage == name),
    )
