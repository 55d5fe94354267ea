"""Pages of storage: usage, forecast, and what uses it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from unlost.app.access import rights_in
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.archive.free_space import estimate_space, free_space
from unlost.app.actions.archive.policies import archive_policies, preview_archive
from unlost.app.actions.storage.storage import (
    StorageLine,
    StorageTrend,
    storage_loops,
    trend,
    use,
)
from unlost.app.actions.storage.storage_use import OwnerLine, StorageUse, UseLine, YearLine
from unlost.app.compose import Application
from unlost.app.storage.storage_chart import NARROW, WIDE, ChartSheet, chart
from unlost.engine.storage.forecast import APART, missing_days
from unlost.model.errors import UsageError
from unlost.web.requests import UserRequest
from unlost.web.translate import word

TABLES = 15  # the largest of each storage


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A storage with its charts, for wide screens and for phones.

    ``missing``: on how many more days a backup must report the storage before there is a forecast,
    ``expected`` when that is with a backup every night. ``visible``: there is a line to see.
    """

    line: StorageLine
    wide: SafeString
    narrow: SafeString
    missing: int
    expected: datetime
    visible: bool


@dataclass(frozen=True, slots=True)
class StorageFilling:
    """The usage of one storage, largest first; ``rest`` tables are left out."""

    name: str
    tables: tuple[UseLine, ...]
    rest: int
    years: tuple[YearLine, ...]
    owners: tuple[OwnerLine, ...]


@require_GET
def every(request: UserRequest) -> HttpResponse:
    """Show the storages of all orgs; with a single org, redirect to its page."""
    org_states = overview(request.unlost).orgs
    if len(org_states) == 1:
        return redirect("storage", org=org_states[0].name)
    return render(request, "storage/every.html", {"part": "storage", "orgs": org_states})


@require_GET
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show the storages of an org; ``?show=use``, ``space``, ``loops`` and ``archive`` add details."""
    app, show = request.unlost, request.GET.get("show", "")
    context: dict[str, object] = {"part": "storage", "org": org, "show": show}
    if show == "use":
        filled = use(app, org)
        context |= {"use": filled, "fillings": fillings(filled)}
    context["can"] = rights_in(app, org)
    if show == "loops":
        mail_loops = storage_loops(app, org)
        created = any(loop.created for loop in mail_loops.loops)
        context |= {"loops": mail_loops, "created": created}
    if show == "archive":
        context |= old_records(app, org)
    if show == "space":
        context |= space_shown(app, org, calculate=request.GET.get("name"))
    if request.htmx and show in ("use", "space", "loops", "archive"):
        return render(request, f"storage/{show}.html", context)
    storage_trend = trend(app, org)
    context |= {
        "trend": storage_trend,
        "zone": storage_trend.zone,
        "drawn": [draw(storage, storage_trend) for storage in storage_trend.storages],
    }
    return render(request, "storage/one.html", context)


def space_shown(app: Application, org: str, *, calculate: str | None) -> dict[str, object]:
    """Return the candidates for freeing storage, after calculating one of them if it is named.

    The page asks for ``next_name`` when it has them: each answer takes no longer than one preview. A
    name that stays unknown is not asked for again.
    """
    if calculate is None:
        space = free_space(app, org)
    else:
        space = estimate_space(app, org, policy=calculate)
    stuck = calculate is not None and calculate in space.next_names
    following = None if stuck else next(iter(space.next_names), None)
    return {"space": space, "next_name": following}


def old_records(app: Application, org: str) -> dict[str, object]:
    """Return the previews of all policies of an org; a saved one may not be usable any more."""
    policies, outlooks, broken = archive_policies(app, org), [], []
    for policy in policies.policies:
        try:
            outlooks.append(preview_archive(app, org, policy))
        except UsageError as error:
            broken.append((policy, error))
    return {"outlooks": outlooks, "broken": broken, "saved_names": policies.saved}


def draw(line: StorageLine, storage_trend: StorageTrend) -> DrawnChart:
    """Return a storage with its charts."""
    missing = missing_days(line.samples, limit=line.limit)
    return DrawnChart(
        line,
        _chart(line, storage_trend, WIDE),
        _chart(line, storage_trend, NARROW),
        missing,
        line.samples[-1].at + timedelta(days=missing),
        line.samples[-1].at - line.samples[0].at >= APART,
    )


def _chart(line: StorageLine, storage_trend: StorageTrend, sheet: ChartSheet) -> SafeString:
    name = f"{word(line.name)}, {storage_trend.org}"
    drawn = chart(
        name,
        line.samples,
        limit=line.limit,
        seen=line.forecast,
        now=storage_trend.at,
        sheet=sheet,
        # The CSP forbids inline styles; the console's stylesheet has the classes.
        styled=False,
        full_on=_("full on"),
    )
    return SafeString(drawn)  # built from numbers; the only text in it is escaped


def fillings(filled: StorageUse) -> list[StorageFilling]:
    """Return the usage of each storage."""
    names = dict.fromkeys(table.storage for table in filled.tables)
    return [_filling(filled, name) for name in names]


def _filling(filled: StorageUse, name: str) -> StorageFilling:
    tables = tuple(table for table in filled.tables if table.storage == name)
    return StorageFilling(
        name,
        tables[:TABLES],
        max(0, len(tables) - TABLES),
        tuple(year for year in filled.years if year.storage == name),
        tuple(owner for owner in filled.owners if owner.storage == name),
    )
