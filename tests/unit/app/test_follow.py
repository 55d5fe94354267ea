"""A sandbox is refreshed: a new org answers behind the old name, and takes it over."""

from datetime import time

import pytest

from homes import SECRET, WRITE_SECRET, World, fill
from unit.app.test_nights import Nights
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change, show
from unlost.app.actions.orgs.follow import follow
from unlost.app.actions.orgs.hidden_columns import hidden, hide
from unlost.app.actions.orgs.orgs import NewOrg, add_org, list_all
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.people.people import add
from unlost.app.actions.people.tokens import make
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.models import Secret
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import actor_of
from unlost.catalog.people.tokens import actor_of_token
from unlost.catalog.runs.nights import nights_of
from unlost.model.access import Right, Role
from unlost.model.alert import AlertRule
from unlost.model.errors import Conflict, NotAllowed, StoreError
from unlost.model.runs.night import NightState
from unlost.testing.org import MemoryOrg


def refresh(world: World) -> None:
    """Another tenant answers at the address."""
    world.org = MemoryOrg(world.clock, tenant="T-2", label="Memory, refreshed")
    fill(world.org)
    world.connector.orgs["one"] = world.org
    world.connector.sources.clear()
    world.connector.writers.clear()


def test_the_name_follows_and_the_old_org_is_kept(sales: World) -> None:
    set_writer(sales.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    change(sales.app, "sales", ScheduleChange(at="03:15"))
    backup(sales.app, "sales")
    refresh(sales)
    with pytest.raises(Conflict) as caught:
        backup(sales.app, "sales")
    assert "unlost org follow sales" in caught.value.next_step
    told = follow(sales.app, "sales")
    assert (told.tenant, told.backups, told.writer) == ("T-2", 1, True)
    assert told.kept_as.startswith("sales-until-2026-")
    done = backup(sales.app, "sales")
    assert (done.org, done.snapshot) == ("sales", 1)
    lines = {line.name: (line.tenant, line.snapshots) for line in list_all(sales.app).orgs}
    assert lines == {"sales": ("T-2", 1), told.kept_as: ("T-1", 1)}
    times = {one.org: one.schedule.nightly for one in show(sales.app).schedules}
    assert times == {"sales": time(3, 15), told.kept_as: None}
    with sales.app.open_writer(get_org("sales")) as writer:
        assert writer.identity().tenant == "T-2"


def test_who_saw_less_of_the_old_org_sees_no_more_of_the_new_one(sales: World) -> None:
    backup(sales.app, "sales")
    hide(sales.app, "sales", "Account.Phone")
    user = add(sales.app, "tom", role=Role.VIEWER, org="sales").user
    made = make(sales.app, "report", role=Role.VIEWER, org="sales", owner="tom")
    refresh(sales)
    kept = follow(sales.app, "sales").kept_as
    assert hidden(sales.app, "sales").columns == hidden(sales.app, kept).columns
    assert hidden(sales.app, "sales").columns == ("Account.Phone",)
    for actor in (actor_of(user), actor_of_token(made.text, at=sales.clock.now())):
        assert actor is not None
        assert actor.may(Right.READ, get_org("sales").oid)
        assert not actor.may(Right.OPERATE, get_org("sales").oid)
    person = actor_of(user)
    assert person is not None
    assert person.may(Right.READ, get_org(kept).oid)


def test_of_the_retired_org_nothing_is_watched_and_no_secret_kept(sales: World) -> None:
    backup(sales.app, "sales")
    refresh(sales)
    nights = Nights(sales)
    nights.pass_time(minutes=24 * 60)
    kept = follow(sales.app, "sales").kept_as
    watched = Watcher().gather(sales.app)
    assert [org.name for org in watched.orgs] == ["sales"]
    assert not [one for one in raised_alerts(watched) if kept in one.key]
    assert not Secret.objects.filter(org__name=kept).exists()
    assert get_org(kept).retired
    assert not [check for check in doctor(sales.app).checks if kept in check.name]
    sales.connector.orgs["one"] = MemoryOrg(sales.clock, tenant="T-1")  # it comes back
    sales.connector.sources.clear()
    with pytest.raises(Conflict):
        add_org(sales.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    add_org(sales.app, NewOrg("memory", kept, {"address": "one"}, {"password": SECRET}))
    assert not get_org(kept).retired


def test_an_org_that_is_known_under_another_name_already_changes_nothing(sales: World) -> None:
    refresh(sales)
    add_org(sales.app, NewOrg("memory", "second", {"address": "one"}, {"password": SECRET}))
    with pytest.raises(Conflict) as caught:
        follow(sales.app, "sales")
    assert caught.value.code == "org-already-protected"
    assert [(line.name, line.tenant) for line in list_all(sales.app).orgs] == [
        ("sales", "T-1"), ("second", "T-2"),
    ]  # fmt: skip


def test_a_vault_that_is_away_changes_nothing(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(sales)

    def away(_identity: object) -> str:
        raise StoreError("store-away", "The disk is away.")

    monkeypatch.setattr(sales.vault, "ensure_org", away)
    with pytest.raises(StoreError):
        follow(sales.app, "sales")
    assert [line.tenant for line in list_all(sales.app).orgs] == ["T-1"]
    assert not get_org("sales").retired


def test_where_the_same_org_answers_nothing_is_followed(sales: World) -> None:
    with pytest.raises(Conflict) as caught:
        follow(sales.app, "sales")
    assert caught.value.code == "org-same"
    assert [line.name for line in list_all(sales.app).orgs] == ["sales"]


def test_a_second_refresh_of_a_day_finds_another_name(sales: World) -> None:
    refresh(sales)
    first = follow(sales.app, "sales").kept_as
    sales.org = MemoryOrg(sales.clock, tenant="T-3", label="Again")
    sales.connector.orgs["one"] = sales.org
    sales.connector.sources.clear()
    assert follow(sales.app, "sales").kept_as == f"{first}-2"
    assert len(list_all(sales.app).orgs) == 3


def test_credentials_that_the_new_org_does_not_know_change_nothing(sales: World) -> None:
    refresh(sales)
    sales.app.secrets(get_org("sales").oid).put("password", "of the old org")
    with pytest.raises(NotAllowed):
        follow(sales.app, "sales")
    assert [line.tenant for line in list_all(sales.app).orgs] == ["T-1"]


def test_a_night_notices_it_at_once_and_says_what_to_do(sales: World) -> None:
    nights = Nights(sales)
    nights.pass_time(minutes=24 * 60)
    refresh(sales)
    nights.pass_time(minutes=24 * 60)
    night = nights_of(nights.oid, most=1)[0]
    assert (night.state, night.tries) == (NightState.GIVEN_UP, 1)
    said = raised_alerts(Watcher().gather(sales.app))
    (alarm,) = [one for one in said if one.rule in (AlertRule.ORG_REPLACED, AlertRule.NIGHT_FAILED)]
    assert (alarm.rule, alarm.command) == (AlertRule.ORG_REPLACED, "unlost org follow sales")
    follow(sales.app, "sales")
    nights.pass_time(minutes=24 * 60)
    assert nights_of(get_org("sales").oid, most=1)[0].state is NightState.DONE
    said = raised_alerts(Watcher().gather(sales.app))
    assert not [one for one in said if one.rule is AlertRule.ORG_REPLACED and one.org == "sales"]


def test_a_cancelled_night_is_no_failure(sales: World) -> None:
    """What somebody wished for is not told to everybody."""
    from unlost.app.actions.runs.control import cancel, pause

    nights = Nights(sales)
    nights.pass_time(minutes=60)
    assert nights_of(nights.oid, most=1) == []
    add_org(sales.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    source = sales.connector.source("one")
    from unlost.model.errors import LimitReached

    def away() -> object:
        raise LimitReached("quota", "spent")

    source.discover = away  # type: ignore[method-assign,assignment]
    nights.pass_time(minutes=18 * 60)
    (night,) = nights_of(nights.oid, most=1)
    pause(sales.app, night.run)
    cancel(sales.app, night.run)
    said = raised_alerts(Watcher().gather(sales.app))
    assert AlertRule.NIGHT_FAILED not in {one.rule for one in said}
