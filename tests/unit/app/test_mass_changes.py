"""Each disaster raises its alert in the backup that saw it, from the second backup on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unit.app.test_alerts import Post
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel, deliver, watch
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange
from unlost.app.actions.backups.schedule import change as change_schedule
from unlost.app.alerts import evaluation
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.digest_email import mass_lines
from unlost.app.alerts.mass_facts import LIFETIME, MOST_BACKUPS, evaluate_new_backups
from unlost.catalog.conclusion_models import MassBackupRow
from unlost.catalog.mass_changes import backup_changes, set_limits
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
from unlost.catalog.silences import add_silence, silences_of
from unlost.catalog.vault.erasing import scrub
from unlost.model.alert import AlertRule, ChannelKind, Notification
from unlost.model.mass_changes import MassKind, MassLimits, Silence, SilenceKind
from unlost.model.plan import RecordKey
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.clock import VirtualClock

CUSTOMERS = 300


class Days:
    """An org with customers whose phones differ, backed up every day and watched."""

    def __init__(self, world: World) -> None:
        self.world, self.app, self.post = world, world.app, Post()
        self.watcher = Watcher()
        self.ids = [
            world.org.create("Account", {"Name": f"Customer {n}", "Phone": f"+41 {n}"})
            for n in range(CUSTOMERS)
        ]
        change_schedule(self.app, "sales", ScheduleChange(at="off"))
        hook = ChannelRequest(name="hook", kind=ChannelKind.WEBHOOK, url="https://ops.example/x")
        add_channel(self.app, hook, secret="sesame")
        self.night()

    @property
    def oid(self) -> str:
        return get_org("sales").oid

    def night(self) -> list[Notification]:
        """Back up, and return the messages that follow."""
        self.world.clock.advance(days=1)
        backup(self.app, "sales")
        return self.look()

    def look(self) -> list[Notification]:
        before = len(self.post.taken)
        self.world.clock.advance(seconds=60)
        watch(self.app, self.watcher)
        deliver(self.app, senders=self.post)
        return self.post.taken[before:]

    def set(self, values: dict[str, str | None], records: list[str], by: str = "U1") -> None:
        self.world.clock.advance(hours=1)
        for record in records:
            self.world.org.update("Account", record, values, by=by)

    def lines(self) -> list[str]:
        return list(mass_lines(self.watcher.seen.orgs[0]))


def begin(world: World) -> Days:
    with_sales(world)
    return Days(world)


begun = scene(begin)


@pytest.fixture
def days(world: World, begun: Lead) -> Days:
    return begun(world)


def test_1119_of_1196_overwritten_phones_raised_nothing(days: Days) -> None:
    days.set({"Phone": "0"}, days.ids[:280])
    (message,) = days.night()
    assert (message.raised.rule, message.raised.subject) == (AlertRule.MASS_CHANGE, "2")
    assert message.raised.sentence.startswith(
        "Phone was overwritten with one value in 280 of 303 records of Account in sales by Ada "
    )
    assert days.night() == []
    assert days.look() == []


def test_an_org_whose_clock_is_weeks_behind_raised_no_alert(days: Days) -> None:
    clock = days.world.org.clock = VirtualClock(days.world.clock.now())
    days.world.clock.advance(days=60)
    for phone, expected in (("0", 1), ("1", 1), ("1", 0)):
        clock.advance(days=1)
        days.set({"Phone": phone}, days.ids[:280])
        assert len(days.night()) == expected
        assert days.look() == [], "each message is sent once"
    assert [entry.number for entry in backup_changes(days.oid)] == [4, 3, 2]


def test_an_emptied_column(days: Days) -> None:
    days.set({"Phone": None}, days.ids[:20])
    (message,) = days.night()
    assert "Phone was emptied in 20 of 303 records" in message.raised.sentence


def test_a_doubled_import(days: Days) -> None:
    days.world.clock.advance(hours=1)
    for number in range(101):
        days.world.org.create("Account", {"Name": f"Customer {number}"})
    (message,) = days.night()
    assert "101 records of Account were created in sales by Ada" in message.raised.sentence


def test_slow_damage(days: Days) -> None:
    for day in range(3):
        days.set({"Phone": "0"}, days.ids[8 * day : 8 * day + 8])
        messages = days.night()
        assert bool(messages) is (day == 2)
    (message,) = messages
    assert "in 24 of 303 records of Account in sales within 7 days" in message.raised.sentence
    assert "--changed-between 1 4" in message.raised.command


def test_one_message_lists_all_of_a_backup_and_none_says_that_it_ended(days: Days) -> None:
    days.set({"Phone": None}, days.ids[:50])
    for record in days.ids[100:150]:
        days.world.org.delete("Account", record)
    (message,) = days.night()
    assert "50 records of Account were deleted" in message.raised.sentence
    assert "Phone was emptied" in message.raised.sentence
    days.world.clock.advance(days=9)
    assert days.look() == []


def test_ten_ordinary_days_raise_digests_only(days: Days) -> None:
    for day in range(10):
        for number, record in enumerate(days.ids[60 * (day % 3) : 60 * (day % 3) + 60]):
            days.world.org.update("Account", record, {"Phone": f"{day} {number}"})
        days.world.org.delete("Account", days.ids[-1 - day])
        days.world.org.create("Account", {"Name": "New"})
        assert days.night() == []
        assert days.lines() == ["sales: Ada Admin: 1 Account deleted, 60 Account edited (Phone)."]


def test_a_home_that_evaluated_none_begins_with_the_newest_backup(days: Days) -> None:
    for _ in range(2):
        days.set({"Phone": None}, days.ids[:30])
        days.world.clock.advance(days=1)
        backup(days.app, "sales")
        days.set({"Phone": "1"}, days.ids[:30])
    MassBackupRow.objects.all().delete()  # as after an upgrade
    evaluate_new_backups(days.app, days.oid)
    (changes,) = backup_changes(days.oid)
    assert (changes.number, changes.before) == (3, 2)
    assert MOST_BACKUPS > 7
    days.world.clock.advance(days=LIFETIME.days + 1)
    backup(days.app, "sales")
    assert [backup.number for backup in backup_changes(days.oid)] == [4]


def test_erased_users_are_removed_from_mass_changes(days: Days) -> None:
    days.set({"Phone": None}, days.ids, by="U1")
    days.night()
    silence = Silence(SilenceKind.MUTED, "sales", user="U1", reason="Usual")
    add_silence(days.oid, silence)
    add_silence(days.oid, replace(silence, user="U2"))
    assert scrub("sales", [RecordKey("User", "U9")]) == 0
    assert scrub("sales", [RecordKey("User", "U1")], stays=True) == 0
    assert scrub("sales", [RecordKey("User", "U1")]) == 2
    (change,) = backup_changes(days.oid)[0].changes
    assert [share.by for share in change.users] == [""]
    assert [s.user for s in silences_of(days.oid, since=days.world.clock.now())] == ["U2"]


def test_tables_are_watched_as_chosen(days: Days) -> None:
    set_limits(days.oid, {"Account": MassLimits(watched=False), "User": MassLimits(watched=True)})
    days.set({"Phone": None}, days.ids)
    days.world.org.update("User", "U1", {"Name": "Ada"})
    assert days.night() == []
    assert backup_changes(days.oid)[0].changes == ()


def test_the_service_does_not_evaluate_a_backup_that_is_being_made(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of the backup does it, and what it left undone is done afterwards."""
    days.set({"Phone": None}, days.ids)
    monkeypatch.setattr(evaluation, "evaluate_new_backups", fail)
    days.world.clock.advance(days=1)
    backup(days.app, "sales")
    assert backup_changes(days.oid) == []
    now = days.world.clock.now()
    begin_run("backup-next", org="sales", kind=CommitKind.BACKUP, full=False, at=now)
    assert days.look() == []
    end_run("backup-next", RunEnd(RunState.DONE, now))
    (message,) = days.look()
    assert message.raised.rule is AlertRule.MASS_CHANGE


def fail(*_: object) -> None:
    """A fault of ours."""
    raise ZeroDivisionError


def test_facts_survive_a_restart_and_a_vault_that_is_away(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.set({"Phone": None}, days.ids)
    days.night()
    known = days.watcher.seen.orgs[0].mass
    assert known.backups[0].changes[0].kind is MassKind.EMPTIED
    assert Watcher().gather(days.app).orgs[0].mass == known
    assert known.backups[0].as_of - known.backups[0].since > timedelta(hours=20)
