"""Pages of orgs: the list, and one org."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.alerts.overview import OrgState, overview
from unlost.app.actions.orgs.org_page import OrgPage, org_page
from unlost.app.health.days import DayCell
from unlost.app.orgs.repaired_sign_in import is_sign_in_error
from unlost.model.access import Right
from unlost.model.instants import in_zone
from unlost.model.vault.snapshot import SnapshotInfo
from unlost.web.requests import UserRequest

TABLES = 25  # tables of the newest backup on the page of the org


@dataclass(frozen=True, slots=True)
class StorageOfDay:
    """The use of a storage at the last backup of a day, in bytes; None if there was none."""

    name: str
    used: float | None


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day of an org in a table."""

    cell: DayCell
    storages: tuple[StorageOfDay, ...]


@dataclass(frozen=True, slots=True)
class ListedBackup:
    """A backup in a list, and the number of the one before it; None if that is not listed."""

    info: SnapshotInfo
    before: int | None


@require_GET
def every(request: UserRequest) -> HttpResponse:
    """List all orgs with their state."""
    return render(
        request, "orgs/every.html", {"part": "orgs", "overview": overview(request.unlost)}
    )


@require_GET
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show an org: its state, its backups, and the content and gaps of the newest one."""
    page = org_page(request.unlost, org)
    context = {
        "part": "orgs",
        "page": page,
        "org": page.state,
        "zone": page.state.zone,
        "accepted": page.accepted,
        "lines": _lines(page.state),
        "backups": _backups(page.nights),
        "tables": page.tables[:TABLES],
        "remaining": max(0, len(page.tables) - TABLES),
        "can": {right.value: right in page.rights for right in Right},
        "repair": _is_repaired_by_credentials(request, page),
    }
    return render(request, "orgs/one.html", context)


def _backups(newest: Sequence[SnapshotInfo]) -> list[ListedBackup]:
    """Return backups, newest first, each with the one before it as far as that is listed."""
    before = [info.number for info in newest[1:]]
    return [ListedBackup(*pair) for pair in zip_longest(newest, before)]


def _is_repaired_by_credentials(request: UserRequest, page: OrgPage) -> bool:
    failed = page.state.failed
    error = failed.error if failed is not None else None
    return is_sign_in_error(request.unlost, page.state.connector, error)


def _lines(org: OrgState) -> list[DayLine]:
    """Return the last 30 days of an org, the newest first, with the storages on each."""
    zone = ZoneInfo(org.zone)
    used = {
        gauge.name: {in_zone(sample.at, zone).date(): sample.used for sample in gauge.samples}
        for gauge in org.gauges
    }
    return [
        DayLine(cell, tuple(StorageOfDay(name, days.get(cell.day)) for name, days in used.items()))
        for cell in reversed(org.days)
    ]
