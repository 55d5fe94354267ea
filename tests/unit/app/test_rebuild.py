"""A machine is lost; the vault and the recovery sheet bring its home back on another one."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import time

import pytest

from homes import SECRET, WRITE_SECRET
from unit.app.machines import Machine, machine_scene
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change, show
from unlost.app.actions.orgs.orgs import NewOrg, add_org, list_all
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.vault.home_copy import after_run, copy_if_due, copy_is_due, read_copy
from unlost.catalog.alerts import list_alerts, list_channels, update_alerts
from unlost.catalog.home.copying import last_copy
from unlost.catalog.models import Run
from unlost.catalog.runs.runs import RunState, begin_run, list_runs
from unlost.catalog.schema import SCHEMA
from unlost.model.alert import AlertRule, ChannelKind, RaisedAlert, Urgency
from unlost.model.errors import NotAllowed, NotFound, StoreError, UnlostError, UsageError
from unlost.model.message import Message
from unlost.model.ports.vault import Vault
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.objects.home_copies import name_of


def live(machine: Machine) -> None:
    """A machine that has worked for a while."""
    with machine.opened() as app:
        add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
        set_writer(app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
        change(app, "sales", ScheduleChange(at="03:15"))
        add_channel(app, ChannelRequest(name="mail", kind=ChannelKind.WEBHOOK, url="https://ops.example/x"),
                    secret="s" * 32)  # fmt: skip
        backup(app, "sales")
        update_alerts(
            [
                RaisedAlert(
                    AlertRule.INCOMPLETE, "sales", "", Urgency.SOON, Message("", "A gap.", "")
                )
            ],
            now=app.clock.now(),
        )
        machine.clock.advance(days=2)
        begin_run("run-under-way", org="sales", kind=CommitKind.BACKUP, full=False,
                  at=app.clock.now())  # fmt: skip
        assert copy_if_due(app)


worked_for_a_while = machine_scene(live)


@pytest.fixture
def machine(worked_for_a_while: Callable[[], Machine]) -> Machine:
    """A machine that has worked for a while."""
    return worked_for_a_while()


def test_orgs_schedules_runs_and_alerts_come_back(machine: Machine) -> None:
    machine.lost()
    result = machine.rebuilt()
    (org,) = result.orgs
    assert (org.name, org.backups, org.runs, org.nightly) == ("sales", 1, 2, True)
    assert (org.credentials, org.writer, result.silent) == (False, False, ("mail",))
    assert (result.alerts, result.channels) == (1, 1)
    with machine.opened() as app:
        (line,) = list_all(app).orgs
        assert (line.name, line.snapshots) == ("sales", 1)
        (schedule,) = show(app).schedules
        assert schedule.schedule.nightly == time(3, 15)
        assert [one.raised.rule for one in list_alerts()] == [AlertRule.INCOMPLETE]
        assert [one.name for one in list_channels()] == ["mail"]
        states = {run.id: run.state for run in list_runs("sales")}
        assert states.pop("run-under-way") is RunState.FAILED
        assert list(states.values()) == [RunState.DONE]


def test_the_next_night_runs_once_the_credentials_are_given_again(machine: Machine) -> None:
    machine.lost()
    machine.rebuilt()
    with machine.opened() as app:
        with pytest.raises(UnlostError):
            backup(app, "sales")
        add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
        assert backup(app, "sales").snapshot == 2


def test_with_the_saved_key_nothing_need_be_given_again(machine: Machine) -> None:
    machine.lost()
    result = machine.rebuilt(home_key=machine.root / "saved.key")
    (org,) = result.orgs
    assert (org.credentials, org.writer, result.silent) == (True, True, ())
    with machine.opened() as app:
        assert backup(app, "sales").snapshot == 2


def test_another_key_is_refused_before_anything_is_made(machine: Machine) -> None:
    machine.lost()
    register = sorted((machine.vault / "register").rglob("*"))
    (machine.root / "other.key").write_text("cd" * 32)
    with pytest.raises(NotAllowed) as caught:
        machine.rebuilt(home_key=machine.root / "other.key")
    assert caught.value.code == "home-key-wrong"
    assert sorted((machine.vault / "register").rglob("*")) == register
    assert machine.rebuilt(home_key=machine.root / "saved.key").orgs[0].credentials


@pytest.mark.parametrize("text", ["", "no key", "ab" * 31])
def test_a_file_that_is_no_key_is_refused(machine: Machine, text: str) -> None:
    (machine.root / "other.key").write_text(text)
    with pytest.raises(UsageError) as caught:
        machine.rebuilt(home_key=machine.root / "other.key")
    assert caught.value.code == "home-key-unreadable"


def test_a_copy_is_made_after_each_change_of_settings(machine: Machine) -> None:
    with machine.opened() as app:
        numbers = list(app.vault.homes.numbers())
        assert not copy_if_due(app)
        for at in ("04:00", "05:00"):
            change(app, "sales", ScheduleChange(at=at))
        assert not copy_if_due(app)
        made = list(app.vault.homes.numbers())[len(numbers) :]
        assert len(made) == 2
        last = last_copy()
        assert last is not None
        assert last.number == made[-1]


def test_runs_and_alerts_are_copied_once_an_hour_if_there_are_any(machine: Machine) -> None:
    with machine.opened() as app:
        machine.clock.advance(hours=2)
        assert not copy_if_due(app)
        backup(app, "sales")
        assert copy_if_due(app)
        machine.clock.advance(seconds=600)
        update_alerts([], now=app.clock.now())  # the alert is over
        assert not copy_is_due(app)
        machine.clock.advance(seconds=51 * 60)
        assert copy_is_due(app)
        assert copy_if_due(app)
        assert not copy_is_due(app)


def test_what_is_done_by_hand_is_copied_at_once(machine: Machine) -> None:
    with machine.opened() as app:
        before = len(app.vault.homes.numbers())
        machine.clock.advance(seconds=60)
        backup(app, "sales")
        for _ in range(2):
            machine.clock.advance(seconds=1)
            after_run(app)
        assert len(app.vault.homes.numbers()) == before + 1


def test_settings_can_be_changed_while_the_vault_is_away(machine: Machine) -> None:
    with machine.opened() as app:
        before = last_copy()

        def away(*_: object) -> None:
            raise StoreError("store-away", "The disk is away.")

        app.vault.homes.__class__.store_copy, kept = away, app.vault.homes.__class__.store_copy  # type: ignore[method-assign,assignment]
        try:
            change(app, "sales", ScheduleChange(at="05:00"))
            assert last_copy() == before
        finally:
            app.vault.homes.__class__.store_copy = kept  # type: ignore[method-assign]
        assert copy_if_due(app)


def test_an_earlier_copy_can_be_taken(machine: Machine) -> None:
    with machine.opened() as app:
        number = list(app.vault.homes.numbers())[-1]
        change(app, "sales", ScheduleChange(at="off"))
    machine.lost()
    assert machine.rebuilt(copy=number).orgs[0].nightly
    shutil.rmtree(machine.home)
    assert not machine.rebuilt().orgs[0].nightly
    shutil.rmtree(machine.home)
    with pytest.raises(NotFound) as caught:
        machine.rebuilt(copy=999)
    assert caught.value.code == "home-copy-unknown"


def test_a_vault_without_a_copy_says_what_to_do_instead(machine: Machine) -> None:
    shutil.rmtree(machine.vault / "homes")
    machine.lost()
    with pytest.raises(NotFound) as caught:
        machine.rebuilt()
    assert caught.value.code == "home-copy-missing"
    assert not (machine.home / "unlost.toml").exists()


def test_a_damaged_copy_is_refused(machine: Machine) -> None:
    with machine.opened() as app:
        number = list(app.vault.homes.numbers())[-1]
        app.vault.homes.store_copy(b"rubbish")
    machine.lost()
    with pytest.raises(UnlostError) as caught:
        machine.rebuilt()
    assert caught.value.code == "home-copy-damaged"
    file = machine.vault / name_of(number)
    file.chmod(0o600)
    written = file.read_bytes()
    file.write_bytes(written[:-1] + bytes([written[-1] ^ 1]))
    with pytest.raises(UnlostError) as caught:
        machine.rebuilt(copy=number)
    assert caught.value.code == "object-damaged"


@pytest.mark.parametrize(
    ("number", "code"), [(SCHEMA + 1, "catalog-newer"), (11, "catalog-development")]
)
def test_a_copy_that_this_version_cannot_use_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def numbered(vault: Vault, copy: int | None) -> bytes:
        content = read_copy(vault, copy)
        assert content is not None
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(content)
            database.execute(f"PRAGMA user_version={number}")
            return database.serialize()

    machine.lost()
    monkeypatch.setattr("unlost.app.actions.vault.rebuild.read_copy", numbered)
    with pytest.raises(StoreError) as caught:
        machine.rebuilt()
    assert caught.value.code == code
    assert not (machine.home / "unlost.toml").exists()


def test_no_value_of_a_record_is_in_a_copy(machine: Machine) -> None:
    from unlost.app.vault.home_copy import read_copy

    with machine.opened() as app:
        content = read_copy(app.vault, None)
        assert content is not None
        assert b"sales" in content
        assert Run.objects.count() == 2
        for value in (b"Schoko", b"0040017", b"Cacao", SECRET.encode(), b"s" * 32):
            assert value not in content
