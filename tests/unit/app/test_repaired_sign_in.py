"""Runs that failed for the credentials of an org continue as soon as these are repaired."""

import pytest

from homes import SECRET, World
from scenes import with_sales
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.orgs.repaired_sign_in import repaired_by_credentials
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.nights import add_night, find_night, open_nights
from unlost.model.errors import NotAllowed
from unlost.model.message import code_of
from unlost.model.runs.night import NightRecord, NightState

NAME = "2026-03-02"
REPAIRED = NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET})


@pytest.fixture
def org(world: World) -> ProtectedOrg:
    with_sales(world)
    return get_org("sales")


def failed_night(world: World, org: ProtectedOrg) -> NightRecord:
    """A night that found the password changed."""
    world.app.secrets(org.oid).put("password", "old password")
    add_night(org.oid, NAME, at=world.clock.now())
    do_night(world.app, org.oid, NAME)
    night = find_night(org.oid, NAME)
    assert night is not None
    return night


def test_a_backup_whose_sign_in_failed_continues_after_the_repair(
    world: World, org: ProtectedOrg
) -> None:
    night = failed_night(world, org)
    assert (night.state, code_of(night.error)) == (NightState.GIVEN_UP, "memory-sign-in")
    assert repaired_by_credentials(world.app, "sales", night.error)
    world.clock.advance(seconds=30 * 60)
    added = add_org(world.app, REPAIRED)
    assert added.continues == (night.run,)
    (waiting,) = open_nights()
    assert (waiting.name, waiting.next_at) == (NAME, world.clock.now()), "at the next tick"
    do_night(world.app, org.oid, NAME)
    done = find_night(org.oid, NAME)
    assert done is not None
    assert done.state is NightState.DONE


def test_wrong_credentials_continue_nothing(world: World, org: ProtectedOrg) -> None:
    failed_night(world, org)
    with pytest.raises(NotAllowed):
        add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": "wrong"}))
    assert list(open_nights()) == []


def test_a_backup_that_failed_for_another_reason_is_left_alone(
    world: World, org: ProtectedOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise NotAllowed("memory-closed", "The org is closed.")

    add_night(org.oid, NAME, at=world.clock.now())
    with monkeypatch.context() as closed:
        closed.setattr(world.connector, "open_source", refusing)
        do_night(world.app, org.oid, NAME)
    assert add_org(world.app, REPAIRED).continues == ()
    night = find_night(org.oid, NAME)
    assert night is not None
    assert night.state is NightState.GIVEN_UP
    assert not repaired_by_credentials(world.app, "sales", night.error)
    assert not repaired_by_credentials(world.app, "nowhere", night.error)


def test_a_new_org_continues_nothing(world: World) -> None:
    assert add_org(world.app, REPAIRED).continues == ()
    assert get_org("sales").config["address"] == "one"
