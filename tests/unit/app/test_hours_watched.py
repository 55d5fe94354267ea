"""Hours fool nobody: what is watched, told and counted speaks of nights, and of the day as it was."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unit.app.test_hours import Hours
from unlost.alerts.mass_rules import LEAST_BACKUPS
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.records.history import history
from unlost.app.actions.records.show import show
from unlost.app.alerts.alert_facts import COUNTED_EXACTLY, Watcher
from unlost.app.alerts.digest_email import digest
from unlost.app.health.health import HealthState
from unlost.app.service.metrics import ORG_FIGURES
from unlost.catalog.vault.storage import storages
from unlost.model.alert import AlertRule
from unlost.model.mass_changes import MassKind
from unlost.model.source.quota import Quota
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.snapshot import nights

CUSTOMERS = 400


class Days(Hours):
    """People change a few customers each hour, the same ones again and again."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.watcher = Watcher()
        self.told: list[str] = []

    def live(self, *, hours: int, updates: int = 60, looks: int = 1) -> None:
        """Let hours pass; after so many of them somebody looks."""
        held = self.world.org.tables["Account"].records
        for hour in range(1, hours + 1):
            alive = [key for key, record in held.items() if not record.deleted][:updates]
            for key in alive:
                cells = {"Phone": f"{key} {self.now:%d %H}"}  # one value for all would be told
                self.world.org.update("Account", key, cells)
            self.pass_time(minutes=60, every=60)
            if hour % looks == 0:
                self.look()

    def look(self) -> set[str]:
        keys = {one.key for one in raised_alerts(self.watcher.gather(self.app))}
        self.told += sorted(keys - set(self.told))
        return keys


def begin(world: World) -> Days:
    """Many customers."""
    with_sales(world)
    for number in range(CUSTOMERS):
        world.org.create("Account", {"Name": f"Customer {number}"})
    return Days(world)


def one_day(world: World) -> Days:
    """A day and some hours in which they change."""
    days = begin(world)
    days.live(hours=27)
    return days


begun, after_day = scene(begin), scene(one_day)


@pytest.fixture
def days(world: World, begun: Lead) -> Days:
    return begun(world)


@pytest.fixture
def day(world: World, after_day: Lead) -> Days:
    return after_day(world)


@pytest.mark.deep
def test_ordinary_days_with_hours_are_silent_and_each_record_counts_once(days: Days) -> None:
    """Sixty customers change in each hour: as many as in a day without hours, not 1,440."""
    days.live(hours=24 * (LEAST_BACKUPS + 1), looks=4)
    assert days.told == []
    (org,) = days.watcher.seen.orgs
    assert {night.changed["Account"] for night in org.counts[:-2]} == {60}
    assert org.today is not None
    assert org.today.changed == {"Account": 60}
    assert org.part is not None
    assert org.part.partial
    assert org.proof is not None
    assert not org.proof.partial


@pytest.mark.deep
def test_days_long_ago_tell_nothing_of_tables_of_hours(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.app.alerts.alert_facts.COUNTED_EXACTLY", 2)
    assert COUNTED_EXACTLY > LEAST_BACKUPS
    days.live(hours=24 * 4, updates=4, looks=24)
    (org,) = days.watcher.seen.orgs
    assert ["Account" in night.records for night in org.counts] == [True, True, False, False]
    assert all("User" in night.records for night in org.counts[:-1])


def test_a_mass_deletion_is_told_within_the_hour_and_stays_told_after_the_night(
    days: Days,
) -> None:
    days.live(hours=30, updates=0)
    held = days.world.org.tables["Account"].records
    for key in list(held)[:200]:
        days.world.org.delete("Account", key)
    deleted = days.now
    days.live(hours=1, updates=0)
    hour = days.app.vault.snapshots(days.oid)[-1].number
    key = f"{AlertRule.MASS_CHANGE}/sales/{hour}"
    assert days.look() == {key}
    assert days.watcher.seen.orgs[0].today is not None
    days.until("2026-03-04T04:30")
    (org,) = days.watcher.gather(days.app).orgs
    assert org.counts[0].deleted["Account"] == 200, "the night's own part is none"
    (backup,) = [backup for backup in org.mass.backups if backup.number == hour]
    (loss,) = [change for change in backup.changes if change.kind is MassKind.DELETED]
    (share,) = loss.users
    assert (share.name, share.count) == ("Ada Admin", 200)
    assert share.first == share.last == deleted
    assert days.look() == {key}, "the nightly backup found nothing new"
    days.until("2026-03-05T04:30")
    assert days.look() == {key}, "it lasts until it is answered, or for a week"


def test_a_new_service_sees_the_same(day: Days) -> None:
    before = day.watcher.gather(day.app)
    assert Watcher().gather(day.app) == before


def test_the_digest_tells_of_the_day_and_how_fresh_the_tables_of_hours_are(day: Days) -> None:
    day.live(hours=1)
    said = digest(day.watcher.seen, lasting=0).sentence.splitlines()
    assert said[0] == "Protected: 1 of 1 org."
    assert said[1].startswith("sales: Protected. Backup of 2026-03-03 03:00 UTC, ")
    assert " 60 changed, 0 deleted" in said[1]
    assert said[2] == "sales: Account as of 2026-03-03 05:00 UTC."


def test_figures_tell_the_night_and_the_hour(day: Days) -> None:
    day.live(hours=1)
    (org,) = day.watcher.seen.orgs
    figures = {figure.name: figure.of(org) for figure in ORG_FIGURES}
    whole = nights(day.app.vault.snapshots(day.oid))[-1]
    assert figures["last_backup_timestamp_seconds"] == whole.as_of.timestamp()
    assert figures["last_hourly_timestamp_seconds"] == day.now.timestamp()


def test_the_doctor_asks_for_a_night_however_fresh_the_hours_are(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.live(hours=4, updates=0)
    monkeypatch.setattr("unlost.app.actions.backups.hour.open_nights", list)
    monkeypatch.setattr("unlost.app.actions.runs.due_jobs.open_nights", list)
    days.live(hours=40, updates=0)
    assert days.app.vault.snapshots(days.oid)[-1].partial
    checks = {one.name: one for one in doctor(days.app, ask=False).checks}
    told = checks["sales: backup"]
    assert told.health is HealthState.BAD
    assert told.sentence == "At risk: the newest backup is 42 hours old."
    assert f"{AlertRule.NO_RECENT_BACKUP}/sales" in days.look()


def test_hours_keep_no_samples_of_storages(days: Days) -> None:
    source = days.world.connector.source("one")
    source.quota = (Quota("data storage", 1.0, 10.0, "bytes"),)
    days.live(hours=28, updates=0)
    (held,) = storages(days.oid, since=days.now.replace(day=1))
    assert len(held.samples) == 2


def test_a_usual_hour_is_not_a_usual_night(days: Days) -> None:
    days.live(hours=6)
    from unlost.catalog.runs.runs import begin_run, list_runs
    from unlost.model.vault.snapshot import CommitKind

    begin_run("hourly-x", org="sales", kind=CommitKind.BACKUP, full=False, at=days.now, hourly=True)
    (org,) = days.watcher.gather(days.app).orgs
    assert [one.run for one in org.running] == ["hourly-x"]
    assert len(list_runs("sales")) == len(list_runs("sales", hourly=True)) + 1
    assert len(list_runs("sales", most=2)) == 2


def test_a_record_is_shown_as_of_when_its_table_was_read(days: Days) -> None:
    days.live(hours=5)
    night, *_, hour = days.app.vault.snapshots(days.oid)
    assert show(days.app, "sales", "Account", "A40017", at="latest").as_of == hour.as_of
    assert show(days.app, "sales", "User", "U1", at="latest").as_of == night.as_of
    days.world.org.purge("User", "U1")
    days.until("2026-03-03T04:30")
    assert history(days.app, "sales", "User", "U1").entries[-1].after == night.as_of
    gone = show(days.app, "sales", "User", "U1", at="latest").gone
    assert gone is not None
    assert gone.after == night.as_of, "no hour between looked at users"


def test_the_certificate_of_an_hour_rests_on_that_of_its_night(days: Days) -> None:
    days.live(hours=5)
    proof = certificate(days.app, "sales", at="latest").certificate
    assert (proof.rests_on, proof.verdict) == (1, Verdict.COMPLETE)
    assert [line.table for line in proof.tables] == ["Account"]
