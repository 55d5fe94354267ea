"""Alerts are told once, to each channel, until they are over."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from homes import World
from scenes import Lead, scene, with_a_night
from unlost.alerts.senders import Sender
from unlost.app.actions.alerts.alerts import (
    ChannelRequest,
    acknowledged,
    add_channel,
    beat,
    deliver,
    drop_channel,
    show,
    try_channels,
    watch,
)
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.alerts import RETRIES
from unlost.catalog.runs.runs import begin_run
from unlost.catalog.vault.checks import save_check
from unlost.model.alert import (
    AlertRule,
    ChannelKind,
    Notification,
    NotificationKind,
    RaisedAlert,
    Urgency,
)
from unlost.model.errors import NotAllowed, NotFound, StoreError, TransientError, UsageError
from unlost.model.message import Message
from unlost.model.runs.night import CheckRecord
from unlost.model.source.quota import Quota
from unlost.model.source.reading import Json
from unlost.model.vault.snapshot import CommitKind

AT = datetime(2026, 5, 4, tzinfo=UTC)
ALARM = RaisedAlert(AlertRule.INCOMPLETE, "sales", "", Urgency.SOON, Message("", "It is not.", ""))
URL = "https://hooks.example.com/x"


class Post:
    """Takes all messages, or says why not."""

    def __init__(self) -> None:
        self.taken: list[Notification] = []
        self.secrets: list[str | None] = []
        self.error: Exception | None = None

    def __call__(
        self, kind: ChannelKind, settings: Mapping[str, Json], secret: str | None
    ) -> Sender:
        assert "quiet" not in settings
        self.secrets.append(secret)
        return self

    def send(self, message: Notification) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(message)


class Desk:
    def __init__(self, world: World) -> None:
        self.world, self.app = world, world.app
        self.post, self.watcher = Post(), Watcher()

    def look(self, *, minutes: float = 1) -> list[Notification]:
        """What is told by the time that so much time has passed."""
        self.world.clock.advance(seconds=60 * minutes)
        before = len(self.post.taken)
        watch(self.app, self.watcher)
        deliver(self.app, senders=self.post)
        return self.post.taken[before:]

    def hook(self, name: str = "hook", **told: str) -> None:
        asked = ChannelRequest(name=name, kind=ChannelKind.WEBHOOK, url=URL, **told)
        add_channel(self.app, asked, secret="sesame")

    def damage(self, *damages: str) -> None:
        save_check(CheckRecord(self.app.clock.now(), "quick", 1, 1, damages))

    def rules(self) -> list[AlertRule]:
        return sorted(one.raised.rule for one in show(self.app).alerts)


def quiet(world: World) -> Desk:
    """An org that is backed up, and whose next night is far away."""
    with_a_night(world)
    change(world.app, "sales", ScheduleChange(at="off"))
    made = Desk(world)
    made.hook()
    return made


in_peace = scene(quiet)


@pytest.fixture
def desk(world: World, in_peace: Lead) -> Desk:
    return in_peace(world)


def test_nothing_is_told_where_all_is_well(desk: Desk) -> None:
    assert desk.look() == []
    assert show(desk.app).alerts == ()


def test_an_alert_is_told_once_and_once_more_when_it_is_over(desk: Desk) -> None:
    desk.damage("packs/1 is missing.")
    (opened,) = desk.look()
    assert (opened.event, opened.raised.rule) == (NotificationKind.OPENED, AlertRule.VAULT_DAMAGED)
    assert [head[:2] for head in opened.heads] == [("sales", 1)]
    assert len(opened.heads[0][2]) == 12
    assert desk.look(minutes=600) == []
    desk.damage()
    (over,) = desk.look()
    assert (over.event, over.raised) == (NotificationKind.RESOLVED, opened.raised)
    assert desk.look() == []
    assert show(desk.app).alerts == ()
    (kept,) = show(desk.app, all_of_them=True).alerts
    assert kept.resolved_at is not None


def test_it_is_told_again_when_it_comes_again(desk: Desk) -> None:
    for _ in range(2):
        desk.damage("packs/1 is missing.")
        assert [one.event for one in desk.look()] == [NotificationKind.OPENED]
        desk.damage()
        assert [one.event for one in desk.look()] == [NotificationKind.RESOLVED]


def test_each_channel_is_told(desk: Desk) -> None:
    desk.hook("second")
    desk.damage("packs/1 is missing.")
    assert len(desk.look()) == 2
    assert set(desk.post.secrets) == {"sesame"}


def silent(desk: Desk) -> dict[str, str]:
    """The errors of channels, in English."""
    return {name: str(error) for name, error in show(desk.app).silent.items()}


def test_a_message_that_is_not_taken_is_sent_again_later_and_later(desk: Desk) -> None:
    desk.post.error = TransientError("message-not-taken", "The server is away.")
    desk.damage("packs/1 is missing.")
    assert desk.look() == []
    assert silent(desk) == {"hook": "The server is away."}
    assert desk.look(minutes=RETRIES[0] - 0.5) == []
    desk.post.error = None
    assert len(desk.look(minutes=1)) == 1
    assert show(desk.app).silent == {}
    assert desk.look(minutes=60) == []


def test_a_message_that_nobody_takes_for_a_day_is_given_up(desk: Desk) -> None:
    desk.post.error = TransientError("message-not-taken", "The server is away.")
    desk.damage("packs/1 is missing.")
    for _ in range(40):
        desk.look(minutes=60)
    desk.post.error = None
    assert desk.look(minutes=600) == []
    assert silent(desk) == {"hook": "The server is away."}


def test_a_channel_that_refuses_is_not_asked_again(desk: Desk) -> None:
    desk.post.error = NotAllowed("message-refused", "The address is unknown.")
    desk.damage("packs/1 is missing.")
    desk.look()
    desk.post.error = None
    assert desk.look(minutes=600) == []
    assert silent(desk) == {"hook": "The address is unknown."}


def test_what_was_never_told_is_not_called_over(desk: Desk) -> None:
    desk.post.error = TransientError("message-not-taken", "The server is away.")
    desk.damage("packs/1 is missing.")
    desk.look()
    desk.post.error = None
    desk.damage()
    assert desk.look(minutes=60) == []


def test_who_sees_to_an_alert_hears_no_more_of_it_until_it_is_over(desk: Desk) -> None:
    desk.hook("second")
    desk.post.error = TransientError("message-not-taken", "The server is away.")
    desk.damage("packs/1 is missing.")
    desk.look()
    acknowledged(desk.app, "vault-damaged")
    desk.post.error = None
    assert desk.look(minutes=60) == []
    (held,) = show(desk.app).alerts
    assert held.acknowledged_at is not None
    with pytest.raises(NotFound) as caught:
        acknowledged(desk.app, "night-failed/sales")
    assert caught.value.code == "alert-unknown"


def test_an_alert_that_grows_urgent_is_told_again(desk: Desk) -> None:
    source = desk.world.connector.source("one")
    change(desk.app, "sales", ScheduleChange(at="03:00", window=0))
    calls = {"failures": 0}
    discover = source.discover

    def away() -> object:
        calls["failures"] += 1
        if calls["failures"] == 3:
            raise NotAllowed("sign-in", "The password is wrong.")
        raise TransientError("source-away", "It does not answer.")

    source.discover = away  # type: ignore[method-assign, assignment]
    from unlost.app.actions.backups.night import do_night
    from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
    from unlost.model.runs.jobs import Job, JobKind

    class Now:
        def delete_failed(self, ids: object) -> None:
            pass

        def enqueue(self, job: Job) -> None:
            if job.kind is JobKind.NIGHT:
                do_night(desk.app, job.org, job.subject)

    told = []
    for _ in range(40):
        told += desk.look(minutes=5)
        enqueue_due_jobs(desk.app, Now())
    assert [(one.raised.rule, one.raised.urgency.value) for one in told] == [
        (AlertRule.NIGHT_FAILED, "soon"),
        (AlertRule.NIGHT_FAILED, "now"),
    ]
    source.discover = discover  # type: ignore[method-assign]


def test_quiet_hours_hold_back_what_is_not_urgent(desk: Desk) -> None:
    drop_channel(desk.app, "hook")
    desk.hook(quiet="22:00-07:00", zone="Europe/Zurich")
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=desk.app.clock.now())
    desk.world.clock.advance(hours=20)  # 22:00 in Zurich
    found = desk.look()
    assert {one.raised.rule for one in found} == {AlertRule.RUN_STUCK}, "that one is urgent"
    assert desk.rules() == [AlertRule.NIGHT_LATE, AlertRule.RUN_STUCK]
    assert desk.look(minutes=8 * 60) == []
    assert [one.raised.rule for one in desk.look(minutes=60)] == [AlertRule.NIGHT_LATE]


def test_a_test_says_which_channels_work(desk: Desk) -> None:
    desk.hook("second")
    assert [one.problem for one in try_channels(desk.app, senders=desk.post).channels] == ["", ""]
    assert [one.event for one in desk.post.taken] == [NotificationKind.TEST, NotificationKind.TEST]
    desk.post.error = NotAllowed("message-refused", "The address is unknown.", next_step="Look.")
    (told,) = try_channels(desk.app, "second", senders=desk.post).channels
    assert (told.channel, told.problem, told.next_step) == (
        "second", "The address is unknown.", "Look.",
    )  # fmt: skip
    for name in ("third", None):
        if name is None:
            drop_channel(desk.app, "hook")
            drop_channel(desk.app, "second")
        with pytest.raises(NotFound):
            try_channels(desk.app, name, senders=desk.post)
    with pytest.raises(NotFound):
        drop_channel(desk.app, "hook")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"url": None}, "channel-invalid"),
        ({"quiet": "always"}, "schedule-unreadable"),
        ({"quiet": "22:00-07:00", "zone": "Europe/Atlantis"}, "zone-unknown"),
    ],
)
def test_channels_that_cannot_work_are_refused(
    desk: Desk, told: dict[str, str | None], code: str
) -> None:
    values = {"url": URL, **told}
    asked = ChannelRequest(name="x", kind=ChannelKind.WEBHOOK, **values)  # type: ignore[arg-type]
    with pytest.raises(UsageError) as caught:
        add_channel(desk.app, asked, secret=None)
    assert caught.value.code == code
    assert [one.name for one in show(desk.app).channels] == ["hook"]


def test_what_a_backup_proved_is_read_when_it_is_new_and_not_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    at = desk.world.vault.at

    def counted(org: str, number: int, *, forgotten: bool = False) -> object:
        asked.append(number)
        return at(org, number, forgotten=forgotten)

    monkeypatch.setattr(desk.world.vault, "at", counted)
    desk.look()
    desk.look()
    assert asked == [1]
    desk.world.clock.advance(hours=1)
    backup(desk.app, "sales")
    desk.look()
    assert [number for number in asked[1:] if number == 2]


def test_a_message_that_no_library_can_send_holds_up_no_other(desk: Desk) -> None:
    desk.hook("second")
    desk.damage("packs/1 is\nmissing.")
    desk.post.error = ValueError("Header values may not contain linefeed")
    assert desk.look() == []
    assert set(show(desk.app).silent) == {"hook", "second"}
    desk.post.error = None
    desk.damage()
    assert desk.look(minutes=60) == []
    assert (
        "\n"
        not in Notification(
            NotificationKind.OPENED, replace(ALARM, message=Message("", "a\nb")), AT, AT
        ).title
    )


def test_a_channel_that_does_not_answer_is_asked_once_a_look(desk: Desk) -> None:
    asked: list[str] = []

    class Away:
        def __init__(self, *told: object) -> None:
            pass

        def send(self, message: Notification) -> None:
            asked.append(message.raised.key)
            raise TransientError("message-not-taken", "It is away.")

    at = desk.app.clock.now()
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=at)
    desk.damage("packs/1 is missing.")
    desk.world.clock.advance(hours=13)
    watch(desk.app, desk.watcher)
    deliver(desk.app, senders=Away)
    assert len(desk.rules()) == 3
    assert len(asked) == 1


def test_a_channel_that_is_added_later_is_told_what_lasts(desk: Desk) -> None:
    desk.damage("packs/1 is missing.")
    assert len(desk.look()) == 1
    desk.hook("second")
    assert len(desk.look()) == 1, "the new one alone"
    desk.hook("second")
    assert desk.look() == [], "it was told"


def test_an_alert_that_gets_worse_is_told_again(desk: Desk) -> None:
    source = desk.world.connector.source("one")
    told = []
    for used in (0.85, 0.86, 0.92):
        source.quota = (Quota("data storage", used, 1.0, "bytes"),)
        backup(desk.app, "sales")
        told += [(one.event, one.raised.level) for one in desk.look()]
    assert told == [(NotificationKind.OPENED, 1), (NotificationKind.OPENED, 2)]


def test_a_restore_is_no_backup_that_is_late(desk: Desk) -> None:
    at = desk.app.clock.now()
    begin_run("restore-x", org="sales", kind=CommitKind.RESTORE, full=False, at=at)
    assert desk.look(minutes=900) == []


def test_a_run_that_is_gone_on_with_is_not_late_for_its_pause(desk: Desk) -> None:
    at = desk.app.clock.now()
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=at)
    desk.world.clock.advance(hours=9)
    now = desk.app.clock.now()
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=now)
    assert desk.look() == []


def test_a_vault_that_is_away_is_told_and_what_it_proved_is_not_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.look() == []

    def away(*told: object) -> None:
        raise StoreError("vault-missing", "Its disk is away.")

    for name in ("snapshots", "newest_backup"):
        monkeypatch.setattr(desk.world.vault, name, away)
    (told,) = desk.look()
    assert (told.raised.key, told.heads) == ("vault-damaged/unreadable", ())
    monkeypatch.undo()
    (over,) = desk.look()
    assert over.event is NotificationKind.RESOLVED


def test_a_heartbeat_says_that_the_service_is_alive_and_nothing_else(desk: Desk) -> None:
    for name in ("watcher", "second"):
        asked = ChannelRequest(name=name, kind=ChannelKind.HEARTBEAT, url=URL)
        add_channel(desk.app, asked, secret=None)
    desk.damage("packs/1 is missing.")
    assert len(desk.look()) == 1, "alerts go to the hook alone"
    before = len(desk.post.taken)
    assert beat(desk.app, senders=desk.post) == ()
    alive = desk.post.taken[before:]
    assert [one.event for one in alive] == [NotificationKind.ALIVE, NotificationKind.ALIVE]
    assert alive[0].heads[0][:2] == ("sales", 1)
    assert alive[0].title == "Unlost is running"
    desk.post.error = TransientError("message-not-taken", "The watcher is away.")
    assert beat(desk.app, senders=desk.post) == ("second", "watcher")


def test_a_run_that_moves_is_not_stuck(desk: Desk) -> None:
    from unlost.catalog.runs.observer import SqlObserver
    from unlost.model.runs.progress import Phase, Progress

    at = desk.app.clock.now()
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=at)
    watched = SqlObserver("backup-x", clock=desk.app.clock)
    desk.world.clock.advance(seconds=3_000)
    watched.progress(Progress(Phase.READ, "Account", rows=1))
    watched.flush()
    assert desk.look() == []
    assert [one.raised.rule for one in desk.look(minutes=31)] == [AlertRule.RUN_STUCK]


# --- messages that cross the end of their alert ---------------------------------------------------


class Crossing(Post):
    """While it is sent, its cause ends."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.crossed = desk, False

    def send(self, message: Notification) -> None:
        if not self.crossed:
            self.crossed = True
            self.desk.damage()
            watch(self.desk.app, self.desk.watcher)
        super().send(message)


def test_who_is_told_of_what_just_ended_is_told_the_end(desk: Desk) -> None:
    desk.damage("x is missing")
    watch(desk.app, desk.watcher)
    post = Crossing(desk)
    for _ in range(3):
        deliver(desk.app, senders=post)
        desk.world.clock.advance(seconds=60)
    assert [one.event for one in post.taken] == [NotificationKind.OPENED, NotificationKind.RESOLVED]


def test_what_ended_while_a_channel_was_away_is_not_told_later(desk: Desk) -> None:
    desk.damage("x is missing")
    watch(desk.app, desk.watcher)
    post = Crossing(desk)
    post.error = TransientError("away", "It is away.")
    deliver(desk.app, senders=post)
    post.error = None
    for _ in range(5):
        desk.world.clock.advance(hours=1)
        deliver(desk.app, senders=post)
    assert post.taken == []


def test_what_is_over_before_its_turn_is_not_sent(desk: Desk) -> None:
    desk.hook("second")
    desk.damage("x is missing")
    watch(desk.app, desk.watcher)
    post = Crossing(desk)
    deliver(desk.app, senders=post)
    assert len(post.taken) == 1
