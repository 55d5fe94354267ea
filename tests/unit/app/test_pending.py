"""Commits that the home did not order: an alert, the doctor, and a decision by a person."""

from pathlib import Path

import pytest

from diskhome import put_on_disk
from homes import SECRET, World
from scenes import Lead, scene
from thief import Thief
from unlost.app.actions.alerts.alerts import show, watch
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.people.audit import list_events
from unlost.app.actions.vault.compact import compact, compact_after_backup
from unlost.app.actions.vault.pending import confirm, pending, reject
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.health.health import HealthState
from unlost.catalog.models import ExaminedRow, ForeignCommitRow, OwnCommitRow
from unlost.catalog.orgs.orgs import drop_org, get_org
from unlost.catalog.vault.removals import SqlRemovals
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotAllowed,
    NotFound,
    StoreError,
    UnlostError,
)
from unlost.model.ports.removals import PATIENCE
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.org import MemoryOrg
from unlost.vault.layout.object_names import commit
from unlost.vault.vault import EncryptedVault, open_vault


def with_ledger(world: World) -> None:
    """Open the vault as the home opens it: with its witness and its ledger."""
    sealed = world.vault.sealed
    world.vault = open_vault(
        sealed.store,
        keys=sealed.keys,
        clock=world.clock,
        entropy=world.entropy,
        witness=SqlWitness(),
        ledger=SqlRemovals(),
    )
    world.app.open_anew()


def live(world: World) -> None:
    """A night in a vault on the disk, which the home has seen."""
    put_on_disk(world)
    with_ledger(world)
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    backup(world.app, "sales")


def live_and_compact(world: World) -> None:
    """The same, and the maintenance after it."""
    live(world)
    compact(world.app, "sales")


on_disk, compacted = scene(live), scene(live_and_compact)


@pytest.fixture
def attacked(world: World, compacted: Lead) -> World:
    """A night, the maintenance after it, and a thief who takes everything away."""
    compacted(world)
    with_ledger(world)
    assert world.vault.newest_backup(oid()) is not None  # it knows the chain before the thief
    thief = thief_of(world)
    thief.commit(
        CommitKind.ERASE,
        tables=thief.without(thief.segments()),
        condemned=tuple(thief.everything()),
    )
    return world


def oid() -> str:
    return get_org("sales").oid


def thief_of(world: World) -> Thief:
    sealed = world.vault.sealed
    return Thief(sealed.store, sealed.keys, oid(), clock=world.clock)


def alerts(world: World) -> list[str]:
    watch(world.app, Watcher())
    shown = (alert.raised for alert in show(world.app).alerts)
    return [f"{each.key}: {each.sentence}" for each in shown if each.rule == "removal-waits"]


def test_the_service_names_it_at_its_next_look(attacked: World) -> None:
    (alert,) = alerts(attacked)
    assert alert.startswith("removal-waits/sales/2: This home did not make commit 2 (erase)")
    (raised,) = (each.raised for each in show(attacked.app).alerts if "removal" in each.raised.key)
    assert (raised.level, raised.command) == (0, "unlost vault pending")
    attacked.clock.advance(seconds=(PATIENCE * 24 / 30).total_seconds())
    watch(attacked.app, Watcher())
    (raised,) = (each.raised for each in show(attacked.app).alerts if "removal" in each.raised.key)
    assert raised.level == 1
    confirm(attacked.app)
    assert alerts(attacked) == []


def test_the_alert_stays_while_the_vault_is_away(
    attacked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher()
    watch(attacked.app, watcher)

    def away(*_: object, **__: object) -> None:
        raise StoreError("store-failed", "Its disk is away.")

    monkeypatch.setattr(EncryptedVault, "removals", away)
    watch(attacked.app, watcher)
    assert any(each.raised.rule == "removal-waits" for each in show(attacked.app).alerts)
    checks = {check.name: check.sentence for check in doctor(attacked.app).checks}
    assert checks["removals"] == "Its disk is away."


def test_the_doctor_names_it(attacked: World) -> None:
    bad = [each for each in doctor(attacked.app).checks if each.name == "removals"]
    assert [each.health for each in bad] == [HealthState.BAD]
    assert "commit 2 (erase) of sales" in bad[0].sentence


def test_maintenance_by_night_waits_and_fails_not(attacked: World) -> None:
    size = sum(each.size for each in attacked.vault.sealed.store.list(f"orgs/{oid()}/data/"))
    for _ in range(3):
        attacked.clock.advance(days=9)
        done = compact_after_backup(attacked.app, oid())
        assert done is not None
        assert (done.failed, done.removed, done.waiting) == (False, 0, 0)
    (commit,) = pending(attacked.app).commits
    assert (commit.org, commit.commit, commit.kind) == ("sales", 2, CommitKind.ERASE)
    assert (commit.run, commit.rejected) == ("by-a-thief", False)
    assert commit.bytes >= size
    assert commit.due - commit.first_seen == PATIENCE


def test_a_confirmed_commit_is_followed(attacked: World) -> None:
    done = confirm(attacked.app, "sales", 2)
    assert [(each.org, each.commit) for each in done.commits] == [("sales", 2)]
    assert pending(attacked.app, "sales").commits == ()
    compact(attacked.app, "sales")
    assert not any(attacked.vault.sealed.store.list(f"orgs/{oid()}/data/"))
    events = (entry.deed for entry in list_events(attacked.app).entries)
    (event,) = (each for each in events if each.act == "vault.confirm")
    assert event.detail["commits"] == ["sales 2"]


def test_a_rejected_commit_is_undone(attacked: World) -> None:
    done = reject(attacked.app, "sales", 2)
    assert (done.org, done.commit, done.snapshot, done.remaining) == ("sales", 2, 3, 0)
    assert set(done.tables) >= {"Account", "User"}
    assert attacked.vault.verify(VerifyLevel.DEEP).damages == ()
    assert pending(attacked.app).commits == ()
    assert alerts(attacked) == []
    attacked.clock.advance(days=1)
    backup(attacked.app, "sales")
    assert attacked.vault.at(oid(), 1).scan("Account").read_all().num_rows > 0


def test_what_waits_nowhere_is_refused(attacked: World) -> None:
    for decide in (confirm, reject):
        with pytest.raises(NotFound) as refused:
            decide(attacked.app, "sales", 1)
        assert refused.value.code == "removal-unknown"
    with pytest.raises(NotFound):
        confirm(attacked.app, None, 2)


def test_only_who_manages_decides(attacked: World) -> None:
    operator = attacked.app.acting(Actor(ActorKind.PERSON, "eve", (Grant(Role.OPERATOR),)))
    assert len(pending(operator).commits) == 1
    for decide in (confirm, reject):
        with pytest.raises(NotAllowed):
            decide(operator, "sales", 2)
    elsewhere = attacked.app.acting(Actor(ActorKind.PERSON, "ada", (Grant(Role.ADMIN, "other"),)))
    assert pending(elsewhere).commits == ()
    assert confirm(elsewhere).commits == ()


def test_a_repair_does_not_run_beside_a_compaction(attacked: World) -> None:
    with (
        attacked.app.lease.hold(oid(), kind=RunKind.COMPACT, run="other"),
        pytest.raises(Conflict),
    ):
        reject(attacked.app, "sales", 2)


def test_an_org_takes_its_rows_along(attacked: World) -> None:
    pending(attacked.app)
    org = get_org("sales")
    tables = (ExaminedRow, OwnCommitRow, ForeignCommitRow)
    assert all(rows.objects.filter(oid=org.oid).exists() for rows in tables)
    drop_org(org)
    assert not any(rows.objects.filter(oid=org.oid).exists() for rows in tables)


# --- an object that does not fit ------------------------------------------------------------------


@pytest.fixture
def blocked(world: World, on_disk: Lead) -> World:
    """A night, and junk where the next commit belongs; the home has seen the night."""
    on_disk(world)
    world.vault.sealed.store.put_new(commit(oid(), 2), b"junk")
    with_ledger(world)
    return world


def test_an_org_that_is_blocked_is_named_by_alert_doctor_and_list(blocked: World) -> None:
    watch(blocked.app, Watcher())
    keys = [alert.raised.key for alert in show(blocked.app).alerts]
    assert "removal-waits/sales/blocked" in keys
    assert not any("vault-damaged" in key for key in keys)  # its disk is well
    (raised,) = (one.raised for one in show(blocked.app).alerts if "blocked" in one.raised.key)
    assert raised.command == "unlost vault pending reject sales 2"
    (check,) = (one for one in doctor(blocked.app).checks if one.name == "blocked org")
    assert check.health is HealthState.BAD
    assert commit(oid(), 2) in check.sentence
    listed = pending(blocked.app)
    assert [(one.org, one.commit, one.object) for one in listed.blocked] == [
        ("sales", 2, commit(oid(), 2))
    ]
    assert listed.commits == ()


def test_an_org_is_unblocked_and_the_object_is_kept(blocked: World) -> None:
    with pytest.raises(UnlostError):
        backup(blocked.app, "sales")
    with pytest.raises(UnlostError):
        reject(blocked.app, "sales", 3)  # another commit than the one that blocks
    done = reject(blocked.app, "sales", 2)
    assert done.removed == (commit(oid(), 2),)
    assert (Path(done.kept_in) / commit(oid(), 2)).read_bytes() == b"junk"
    with_ledger(blocked)
    assert pending(blocked.app).blocked == ()
    backup(blocked.app, "sales")
    assert [info.number for info in blocked.app.vault.snapshots(oid())] == [1, 2]
    watch(blocked.app, Watcher())
    assert not any("blocked" in alert.raised.key for alert in show(blocked.app).alerts)


def test_a_damaged_org_hides_no_commits_of_others(attacked: World) -> None:
    attacked.connector.orgs["two"] = MemoryOrg(attacked.clock, tenant="T-2", label="Other")
    add_org(attacked.app, NewOrg("memory", "other", {"address": "two"}, {"password": SECRET}))
    backup(attacked.app, "other")
    store, name = attacked.vault.sealed.store, commit(get_org("other").oid, 1)
    data = store.get(name)
    store.delete(name)
    store.put_new(name, data[:-1])
    with_ledger(attacked)
    listed = pending(attacked.app)
    assert [each.org for each in listed.commits] == ["sales"]
    assert listed.unreadable == ("other",)
    with pytest.raises(IntegrityError):
        pending(attacked.app, "other")
