"""A run that failed by the sign-in leads to the credentials, from wherever people see it."""

import re

import pytest

from homes import SECRET, World
from unit.web.conftest import SignIn
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.backups.night import do_night
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.alerts import list_alerts
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.nights import add_night
from unlost.catalog.runs.runs import find_run
from unlost.model.access import Role
from unlost.model.alert import AlertRule

NAME = "2026-04-01"
SETTINGS = "/orgs/sales/settings/"
REPAIR = {"address": "one", "speed": "1", "exclude": "", "secret-password": SECRET}


@pytest.fixture
def failed(world: World) -> str:
    """A scheduled backup whose sign-in failed; gives its run."""
    oid = get_org("sales").oid
    world.clock.advance(days=1)
    world.app.secrets(oid).put("password", "old password")
    night = add_night(oid, NAME, at=world.clock.now())
    do_night(world.app, oid, NAME)
    assert find_run(night.run) is not None
    return night.run


def repairs(page: str) -> list[str]:
    return re.findall(r'id="repair" href="([^"]+)"', page)


def alert_rules() -> set[AlertRule]:
    return {alert.raised.rule for alert in list_alerts() if alert.resolved_at is None}


def test_the_run_and_the_org_lead_to_the_credentials(
    world: World, sign_in: SignIn, failed: str
) -> None:
    client = sign_in()
    assert repairs(client.get(f"/runs/{failed}/").content.decode()) == [SETTINGS]
    assert repairs(client.get("/orgs/sales/").content.decode()) == [SETTINGS]


def test_people_who_may_not_change_them_see_no_link(sign_in: SignIn, failed: str) -> None:
    client = sign_in(Role.OPERATOR)
    assert repairs(client.get(f"/runs/{failed}/").content.decode()) == []
    assert repairs(client.get("/orgs/sales/").content.decode()) == []


def test_the_alert_leads_there_too_and_ends_with_the_repair(
    world: World, sign_in: SignIn, failed: str
) -> None:
    watcher = Watcher()
    watch(world.app, watcher)
    assert AlertRule.NIGHT_FAILED in alert_rules()
    (number,) = [alert.id for alert in list_alerts() if alert.raised.rule is AlertRule.NIGHT_FAILED]
    client = sign_in()
    assert client.get(f"/alerts/{number}/")["Location"] == SETTINGS
    assert f'href="{SETTINGS}"' in client.get("/alerts/").content.decode()
    saved = client.post(SETTINGS, REPAIR, follow=True)
    assert "1 run waited for the sign-in" in saved.content.decode()
    watch(world.app, watcher)
    assert AlertRule.NIGHT_FAILED not in alert_rules()
    do_night(world.app, get_org("sales").oid, NAME)
    run = find_run(failed)
    assert run is not None
    assert run.state.value == "done"
    assert repairs(client.get("/orgs/sales/").content.decode()) == []
