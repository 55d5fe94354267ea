"""The strip of the last 30 days, and when a run is expected to end."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from unlost.app.health.days import DAYS, clock_difference, day_cells, record_samples
from unlost.app.health.going import TablesRead, going_run, usual_duration
from unlost.catalog.runs.runs import RunRecord, RunState
from unlost.catalog.vault.summaries import BackupSummary
from unlost.model.status import OrgStatus
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def night(ago: int, number: int, *, hour: int = 1) -> SnapshotInfo:
    at = (NOW - timedelta(days=ago)).replace(hour=hour)
    return SnapshotInfo("o", number, "", "r", CommitKind.BACKUP, at, at, at, certificate="c")


def summary(info: SnapshotInfo, *, gaps: int = 0, accepted: int = 0) -> BackupSummary:
    return BackupSummary(
        info.number, "c", info.as_of, info.finished, gaps, accepted, 100 + info.number
    )


def test_each_day_has_a_cell_with_its_state() -> None:
    backups = [night(5, 1), night(4, 2), night(3, 3), night(0, 5)]
    summaries = [
        summary(backups[0]),
        summary(backups[1], gaps=2, accepted=1),
        summary(backups[2], gaps=2, accepted=2),
        summary(night(2, 4)),  # forgotten since
    ]
    cells = day_cells(
        now=NOW, zone="UTC", summaries=summaries, backups=backups,
        failures=[NOW - timedelta(days=1), NOW - timedelta(days=5)],
    )  # fmt: skip
    assert len(cells) == DAYS
    assert cells[-1].day == date(2026, 3, 30)
    assert [(cell.status, cell.backup) for cell in cells[-7:]] == [
        (OrgStatus.NO_BACKUP, None),
        (OrgStatus.PROTECTED, 1),  # it failed first
        (OrgStatus.INCOMPLETE, 2),
        (OrgStatus.PROTECTED, 3),
        (OrgStatus.PROTECTED, None),
        (OrgStatus.FAILED, None),
        (None, 5),  # its certificate was not evaluated yet
    ]
    assert cells[-3].records == 104


def test_a_day_is_one_of_the_time_zone_of_the_org() -> None:
    late = night(1, 1, hour=23)
    told = {
        zone: [cell.day for cell in day_cells(
            now=NOW, zone=zone, summaries=[summary(late)], backups=[late], failures=[],
        ) if cell.backup]
        for zone in ("UTC", "Asia/Tokyo")
    }  # fmt: skip
    assert told == {"UTC": [date(2026, 3, 29)], "Asia/Tokyo": [date(2026, 3, 30)]}


def test_the_newest_backup_of_a_day_counts() -> None:
    first, second = night(0, 1), night(0, 2, hour=9)
    cells = day_cells(
        now=NOW, zone="UTC", summaries=[summary(first), summary(second, gaps=1)],
        backups=[first, second], failures=[],
    )  # fmt: skip
    assert (cells[-1].status, cells[-1].backup) == (OrgStatus.INCOMPLETE, 2)
    assert [s.used for s in record_samples([summary(first), summary(second)])] == [101, 102]


def test_a_simulated_org_has_the_days_of_its_clock() -> None:
    info = night(0, 1)
    assert clock_difference(None) == clock_difference(info) == timedelta(0)
    late = replace(info, started=info.as_of + timedelta(hours=3))
    assert clock_difference(late) == timedelta(0)
    simulated = replace(info, started=info.as_of + timedelta(days=200))
    assert clock_difference(simulated) == timedelta(days=200)


# --- runs -----------------------------------------------------------------------------------------


def run(
    minutes: float = 0, *, ago: int = 0, state: RunState = RunState.RUNNING, full: bool = False,
    kind: CommitKind = CommitKind.BACKUP, resumed: bool = False,
) -> RunRecord:  # fmt: skip
    begun = NOW - timedelta(days=ago, minutes=0 if state is RunState.DONE else minutes)
    ended = begun + timedelta(minutes=minutes) if state is RunState.DONE else None
    return RunRecord(
        f"run-{ago}", "sales", kind, full, state, begun, ended,
        went_on_at=NOW if resumed else None,
    )  # fmt: skip


DONE = [run(10, ago=n, state=RunState.DONE) for n in (1, 2)] + [
    run(60, ago=3, state=RunState.DONE),
    run(500, ago=4, state=RunState.DONE, full=True),
    run(1, ago=5, state=RunState.FAILED),
]


def test_a_backup_is_expected_to_take_as_long_as_usual() -> None:
    assert usual_duration(run(), DONE) == timedelta(minutes=10)
    going = going_run(run(4), now=NOW, done=7, total=None, before=DONE)
    assert (going.share, going.ends_at, going.late) == (None, NOW + timedelta(minutes=6), False)


def test_a_backup_of_changes_says_how_many_of_its_tables_are_read() -> None:
    known = {"now": NOW, "done": 7, "total": None, "before": DONE}
    going = going_run(run(4), tables=TablesRead(12, 48), **known)
    assert (going.share, going.tables) == (None, TablesRead(12, 48))
    assert going_run(run(4), tables=TablesRead(0, 0), **known).tables is None, "not planned yet"
    restore = run(2, kind=CommitKind.RESTORE)
    assert going_run(restore, tables=TablesRead(1, 2), **known).tables is None


def test_a_backup_that_takes_longer_than_usual_is_said_to() -> None:
    going = going_run(run(11), now=NOW, done=7, total=None, before=DONE)
    assert (going.ends_at, going.late) == (None, True)


def test_a_full_backup_has_a_share_of_the_records_before_it() -> None:
    going = going_run(run(4, full=True), now=NOW, done=50, total=200, before=DONE)
    assert going.share == 0.25
    assert going.ends_at == NOW + timedelta(minutes=496)
    almost = going_run(run(4, full=True), now=NOW, done=500, total=200, before=[])
    assert (almost.share, almost.ends_at) == (0.99, None)


def test_a_restore_ends_at_the_rate_at_which_it_writes() -> None:
    restore = run(2, kind=CommitKind.RESTORE)
    going = going_run(restore, now=NOW, done=50, total=200, before=DONE)
    assert (going.share, going.ends_at) == (0.25, NOW + timedelta(minutes=6))
    assert going_run(restore, now=NOW, done=0, total=200, before=[]).ends_at is None


@pytest.mark.parametrize("kind", [CommitKind.BACKUP, CommitKind.RESTORE])
def test_a_run_that_was_resumed_has_no_expected_end(kind: CommitKind) -> None:
    resumed = run(4, resumed=True, kind=kind)
    assert going_run(resumed, now=NOW, done=50, total=100, before=DONE).ends_at is None


def test_a_waiting_run_has_no_expected_end() -> None:
    waiting = run(4, state=RunState.PARKED)
    assert going_run(waiting, now=NOW, done=1, total=4, before=DONE).ends_at is None
