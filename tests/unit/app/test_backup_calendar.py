"""The calendar of backups: each day of the org's zone says which backups it has, and how they ended."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from homes import World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.calendar import calendar
from unlost.app.actions.retention.forget import forget, plan
from unlost.app.actions.retention.keeping import RetentionChange, change
from unlost.app.backups.backup_calendar import (
    BackupState,
    CalendarDay,
    DayState,
    Month,
    calendar_backups,
    days_of,
    parse_month,
)
from unlost.catalog.models import Org
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.runs import RunRecord, RunState
from unlost.model.errors import NotFound, UsageError
from unlost.model.message import message
from unlost.model.runs.night import NightRecord, NightState
from unlost.model.vault.snapshot import CommitKind, Counts, SnapshotInfo

ZURICH = ZoneInfo("Europe/Zurich")
MARCH = Month(2026, 3)
WHY = message("x", "The org did not answer.")


def at(day: int, hour: int = 2, *, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def stored(number: int, when: datetime, *, only: tuple[str, ...] = ()) -> SnapshotInfo:
    return SnapshotInfo(
        org="o", number=number, head="00", run=f"run-{number}", kind=CommitKind.BACKUP, as_of=when,
        started=when, finished=when, counts=Counts(created=1, changed=2, deleted=3, revived=4), only=only,
    )  # fmt: skip


def run(name: str, state: RunState, when: datetime, *, hourly: bool = False) -> RunRecord:
    return RunRecord(name, "sales", CommitKind.BACKUP, False, state, when, hourly=hourly, error=WHY)


def night(name: str, state: NightState, when: datetime) -> NightRecord:
    return NightRecord(
        "o", "sales", name, when, when, state, 1, 0, f"run-{name}", None, None, (), WHY
    )


def days(
    infos: list[SnapshotInfo],
    *,
    shown: list[SnapshotInfo] | None = None,
    runs: tuple[RunRecord, ...] = (),
    nights: tuple[NightRecord, ...] = (),
) -> dict[int, CalendarDay]:
    backups = calendar_backups(infos, infos if shown is None else shown, runs, nights)
    found = days_of(MARCH, backups, zone=ZURICH, since=date(2026, 3, 2), today=date(2026, 3, 20))
    return {one.day.day: one for one in found}


def test_a_backup_stands_on_the_day_of_the_orgs_zone() -> None:
    found = days([stored(1, at(4, 23))])
    assert len(found) == 31
    (one,) = found[5].backups
    assert (one.number, one.state, one.before, one.changes) == (1, BackupState.STORED, None, 10)
    assert found[5].state is DayState.STORED
    assert found[4].state is DayState.MISSING


def test_days_are_missing_only_while_the_org_was_protected() -> None:
    found = days([stored(1, at(5))])
    assert [number for number, one in found.items() if one.state is DayState.MISSING] == [
        3, 4, *range(6, 20),
    ]  # fmt: skip
    assert found[2].state is found[20].state is found[31].state is DayState.NOTHING


def test_several_backups_of_a_day_are_listed_in_order_and_compared_with_the_night_before() -> None:
    hours = [stored(3, at(5, 9), only=("Case",)), stored(4, at(5, 10), only=("Case",))]
    found = days([stored(5, at(5, 18)), stored(1, at(4)), *hours, stored(2, at(5))])[5]
    assert [(one.number, one.before) for one in found.backups] == [(2, 1), (3, 2), (4, 2), (5, 2)]
    assert [one.number for one in found.nightly] == [2, 5]
    assert [one.number for one in found.hourly] == [3, 4]


def test_a_day_with_hourly_backups_alone_is_partial() -> None:
    assert days([stored(1, at(5), only=("Case",))])[5].state is DayState.PARTIAL


def test_a_forgotten_backup_stays_in_sight_but_nothing_is_compared_with_it() -> None:
    infos = [stored(1, at(4)), stored(2, at(5)), stored(3, at(6))]
    found = days(infos, shown=[infos[0], infos[2]])
    assert found[5].state is DayState.FORGOTTEN
    assert [(one.state, one.before) for one in found[5].backups] == [(BackupState.FORGOTTEN, None)]
    assert found[6].backups[0].before == 1


@pytest.mark.parametrize(
    ("state", "seen", "of_day"),
    [
        (RunState.FAILED, BackupState.FAILED, DayState.FAILED),
        (RunState.ABANDONED, BackupState.FAILED, DayState.FAILED),
        (RunState.RUNNING, BackupState.RUNNING, DayState.RUNNING),
        (RunState.PARKED, BackupState.WAITING, DayState.RUNNING),
        (RunState.WAITING, BackupState.WAITING, DayState.RUNNING),
    ],
)
def test_a_run_that_stored_nothing_is_shown_as_it_ended(
    state: RunState, seen: BackupState, of_day: DayState
) -> None:
    found = days([], runs=(run("a", state, at(5)),))[5]
    (one,) = found.backups
    assert (one.state, one.run, one.number, one.error, one.changes) == (seen, "a", None, WHY, 0)
    assert found.state is of_day


def test_a_failed_try_before_a_stored_backup_does_not_spoil_the_day() -> None:
    found = days([stored(1, at(5, 4))], runs=(run("a", RunState.ABANDONED, at(5)),))[5]
    assert found.state is DayState.STORED
    assert [one.state for one in found.backups] == [BackupState.FAILED, BackupState.STORED]


def test_a_failed_hourly_backup_alone_leaves_the_day_empty() -> None:
    found = days([], runs=(run("a", RunState.FAILED, at(5), hourly=True),))[5]
    assert found.state is DayState.MISSING
    assert len(found.hourly) == 1


def test_a_run_and_its_stored_backup_are_one() -> None:
    known = stored(1, at(5))
    found = days(
        [known],
        runs=(run(known.run, RunState.DONE, at(5)), run("lost", RunState.DONE, at(5))),
        nights=(night("1", NightState.DONE, at(5)),),
    )[5]
    assert [one.run for one in found.backups] == [known.run]


def test_a_scheduled_backup_that_never_began_is_shown() -> None:
    found = days(
        [],
        runs=(run("run-c", RunState.RUNNING, at(7)),),
        nights=(
            night("a", NightState.GIVEN_UP, at(5)),
            night("b", NightState.WAITING, at(6)),
            night("c", NightState.RUNNING, at(7)),
            night("d", NightState.DONE, at(8)),
        ),
    )
    assert [found[day].state for day in (5, 6, 7, 8)] == [
        DayState.FAILED, DayState.RUNNING, DayState.RUNNING, DayState.MISSING,
    ]  # fmt: skip
    assert found[5].backups[0].run == ""
    assert len(found[7].backups) == 1


def test_months_follow_each_other_over_the_year() -> None:
    assert str(Month(2026, 12).following) == "2027-01"
    assert str(Month(2026, 1).previous) == "2025-12"
    assert str(Month(2026, 5).previous) == "2026-04"
    assert len(Month(2028, 2).days) == 29
    begin, end = MARCH.span(ZURICH)
    assert (begin, end) == (at(28, 23, month=2), datetime(2026, 3, 31, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-13", "2026-00", "1999-12", "3000-01", "2026-1", "26-01", "2026-0١", "x-y"],
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_month(text)
    assert caught.value.code == "month-invalid"


def test_the_calendar_of_an_org_begins_where_its_backups_do(year: World) -> None:
    seen = calendar(year.app, "sales")
    newest = year.app.vault.snapshots(get_org("sales").oid)[-1]
    assert seen.month == f"{newest.as_of.astimezone(ZoneInfo(seen.zone)):%Y-%m}"
    assert sum(len(one.backups) for one in seen.days) == 10
    assert (seen.previous, seen.following) == (None, None)
    assert calendar(year.app, "sales", month="2020-01").previous is None
    with pytest.raises(NotFound):
        calendar(year.app, "nobody")


def test_the_calendar_leads_to_the_months_beside_it(year: World) -> None:
    year.clock.advance(days=40)
    backup(year.app, "sales")
    newest = calendar(year.app, "sales")
    assert newest.following is None
    assert newest.previous is not None
    before = calendar(year.app, "sales", month=newest.previous)
    assert before.following == newest.month
    assert {one.state for one in before.days} >= {DayState.MISSING, DayState.STORED}


def test_forgotten_backups_and_retired_orgs_are_told_apart(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    forget(year.app, "sales", plan=plan(year.app, "sales", RetentionChange()).digest)
    seen = calendar(year.app, "sales")
    states = [one.state for one in seen.days if one.backups]
    assert states == [DayState.FORGOTTEN] * 8 + [DayState.STORED] * 2


def test_a_retired_org_misses_no_backup(year: World) -> None:
    year.clock.advance(days=5)
    assert DayState.MISSING in {one.state for one in calendar(year.app, "sales").days}
    Org.objects.update(retired=True)
    assert DayState.MISSING not in {one.state for one in calendar(year.app, "sales").days}
