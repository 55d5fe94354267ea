"""What is kept: previewed by who operates, set and forgotten by who manages, held by both."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.vault.keeping import rules_of, save_forgotten
from unlost.model.access import Role
from unlost.model.message import Message
from unlost.model.vault.retention import ForgottenRecord, KeepRules

PAGE = "/orgs/sales/keeping/"
RECORD = "/orgs/sales/records/User/U1/"
RULES = {"days": "0", "daily": "2", "weekly": "", "monthly": "", "yearly": "", "deleted_days": "1"}


def with_years(world: World) -> None:
    """Five nights of two years; SHORT is there for one of them."""
    live(world)
    for number in range(2, 6):
        world.clock.advance(days=1 if number > 2 else 300)
        world.org.update("User", "U1", {"Name": f"Ada {number}"})
        if number == 2:
            world.org.create("User", {"Name": "Short"}, record="SHORT")
        if number == 3:
            world.org.delete("User", "SHORT")
        backup(world.app, "sales")


two_years = scene(with_years)


@pytest.fixture
def nights(world: World, two_years: Lead) -> Iterator[World]:
    """Five nights of two years; SHORT is there for one of them."""
    with goes_on(world, two_years):
        yield world


def text_of(client: Client, path: str = PAGE, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def rules() -> KeepRules:
    return rules_of(get_org("sales").oid).rules


def test_rules_are_previewed_set_and_forgotten_by(nights: World, sign_in: SignIn) -> None:
    admin = sign_in()
    assert "All backups are kept." in text_of(admin)
    assert "Set these rules for sales" not in text_of(admin)
    seen = text_of(admin, **RULES)
    assert "The last good backup of each of 2 days" in seen
    assert "Fewer than 7 backups are kept" in seen
    assert re.search(r"Backups forgotten</dt><dd>3<", seen)
    assert re.search(r"Records forgotten completely</dt><dd>1<", seen)
    assert re.search(r"<summary><bdi dir=\"ltr\">\d{4}</bdi> · 2 backups", seen)
    assert "Forget 3 backups" not in seen
    assert rules() == KeepRules()
    told = admin.post(f"{PAGE}rules/", RULES, follow=True).content.decode()
    assert "The rules of sales were saved." in told
    assert rules() == KeepRules(daily=2, deleted_days=1)
    seen = text_of(admin, **RULES)
    assert "Forget 3 backups of sales now" in seen
    found = re.search(r'name="plan" value="([0-9a-f]+)"', seen)
    assert found is not None
    changed = admin.post(f"{PAGE}forget/", {"plan": "other"})
    assert changed.status_code == 409
    told = admin.post(f"{PAGE}forget/", {"plan": found[1]}, follow=True).content.decode()
    assert "3 backups of sales were forgotten." in told
    assert "Last forgotten: 3 backups" in told
    assert "Nothing would be forgotten now." in text_of(admin, **RULES)
    assert len(nights.app.vault.snapshots(get_org("sales").oid)) == 2


def test_presets_fill_in_the_numbers_and_are_previewed_before_they_are_set(
    nights: World, sign_in: SignIn
) -> None:
    admin = sign_in()
    admin.post(f"{PAGE}rules/", RULES)
    shown = text_of(admin)
    link = "?days=0&amp;daily=30&amp;weekly=0&amp;monthly=12&amp;yearly=7&amp;deleted_days=1#plan"
    assert f'href="{link}">30 days daily, 12 months monthly, 7 years yearly</a>' in shown
    assert shown.count('<a class="button" href="?days=') == 4
    preset = {"daily": "30", "monthly": "12", "yearly": "7", "deleted_days": "1"}
    seen = text_of(admin, **preset)
    assert "What would be forgotten" in seen
    assert "Set these rules for sales" in seen
    assert rules() == KeepRules(daily=2, deleted_days=1)
    admin.post(f"{PAGE}rules/", preset)
    noted = newest(most=1)[0].deed
    assert (noted.act, noted.detail["yearly"]) == ("keep.set", 7)
    assert 'aria-current="true">30 days daily' in text_of(admin)
    viewer = sign_in(Role.VIEWER, org="sales")
    assert '<a class="button" href="?days=' not in text_of(viewer)


def test_numbers_that_make_no_rule_come_back(nights: World, sign_in: SignIn) -> None:
    admin = sign_in()
    for answer in (
        admin.get(PAGE, RULES | {"daily": "-1"}),
        admin.post(f"{PAGE}rules/", RULES | {"yearly": "100001"}),
    ):
        assert answer.status_code == 400
    assert rules() == KeepRules()


def test_who_operates_sees_the_preview_and_holds_but_changes_no_rule(
    nights: World, sign_in: SignIn
) -> None:
    operator, viewer = sign_in(Role.OPERATOR, org="sales"), sign_in(Role.VIEWER, org="sales")
    assert "Backups forgotten" in text_of(operator, **RULES)
    assert "Set these rules" not in text_of(operator, **RULES)
    assert operator.post(f"{PAGE}rules/", RULES).status_code == 403
    assert operator.post(f"{PAGE}forget/", {}).status_code == 403
    assert "Backups forgotten" not in text_of(viewer, **RULES)
    assert "Set the legal hold" not in text_of(viewer)
    assert viewer.post("/orgs/sales/holds/", {}).status_code == 403
    assert "Holds" not in text_of(sign_in(Role.AUDITOR, org="sales"))


def test_things_are_held_and_lifted(nights: World, sign_in: SignIn) -> None:
    operator, admin = sign_in(Role.OPERATOR, org="sales"), sign_in()
    for what, which in (("record", "User/U1"), ("table", "user"), ("night", "2"), ("org", "")):
        sent = {"what": what, "which": which, "reason": "audit <b>", "until": "2030-12-31"}
        answer = operator.post("/orgs/sales/holds/", sent, follow=True)
        assert "The legal hold was set." in answer.content.decode()
    told = text_of(operator)
    assert "audit &lt;b&gt;" in told
    assert "Lift the legal hold" not in told
    assert operator.post("/orgs/sales/holds/lift/", {"org": "1"}).status_code == 403
    for thing in (
        {"table": "User", "record": "U1", "night": "0"},
        {"table": "User", "record": "", "night": "0"},
        {"table": "", "record": "", "night": "2"},
        {"org": "1", "table": "", "record": "", "night": "0"},
    ):
        answer = admin.post("/orgs/sales/holds/lift/", thing, follow=True)
        assert "The legal hold was lifted." in answer.content.decode()
    assert "There are no legal holds." in text_of(admin)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"what": "night", "which": "x"}, "Enter the number of a backup."),
        ({"what": "record", "which": "User/NOBODY"}, "The vault has no record"),
        ({"what": "org", "which": "", "until": "2020-01-01"}, "is not a future date"),
    ],
)
def test_what_cannot_be_held_comes_back(
    world: World, sign_in: SignIn, sent: dict[str, str], told: str
) -> None:
    answer = sign_in().post("/orgs/sales/holds/", sent)
    assert answer.status_code == 400
    assert told in answer.content.decode()


def test_a_record_is_held_from_its_page(world: World, sign_in: SignIn) -> None:
    operator = sign_in(Role.OPERATOR, org="sales")
    assert "Set a legal hold" in text_of(operator, RECORD)
    sent = {"what": "record", "which": "User/U1", "back": "1"}
    answer = operator.post("/orgs/sales/holds/", sent, follow=True)
    assert answer.redirect_chain[-1][0] == RECORD
    for page in (RECORD, f"{RECORD}fields/"):
        told = text_of(operator, page)
        assert '<span class="pill">legal hold</span>' in told
        assert "Set a legal hold" not in told
    assert "Set a legal hold" not in text_of(sign_in(Role.VIEWER), RECORD)


def test_a_record_under_the_hold_of_a_backup_seemed_free(world: World, sign_in: SignIn) -> None:
    """Erasing it is refused, because the backup shows it."""
    admin = sign_in()
    assert '<span class="pill">legal hold</span>' not in text_of(admin, RECORD)
    hold(world.app, "sales", HoldRequest(night=1))
    for page in (RECORD, f"{RECORD}fields/"):
        assert '<span class="pill">legal hold</span>' in text_of(admin, page)


def test_a_record_that_came_after_the_held_backup_is_free(world: World, sign_in: SignIn) -> None:
    world.org.create("User", {"Name": "Bo"}, record="U2")
    backup(world.app, "sales")
    hold(world.app, "sales", HoldRequest(night=1))
    page = text_of(sign_in(), RECORD.replace("U1", "U2"))
    assert '<span class="pill">legal hold</span>' not in page


def test_a_hold_that_ran_out_and_a_forgetting_that_failed_are_told(
    world: World, sign_in: SignIn
) -> None:
    day = f"{world.clock.now():%Y-%m-%d}"
    hold(world.app, "sales", HoldRequest(everything=True, until=day))
    world.clock.advance(days=2)
    now, oid = world.clock.now(), get_org("sales").oid
    save_forgotten(oid, ForgottenRecord(now, error=Message("x", "The disk is full.")))
    admin = sign_in()
    told = text_of(admin)
    assert "expired" in told
    assert "The disk is full." in told
    save_forgotten(oid, ForgottenRecord(now, 3, nights=1, waiting=2_000, next_at=now))
    assert "removed after:" in text_of(admin)


def test_pages_of_what_is_forgotten_lead_on(nights: World, sign_in: SignIn) -> None:
    admin = sign_in()
    run = nights.app.vault.snapshots(get_org("sales").oid)[2].run
    admin.post(f"{PAGE}rules/", RULES | {"deleted_days": "0"})
    seen = text_of(admin, **(RULES | {"deleted_days": "0"}))
    found = re.search(r'name="plan" value="([0-9a-f]+)"', seen)
    assert found is not None
    admin.post(f"{PAGE}forget/", {"plan": found[1]})
    assert "Backup 3 was since forgotten" in text_of(admin, f"/runs/{run}/")
    story = text_of(admin, RECORD)
    for at in re.findall(r"fields/\?at=(\d+)", story):
        assert "Ada" in text_of(admin, f"{RECORD}fields/", at=at)
    assert re.findall(r"fields/\?at=(\d+)", story) == ["5", "4"]
    short = text_of(admin, "/orgs/sales/records/User/SHORT/")
    assert "?at=" not in short
    assert "Short" in text_of(admin, "/orgs/sales/records/User/SHORT/fields/")
    gone = admin.get("/orgs/sales/certificate/3/")
    assert gone.status_code == 404
    assert "was forgotten" in gone.content.decode()
    for page in (
        "/",
        "/orgs/",
        "/orgs/sales/",
        "/runs/",
        "/vault/",
        "/orgs/sales/storage/",
        "/alerts/",
    ):
        text_of(admin, page)
