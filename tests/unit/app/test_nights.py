"""Nights come by themselves: begun once, tried again, made up for, never doubled."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from homes import World
from unlost.app.actions.backups.backup import NOTES_LOST
from unlost.app.actions.backups.night import AGAIN, MOST_FAILURES, do_night
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.runs import due_jobs
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.catalog.runs.nights import find_night, nights_of, start_try
from unlost.catalog.runs.runs import RunState, find_run, list_runs
from unlost.catalog.runs.schedules import StoredSchedule, coming, schedule_of
from unlost.model.errors import (
    IntegrityError,
    LimitReached,
    NotAllowed,
    TransientError,
    UnlostError,
    database_away,
)
from unlost.model.message import code_of
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import NightState
from unlost.model.runs.schedule import Schedule

QUARTER = 15  # minutes


class Desk:
    """Takes jobs, does each id once, and at once where it is told to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: set[str] = set()
        self.done: list[str] = []

    def delete_failed(self, ids: Iterable[str]) -> None:
        """Nothing breaks off here."""

    def enqueue(self, job: Job) -> None:
        if job.id in self.known:
            return
        self.known.add(job.id)
        if job.kind is JobKind.NIGHT:
            do_night(self.world.app, job.org, job.subject)
            self.done.append(job.subject)


class FreeLease:
    """Leases that nobody holds (port ``Lease``)."""

    @contextmanager
    def hold(self, org: str, *, kind: RunKind, run: str) -> Iterator[None]:
        yield


class SilentDesk:
    """Takes jobs and does none (port ``Jobs``)."""

    def enqueue(self, job: Job) -> None:
        """It waits for ever."""

    def delete_failed(self, ids: object) -> None:
        """Nothing breaks off here."""


class Nights:
    """An org under a schedule, and a scheduler that looks every quarter of an hour."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app = world.app
        self.oid = get_org("sales").oid
        self.desk = Desk(world)
        change(self.app, "sales", ScheduleChange(at="03:00", window=0))

    @property
    def now(self) -> datetime:
        return self.app.clock.now()

    def pass_time(self, *, minutes: int, every: int = QUARTER) -> None:
        """Let the scheduler look after so many minutes each, and at the end."""
        while minutes > 0:
            step = min(minutes, every)
            self.world.clock.advance(seconds=60 * step)
            enqueue_due_jobs(self.app, self.desk)
            minutes -= step

    def until(self, moment: str) -> None:
        """Pass the time until then; the scheduler looks at each quarter of an hour."""
        end = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        while self.now < end:
            quarter = QUARTER - self.now.minute % QUARTER
            left = -(-(end - self.now) // timedelta(minutes=1))
            self.pass_time(minutes=min(left, quarter))

    def state(self, name: str) -> NightState:
        night = find_night(self.oid, name)
        assert night is not None
        return night.state

    def snapshots(self) -> int:
        return len(self.app.vault.snapshots(self.oid))


@pytest.fixture
def nights(sales: World) -> Nights:
    return Nights(sales)


def failing(nights: Nights, error: Callable[[], Exception], times: int) -> None:
    """Let the org's source fail when it is asked for its tables."""
    source = nights.world.connector.source("one")
    discover, left = source.discover, [times]

    def broken() -> object:
        if left[0]:
            left[0] -= 1
            raise error()
        return discover()

    source.discover = broken  # type: ignore[method-assign, assignment]


def test_each_day_has_its_night_and_one_backup(nights: Nights) -> None:
    nights.until("2026-03-05T12:00")
    done = nights_of(nights.oid, most=10)
    assert [night.name for night in done] == [f"2026-03-0{day}T03:00" for day in (5, 4, 3, 2)]
    assert {night.state for night in done} == {NightState.DONE}
    assert nights.snapshots() == 4
    assert [run.id for run in list_runs("sales")] == [night.run for night in done]


def test_a_night_that_a_crash_cut_after_its_commit_is_not_done_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unlost.app.actions.backups.night.end_try", crash)
    nights.world.clock.advance(hours=2)
    with pytest.raises(KeyboardInterrupt):
        enqueue_due_jobs(nights.app, nights.desk)
    assert nights.state("2026-03-02T03:00") is NightState.RUNNING
    monkeypatch.undo()
    do_night(nights.app, nights.oid, "2026-03-02T03:00")
    assert nights.state("2026-03-02T03:00") is NightState.DONE
    assert nights.snapshots() == 1


def test_a_night_whose_worker_dies_each_time_is_given_up(nights: Nights) -> None:
    nights.world.clock.advance(hours=2)
    name = "2026-03-02T03:00"
    enqueue_due_jobs(nights.app, SilentDesk())
    for _ in range(MOST_FAILURES):  # the first one begins the night
        start_try(nights.oid, name)
    found = find_night(nights.oid, name)
    assert found is not None
    assert (found.failures, code_of(found.error)) == (MOST_FAILURES - 1, "worker-died")
    do_night(nights.app, nights.oid, name)
    found = find_night(nights.oid, name)
    assert found is not None
    assert (found.state, code_of(found.error)) == (NightState.GIVEN_UP, "worker-died")
    assert nights.snapshots() == 0
    nights.until("2026-03-03T04:00")
    assert nights.state("2026-03-03T03:00") is NightState.DONE


def test_a_night_during_which_the_homes_own_database_was_away_goes_on_in_a_minute(
    nights: Nights,
) -> None:
    failing(nights, lambda: database_away("it was started again"), 1)
    nights.until("2026-03-02T03:00")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, night.failures) == (NightState.WAITING, 0)
    assert night.next_at == nights.now + timedelta(minutes=1)
    nights.pass_time(minutes=5)
    assert nights.state("2026-03-02T03:00") is NightState.DONE


@pytest.mark.parametrize(
    "error",
    [TransientError("gone", "No answer."), IntegrityError(NOTES_LOST, "Its notes are gone.")],
)
def test_a_worker_that_stood_still_reopens_no_night_that_another_one_ended(
    nights: Nights, error: UnlostError
) -> None:
    """Once the night was made twice."""
    nights.world.clock.advance(hours=2)
    name = "2026-03-02T03:00"
    source = nights.world.connector.source("one")
    discover = source.discover

    def stands_still() -> object:
        source.discover = discover  # type: ignore[method-assign]
        with nights.world.opened() as other:  # whose locks the first one has lost
            other.__dict__["lease"] = FreeLease()
            do_night(other, nights.oid, name)
        raise error

    source.discover = stands_still  # type: ignore[method-assign, assignment]
    enqueue_due_jobs(nights.app, nights.desk)
    assert nights.state(name) is NightState.DONE
    (run,) = list_runs("sales")
    assert (run.state, run.snapshot) == (RunState.DONE, 1)
    nights.pass_time(minutes=60)
    assert nights.snapshots() == 1


def test_a_night_that_failed_is_tried_again_later_and_later(nights: Nights) -> None:
    failing(nights, lambda: TransientError("source-away", "It does not answer."), 3)
    nights.until("2026-03-02T03:00")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, night.failures, code_of(night.error)) == (
        NightState.WAITING, 1, "source-away",
    )  # fmt: skip
    assert night.next_at == nights.now + timedelta(minutes=AGAIN[0])
    nights.pass_time(minutes=sum(AGAIN[:3]), every=5)
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, night.tries, night.failures) == (NightState.DONE, 4, 3)
    assert nights.snapshots() == 1
    assert len(list_runs("sales")) == 1, "all tries are one run"


def test_a_night_that_never_succeeds_is_given_up_and_the_next_one_tries_anew(
    nights: Nights,
) -> None:
    failing(nights, lambda: TransientError("source-away", "It does not answer."), MOST_FAILURES)
    nights.until("2026-03-02T20:00")
    assert nights.state("2026-03-02T03:00") is NightState.GIVEN_UP
    nights.until("2026-03-03T04:00")
    assert nights.state("2026-03-03T03:00") is NightState.DONE


def test_a_wrong_password_is_not_typed_again_and_again(nights: Nights) -> None:
    failing(nights, lambda: NotAllowed("sign-in", "The password is wrong."), 1)
    nights.until("2026-03-02T12:00")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, night.tries, code_of(night.error)) == (NightState.GIVEN_UP, 1, "sign-in")


def test_a_fault_of_ours_ends_the_night_and_not_the_worker(nights: Nights) -> None:
    failing(nights, lambda: ZeroDivisionError("division by zero"), 1)
    nights.until("2026-03-02T12:00")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, code_of(night.error)) == (NightState.GIVEN_UP, "ZeroDivisionError")


def test_a_parked_night_goes_on_when_it_may_and_is_one_run(nights: Nights) -> None:
    later = nights.now + timedelta(hours=8)
    failing(nights, lambda: LimitReached("api-budget-spent", "Spent.", resume_at=later), 1)
    nights.until("2026-03-02T08:55")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, night.failures, night.next_at) == (NightState.WAITING, 0, later)
    nights.pass_time(minutes=5)
    assert nights.state("2026-03-02T03:00") is NightState.DONE
    assert nights.snapshots() == 1


def test_a_parked_night_that_cannot_say_when_goes_on_in_an_hour(nights: Nights) -> None:
    failing(nights, lambda: LimitReached("api-budget-spent", "Spent."), 1)
    nights.until("2026-03-02T03:00")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert night.next_at == nights.now + timedelta(hours=1)


def test_a_stopped_worker_leaves_a_night_that_the_next_one_goes_on_with(nights: Nights) -> None:
    source = nights.world.connector.source("one")
    discover = source.discover

    def stopped() -> object:
        nights.app.cancel_flag.set()
        nights.world.connector.contexts[-1].budget.take()
        return discover()

    source.discover = stopped  # type: ignore[method-assign, assignment]
    nights.until("2026-03-02T03:00")
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert (night.state, night.failures, night.next_at) == (NightState.WAITING, 0, nights.now)
    source.discover = discover  # type: ignore[method-assign]
    nights.world.close()
    nights.app = nights.world.app = nights.world.opened()
    nights.pass_time(minutes=5)
    assert nights.state("2026-03-02T03:00") is NightState.DONE
    assert len(list_runs("sales")) == 1


def test_after_a_week_off_one_night_makes_up_for_all(nights: Nights) -> None:
    nights.until("2026-03-02T04:00")
    nights.world.clock.advance(days=7)
    nights.pass_time(minutes=10)
    newest, oldest = nights_of(nights.oid, most=10)
    assert (newest.name, oldest.name) == ("2026-03-09T03:00", "2026-03-02T03:00")
    assert newest.missed == tuple(f"2026-03-0{day}T03:00" for day in range(3, 9))
    assert nights.snapshots() == 2


def test_a_night_gives_up_earlier_ones_that_still_wait(nights: Nights) -> None:
    later = nights.now + timedelta(days=3)
    failing(nights, lambda: LimitReached("api-budget-spent", "Spent.", resume_at=later), 1)
    nights.until("2026-03-03T04:00")
    assert nights.state("2026-03-02T03:00") is NightState.GIVEN_UP
    assert nights.state("2026-03-03T03:00") is NightState.DONE
    assert nights.snapshots() == 2, "the parked run was finished, and then this night's own"


def test_a_run_by_hand_that_did_not_end_is_done_before_the_nights_own(nights: Nights) -> None:
    from unlost.app.actions.backups.backup import backup

    failing(nights, lambda: TransientError("source-away", "It does not answer."), 1)
    with pytest.raises(TransientError):
        backup(nights.app, "sales")
    nights.until("2026-03-02T04:00")
    assert nights.snapshots() == 2
    night = find_night(nights.oid, "2026-03-02T03:00")
    assert night is not None
    assert find_run(night.run) is not None


def test_an_org_in_an_unknown_zone_stops_no_other(nights: Nights) -> None:
    org = get_org("sales")
    identity = replace(org.identity, tenant="two", zone="Mars/Base")
    save_org(replace(org, name="mars", oid="oid-mars", identity=identity))
    nights.world.clock.advance(hours=2)
    ticked = enqueue_due_jobs(nights.app, nights.desk)
    assert ticked.failed == ("oid-mars",)
    assert nights.state("2026-03-02T03:00") is NightState.DONE


def test_a_night_waits_for_a_backup_by_hand_and_that_is_no_failure(nights: Nights) -> None:
    with nights.app.lease.hold(nights.oid, kind=RunKind.BACKUP, run="by-hand"):
        nights.until("2026-03-02T05:00")
        night = find_night(nights.oid, "2026-03-02T03:00")
        assert night is not None
        assert (night.state, night.failures) == (NightState.WAITING, 0)
        assert night.tries > 3
    nights.pass_time(minutes=15)
    assert nights.state("2026-03-02T03:00") is NightState.DONE


def test_a_night_whose_notes_a_power_cut_took_is_tried_again(nights: Nights) -> None:
    failing(nights, lambda: IntegrityError(NOTES_LOST, "Notes are cut."), 1)
    nights.until("2026-03-02T04:00")
    assert nights.state("2026-03-02T03:00") is NightState.DONE
    assert nights.snapshots() == 1


def test_the_whole_vault_is_verified_once_a_week(nights: Nights) -> None:
    nights.until("2026-03-02T04:00")
    assert [job for job in nights.desk.known if job.startswith("verify:")] == ["verify:2026-03-02"]


def test_nothing_is_asked_for_where_nothing_was_ever_kept(world: World) -> None:
    desk = Desk(world)
    world.clock.advance(days=1)
    assert enqueue_due_jobs(world.app, desk).queued == ()


def test_an_org_without_a_schedule_of_its_own_has_the_usual_one(sales: World) -> None:
    oid = get_org("sales").oid
    desk = Desk(sales)
    enqueue_due_jobs(sales.app, desk)
    kept = schedule_of(oid)
    assert kept.schedule == Schedule()
    assert kept.next_at is not None
    sales.clock.advance(days=1)
    enqueue_due_jobs(sales.app, desk)
    assert [night.state for night in nights_of(oid, most=5)] == [NightState.DONE]


def test_a_night_that_waits_for_the_end_of_blackout_hours_begins_then(nights: Nights) -> None:
    change(nights.app, "sales", ScheduleChange(blackout=["02:00-06:00"]))
    nights.until("2026-03-02T05:55")
    assert nights_of(nights.oid, most=5) == []
    nights.pass_time(minutes=5)
    assert nights.state("2026-03-02T03:00") is NightState.DONE


@pytest.mark.parametrize("first", [None, ScheduleChange(at="03:00", hourly="User")])
def test_a_schedule_set_during_a_tick_was_overwritten(
    sales: World, monkeypatch: pytest.MonkeyPatch, first: ScheduleChange | None
) -> None:
    if first is not None:
        change(sales.app, "sales", first)
    sales.clock.advance(days=1)

    def read_and_set(now: datetime) -> Sequence[StoredSchedule]:
        """The schedule is set just after the tick has read it."""
        schedules = coming(now)
        sales.clock.advance(seconds=1)
        change(sales.app, "sales", ScheduleChange(at="05:00", window=0, hourly="none"))
        return schedules

    monkeypatch.setattr(due_jobs, "coming", read_and_set)
    assert enqueue_due_jobs(sales.app, SilentDesk()).begun
    stored = schedule_of(get_org("sales").oid)
    assert (stored.schedule.nightly, stored.after) == (time(5), None)
    assert stored.next_at is not None
    assert stored.next_at.hour == 5
    assert stored.hour_at is None
