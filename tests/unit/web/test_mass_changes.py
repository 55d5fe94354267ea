"""From the message about a mass change to its repair, or to the reason why it was expected."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.losses import choose, goes_on, lost_shop, plan_at_once, serve, start
from unlost.app.actions.alerts.alerts import link_to, watch
from unlost.app.actions.alerts.mass_changes import ExpectRequest, expect
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.alerts import list_alerts
from unlost.catalog.home.settings import public_address, set_public_address
from unlost.catalog.mass_changes import backup_changes
from unlost.catalog.runs.runs import RunState
from unlost.catalog.silences import silences_of
from unlost.model.access import Role
from unlost.model.alert import AlertRule
from unlost.model.mass_changes import MassKind, Silence, SilenceKind
from unlost.model.source.schema import ColumnTrait

PHONES = "/orgs/sales/mass-changes/{}/"


def overwritten_shop(world: World) -> Shop:
    """Thirty phones are overwritten with one value, and the next backup sees it."""
    shop = lost_shop(world)
    for number in range(40):
        cells = {"Name": f"Customer {number}", "Phone": f"+41 {number}"}
        shop.org.create("Account", cells, record=f"C{number:02}")
    shop.night()
    watch(shop.app, Watcher())
    shop.world.clock.advance(hours=1)
    for number in range(30):
        shop.org.update("Account", f"C{number:02}", {"Phone": "0"}, by="U1" if number else "U2")
    shop.org.update("Account", "C35", {"Phone": "later"})
    number = shop.night()
    watch(shop.app, Watcher())
    assert newest(shop).kind is MassKind.OVERWRITTEN, number
    return shop


after_overwrite = scene(overwritten_shop)


@pytest.fixture
def shop(world: World, after_overwrite: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Thirty phones are overwritten with one value, and the next backup sees it."""
    plan_at_once(monkeypatch)
    with goes_on(world, after_overwrite) as made:
        yield made


def newest(shop: Shop) -> object:
    return next(c for c in backup_changes(shop.oid)[0].changes if c.column == "Phone")


def alert_page(shop: Shop) -> str:
    return PHONES.format(shop.app.vault.snapshots(shop.oid)[-1].number)


def told(client: Client, place: str) -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return answer.content.decode()


def inputs(page: str) -> dict[str, str]:
    """The hidden inputs of the first form that restores."""
    (form,) = re.findall(r'<form[^>]*action="/orgs/sales/restores/">(.*?)</form>', page, re.DOTALL)[
        :1
    ]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_the_link_of_a_message_opens_the_repair_of_exactly_these_records(
    shop: Shop, sign_in: SignIn
) -> None:
    (alert,) = [a for a in list_alerts() if a.raised.rule is AlertRule.MASS_CHANGE]
    assert link_to(alert) == ""
    set_public_address("https://unlost.example")
    link = link_to(alert)
    assert link == f"https://unlost.example/alerts/{alert.id}/"
    client = sign_in(Role.RESTORER)
    answer = client.get(link.removeprefix("https://unlost.example"))
    assert answer["Location"] == alert_page(shop)
    page = told(client, alert_page(shop))
    assert "Put Phone back" in page
    assert '<option value="U1" selected>Ada Admin (29)</option>' in page
    assert '<option value="">all users (30)</option>' in page
    plan = choose(client, **inputs(page))
    assert "Restore 30 records to sales" in told(client, plan)


def test_the_repair_can_be_limited_to_one_user(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    page = told(client, alert_page(shop))
    assert '<option value="U2">' in page
    plan = choose(client, **inputs(page), by="U1")
    assert "Restore 29 records to sales" in told(client, plan)


def corrected(shop: Shop, sign_in: SignIn) -> tuple[Client, str]:
    """The repair of the overwrite, after a person corrected one record and one more since."""
    damage = alert_page(shop)
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", "C07", {"Phone": "+41 77"}, by="U1")
    shop.night()
    shop.org.update("Account", "C08", {"Phone": "+41 88"})
    client = sign_in(Role.RESTORER)
    return client, choose(client, **inputs(told(client, damage)))


def test_a_correction_by_hand_since_the_damage_was_not_marked(shop: Shop, sign_in: SignIn) -> None:
    client, plan = corrected(shop, sign_in)
    page = told(client, plan)
    assert "2 records were changed again after the damage" in page
    part = page[page.index('id="newer"') :]
    assert "Customer 7" in part
    assert "+41 7<" in part
    assert "+41 77" in part
    assert "last changed by <bdi>Ada Admin</bdi>" in part
    assert "Customer 8" in part
    assert "It was changed after the newest backup" in part
    assert "Restore 28 records to sales" in page


def test_a_record_that_keeps_its_newer_value_was_called_correct(
    shop: Shop, sign_in: SignIn
) -> None:
    client, plan = corrected(shop, sign_in)
    page = told(client, f"{plan}records/Account/")
    row = page[page.index('value="Account/C07"') :].split("</tr>")[0]
    assert "keeps its newer value" in row
    assert "already correct" not in row


def test_a_corrected_record_is_overwritten_only_if_people_choose_so(
    shop: Shop, sign_in: SignIn
) -> None:
    client, plan = corrected(shop, sign_in)
    serve(shop, start(client, plan))
    assert shop.live("Account")["C07"]["Phone"] == "+41 77"
    form = told(client, plan)
    page = choose(client, what="records", at="4", column="Phone", record="Account/C07")
    assert "Restore 1 record to sales" in told(client, page), form
    serve(shop, start(client, page))
    assert shop.live("Account")["C07"]["Phone"] == "+41 7"


def test_a_correction_between_the_compared_backups_was_not_marked(
    shop: Shop, sign_in: SignIn
) -> None:
    """The newest value is the correction, and the repair of the whole span replaces it."""
    shop.world.clock.advance(hours=1)
    shop.org.update("Account", "C07", {"Phone": "+41 77"}, by="U1")
    shop.org.update("Account", "C34", {"Phone": "changed once"})
    shop.night()
    client = sign_in(Role.RESTORER)
    asked = {"what": "changed", "a": "4", "b": "6", "table": "Account", "column": "Phone"}
    plan = choose(client, **asked)
    page = told(client, plan)
    part = page[page.index('id="changed-again"') :].split("</section>")[0]
    assert "between backups 4 and 6" in part
    assert part.count('type="checkbox"') == 1
    assert "Customer 7" in part
    assert "+41 77" in part
    assert "last changed by <bdi>Ada Admin</bdi>" in part
    answer = client.post(f"{plan}without/", {"every-record": "Account/C07"})
    serve(shop, start(client, answer["Location"]))
    assert shop.live("Account")["C07"]["Phone"] == "+41 77"
    assert shop.live("Account")["C08"]["Phone"] == "+41 8"


def test_a_column_that_the_org_calculates_was_offered_to_be_put_back(
    shop: Shop, sign_in: SignIn
) -> None:
    columns = shop.org.tables["Account"].columns
    phone = columns["Phone"]
    columns["Phone"] = replace(phone, traits=phone.traits | {ColumnTrait.CALCULATED})
    place = alert_page(shop)
    shop.night()
    client = sign_in(Role.RESTORER)
    page = told(client, place)
    assert "Put Phone back" not in page
    assert "This field cannot be put back: the org calculates it." in page
    assert "restore plan" not in page
    assert "Put Phone back" not in told(client, "/orgs/sales/compare/?table=Account&a=3&b=4")


def test_the_comparison_limits_the_repair_to_one_user_too(shop: Shop, sign_in: SignIn) -> None:
    page = told(sign_in(Role.RESTORER), "/orgs/sales/compare/?table=Account")
    assert "Put Phone back" in page
    assert '<option value="U1" selected>Ada Admin (29)' in page
    assert "A record counts for the person who changed it last." in page


def test_home_names_the_mass_changes_of_the_newest_backup(shop: Shop, sign_in: SignIn) -> None:
    viewer = sign_in(Role.VIEWER)
    page = told(viewer, "/")
    assert "30 <bdi>Accounts</bdi>: <bdi>Phone</bdi> overwritten with one value" in page
    assert alert_page(shop) in page
    answer = {"table": "Account", "column": "Phone", "change": "overwritten", "reason": "import"}
    sign_in(Role.OPERATOR).post(f"{alert_page(shop)}expected/", answer)
    assert alert_page(shop) not in told(viewer, "/")


def test_a_repair_of_ours_is_no_mass_change(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    changed = {"what": "changed", "a": "4", "b": "5", "table": "Account", "column": "Phone"}
    run = start(client, choose(client, **changed))
    assert serve(shop, run) is RunState.DONE
    for number in range(22):
        shop.org.update("Account", f"C{number:02}", {"Phone": f"typed later {number}"}, by="U2")
    shop.night()
    watch(shop.app, Watcher())
    phones = [c for c in backup_changes(shop.oid)[0].changes if c.column == "Phone"]
    assert [c.count for c in phones] == [22], "the others have their value back"


def test_the_alerts_page_offers_repair_and_expected(shop: Shop, sign_in: SignIn) -> None:
    page = told(sign_in(Role.OPERATOR), "/alerts/")
    assert f'href="{alert_page(shop)}">Repair<' in page
    assert f'href="{alert_page(shop)}#expected">Expected<' in page


def test_an_expected_change_ends_its_alert_and_can_still_be_repaired(
    shop: Shop, sign_in: SignIn
) -> None:
    client, place = sign_in(), alert_page(shop)
    answer = {"table": "Account", "column": "Phone", "change": "overwritten"}
    assert client.post(f"{place}expected/", answer).status_code == 400
    assert client.post(f"{place}expected/", {**answer, "change": "x"}).status_code == 400
    wrong = {**answer, "table": "User", "reason": "x"}
    assert client.post(f"{place}expected/", wrong).status_code == 404
    client.post(f"{place}expected/", {**answer, "reason": "The phone system moved."})
    watch(shop.app, Watcher())
    assert not [a for a in list_alerts() if a.raised.rule is AlertRule.MASS_CHANGE]
    page = told(client, place)
    assert "The phone system moved." in page
    assert "Put Phone back" in page


def test_changes_are_announced_muted_and_ended(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in()
    add, mute = "/orgs/sales/expected/add/", "/orgs/sales/expected/mute/"
    assert "Nothing is expected or muted" in told(client, "/orgs/sales/expected/")
    until = f"{shop.world.clock.now():%Y}-12-31"
    assert client.post(add, {"what": "Account.Phone", "until": "soon"}).status_code == 400
    client.post(add, {"what": "Account.Phone", "until": until, "reason": "Import"})
    assert client.post(mute, {"until": until, "reason": "x"}).status_code == 400
    wanted = {"until": until, "reason": "Usual", "what": "User", "change": "edited", "most": "9"}
    client.post(mute, wanted)
    page = told(client, "/orgs/sales/expected/")
    assert "Account.Phone" in page
    assert "up to 9 records" in page
    kept = silences_of(shop.oid, since=shop.world.clock.now())
    assert [silence.kind for silence in kept] == [SilenceKind.EXPECTED, SilenceKind.MUTED]
    client.post("/orgs/sales/expected/end/", {"silence": str(kept[0].id)})
    assert client.post("/orgs/sales/expected/end/", {"silence": "x"}).status_code == 404
    assert len(silences_of(shop.oid, since=shop.world.clock.now())) == 1


def test_an_announced_import_raises_nothing(shop: Shop) -> None:
    until = f"{shop.world.clock.now():%Y}-12-31T18:00"
    silence = expect(shop.app, "sales", ExpectRequest("Account", until, "Import"))
    assert isinstance(silence, Silence)
    shop.world.clock.advance(hours=1)
    for number in range(120):
        shop.org.create("Account", {"Name": f"New {number}"})
    before = len(list_alerts())
    shop.night()
    watch(shop.app, Watcher())
    assert len(list_alerts()) == before


def test_created_records_are_shown_and_not_deleted(shop: Shop, sign_in: SignIn) -> None:
    shop.world.clock.advance(hours=1)
    for number in range(120):
        shop.org.create("Account", {"Name": f"New {number}"})
    shop.night()
    watch(shop.app, Watcher())
    page = told(sign_in(), alert_page(shop))
    assert "See the new records" in page
    assert "Put" not in page


def test_pages_of_unknown_backups_and_alerts(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in()
    assert client.get(PHONES.format(999)).status_code == 404
    assert client.get("/alerts/999999/").status_code == 404


def test_the_address_of_the_console_is_set(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in()
    assert "http://localhost" in told(client, "/alerts/channels/")
    client.post("/alerts/address/", {"address": "ftp://unlost.example"})
    assert public_address() == ""
    client.post("/alerts/address/", {"address": "https://unlost.example/"})
    assert public_address() == "https://unlost.example"
    client.post("/alerts/address/", {"address": ""})
    assert public_address() == ""


def test_viewers_may_see_changes_and_mark_none(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    page = told(client, alert_page(shop))
    assert "Put Phone back" not in page
    assert 'name="reason"' not in page
    answer = {"table": "Account", "column": "Phone", "change": "overwritten", "reason": "x"}
    assert client.post(f"{alert_page(shop)}expected/", answer).status_code == 403
    assert "Announce a change" not in told(client, "/orgs/sales/expected/")


def test_the_repair_on_a_comparison_restored_another_backup_than_the_chosen_one(
    shop: Shop, sign_in: SignIn
) -> None:
    """The night before the second damage has the values of the first one."""
    for number in range(30):
        shop.org.update("Account", f"C{number:02}", {"Phone": "1"}, by="U1")
    newest_backup = shop.night()
    watch(shop.app, Watcher())
    client = sign_in(Role.RESTORER)
    chosen = newest_backup - 2
    place = f"/orgs/sales/compare/?a={chosen}&b={newest_backup}&table=Account"
    page = told(client, place)
    assert f"Put Phone back as in backup {chosen}" in page
    sent = inputs(page)
    assert (sent["a"], sent["b"]) == (str(chosen), str(newest_backup))
    plan = choose(client, **sent)
    shown = told(client, f"{plan}edit/Account/C01/")
    assert "+41 1" in shown
    before = f"/orgs/sales/compare/?a={newest_backup - 1}&b={newest_backup}&table=Account"
    assert "as in backup" not in told(client, before)
    warned = told(client, PHONES.format(newest_backup))
    assert "was changed in many records one backup earlier too" in warned
    assert "one backup earlier" not in told(client, PHONES.format(newest_backup - 1))
