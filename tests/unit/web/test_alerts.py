"""Alerts and channels: what lasts, who sees to it, who is told."""

from dataclasses import replace
from typing import ClassVar

import pytest
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unlost.alerts.senders import webhook
from unlost.app.actions.restores.restore_run import runs
from unlost.catalog.alerts import list_alerts, list_channels, update_alerts
from unlost.model.access import Role
from unlost.model.alert import AlertRule, ChannelKind, RaisedAlert, Urgency
from unlost.model.errors import TransientError
from unlost.model.message import Message
from unlost.web.parts.alert_pages import PAGES, address

FAILED = RaisedAlert(
    AlertRule.STORAGE, "sales", "data storage", Urgency.NOW, Message("", "The storage is full.", "Make room."),
    "unlost storage sales",
)  # fmt: skip
DAMAGED = RaisedAlert(
    AlertRule.VAULT_DAMAGED,
    "",
    "",
    Urgency.NOW,
    Message("", "The vault is damaged.", "Look at it."),
)
FOREIGN = RaisedAlert(
    AlertRule.NIGHT_FAILED, "hidden", "", Urgency.SOON, Message("", "Nobody here sees this.", "")
)

MAIL = {
    "name": "it-team", "to": "ada@acme.example\nbob@acme.example", "sender": "unlost@acme.example",
    "host": "mail.acme.example", "port": "587", "security": "starttls", "zone": "Europe/Zurich",
    "quiet": "22:00-07:00", "digest": "07:30", "user": "unlost", "secret": "mail horse",
}  # fmt: skip


@pytest.fixture
def alarmed(world: World) -> World:
    update_alerts([FAILED, DAMAGED], now=world.clock.now())
    return world


def test_an_alert_says_what_happened_and_leads_to_its_page(alarmed: World, sign_in: SignIn) -> None:
    told = sign_in().get("/alerts/").content.decode()
    assert "The storage is full." in told
    assert "Make room." in told
    assert "act now" in told
    assert 'href="/orgs/sales/storage/"' in told
    assert 'href="/vault/"' in told
    assert "unlost storage sales" in told


def test_an_alert_that_needs_a_person_now_stands_first(world: World, sign_in: SignIn) -> None:
    soon = replace(DAMAGED, urgency=Urgency.SOON)
    update_alerts([FAILED], now=world.clock.now())
    world.clock.advance(hours=1)
    update_alerts([FAILED, soon], now=world.clock.now())
    client = sign_in()
    told = client.get("/alerts/").content.decode()
    assert told.index("The storage is full.") < told.index("The vault is damaged.")
    history = client.get("/alerts/?all=1").content.decode()
    assert history.index("The vault is damaged.") < history.index("The storage is full.")


def test_every_rule_has_a_page_that_is_there(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert set(PAGES) == set(AlertRule)
    run = runs(world.app).runs[0].run
    for rule in AlertRule:
        subject = run if PAGES[rule].run else "Account" if PAGES[rule].table else ""
        for org in ("sales", ""):
            page = address(RaisedAlert(rule, org, subject, Urgency.SOON, Message("", "", "")))
            assert client.get(page).status_code == 200, rule


def test_an_alert_leads_to_what_it_is_about() -> None:
    def of(rule: AlertRule, subject: str) -> str:
        return address(RaisedAlert(rule, "sales", subject, Urgency.NOW, Message("", "", "")))

    assert of(AlertRule.RESTORE_HALTED, "restore-1") == "/runs/restore-1/"
    assert of(AlertRule.RUN_STUCK, "backup-1") == "/runs/backup-1/"
    assert of(AlertRule.UNUSUAL_LOSS, "Case__c") == "/orgs/sales/lost/?table=Case__c"
    assert of(AlertRule.UNUSUAL_CHANGE, "Case__c") == "/orgs/sales/compare/?table=Case__c"


def test_the_bell_counts_for_everybody_on_every_page(alarmed: World, sign_in: SignIn) -> None:
    assert "2 open alerts" in sign_in().get("/vault/").content.decode()
    assert "2 open alerts" in sign_in(Role.VIEWER).get("/").content.decode()


def test_who_sees_to_it_is_noted_and_the_rest_is_history(alarmed: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    answer = client.post("/alerts/acknowledge/", {"key": FAILED.key}, follow=True)
    told = answer.content.decode()
    assert "acknowledged" in told
    assert told.count('name="key"') == 1
    found = {one.raised.key: one.acknowledged_at for one in list_alerts()}
    assert found[FAILED.key] is not None
    assert found[DAMAGED.key] is None
    update_alerts([], now=alarmed.clock.now())
    assert "No open alerts" in client.get("/alerts/").content.decode()
    assert client.get("/alerts/?all=1").content.decode().count(">resolved<") == 2


def test_who_may_not_operate_sees_no_button_and_is_refused(alarmed: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    told = client.get("/alerts/").content.decode()
    assert 'name="key"' not in told
    assert 'href="/alerts/channels/"' not in told
    assert client.post("/alerts/acknowledge/", {"key": FAILED.key}).status_code == 403


def test_operators_of_an_org_do_not_see_to_those_of_the_home(
    alarmed: World, sign_in: SignIn
) -> None:
    client = sign_in(Role.OPERATOR, org="sales")
    told = client.get("/alerts/").content.decode()
    assert told.count('name="key"') == 1
    assert client.post("/alerts/acknowledge/", {"key": DAMAGED.key}).status_code == 403


def test_alerts_of_a_foreign_org_are_not_told(alarmed: World, sign_in: SignIn) -> None:
    update_alerts([FAILED, FOREIGN], now=alarmed.clock.now())
    told = sign_in().get("/alerts/?all=1").content.decode()
    assert "Nobody here sees this." not in told


def test_an_alert_that_does_not_last_cannot_be_acknowledged(
    alarmed: World, sign_in: SignIn
) -> None:
    assert sign_in().post("/alerts/acknowledge/", {"key": "no/such"}).status_code == 404


# --- channels -------------------------------------------------------------------------------------


def test_a_channel_for_mail_is_added_and_removed(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert "No channels yet" in client.get("/alerts/channels/").content.decode()
    answer = client.post("/alerts/channels/add/email/", MAIL, follow=True)
    told = answer.content.decode()
    assert "it-team was added." in told
    assert "ada@acme.example, bob@acme.example" in told
    assert "mail horse" not in told
    (channel,) = list_channels()
    assert channel.settings["host"] == "mail.acme.example"
    assert "quiet" in channel.settings
    answer = client.post("/alerts/channels/it-team/remove/", follow=True)
    assert "it-team was removed." in answer.content.decode()
    assert not list_channels()


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("webhook", {"url": "https://hook.acme.example/x", "secret": "s", "zone": "UTC"}),
        ("slack", {"secret": "https://hooks.slack.example/x", "zone": "UTC"}),
        ("teams", {"secret": "https://teams.example/x", "zone": "UTC"}),
        ("heartbeat", {"url": "https://watch.example/x"}),
    ],
)
def test_each_kind_has_its_own_fields(
    world: World, sign_in: SignIn, kind: str, typed: dict[str, str]
) -> None:
    client = sign_in()
    assert client.get(f"/alerts/channels/add/{kind}/").status_code == 200
    answer = client.post(f"/alerts/channels/add/{kind}/", {"name": kind, **typed})
    assert answer["Location"] == "/alerts/channels/"
    (channel,) = list_channels()
    assert channel.kind is ChannelKind(kind)


def test_a_form_with_an_error_loses_nothing_and_tells_no_secret(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in()
    answer = client.post("/alerts/channels/add/email/", {**MAIL, "zone": "Nowhere/Land"})
    told = answer.content.decode()
    assert answer.status_code == 400
    assert "There is no time zone named" in told
    assert 'value="mail.acme.example"' in told
    assert "mail horse" not in told
    again = {**MAIL, "secret": ""}
    client.post("/alerts/channels/add/email/", again)
    from unlost.catalog.alerts import sealed_secret

    assert sealed_secret("it-team") is not None


def test_a_name_that_is_taken_replaces_nothing(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    client.post("/alerts/channels/add/email/", MAIL)
    answer = client.post("/alerts/channels/add/email/", {**MAIL, "host": "other.example"})
    assert answer.status_code == 400
    assert list_channels()[0].settings["host"] == "mail.acme.example"


class Refusing:
    calls: ClassVar[list[str]] = []
    problem: ClassVar[str] = ""

    def send(self, message: object) -> None:
        self.calls.append(str(message))
        if self.problem:
            raise TransientError("hook-away", self.problem, next_step="Look at the receiver.")


@pytest.fixture
def hooked(world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Client:
    client = sign_in()
    typed = {"name": "hook", "url": "https://hook.acme.example/x", "zone": "UTC"}
    client.post("/alerts/channels/add/webhook/", typed)
    monkeypatch.setattr(webhook, "opened", lambda settings, secret: Refusing())
    Refusing.calls.clear()
    return client


def test_a_test_message_that_is_taken_and_one_that_is_not(
    hooked: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = hooked.post("/alerts/channels/hook/test/", follow=True)
    assert "hook received the test message." in answer.content.decode()
    monkeypatch.setattr(Refusing, "problem", "The receiver is away.")
    told = hooked.post("/alerts/channels/hook/test/", follow=True).content.decode()
    assert "The receiver is away." in told
    assert "Look at the receiver." in told
    assert len(Refusing.calls) == 2


def test_kinds_and_channels_that_are_not_there(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert client.get("/alerts/channels/add/pigeon/").status_code == 404
    assert client.post("/alerts/channels/none/test/").status_code == 404
    assert client.post("/alerts/channels/none/remove/").status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.RESTORER])
def test_channels_are_for_who_manages_the_home(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    assert client.get("/alerts/channels/").status_code == 403
    assert client.post("/alerts/channels/add/email/", MAIL).status_code == 403
    assert client.post("/alerts/channels/x/remove/").status_code == 403
    assert not list_channels()
