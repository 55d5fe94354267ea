"""Keeping the vault small: by hand, by the service after each night, and with an alert where it fails."""

import pytest

from homes import World
from scenes import Lead, scene, with_a_night
from unlost.app.actions.alerts.alerts import show, watch
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.compact import compact, compact_after_backup
from unlost.app.actions.vault.vault_state import vault_state
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.vault.maintenance import last_maintenance
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import Conflict, NotAllowed, NotFound, StoreError
from unlost.model.runs.exclusion import RunKind
from unlost.vault.maintenance import compactor
from unlost.vault.vault import EncryptedVault


def live(world: World) -> None:
    """An org with two nights."""
    with_a_night(world)
    world.clock.advance(days=1)
    world.org.create("User", {"Name": "Bo"}, record="U2")
    backup(world.app, "sales")


two_nights = scene(live)


@pytest.fixture
def several(world: World, two_nights: Lead, monkeypatch: pytest.MonkeyPatch) -> World:
    """An org with two nights, where two are enough to be merged."""
    monkeypatch.setattr(compactor, "due", lambda held, closed: [held] if held[1:] else [])
    two_nights(world)
    return world


def oid() -> str:
    return get_org("sales").oid


def test_by_hand_for_one_org_or_for_all(several: World) -> None:
    (one,) = compact(several.app, "sales").orgs
    assert (one.org, one.snapshot) == ("sales", 3)
    assert one.waiting > 0
    assert one.next_at is not None
    (again,) = compact(several.app).orgs
    assert (again.snapshot, again.tables, again.removed) == (None, (), 0)
    several.clock.advance(days=8)
    (later,) = compact(several.app).orgs
    assert later.removed == one.waiting
    assert later.bytes == several.app.vault.usage(oid()).bytes


def test_an_unknown_org_is_refused(several: World) -> None:
    with pytest.raises(NotFound):
        compact(several.app, "nobody")


def test_who_may_not_operate_is_refused_and_others_orgs_are_left_alone(several: World) -> None:
    viewer = several.app.acting(Actor(ActorKind.PERSON, "ada", (Grant(Role.VIEWER),)))
    for org in ("sales", None):
        with pytest.raises(NotAllowed):
            compact(viewer, org)
    other = several.app.acting(Actor(ActorKind.PERSON, "eve", (Grant(Role.OPERATOR, "other"),)))
    assert compact(other).orgs == ()
    assert len(several.vault.commits(oid())) == 2


def test_one_at_a_time(several: World) -> None:
    with (
        several.app.lease.hold(oid(), kind=RunKind.COMPACT, run="other"),
        pytest.raises(Conflict),
    ):
        compact(several.app, "sales")


def test_after_a_night_it_is_written_down_and_shown(several: World) -> None:
    kept = compact_after_backup(several.app, oid())
    assert kept is not None
    assert (kept.failed, kept.snapshot) == (False, 3)
    assert 0 < kept.after < kept.before
    assert last_maintenance(oid()) == kept
    assert vault_state(several.app).orgs[0].maintenance == kept
    assert vault_state(several.app).orgs[0].bytes == several.app.vault.usage(oid()).bytes
    assert compact_after_backup(several.app, "gone") is None


def test_the_vault_page_showed_a_compaction_as_the_newest_backup(several: World) -> None:
    backups = several.vault.snapshots(oid())
    compact(several.app, "sales")
    (stored,) = vault_state(several.app).orgs
    assert (stored.backups, stored.number) == (2, 2)
    assert (stored.head, stored.newest) == (backups[-1].head[:12], backups[-1].finished)


def test_the_vault_page_shows_an_org_whose_backups_are_all_lost(
    several: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EncryptedVault, "snapshots", lambda *_: [])
    (stored,) = vault_state(several.app).orgs
    assert (stored.backups, stored.number, stored.head, stored.newest) == (0, None, None, None)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (StoreError("store-full", "The vault's disk is full."), "The vault's disk is full."),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_a_failure_stops_nothing_and_is_an_alert_until_it_works_again(
    several: World, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(EncryptedVault, "compact", fail)
        kept = compact_after_backup(several.app, oid())
    assert kept is not None
    assert kept.failed
    watch(several.app, Watcher())
    (alert,) = (one for one in told(several) if one.startswith("vault-grows"))
    assert sentence in alert
    assert not (compact_after_backup(several.app, oid()) or kept).failed
    watch(several.app, Watcher())
    assert not any(one.startswith("vault-grows") for one in told(several))


def told(world: World) -> list[str]:
    return [f"{one.raised.rule}: {one.raised.sentence}" for one in show(world.app).alerts]
