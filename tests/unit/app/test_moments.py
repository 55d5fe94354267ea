"""Moments: every way of naming a backup, and what is said of those that name none."""

from datetime import UTC, datetime

import pytest

from unlost.app.backups.moments import (
    Latest,
    LiveMoment,
    Numbered,
    Past,
    Until,
    parse_moment,
    parse_past,
    resolve,
)
from unlost.model.errors import NotFound, UsageError
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo


def night(number: int, as_of: str) -> SnapshotInfo:
    at = datetime.fromisoformat(as_of)
    return SnapshotInfo("org", number, f"{number:064x}", "run", CommitKind.BACKUP, at, at, at)


# two backups on the evening of 3 March in Brussels (the second is 4 March in UTC), one on the 5th
NIGHTS = [
    night(1, "2026-03-03T02:00:00+01:00"),
    night(2, "2026-03-03T23:30:00+00:00"),
    night(4, "2026-03-05T02:00:00+01:00"),
]


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("latest", Latest()),
        (" LATEST ", Latest()),
        ("live", LiveMoment()),
        ("12", Numbered(12)),
        (
            "2026-03-04T09:00:00Z",
            Until(datetime(2026, 3, 4, 9, tzinfo=UTC), "2026-03-04T09:00:00Z"),
        ),
        (
            "2026-03-04T09:00:00+02:00",
            Until(datetime(2026, 3, 4, 7, tzinfo=UTC), "2026-03-04T09:00:00+02:00"),
        ),
    ],
)
def test_what_is_typed_is_understood(typed: str, moment: object) -> None:
    assert parse_moment(typed, zone="UTC") == moment


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        ("2026-03-04", "UTC", "2026-03-04T23:59:59.999999+00:00"),
        ("2026-03-04", "Asia/Tokyo", "2026-03-04T14:59:59.999999+00:00"),
        ("2026-03-29", "Europe/Zurich", "2026-03-29T21:59:59.999999+00:00"),  # 23 hours long
        ("2026-10-25", "Europe/Zurich", "2026-10-25T22:59:59.999999+00:00"),  # 25 hours long
    ],
)
def test_a_day_ends_in_the_zone_of_the_org(day: str, zone: str, instant: str) -> None:
    moment = parse_moment(day, zone=zone)
    assert moment == Until(datetime.fromisoformat(instant), day)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-02-30",
        "2026-03-04T09:00:00",
        "-1",
        "1.5",
        "9999999999",
        "9999-12-31",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_names_nothing_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_moment(typed, zone="UTC")
    assert caught.value.code == "moment-unreadable"
    assert "2026-03-04T09:00:00Z" in caught.value.next_step


def test_where_only_backups_make_sense_live_is_refused() -> None:
    assert parse_past("latest", zone="UTC") == Latest()
    with pytest.raises(UsageError) as caught:
        parse_past("live", zone="UTC")
    assert caught.value.code == "moment-live"


@pytest.mark.parametrize(
    ("typed", "zone", "number"),
    [
        ("latest", "UTC", 4),
        ("2", "UTC", 2),
        ("2026-03-03", "UTC", 2),
        ("2026-03-03", "Europe/Brussels", 1),
        ("2026-03-04", "Europe/Brussels", 2),
        ("2030-01-01", "UTC", 4),
        ("2026-03-03T23:30:00Z", "UTC", 2),
        ("2026-03-03T23:29:59Z", "UTC", 1),
    ],
)
def test_a_moment_is_the_last_backup_before_it(typed: str, zone: str, number: int) -> None:
    assert resolve(parse_past(typed, zone=zone), NIGHTS).number == number


@pytest.mark.parametrize(
    "moment", [Numbered(3), Numbered(5), Until(datetime.min.replace(tzinfo=UTC), "x")]
)
def test_a_backup_that_is_not_there_names_those_that_are(moment: Past) -> None:
    with pytest.raises(NotFound) as caught:
        resolve(moment, NIGHTS)
    assert caught.value.code == "snapshot-unknown"
    assert "oldest backup is 1 (2026-03-03 02:00 UTC)" in caught.value.next_step


def test_without_any_backup_the_next_step_is_to_make_one() -> None:
    with pytest.raises(NotFound) as caught:
        resolve(Latest(), [])
    assert caught.value.code == "no-backup-yet"
