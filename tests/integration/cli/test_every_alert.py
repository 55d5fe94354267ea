"""Each rule of alerts, from a failure that is planted to the mail and the webhook that tell of it.

The org, vault, queue, database, mail server and webhook receiver are real; the clock is moved by hand.
"""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import SECRET, Program
from integration.cli.test_by_itself import ByItself, alone
from unit.connectors.salesforce.test_expiry import pem
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.restores.queued_restore import hand_over
from unlost.app.actions.vault.mirror import run_mirror
from unlost.app.home.cancellation import CancellationFlag
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.observer import SqlObserver
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
from unlost.catalog.vault.storage import keep_samples
from unlost.model.alert import AlertRule
from unlost.model.errors import StoreError
from unlost.model.message import Message
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.quota import Quota
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.vault import EncryptedVault

__all__ = ["alone"]

pytestmark = [pytest.mark.deep, pytest.mark.long, pytest.mark.network]

BACKUP_USER = "backup@chocolate.example"
WRITER = "lotte.devos@chocolate.example"
HOUR, MINUTE = 1.0, 1 / 60
HOLDING_CONTACTS = {
    "Case": ("ContactId",),
    "Contract": ("CustomerSignedId",),
    "Order": ("BillToContactId", "CustomerAuthorizedById", "ShipToContactId"),
}
"""References that keep a contact from being deleted."""
ELSEWHERE = {
    AlertRule.SERVICE_SILENT,  # said by an outside watcher; here it hears the heartbeats
    AlertRule.NIGHT_FAILED,  # test_by_itself
    AlertRule.ORG_REPLACED,  # test_sandboxes
    AlertRule.REMOVAL_WAITS,  # unit/app/test_pending
    AlertRule.UNUSUAL_LOSS,  # unit/alerts/test_mass_rules: in a message of its own without facts
    AlertRule.LOSS,  # test_sixty_backups
    AlertRule.WATCHED,  # unit/app/test_watch_alerts
    AlertRule.ARCHIVE_SCHEDULE,  # unit/app/test_archive_schedules
    AlertRule.UNUSUAL_CHANGE,  # of earlier versions
}


class Story:
    """Plants one failure after the other, and listens."""

    def __init__(self, alone: ByItself) -> None:
        self.alone = alone
        self.heard: set[AlertRule] = set()

    @property
    def admin(self) -> Any:
        return self.alone.served.admin

    def act(self, call: Callable[[Any], Any]) -> Any:
        with self.alone.opened(CancellationFlag()) as app:
            return call(app)

    def night(self) -> None:
        """Until after the next night, which is made."""
        self.alone.pass_time(hours=24)
        self.alone.look()

    def expect(self, *rules: AlertRule, hours: float = 0.0, others: bool = False) -> None:
        """Time passes, the service looks, and both channels tell of these.

        Of nothing else, unless ``others`` are to be expected too.
        """
        before, mails = len(self.alone.hooks), len(self.alone.mails.read)
        if hours:
            self.alone.pass_time(hours=hours)
        self.alone.look()
        told = [one for one in self.alone.hooks[before:] if one["event"] == "opened"]
        found, wanted = {one["rule"] for one in told}, {rule.value for rule in rules}
        assert found >= wanted if others else found == wanted, told
        for one in told:
            assert one["sentence"]
            assert one["next_step"]
            assert any(one["title"] in text for text in self.alone.mails.read[mails:]), one
            assert any(one["command"] in text for text in self.alone.mails.read[mails:]), one
        self.heard |= set(rules)

    def expect_over(self, *rules: AlertRule) -> None:
        """A look later they are told to be over."""
        before = len(self.alone.hooks)
        self.alone.look()
        over = {one["rule"] for one in self.alone.hooks[before:] if one["event"] == "resolved"}
        assert over == {rule.value for rule in rules}


@pytest.fixture
def story(alone: ByItself) -> Story:
    return Story(alone)


def test_a_planted_failure_of_each_kind_reaches_mail_and_webhook(
    story: Story, tmp_path: Path
) -> None:
    story.alone.pass_time(hours=8)
    story.expect(AlertRule.INCOMPLETE)  # few tables are chosen: what is left out is a gap
    for plant in (
        slow_and_stuck,
        nothing_for_days,
        parked,
        a_table_and_a_column,
        mass_changes,
        storage,
        credentials,
        hours,
        halted_restore,
        growing_vault,
        damaged_vault,
        second_copy,
        digest,
    ):
        plant(story, tmp_path)
    assert story.heard == set(AlertRule) - ELSEWHERE


def slow_and_stuck(story: Story, _folder: Path) -> None:
    """A run of another process that is at it for hours, and then stands still."""

    def moves(app: Any) -> None:
        observer = SqlObserver("backup-slow", clock=app.clock)
        observer.progress(Progress(Phase.READ, "Account", rows=1))
        observer.flush()

    def begins(app: Any) -> None:
        begin_run("backup-slow", org="chocolate", kind=CommitKind.BACKUP, full=False,
                  at=app.clock.now())  # fmt: skip

    story.act(begins)
    story.alone.pass_time(hours=3)
    story.act(moves)
    story.expect(AlertRule.NIGHT_LATE)
    story.expect(AlertRule.RUN_STUCK, hours=31 * MINUTE)
    ended = RunEnd(RunState.FAILED, story.alone.clock.now(), error=Message("killed", ""))
    story.act(lambda _app: end_run("backup-slow", ended))
    story.expect_over(AlertRule.NIGHT_LATE, AlertRule.RUN_STUCK)


def nothing_for_days(story: Story, _folder: Path) -> None:
    """The machine was off for three days, and the org does not answer when it is back."""
    story.admin.fault("empty_500", path="/sobjects/?$", times=0)
    story.expect(AlertRule.NIGHT_MISSED, AlertRule.NO_RECENT_BACKUP, hours=72)
    story.admin.post("faults/clear")
    story.alone.pass_time(hours=10 * MINUTE)
    story.alone.look()
    story.expect_over()


def parked(story: Story, _folder: Path) -> None:
    """Other programs used the org's calls up."""
    story.alone.pass_time(hours=24)
    story.admin.post("settings", used={"DailyApiRequests": 990_000})
    story.expect(AlertRule.API_BUDGET)
    story.alone.pass_time(hours=1)
    story.admin.post("settings", used={"DailyApiRequests": 990_000})
    story.expect(AlertRule.NIGHT_PARKED)
    story.admin.post("settings", used={"DailyApiRequests": 1_000})
    story.alone.pass_time(hours=2)
    story.alone.look()
    assert story.alone.nights()[0][1] == "done"


def a_table_and_a_column(story: Story, _folder: Path) -> None:
    """Somebody takes a right away, and deletes a field."""
    story.admin.post("access/hide-object", username=BACKUP_USER, object="Case")
    story.admin.post("schema/drop-field", object="Account", field="Rating")
    story.alone.pass_time(hours=24)
    story.expect(AlertRule.TABLE_LOST, AlertRule.SCHEMA_DRIFT)
    story.admin.post("access/show-object", username=BACKUP_USER, object="Case")
    story.night()
    story.night()


def mass_changes(story: Story, _folder: Path) -> None:
    """A flow writes over all contacts, and somebody deletes two hundred of them."""
    for _ in range(5):
        story.night()
    named = {
        row[column]
        for table, columns in HOLDING_CONTACTS.items()
        for row in story.admin.get("export", object=table)["rows"]
        for column in columns
    }
    contacts = [row["Id"] for row in story.admin.get("export", object="Contact")["rows"]]
    quiet = [contact for contact in contacts if contact not in named]
    story.admin.post("records/delete", object="Contact", ids=quiet[:200])
    story.admin.post("records/update-where", object="Contact", set={"Phone": "0"})
    story.alone.pass_time(hours=24)
    story.expect(AlertRule.MASS_CHANGE)
    story.night()


def storage(story: Story, _folder: Path) -> None:
    """The storage fills up; another one will, as it grew lately."""

    def grown(app: Any) -> None:
        for day in range(30):
            at = app.clock.now() - timedelta(days=30 - day)
            used = Quota("planted storage", 700.0 + 9 * day, 1_000.0, "bytes")
            keep_samples(get_org("chocolate").oid, [used], at=at)

    story.act(grown)
    story.expect(AlertRule.STORAGE_FORECAST)
    used = story.admin.get("counters")["data_bytes"]
    story.admin.post("settings", data_storage_mb=int(used / 1024**2 / 0.9))
    story.alone.pass_time(hours=24)
    story.expect(AlertRule.STORAGE)


def credentials(story: Story, _folder: Path) -> None:
    """A certificate by which the org is signed in to ends in three weeks."""
    ends = story.alone.clock.now() + timedelta(days=21)
    oid = story.act(lambda _app: get_org("chocolate").oid)
    story.act(lambda app: app.secrets(oid).put("private_key", pem("backup", until=ends)))
    story.expect(AlertRule.CREDENTIAL_EXPIRES)
    story.act(lambda app: app.secrets(oid).put("private_key", ""))
    story.expect_over(AlertRule.CREDENTIAL_EXPIRES)


def hours(story: Story, _folder: Path) -> None:
    """The org answers no hour; the night is not touched by it."""
    story.act(lambda app: change(app, "chocolate", ScheduleChange(hourly="Case")))
    story.admin.fault("empty_500", path="/sobjects/?$", times=0)
    for _ in range(3):
        story.alone.pass_time(hours=1)
        if AlertRule.HOURLY_FAILED not in story.heard:
            before = len(story.alone.hooks)
            story.alone.look()
            if any(one["rule"] == "hourly-failed" for one in story.alone.hooks[before:]):
                assert any("hour" in text for text in story.alone.mails.read[-1:])
                story.heard.add(AlertRule.HOURLY_FAILED)
    story.admin.post("faults/clear")
    story.act(lambda app: change(app, "chocolate", ScheduleChange(hourly="none")))
    story.alone.look()


def halted_restore(story: Story, folder: Path) -> None:
    """A restore was handed to the service, and its user may not write any more."""
    program = Program(story.alone.program.home, {"UNLOST_WRITER_CLIENT_SECRET": SECRET})
    story.admin.post("apps", consumer_key="chocolate-restore", consumer_secret=SECRET,
                     run_as=WRITER)  # fmt: skip
    assert program("org", "writer", "chocolate", "--client-id", "chocolate-restore").code in {0, 3}
    case = story.admin.get("export", object="Case")["rows"][0]["Id"]
    story.admin.post("records/delete", object="Case", ids=[case])
    plan = folder / "plan.json"
    words = ("--record", f"Case/{case}", "--no-related", "--out", str(plan))
    assert program("restore", "plan", "chocolate", *words).code in {0, 3}
    story.act(lambda app: hand_over(app, plan))
    story.admin.post("access/permission", username=WRITER, permission="ApiEnabled", granted=False)
    story.admin.post("sessions/expire", username=WRITER)
    story.expect(AlertRule.RESTORE_HALTED)
    story.admin.post("access/permission", username=WRITER, permission="ApiEnabled", granted=True)
    run = story.alone.program("runs", "--json").json["runs"][0]["run"]
    assert story.alone.program("runs", run, "--resume").code == 0
    story.alone.look()
    story.expect_over()


def growing_vault(story: Story, _folder: Path) -> None:
    """Nights are made, but there is no room to put versions of several of them side by side."""

    def full(*_: object, **__: object) -> None:
        raise StoreError("store-full", "The vault's disk is full.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EncryptedVault, "compact", full)
        story.night()
    story.heard.add(AlertRule.VAULT_GROWS)
    told = [one for one in story.alone.hooks if one["rule"] == AlertRule.VAULT_GROWS.value]
    assert [one["event"] for one in told] == ["opened"]
    assert "The vault's disk is full." in told[0]["sentence"]
    story.night()
    assert story.alone.hooks[-1]["event"] == "resolved"
    assert story.alone.hooks[-1]["rule"] == AlertRule.VAULT_GROWS.value


def damaged_vault(story: Story, folder: Path) -> None:
    """An object of the vault vanishes; the weekly look finds it."""
    vault = story.alone.program.home / "vault"
    segment = next(one for one in sorted(vault.rglob("data/*/*")) if one.is_file())
    shutil.move(segment, folder / "kept")
    story.alone.pass_time(hours=24 * 8)
    story.expect(AlertRule.VAULT_DAMAGED, others=True)
    shutil.move(folder / "kept", segment)


def second_copy(story: Story, folder: Path) -> None:
    """What vanishes from the vault comes back from its second copy; then that one is away for days."""
    program, second = story.alone.program, folder / "second"
    assert program("vault", "mirror", "set", str(second)).code == 0
    story.act(run_mirror)  # by the story's clock: a command has the clock of the machine
    segment = next(one for one in sorted((program.home / "vault").rglob("data/*/*")))
    segment.unlink()
    story.alone.pass_time(hours=25)
    story.expect(AlertRule.VAULT_REPAIRED, others=True)
    assert segment.exists()
    shutil.move(second, folder / "away")
    second.write_text("no folder")
    story.expect(AlertRule.MIRROR, hours=40, others=True)
    second.unlink()
    shutil.move(folder / "away", second)


def digest(story: Story, _folder: Path) -> None:
    """A summary of the day, where it is asked for; and what an outside watcher hears all the time."""
    program, at = story.alone.program, story.alone.clock.now() + timedelta(minutes=5)
    mail = ("--host", "127.0.0.1", "--security", "none", "--port", str(story.alone.mail_port),
            "--from", "u@example.com", "--to", "boss@example.com")  # fmt: skip
    when = ("--digest", f"{at:%H:%M}", "--zone", "UTC")
    assert program("alert", "channel", "daily", "email", *mail, *when).code == 0
    told = ("--url", story.alone.hook, "--allow-private")
    assert program("alert", "channel", "ours", "webhook", *told, *when).code == 0
    before, mails = len(story.alone.hooks), len(story.alone.mails.mails)
    story.alone.pass_time(hours=6 * MINUTE)
    story.alone.look()
    (summary,) = [one for one in story.alone.hooks[before:] if one["event"] == "digest"]
    assert "chocolate" in summary["sentence"]
    assert summary["heads"][0]["backup"] > 1
    assert any(one.rcpt_tos == ["boss@example.com"] for one in story.alone.mails.mails[mails:])
    story.heard.add(AlertRule.DIGEST)
