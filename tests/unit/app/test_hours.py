"""Chosen tables are backed up every hour between the nights, and never in the way of one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from homes import SECRET, World
from scenes import Lead, scene, with_sales
from unit.app.test_nights import Desk, Nights, failing
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.hour import (
    REMEMBERED,
    HourlyBackup,
    HourlyEnding,
    do_hour,
    run_of_hour,
)
from unlost.app.actions.backups.schedule import ScheduleChange, change, show
from unlost.app.actions.orgs.orgs import NewOrg, add_org, list_all
from unlost.app.actions.runs.control import cancel, pause, resume
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.home.cancellation import POLL_SECONDS
from unlost.app.vault.home_copy import copy_if_due, copy_is_due
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.catalog.runs.runs import (
    RunState,
    begin_run,
    find_run,
    list_runs,
    unfinished_backups,
)
from unlost.engine.schedule import name_of_hour
from unlost.model.errors import Conflict, LimitReached, NotAllowed, StoreError, TransientError
from unlost.model.message import Message, code_of
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import NightState
from unlost.model.vault.snapshot import CommitKind, nights


class HourDesk(Desk):
    """Does hours as well; keeps what became of each."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.hours: dict[str, HourlyBackup] = {}

    def enqueue(self, job: Job) -> None:
        if job.kind is JobKind.HOURLY and job.id not in self.known:
            self.known.add(job.id)
            assert job.id == f"hr:{job.org}:{job.subject}"
            self.hours[job.subject] = do_hour(self.world.app, job.org, job.subject)
        super().enqueue(job)


class Hours(Nights):
    """An org of which the customers are read every hour."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.desk: HourDesk = HourDesk(world)
        change(self.app, "sales", ScheduleChange(hourly="account"))

    @property
    def done(self) -> list[str]:
        return [hour for hour, told in self.desk.hours.items() if told.ending is HourlyEnding.DONE]

    def codes(self) -> Counter[str]:
        return Counter(told.code for told in self.desk.hours.values())

    def hour(self) -> HourlyBackup:
        """Do the hour of now."""
        return do_hour(self.app, self.oid, name_of_hour(self.now))

    def said(self) -> dict[str, str]:
        """What alerts say now, by their keys."""
        watcher = Watcher()
        return {one.key: one.sentence for one in raised_alerts(watcher.gather(self.app))}


def first_night(world: World) -> Hours:
    """The first night of an org whose customers are read every hour."""
    with_sales(world)
    made = Hours(world)
    made.until("2026-03-02T03:00")
    assert made.state("2026-03-02T03:00") is NightState.DONE
    made.desk.hours.clear()
    return made


after_night = scene(first_night)


@pytest.fixture
def hours(world: World, after_night: Lead) -> Hours:
    """After the first night."""
    return after_night(world)


def test_a_day_has_one_night_and_an_hour_in_each_hour_but_the_nights(hours: Hours) -> None:
    hours.until("2026-03-03T03:55")
    assert hours.done == [f"2026-03-02T{hour:02}Z" for hour in range(4, 24)] + [
        f"2026-03-03T{hour:02}Z" for hour in range(3)
    ]
    every = hours.app.vault.snapshots(hours.oid)
    assert len(nights(every)) == 2
    assert {info.only for info in every if info.partial} == {("Account",)}
    assert len(every) == 2 + 23
    runs = list_runs("sales", hourly=True)
    assert {run.state for run in runs} == {RunState.DONE}
    assert runs[0].id == run_of_hour(hours.oid, "2026-03-03T02Z")
    (org,) = list_all(hours.app).orgs
    assert (org.snapshots, org.last_backup) == (2, nights(every)[-1].as_of)
    assert org.head == every[-1].head


def test_no_hour_before_the_first_night(sales: World) -> None:
    made = Hours(sales)
    made.until("2026-03-02T02:30")
    assert made.codes() == {"no-night-yet": 1}
    assert list_runs("sales") == []


def test_hours_keep_out_of_blackout_hours(hours: Hours) -> None:
    change(hours.app, "sales", ScheduleChange(blackout=["08:00-18:00"]))
    hours.until("2026-03-02T20:30")
    assert hours.done == [f"2026-03-02T{hour:02}Z" for hour in (4, 5, 6, 7, 18, 19, 20)]


def test_an_hour_that_waited_until_its_blackout_is_left_out(hours: Hours) -> None:
    hours.world.clock.advance(hours=1)
    change(hours.app, "sales", ScheduleChange(blackout=["04:00-18:00"]))
    assert hours.hour() == HourlyBackup(
        run_of_hour(hours.oid, "2026-03-02T04Z"), HourlyEnding.SKIPPED, "not-its-time"
    )


@pytest.mark.parametrize(("before", "lasts"), [("2026-03-28T12:00", 23), ("2026-10-24T12:00", 25)])
def test_clocks_that_are_set_neither_double_nor_skip_an_hour(
    world: World, before: str, lasts: int
) -> None:
    world.org.identity = replace(world.org.identity, zone="Europe/Zurich")
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    start = datetime.fromisoformat(before).replace(tzinfo=UTC)
    world.clock.advance(seconds=(start - world.clock.now()).total_seconds())
    backup(world.app, "sales")
    made = Hours(world)
    change(made.app, "sales", ScheduleChange(at="04:30"))
    made.pass_time(minutes=24 * 60 * 2, every=30)
    assert [night for night in made.desk.done if night.startswith(before[:8])] == made.desk.done
    assert len(made.desk.done) == 2
    instants = [datetime.fromisoformat(hour.replace("Z", ":00+00:00")) for hour in made.done]
    assert instants == [instants[0] + timedelta(hours=at) for at in range(len(instants))]
    day = (start + timedelta(days=1)).date()
    place = ZoneInfo(get_org("sales").identity.zone)
    local = [one.astimezone(place).date() for one in instants]
    assert local.count(day) == lasts


def test_hours_wait_while_a_night_is_parked_and_go_on_after_it(hours: Hours) -> None:
    later = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    hours.until("2026-03-03T02:55")
    failing(hours, lambda: LimitReached("spent", "Spent.", resume_at=later), 1)
    hours.until("2026-03-03T10:30")
    assert hours.state("2026-03-03T03:00") is NightState.DONE
    of_day = [hour for hour in hours.done if hour.startswith("2026-03-03")]
    assert of_day == [f"2026-03-03T{hour:02}Z" for hour in (0, 1, 2, 9, 10)]
    assert len(nights(hours.app.vault.snapshots(hours.oid))) == 2


def test_hours_that_nobody_was_there_for_are_not_made_up_for(hours: Hours) -> None:
    hours.until("2026-03-02T06:30")
    hours.world.clock.advance(hours=5)
    hours.pass_time(minutes=60)
    assert hours.done == [f"2026-03-02T{hour:02}Z" for hour in (4, 5, 6, 11, 12)]


def test_an_hour_that_waited_too_long_for_its_turn_is_over(hours: Hours) -> None:
    name = name_of_hour(hours.now)
    hours.world.clock.advance(hours=1)
    assert do_hour(hours.app, hours.oid, name).code == "not-its-time"


def test_hours_are_spread_as_nights_are(hours: Hours) -> None:
    change(hours.app, "sales", ScheduleChange(window=600))
    (told,) = show(hours.app).schedules
    assert told.next_hour is not None
    assert hours.now < told.next_hour < hours.now + timedelta(hours=1)
    hours.until("2026-03-02T05:55")
    assert hours.done == ["2026-03-02T03Z", "2026-03-02T04Z", "2026-03-02T05Z"]


def test_no_hour_where_none_is_wanted_any_more(hours: Hours) -> None:
    change(hours.app, "sales", ScheduleChange(hourly="none"))
    assert hours.hour().code == "not-its-time"
    hours.until("2026-03-02T09:00")
    assert hours.done == []


def test_an_org_in_an_unknown_zone_stops_no_other(hours: Hours) -> None:
    org = get_org("sales")
    hours.until("2026-03-02T04:00")
    save_org(replace(org, identity=replace(org.identity, zone="Mars/Base")))
    hours.world.clock.advance(hours=1)
    assert enqueue_due_jobs(hours.app, hours.desk).failed == (hours.oid,)
    assert hours.done == ["2026-03-02T04Z"]


# --- what stands in the way -----------------------------------------------------------------------


def test_a_backup_by_hand_goes_first(hours: Hours) -> None:
    hours.world.clock.advance(hours=1)
    with hours.app.lease.hold(hours.oid, kind=RunKind.BACKUP, run="by-hand"):
        told = hours.hour()
    assert (told.ending, told.code) == (HourlyEnding.GIVEN_UP, "run-in-progress")
    run = find_run(told.run)
    assert run is not None
    assert run.state is RunState.ABANDONED
    assert hours.said() == {}


def test_no_hour_before_a_backup_that_did_not_end(hours: Hours) -> None:
    """What it read is older than what an hour would commit before it."""
    source = hours.world.connector.source("one")
    source.faults.plant("read", LimitReached("spent", "Spent."))
    with pytest.raises(LimitReached):
        backup(hours.app, "sales")
    hours.world.clock.advance(hours=1)
    assert hours.hour().code == "backup-unfinished"
    backup(hours.app, "sales")
    assert hours.hour().ending is HourlyEnding.DONE


def test_an_hour_whose_turn_comes_after_that_of_a_night_is_left_out(hours: Hours) -> None:
    hours.until("2026-03-03T02:55")
    failing(hours, lambda: LimitReached("spent", "Spent."), 1)
    hours.until("2026-03-03T03:00")
    assert hours.hour() == HourlyBackup(
        run_of_hour(hours.oid, "2026-03-03T03Z"), HourlyEnding.SKIPPED, "night"
    )


def test_a_backup_that_never_began_stands_in_nobodys_way(hours: Hours) -> None:
    failing(hours, lambda: TransientError("away", "Away."), 1)
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=hours.now)
    hours.world.clock.advance(hours=1)
    assert hours.hour().code == "away", "it was tried"


def test_an_hour_without_calls_is_given_up_and_the_night_is_not_held_up(hours: Hours) -> None:
    far = hours.now + timedelta(days=3)
    failing(hours, lambda: LimitReached("api-budget-spent", "Spent.", resume_at=far), 99)
    hours.until("2026-03-02T05:30")
    assert hours.codes() == {"api-budget-spent": 2}
    assert {run.state for run in list_runs("sales", hourly=True)} == {RunState.ABANDONED}
    assert unfinished_backups(hours.oid, hourly=True) == []
    assert hours.said() == {}, "the next hour or the night reads it"
    hours.world.connector.source("one").__dict__.pop("discover")
    hours.until("2026-03-03T03:30")
    assert hours.state("2026-03-03T03:00") is NightState.DONE


def meanwhile(hours: Hours, call: Callable[[], object]) -> None:
    """Let ``call`` happen once while the tables are asked for."""
    source = hours.world.connector.source("one")
    discover, done = source.discover, list[bool]()

    def interrupted() -> object:
        if not done:
            done.append(True)
            call()
            hours.world.clock.advance(seconds=POLL_SECONDS)
            hours.world.connector.contexts[-1].budget.take()
        return discover()

    source.discover = interrupted  # type: ignore[method-assign, assignment]


def test_a_night_overtakes_an_hour_that_is_under_way(hours: Hours) -> None:
    hours.until("2026-03-03T01:55")
    queue: list[Job] = []

    class Later:
        def delete_failed(self, ids: object) -> None:
            """Nothing breaks off here."""

        def enqueue(self, job: Job) -> None:
            queue.append(job)

    def dusk() -> None:
        hours.world.clock.advance(seconds=120)
        enqueue_due_jobs(hours.app, Later())

    change(hours.app, "sales", ScheduleChange(at="02:58"))
    hours.world.clock.advance(seconds=62 * 60)
    meanwhile(hours, dusk)
    told = hours.hour()
    assert (told.ending, told.code) == (HourlyEnding.GIVEN_UP, "run-gave-way")
    (job,) = [job for job in queue if job.org]
    assert job.kind is JobKind.NIGHT
    hours.desk.enqueue(job)
    assert hours.state("2026-03-03T02:58") is NightState.DONE


def test_an_hour_does_not_wait_but_can_be_cancelled(hours: Hours) -> None:
    hours.world.clock.advance(hours=1)
    told: list[Any] = []

    def people() -> None:
        run = run_of_hour(hours.oid, name_of_hour(hours.now))
        for act in (pause, resume):
            with pytest.raises(Conflict) as caught:
                act(hours.app, run)
            told.append(caught.value.code)
        told.append(cancel(hours.app, run).sentence)

    meanwhile(hours, people)
    assert hours.hour().code == "run-cancelled"
    assert told[:2] == ["run-hourly", "run-hourly"]
    assert told[2].endswith("stops within seconds.")


# --- what goes wrong ------------------------------------------------------------------------------


def test_two_failed_hours_are_told_once_and_over_with_the_next_good_one(hours: Hours) -> None:
    failing(hours, lambda: TransientError("source-away", "It does not answer."), 3)
    hours.until("2026-03-02T04:30")
    assert hours.codes() == {"source-away": 1}
    assert hours.said() == {}, "once is no news"
    for until in ("2026-03-02T05:30", "2026-03-02T06:30"):
        hours.until(until)
        assert hours.said() == {
            "hourly-failed/sales": "The hourly backup of sales failed: It does not answer. "
            "Unlost retries it every hour."
        }
    (told,) = show(hours.app).schedules
    assert told.last_hour is not None
    assert (told.last_hour.state, str(told.last_hour.error)) == (
        RunState.FAILED, "It does not answer.",
    )  # fmt: skip
    hours.until("2026-03-02T07:30")
    assert hours.said() == {}


def test_failed_hours_are_over_with_a_good_night(hours: Hours) -> None:
    hours.until("2026-03-03T00:30")
    failing(hours, lambda: TransientError("source-away", "It does not answer."), 2)
    hours.until("2026-03-03T02:30")
    assert list(hours.said()) == ["hourly-failed/sales"]
    hours.until("2026-03-03T03:30")
    assert hours.said() == {}


def test_a_wrong_password_is_not_typed_every_hour(hours: Hours) -> None:
    failing(hours, lambda: NotAllowed("sign-in", "The password is wrong."), 1)
    hours.until("2026-03-02T06:30")
    assert hours.codes() == {"sign-in": 1, "failed-before": 2}
    assert hours.said() == {
        "hourly-failed/sales": "The hourly backup of sales failed: The password is wrong. "
        "The next nightly backup reads these tables."
    }
    backup(hours.app, "sales")
    assert hours.said() == {}
    hours.until("2026-03-02T07:30")
    assert hours.done == ["2026-03-02T07Z"]


def test_whoever_sets_the_schedule_lets_the_hours_go_on(hours: Hours) -> None:
    failing(hours, lambda: ZeroDivisionError("division by zero"), 1)
    hours.until("2026-03-02T05:30")
    assert hours.codes() == {"ZeroDivisionError": 1, "failed-before": 1}
    change(hours.app, "sales", ScheduleChange(hourly="Account"))
    hours.until("2026-03-02T06:30")
    assert hours.done == ["2026-03-02T06Z"]


def test_tables_that_are_left_to_the_night_are_said_with_the_run(hours: Hours) -> None:
    hours.world.org.hide_column("Account", "Phone")
    hours.until("2026-03-02T04:30")
    assert hours.codes() == {"hourly-left": 1}
    (run,) = list_runs("sales", hourly=True)
    assert (run.state, run.snapshot) == (RunState.ABANDONED, None)
    assert str(run.error) == (
        "Account was left to the nightly backup: the permissions of the backup user changed."
    )
    assert hours.said() == {}
    hours.until("2026-03-03T04:30")
    assert hours.done == ["2026-03-03T04Z"]


def test_the_reasons_of_several_tables_stayed_in_english(hours: Hours) -> None:
    change(hours.app, "sales", ScheduleChange(hourly="Account,User"))
    hours.world.org.hide_column("Account", "Phone")
    hours.until("2026-03-02T04:30")
    (run,) = list_runs("sales", hourly=True)
    assert run.error is not None
    assert run.error.template == "{reason}"
    reasons = run.error.args["reason"]
    assert isinstance(reasons, Message)
    assert all(isinstance(reason, Message) and reason.template for reason in reasons.args.values())
    assert len(reasons.args) == 2


def test_a_table_of_another_shape_is_said_with_a_run_that_is_done(hours: Hours) -> None:
    change(hours.app, "sales", ScheduleChange(hourly="Account,User"))
    hours.world.org.add_column("User", "Extra")
    hours.until("2026-03-02T04:30")
    (run,) = list_runs("sales", hourly=True)
    assert (run.state, run.snapshot, code_of(run.error)) == (RunState.DONE, 2, "hourly-left")
    assert "User was left to the nightly backup: its columns changed." in str(run.error)
    assert hours.said() == {}


def test_a_table_that_cannot_be_read_for_two_hours_is_told(hours: Hours) -> None:
    change(hours.app, "sales", ScheduleChange(hourly="Account,User"))
    source = hours.world.connector.source("one")
    source.faults.plant("read", TransientError("busy", "Busy."), table="User", times=99)
    hours.until("2026-03-02T05:30")
    assert hours.codes() == {"hourly-unread": 2}
    assert list(hours.said()) == ["hourly-failed/sales"]
    source.faults.clear()
    hours.until("2026-03-02T06:30")
    assert hours.said() == {}


def test_a_vault_that_is_away_begins_no_hour(hours: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(oid: str) -> None:
        raise StoreError("vault-away", "It is away.")

    hours.world.clock.advance(hours=1)
    monkeypatch.setattr(hours.world.vault, "newest_backup", away)
    assert hours.hour().code == "vault-away"
    assert list_runs("sales", hourly=True) == []


def test_an_hour_whose_vault_goes_away_is_closed_all_the_same(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_told: object, **_more: object) -> None:
        raise StoreError("vault-away", "It is away.")

    hours.world.clock.advance(hours=1)
    meanwhile(hours, lambda: [monkeypatch.setattr(hours.world.vault, name, away)
                              for name in ("at", "begin", "commits")])  # fmt: skip
    told = hours.hour()
    assert (told.ending, told.code) == (HourlyEnding.FAILED, "vault-away")
    assert unfinished_backups(hours.oid, hourly=True) == []


# --- crashes --------------------------------------------------------------------------------------


def crash() -> None:
    raise KeyboardInterrupt


def crashed(hours: Hours, monkeypatch: pytest.MonkeyPatch, where: str) -> str:
    """An hour whose process died; its run."""
    hours.world.clock.advance(hours=1)
    with monkeypatch.context() as patch:
        patch.setattr(where, lambda *_told, **_more: crash())
        with pytest.raises(KeyboardInterrupt):
            hours.hour()
    return run_of_hour(hours.oid, name_of_hour(hours.now))


BEFORE_COMMIT = "unlost.engine.backup.backup.compare_with_source"
AFTER_COMMIT = "unlost.app.actions.backups.hour.close_hour"


def test_an_hour_that_crashed_goes_on_within_the_hour(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = crashed(hours, monkeypatch, BEFORE_COMMIT)
    hours.world.clock.advance(seconds=600)
    assert hours.hour() == HourlyBackup(run, HourlyEnding.DONE)
    assert hours.snapshots() == 2
    assert hours.hour().ending is HourlyEnding.SKIPPED, "it is done once"


def test_an_hour_that_crashed_is_closed_by_the_next(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = crashed(hours, monkeypatch, BEFORE_COMMIT)
    assert [one.id for one in unfinished_backups(hours.oid, hourly=True)] == [run]
    hours.world.clock.advance(hours=1)
    hours.hour()
    known = find_run(run)
    assert known is not None
    assert (known.state, known.snapshot) == (RunState.ABANDONED, None)
    assert unfinished_backups(hours.oid, hourly=True) == []
    assert list(hours.app.home.work.iterdir()) == []
    assert hours.snapshots() == 2


def test_an_hour_that_crashed_is_closed_by_the_night(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = crashed(hours, monkeypatch, BEFORE_COMMIT)
    backup(hours.app, "sales")
    known = find_run(run)
    assert known is not None
    assert known.state is RunState.ABANDONED
    assert hours.snapshots() == 2


def test_an_hour_that_crashed_after_its_commit_is_done(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = crashed(hours, monkeypatch, AFTER_COMMIT)
    assert hours.snapshots() == 2
    hours.world.clock.advance(hours=1)
    hours.hour()
    known = find_run(run)
    assert known is not None
    assert (known.state, known.snapshot) == (RunState.DONE, 2)


def test_an_hour_that_was_killed_once_it_had_ended_stays_ended_and_leaves_no_steps(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(hours, lambda: TransientError("away", "Away."), 1)
    hours.world.clock.advance(hours=1)
    run = run_of_hour(hours.oid, name_of_hour(hours.now))
    with monkeypatch.context() as patch:
        patch.setattr(hours.app.steps, "drop", lambda *_told: crash())
        with pytest.raises(KeyboardInterrupt):
            hours.hour()
    assert hours.app.steps.runs() == [run]
    assert unfinished_backups(hours.oid, hourly=True) == []
    hours.world.clock.advance(hours=1)
    assert hours.hour().ending is HourlyEnding.DONE
    known = find_run(run)
    assert known is not None
    assert (known.state, code_of(known.error)) == (RunState.FAILED, "away")
    backup(hours.app, "sales")
    assert hours.app.steps.runs() == []


def test_an_hour_whose_steps_were_lost_begins_again_within_the_hour(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of steps may be moved away when it is damaged."""
    run = crashed(hours, monkeypatch, BEFORE_COMMIT)
    hours.app.steps.drop(run)
    hours.world.clock.advance(seconds=600)
    assert hours.hour() == HourlyBackup(run, HourlyEnding.DONE)
    assert hours.snapshots() == 2


def test_cancelling_what_a_crash_left_ends_it(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = crashed(hours, monkeypatch, BEFORE_COMMIT)
    assert "was cancelled manually" in cancel(hours.app, run).sentence
    known = find_run(run)
    assert known is not None
    assert known.state is RunState.ABANDONED


def test_a_lease_that_cannot_be_asked_for_is_told(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = crashed(hours, monkeypatch, BEFORE_COMMIT)

    def odd(*_told: object, **_more: object) -> None:
        raise Conflict("odd", "Odd.")

    monkeypatch.setattr("unlost.app.actions.runs.control.close_hours", odd)
    with pytest.raises(Conflict, match="Odd"):
        cancel(hours.app, run)


def test_old_hours_are_forgotten(hours: Hours) -> None:
    hours.until("2026-03-02T05:30")
    hours.world.clock.advance(seconds=REMEMBERED.total_seconds())
    hours.until("2026-03-16T07:30")
    assert {run.started_at.day for run in list_runs("sales", hourly=True)} == {16}
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=hours.now)
    assert find_run("backup-x") is not None


def test_hours_ask_for_no_copy_of_the_homes_data(hours: Hours) -> None:
    """Thirty copies are kept: a copy for each hour would leave those of one day."""
    hours.world.clock.advance(seconds=60)
    copy_if_due(hours.app)
    hours.until("2026-03-02T08:30")
    assert len(hours.done) == 5
    assert not copy_is_due(hours.app)
    hours.until("2026-03-03T04:30")
    assert copy_is_due(hours.app)
