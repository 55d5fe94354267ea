"""The doctor finds what is not in order, says what repairs it, and repairs what it may."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homes import SECRET, WRITE_SECRET
from unit.app.machines import Machine, machine_scene
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel
from unlost.app.actions.alerts.doctor import Diagnosis, doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.vault.mirror import run_mirror, set_mirror
from unlost.app.compose import Application
from unlost.app.health import home, orgs
from unlost.app.health.health import HealthState
from unlost.catalog.alerts import update_alerts
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.catalog.vault.checks import save_check
from unlost.jobs.slots import LEAD
from unlost.model.alert import AlertRule, ChannelKind, RaisedAlert, Urgency
from unlost.model.errors import StoreError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Message
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import StoreProperties
from unlost.testing.memory_writer import MemoryWriter
from unlost.vault.stores.address import BucketOptions, StoreAddress
from unlost.vault.stores.local import LocalStore


def live(machine: Machine) -> None:
    """A home in which all is as it should be, but for the service, which does not run."""
    with machine.opened() as app:
        add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
        set_writer(app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
        add_channel(app, ChannelRequest(name="hook", kind=ChannelKind.WEBHOOK, url="https://ops.example/x"),
                    secret="s" * 32)  # fmt: skip
        set_mirror(app, StoreAddress(machine.root / "second"))
        backup(app, "sales")
        run_mirror(app)


in_order = machine_scene(live)


@pytest.fixture
def app(in_order: Callable[[], Machine]) -> Iterator[Application]:
    """A home in which all is as it should be, but for the service, which does not run."""
    with in_order().opened() as app:
        _ = app.whole_vault, app.steps
        yield app


def told(found: Diagnosis, health: HealthState) -> dict[str, str]:
    """Sentences by name of the checks that ended so."""
    return {check.name: check.sentence for check in found.checks if check.health is health}


@pytest.fixture
def served(app: Application) -> Iterator[Application]:
    held = app.locks.take(LEAD)
    assert held is not None
    yield app
    held.release()


def test_where_all_is_in_order_the_doctor_says_so(served: Application) -> None:
    found = doctor(served)
    assert found.worst is HealthState.GOOD, found
    names = {check.name for check in found.checks}
    assert {"home key", "service key", "secrets", "database", "vault", "format", "keys", "mirror", "store", "settings copy", "disk",
            "service", "sales: clock", "sales: reading", "sales: writing",
            "sales: backup"} == names  # fmt: skip


def test_a_service_that_does_not_run_is_named(app: Application) -> None:
    found = doctor(app)
    assert "There are no automatic backups of sales." in told(found, HealthState.WARNING)["service"]
    change(app, "sales", ScheduleChange(at="off"))
    assert "service" not in told(doctor(app), HealthState.WARNING)


def test_a_key_that_others_may_read_is_repaired(served: Application) -> None:
    served.home.home_key.chmod(0o644)
    found = doctor(served)
    assert found.worst is HealthState.BAD
    assert "Other users of this machine can read" in told(found, HealthState.BAD)["home key"]
    again = doctor(served, repair=True)
    assert again.worst is HealthState.GOOD
    assert [check.name for check in again.checks if check.repaired] == ["home key"]
    assert served.home.home_key.stat().st_mode & 0o777 == 0o600
    assert not [check for check in doctor(served).checks if check.repairable]


def test_a_service_key_that_others_may_read_is_named_and_repaired(served: Application) -> None:
    del served.__dict__["whole_vault"]
    served.home.service_key.chmod(0o644)
    bad = told(doctor(served, ask=False), HealthState.BAD)
    assert "Other users of this machine can read" in bad["service key"]
    assert "vault" in bad, "it is not used"
    assert doctor(served, repair=True).worst is HealthState.GOOD
    assert served.home.service_key.stat().st_mode & 0o777 == 0o600


def test_a_service_key_that_systemd_hands_over_is_in_order(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to root, and the rights of the service's user show as those of a group."""
    served.home.service_key.chmod(0o440)
    real = Path.stat

    def of_root(self: Path, **more: Any) -> os.stat_result:
        status = real(self, **more)
        return os.stat_result((*status[:4], 0, *status[5:10]))

    monkeypatch.setattr(Path, "stat", of_root)
    names = {check.name: check.health for check in doctor(served, ask=False).checks}
    assert names["service key"] is HealthState.GOOD


def test_credentials_that_others_may_read_are_repaired(served: Application, tmp_path: Path) -> None:
    file = tmp_path / "bucket.env"
    file.write_text("AWS_ACCESS_KEY_ID=key\n")
    file.chmod(0o640)
    place = replace(served.home.place, reach=BucketOptions(maintenance_file=file))
    served.home = replace(served.home, place=place)
    assert str(file) in told(doctor(served), HealthState.BAD)["credentials"]
    assert doctor(served, repair=True).worst is HealthState.GOOD
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    assert "credentials" not in {check.name for check in doctor(served).checks}


def test_what_cannot_be_repaired_is_told_and_stays(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.home.home_key.chmod(0o644)

    def refused(self: Path, mode: int) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "chmod", refused)
    found = doctor(served, repair=True)
    assert found.worst is HealthState.BAD
    assert "The repair failed: not yours" in told(found, HealthState.BAD)["home key"]


@pytest.mark.parametrize("text", [None, "ef" * 32])
def test_a_lost_or_other_home_key_is_told(served: Application, text: str | None) -> None:
    served.home.home_key.unlink()
    if text is not None:
        served.home.home_key.write_text(text)
        served.home.home_key.chmod(0o600)
    bad = told(doctor(served, ask=False), HealthState.BAD)
    assert list(bad) == (["secrets"] if text else ["home key"])


def test_a_lost_service_key_is_told_and_what_hangs_on_it_too(served: Application) -> None:
    del served.__dict__["whole_vault"]
    served.home.service_key.unlink()
    assert set(told(doctor(served, ask=False), HealthState.BAD)) == {"vault", "sales: backup"}


def test_a_store_that_is_not_to_be_trusted_is_told(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalStore, "put_new", lambda self, name, data: True)
    assert "store" in told(doctor(served, ask=False), HealthState.BAD)


def test_a_damaged_database_is_told(served: Application) -> None:
    file = served.home.steps
    served.steps.close()
    data = bytearray(file.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096) if len(data) > 4096 else b"x"
    file.write_bytes(data)
    for side in ("-wal", "-shm"):
        Path(f"{file}{side}").unlink(missing_ok=True)
    assert "is damaged" in told(doctor(served, ask=False), HealthState.BAD)["database"]
    file.write_bytes(b"no database at all" * 300)
    assert "is damaged" in told(doctor(served, ask=False), HealthState.BAD)["database"]


def test_a_copy_that_is_due_is_made(served: Application) -> None:
    shutil.rmtree(served.home.vault / "homes")
    org = get_org("sales")
    save_org(replace(org, config={**org.config, "address": "two"}))
    assert "settings copy" in told(doctor(served, ask=False), HealthState.WARNING)
    assert doctor(served, ask=False, repair=True).worst is HealthState.GOOD
    assert list(served.vault.homes.numbers()) == [1]


def test_a_damaged_copy_of_an_org_key_is_repaired(served: Application) -> None:
    oid = get_org("sales").oid
    copy = served.home.vault / "orgs" / oid / "keys" / "00000001" / "2"
    copy.chmod(0o600)
    copy.write_bytes(b"rubbish")
    assert (
        "keys/00000001/2" in told(doctor(served, ask=False), HealthState.WARNING)["sales: org keys"]
    )
    assert doctor(served, ask=False, repair=True).worst is HealthState.GOOD
    assert "sales: org keys" not in {check.name for check in doctor(served, ask=False).checks}
    assert served.vault.verify(VerifyLevel.FULL).damages == ()


def test_damage_that_was_found_and_alerts_that_last_are_recalled(served: Application) -> None:
    now = served.clock.now()
    save_check(CheckRecord(now, "quick", 1, 1, ("segment x is missing",)))
    update_alerts(
        [RaisedAlert(AlertRule.INCOMPLETE, "sales", "", Urgency.SOON, Message("", "A gap.", ""))],
        now=now,
    )
    found = doctor(served, ask=False)
    assert "segment x is missing" in told(found, HealthState.BAD)["vault"]
    assert told(found, HealthState.WARNING)["alerts"] == "Open alerts: 1."


def test_a_full_disk_and_a_home_without_channels_are_told(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil._ntuple_diskusage(100, 95, 5)
    monkeypatch.setattr(home.shutil, "disk_usage", lambda _: full)
    monkeypatch.setattr(home, "list_channels", list)
    warned = told(doctor(served, ask=False), HealthState.WARNING)
    assert warned["disk"].startswith("5% of the disk")
    assert "no channel receives them" in warned["alerts"]


# --- orgs -----------------------------------------------------------------------------------------


def test_an_org_that_does_not_let_us_in_is_told(served: Application) -> None:
    served.secrets(get_org("sales").oid).put("password", "wrong")
    served.writer_secrets(get_org("sales").oid).put("password", "wrong")
    bad = told(doctor(served), HealthState.BAD)
    assert set(bad) == {"sales: reading", "sales: writing"}
    assert not told(doctor(served, ask=False), HealthState.BAD)


def test_what_is_not_seen_and_a_clock_that_is_wrong_are_told(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = served.connector("memory")
    gap = Finding(FindingKind.COLUMN_HIDDEN, Severity.GAP, "Phone is not seen.", "Give the right.")
    connector.orgs["one"].findings.append(gap)  # type: ignore[attr-defined]
    source = connector.source("one")  # type: ignore[attr-defined]
    late = served.clock.now() - timedelta(minutes=10)
    monkeypatch.setattr(source, "server_time", lambda: late)
    found = doctor(served)
    assert "differ by 600 seconds" in told(found, HealthState.BAD)["sales: clock"]
    assert "Phone is not seen" in told(found, HealthState.WARNING)["sales: reading"]


def test_a_write_identity_that_is_missing_or_may_not_write_is_told(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlost.model.source.writing import MissingPermission

    lacks = [MissingPermission("Edit", "Edit on Account is missing.")]
    monkeypatch.setattr(MemoryWriter, "missing", lambda self, tables: lacks)
    assert "Edit on Account" in told(doctor(served), HealthState.WARNING)["sales: writing"]
    monkeypatch.setattr(orgs, "find_writer", lambda oid: None)
    assert "nothing can be restored" in told(doctor(served), HealthState.WARNING)["sales: writing"]


def test_backups_that_are_old_incomplete_or_missing_are_told(
    served: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.clock.advance(hours=48)  # type: ignore[attr-defined]
    found = doctor(served, ask=False, repair=True)
    assert (
        told(found, HealthState.BAD)["sales: backup"]
        == "At risk: the newest backup is 48 hours old."
    )
    org = served.connector("memory").orgs["one"]  # type: ignore[attr-defined]
    org.hide_column("Account", "Phone")
    backup(served, "sales")
    assert "sales: backup" in told(doctor(served, ask=False), HealthState.WARNING)
    monkeypatch.setattr(served.vault, "snapshots", lambda oid: ())
    assert told(doctor(served, ask=False), HealthState.WARNING)["sales: backup"].startswith(
        "There is no"
    )


def test_a_zone_that_this_machine_does_not_know_is_told(served: Application) -> None:
    org = get_org("sales")
    save_org(replace(org, identity=replace(org.identity, zone="Nowhere/Else")))
    assert "Nowhere/Else" in told(doctor(served, ask=False), HealthState.BAD)["sales: schedule"]


def test_a_vault_that_is_away_is_told_and_the_rest_looked_at(served: Application) -> None:
    shutil.move(served.home.vault, f"{served.home.vault}-away")
    served.__dict__.pop("whole_vault", None)
    found = doctor(served)
    assert {"vault", "sales: writing", "sales: backup"} <= set(told(found, HealthState.BAD))
    assert "sales: reading" in {check.name for check in found.checks}


@pytest.mark.parametrize(
    ("properties", "removed", "told_of"),
    [
        (StoreProperties("s3://box"), None, "cannot delete objects"),
        (
            StoreProperties("s3://box", versions=True, keeps_deleted=True),
            True,
            "keeps old versions",
        ),
    ],
)
def test_what_a_bucket_does_not_let_go_is_told(
    served: Application,
    monkeypatch: pytest.MonkeyPatch,
    properties: StoreProperties,
    removed: bool | None,
    told_of: str,
) -> None:
    def delete(self: LocalStore, name: str) -> bool:
        if removed is None:
            raise StoreError("store-may-not-delete", "Not with these credentials.")
        return removed

    monkeypatch.setattr(LocalStore, "delete", delete)
    monkeypatch.setattr(LocalStore, "properties", properties)
    assert told_of in told(doctor(served, ask=False), HealthState.WARNING)["store"]
