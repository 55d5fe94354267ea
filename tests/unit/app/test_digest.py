"""The digest: once a day at its time, whatever happens; and alerts of shape and credentials."""

import re
import threading
from datetime import datetime, time, timedelta

import pytest

from homes import SECRET, World
from patience import HANGING
from scenes import Lead, scene, with_sales
from unit.app.test_alerts import Post
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel, send_digest, watch
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.digest_email import DailyAt, digest_day
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service
from unlost.catalog.alerts import update_alerts
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.vault.checks import save_check
from unlost.model.alert import (
    AlertRule,
    ChannelKind,
    Notification,
    NotificationKind,
    RaisedAlert,
    Urgency,
)
from unlost.model.errors import NotFound, TransientError, UsageError
from unlost.model.message import Message
from unlost.model.ports.source import Connector
from unlost.model.runs.night import CheckRecord
from unlost.model.source.quota import Quota
from unlost.model.source.schema import WireKind

URL = "https://hooks.example.com/x"


def hook(world: World, name: str = "hook", **told: str) -> None:
    asked = ChannelRequest(name=name, kind=ChannelKind.WEBHOOK, url=URL, **told)
    add_channel(world.app, asked, secret="sesame")


def at(world: World, text: str) -> None:
    """Let it be a time of the virtual day."""
    now = world.clock.now()
    wanted = datetime.combine(now.date(), time.fromisoformat(text), now.tzinfo)
    if wanted <= now:
        wanted += timedelta(days=1)
    world.clock.advance(seconds=(wanted - now).total_seconds())


def told(world: World, post: Post) -> list[Notification]:
    """What the digest brings now."""
    watcher = Watcher()
    watcher.gather(world.app)
    before = len(post.taken)
    send_digest(world.app, watcher.seen, senders=post)
    return post.taken[before:]


def back_up(world: World) -> None:
    """One backup, and no nights."""
    with_sales(world)
    change(world.app, "sales", ScheduleChange(at="off"))
    backup(world.app, "sales")


backed_up = scene(back_up)


@pytest.fixture
def quiet(world: World, backed_up: Lead) -> World:
    backed_up(world)
    return world


def test_it_is_told_once_a_day_at_its_time(quiet: World) -> None:
    post = Post()
    hook(quiet, digest="07:30")
    hook(quiet, name="other")
    at(quiet, "07:00")
    assert told(quiet, post) == []
    at(quiet, "07:31")
    (message,) = told(quiet, post)
    assert message.event is NotificationKind.DIGEST
    assert message.title == "Protected: 1 of 1 org"
    assert message.lines[1].startswith("sales: Protected. Backup of 2026-")
    assert message.heads[0][:2] == ("sales", 1)
    assert told(quiet, post) == []
    at(quiet, "12:00")
    assert told(quiet, post) == []
    at(quiet, "07:30")
    assert len(told(quiet, post)) == 1


def test_it_tells_what_lasts_what_fills_and_what_is_not_protected(quiet: World) -> None:
    source = quiet.connector.source("one")
    for day in range(20):
        source.quota = (Quota("data storage", 50.0 + day, 100.0, "bytes"),)
        backup(quiet.app, "sales")
        quiet.clock.advance(days=1)
    quiet.org.hide_column("Account", "Phone")
    backup(quiet.app, "sales")
    now = quiet.clock.now()
    save_check(CheckRecord(now, "quick", 1, 1, ("x is missing",)))
    update_alerts(
        [RaisedAlert(AlertRule.INCOMPLETE, "sales", "", Urgency.SOON, Message("", "A gap.", ""))],
        now=now,
    )
    hook(quiet, digest="07:30")
    at(quiet, "07:30")
    (message,) = told(quiet, Post())
    text = "\n".join(message.lines)
    assert message.title == "Protected: 0 of 1 org"
    assert re.search(r"0 deleted; \d+ open gaps?\.", text), text
    assert re.search(r"data storage 69\.\d% full, 105% on 2026-", text), text
    assert "verified on" in text
    assert "is damaged" in text
    assert "1 open alert." in text
    assert "unlost alert list" in text


def test_an_org_without_a_backup_is_told(sales: World) -> None:
    hook(sales, digest="07:30", zone="Asia/Tokyo")
    at(sales, "22:30")  # in UTC
    (message,) = told(sales, Post())
    assert "sales: No backup yet. There is no backup yet." in message.lines


def test_a_channel_that_does_not_take_it_is_asked_again(quiet: World) -> None:
    post = Post()
    hook(quiet, digest="07:30")
    at(quiet, "07:30")
    post.error = TransientError("away", "It is away.")
    assert told(quiet, post) == []
    post.error = None
    assert len(told(quiet, post)) == 1


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2026-05-04T05:29:00+00:00", None),
        ("2026-05-04T05:30:00+00:00", "2026-05-04"),
        ("2026-05-04T11:29:00+00:00", "2026-05-04"),
        ("2026-05-04T11:31:00+00:00", None),
    ],
)
def test_it_is_told_within_some_hours_or_left_to_the_next_day(when: str, day: str | None) -> None:
    daily = DailyAt(time(7, 30), "Europe/Zurich")
    assert digest_day(daily, datetime.fromisoformat(when)) == day


def test_a_time_that_is_none_is_refused(quiet: World) -> None:
    with pytest.raises(UsageError) as caught:
        hook(quiet, digest="soon")
    assert caught.value.code == "schedule-unreadable"


# --- the service sends beside its looks -----------------------------------------------------------


def test_a_channel_that_does_not_answer_delays_no_night(sales: World) -> None:
    hook(sales)
    held, asked = threading.Event(), threading.Event()

    class Slow(Post):
        def send(self, message: Notification) -> None:
            asked.set()
            assert held.wait(HANGING)

    save_check(CheckRecord(sales.clock.now(), "quick", 1, 1, ("x is missing",)))
    ticks: list[int] = []
    cancel_flag = CancellationFlag()
    service = Service(
        lambda told: sales.opened(cancel_flag=told), cancel_flag, every=0.05, senders=Slow()
    )
    enqueue_due = Service._enqueue_due

    def counted(self: Service, *told: object) -> None:
        ticks.append(1)
        if len(ticks) > 5 and asked.is_set():
            held.set()
            cancel_flag.set()
        enqueue_due(self, *told)  # type: ignore[arg-type]

    Service._enqueue_due = counted  # type: ignore[method-assign]
    try:
        service.run()
    finally:
        Service._enqueue_due = enqueue_due  # type: ignore[method-assign]
    assert len(ticks) > 5


# --- shape and credentials ------------------------------------------------------------------------


def test_columns_that_vanish_or_change_their_type_are_told_until_the_next_night(
    quiet: World,
) -> None:
    rules = {one.rule for one in raised_alerts(Watcher().gather(quiet.app))}
    assert AlertRule.SCHEMA_DRIFT not in rules
    del quiet.org.tables["Account"].columns["Phone"]
    quiet.org.add_column("Account", "Colour", value="red")
    column = quiet.org.tables["Account"].columns["Number"]
    from dataclasses import replace

    quiet.org.tables["Account"].columns["Number"] = replace(column, kind=WireKind.DECIMAL)
    backup(quiet.app, "sales")
    watcher = Watcher()
    (alarm,) = [
        a for a in raised_alerts(watcher.gather(quiet.app)) if a.rule is AlertRule.SCHEMA_DRIFT
    ]
    assert "Account.Number is now decimal" in alarm.sentence
    assert "Account.Phone was removed" in alarm.sentence
    assert "Colour" not in alarm.sentence, "new columns are backed up, and no news"
    backup(quiet.app, "sales")
    rules = {one.rule for one in raised_alerts(watcher.gather(quiet.app))}
    assert AlertRule.SCHEMA_DRIFT not in rules


def test_a_credential_that_ends_soon_is_told(quiet: World) -> None:
    store = quiet.app.secrets(get_org("sales").oid)

    def said() -> list[tuple[Urgency, int]]:
        found = raised_alerts(Watcher().gather(quiet.app))
        return [(a.urgency, a.level) for a in found if a.rule is AlertRule.CREDENTIAL_EXPIRES]

    assert said() == []
    for days, expected in ((40, []), (20, [(Urgency.SOON, 0)]), (5, [(Urgency.NOW, 0)]),
                           (-1, [(Urgency.NOW, 1)])):  # fmt: skip
        end = quiet.clock.now() + timedelta(days=days)
        store.put("password", f"{SECRET} until {end.isoformat()}")
        assert said() == expected
    quiet.home.home_key.unlink()
    assert said() == []


def test_an_old_backup_is_not_praised(sales: World) -> None:
    hook(sales, digest="07:30")
    backup(sales.app, "sales")
    sales.clock.advance(days=9)
    at(sales, "07:30")
    (message,) = told(sales, Post())
    assert message.title == "Protected: 0 of 1 org"
    assert message.lines[1].startswith(
        "sales: At risk. The newest backup is 9 days old. Backup of "
    )


def test_a_second_change_of_shape_is_told_too(quiet: World) -> None:
    watcher, moves = Watcher(), []
    for column in ("Phone", "Number"):
        del quiet.org.tables["Account"].columns[column]
        backup(quiet.app, "sales")
        moves.append(watch(quiet.app, watcher))
    for one, number in zip(moves, (1, 2), strict=True):
        assert f"schema-drift/sales/{number}" in one.opened


def test_a_connector_that_is_not_installed_silences_nobody(quiet: World) -> None:
    def missing(_name: str) -> Connector:
        raise NotFound("connector-unknown", "It is not installed.")

    quiet.app.connector = missing
    assert [org.name for org in Watcher().gather(quiet.app).orgs] == ["sales"]
