"""The service does by itself what is due, in a queue that survives it."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from homes import World
from patience import HANGING, until
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.runs.due_jobs import EnqueuedJobs
from unlost.app.home.cancellation import CancellableBudget, CancellationFlag
from unlost.app.service import service
from unlost.app.service.service import BEAT_SECONDS, Service
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.nights import nights_of
from unlost.catalog.runs.open_bypasses import note_bypass
from unlost.catalog.runs.runs import begin_run
from unlost.catalog.vault.checks import standing_check
from unlost.model.alert import AlertRule, ChannelKind, Notification, NotificationKind
from unlost.model.errors import Conflict, LimitReached, NotAllowed, StoreError, TransientError
from unlost.model.runs.night import NightState
from unlost.model.vault.snapshot import CommitKind

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Running:
    """A service in a thread, and the world that it serves."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cancel_flag = CancellationFlag()
        self.service = Service(self.opened, self.cancel_flag, every=0.05)
        self.thread = threading.Thread(target=self.service.run)

    def opened(self, cancel_flag: CancellationFlag) -> object:
        return self.world.opened(cancel_flag=cancel_flag)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.cancel_flag.set()
        self.thread.join(HANGING)
        assert not self.thread.is_alive()

    def until(self, holds: Callable[[], bool]) -> None:
        until(holds)


@pytest.fixture
def running(sales: World) -> Iterator[Running]:
    change(sales.app, "sales", ScheduleChange(at="03:00", window=0))
    made = Running(sales)
    yield made
    if made.thread.is_alive():
        made.stop()


def done(world: World) -> int:
    nights = nights_of(get_org("sales").oid, most=50)
    return sum(night.state is NightState.DONE for night in nights)


def test_nights_come_and_go_and_the_vault_is_looked_at(running: Running) -> None:
    running.start()
    for count in (1, 2):
        running.world.clock.advance(days=1)
        running.until(lambda count=count: done(running.world) == count)
    running.until(lambda: standing_check() is not None)
    check = standing_check()
    assert check is not None
    assert check.damages == ()
    oid = get_org("sales").oid
    assert len(running.world.vault.snapshots(oid)) == 2


def test_a_run_that_is_stopped_goes_on_with_the_next_service(running: Running) -> None:
    world = running.world
    source = world.connector.source("one")
    discover, met = source.discover, threading.Event()

    def slow() -> object:
        met.set()
        running.cancel_flag.wait(HANGING)
        world.connector.contexts[-1].budget.take()
        return discover()

    source.discover = slow  # type: ignore[method-assign, assignment]
    running.start()
    world.clock.advance(days=1)
    assert met.wait(HANGING)
    running.stop()
    (night,) = nights_of(get_org("sales").oid, most=5)
    assert night.state is NightState.WAITING
    assert night.failures == 0
    source.discover = discover  # type: ignore[method-assign]
    again = Running(world)
    again.start()
    again.until(lambda: done(world) == 1)
    again.stop()
    (night,) = nights_of(get_org("sales").oid, most=5)
    assert night.tries == 2


@pytest.mark.files
def test_a_second_service_in_one_home_is_refused(running: Running) -> None:
    running.start()
    running.until((running.world.home.locks / "worker").exists)
    running.until((running.world.home.root / "queue.sqlite").exists)
    with pytest.raises(Conflict, match="already runs the jobs of this home"):
        Service(running.opened, CancellationFlag(), every=0.05).run(once=True)


def test_once_does_what_is_due_and_ends(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    running.world.clock.advance(days=1)
    running.service.run(once=True)
    assert done(running.world) == 1
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {one["event"]: one for one in events}
    assert next(iter(told)) == "service-started"
    assert list(told)[-1] == "service-stopped"
    assert {"night-begun", "night-tried", "vault-verified"} <= set(told)
    assert told["night-tried"]["state"] == "done"


def test_a_fault_of_one_look_does_not_end_the_service(
    running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [StoreError("vault-away", "It is away."), ZeroDivisionError("division by zero")]

    def failing(app: object, jobs: object) -> EnqueuedJobs:
        if errors:
            raise errors.pop(0)
        running.cancel_flag.set()
        return EnqueuedJobs((), ())

    monkeypatch.setattr("unlost.app.service.service.enqueue_due_jobs", failing)
    running.service.run()
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one.get("code") for one in events if one["event"] == "tick-failed"] == [
        "vault-away", "ZeroDivisionError",
    ]  # fmt: skip


@pytest.fixture
def left_on(running: Running) -> Running:
    """A killed restore left the bypass of the org on; only its note matters here."""
    begin_run("restore-1", org="sales", kind=CommitKind.RESTORE, full=False, at=NOON)
    note_bypass("restore-1", "flag Quiet")
    return running


def test_the_service_closes_bypasses_that_killed_restores_left_on(
    left_on: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    orgs: list[str] = []
    monkeypatch.setattr(service, "close_bypasses", lambda _, org: orgs.append(org.name))
    left_on.service.run(once=True)
    assert orgs == ["sales"]


def test_backups_go_on_while_an_org_hangs_whose_bypass_is_closed(
    left_on: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answered, calls = threading.Event(), threading.Event(), []

    def hang(*_: object) -> None:
        calls.append(1)
        begun.set()
        assert answered.wait(HANGING)

    monkeypatch.setattr(service, "close_bypasses", hang)
    left_on.start()
    try:
        assert begun.wait(HANGING)
        for count in (1, 2):
            left_on.world.clock.advance(days=1)
            left_on.until(lambda count=count: done(left_on.world) == count)
        assert len(calls) == 1, "one at a time"
    finally:
        answered.set()
    left_on.until(lambda: len(calls) == 2)


def test_alerts_are_told_by_the_service(running: Running) -> None:
    told: list[Notification] = []

    class Post:
        def __init__(self, *settings: object) -> None:
            pass

        def send(self, message: Notification) -> None:
            told.append(message)

    world = running.world
    add_channel(
        world.app,
        ChannelRequest(name="hook", kind=ChannelKind.WEBHOOK, url="https://x"),
        secret=None,
    )
    world.connector.source("one").discover = refuse  # type: ignore[method-assign, assignment]
    running.service = Service(running.opened, running.cancel_flag, every=0.05, senders=Post)
    running.thread = threading.Thread(target=running.service.run)
    running.start()
    world.clock.advance(days=1)
    running.until(lambda: bool(told))
    assert [(one.event, one.raised.rule) for one in told] == [
        (NotificationKind.OPENED, AlertRule.NIGHT_FAILED)
    ]


def test_a_heartbeat_comes_every_few_minutes(running: Running) -> None:
    told: list[Notification] = []

    class Post:
        def __init__(self, *settings: object) -> None:
            pass

        def send(self, message: Notification) -> None:
            told.append(message)
            if len(told) == 2:
                raise TransientError("message-not-taken", "It is away.")

    world = running.world
    asked = ChannelRequest(name="watcher", kind=ChannelKind.HEARTBEAT, url="https://x")
    add_channel(world.app, asked, secret=None)
    running.service = Service(running.opened, running.cancel_flag, every=0.05, senders=Post)
    running.thread = threading.Thread(target=running.service.run)
    running.start()
    for count in (1, 2, 3):
        running.until(lambda count=count: len(told) >= count)
        assert len(told) == count, "the clock stands"
        world.clock.advance(seconds=BEAT_SECONDS)
    assert {one.event for one in told} == {NotificationKind.ALIVE}


def refuse() -> None:
    raise NotAllowed("sign-in", "The password is wrong.")


def test_a_budget_hands_on_what_is_told_until_the_flag_is_set() -> None:
    said: list[object] = []

    class Kept:
        def take(self, calls: int = 1) -> None:
            said.append(calls)

        def report(self, *, used: int, limit: int) -> None:
            said.append((used, limit))

    cancel_flag = CancellationFlag()
    budget = CancellableBudget(Kept(), cancel_flag)
    budget.take(3)
    budget.report(used=1, limit=2)
    cancel_flag.set()
    with pytest.raises(LimitReached):
        budget.take()
    assert said == [3, (1, 2)]


def test_the_flag_stops_calls_and_stays_set() -> None:
    cancel_flag = CancellationFlag()
    cancel_flag.check()
    assert cancel_flag.wait(0) is False
    cancel_flag.set()
    assert cancel_flag.is_set
    assert cancel_flag.wait(0)
    with pytest.raises(LimitReached) as caught:
        cancel_flag.check()
    assert caught.value.code == "run-stopped"
