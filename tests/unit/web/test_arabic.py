"""The console in Arabic: whole, from right to left, and what is not Arabic stands apart."""

import re
from pathlib import Path

import pytest
from django.test import Client

from homes import World
from unit.app.shop import CUSTOMER, Shop
from unit.web.arabic import in_arabic, latin_in, told
from unit.web.conftest import SignIn
from unit.web.doors import PASSWORD, browser, person, sign_in_as
from unit.web.losses import choose, plan_at_once, serve, start
from unlost.app.actions.backups.backup import backup
from unlost.app.home.discovery import connector_names, load_connector
from unlost.model.access import Role
from unlost.model.source.quota import Quota

GIB = 2.0**30
# Names; those of connectors are in the languages of their vendors.
LABELS = {word for name in connector_names() for word in latin_in(load_connector(name).label)}
SAME = {"Slack", "Microsoft", "Teams", "English"} | LABELS
DATA = {
    "sales", "memory", "Memory", "admin-all", "Account", "AccountHistory", "Contact", "Contacts", "Paper",
    "User", "Id", "Modified", "ModifiedBy", "Name", "Number", "Owner", "Phone", "Schoko", "rich",
    "found", "org", "run",
}  # fmt: skip
RECORD = f"/orgs/sales/records/Account/{CUSTOMER}/"
PAGES = (
    "/", "/find/", "/find/?all=1&q=chocolate", "/runs/", "/orgs/", "/orgs/sales/",
    "/orgs/sales/certificate/latest/", "/orgs/sales/settings/", "/orgs/sales/writer/",
    "/orgs/sales/compare/", "/orgs/sales/compare/?table=Account", "/orgs/sales/lost/", "/losses/",
    "/losses/?state=folded", "/orgs/sales/losses/1/", RECORD,
    f"{RECORD}fields/?all=1", f"{RECORD}related/", f"{RECORD}files/", "/connect/",
    "/orgs/sales/schedule/", "/schedules/", "/orgs/sales/storage/", "/alerts/", "/alerts/?all=1",
    "/alerts/channels/", "/alerts/channels/add/email/", "/alerts/channels/add/webhook/",
    "/alerts/channels/add/slack/", "/alerts/channels/add/heartbeat/", "/vault/", "/vault/checks/",
    "/settings/", "/settings/people/", "/settings/people/add/", "/settings/tokens/",
    "/settings/hidden/", "/settings/sso/", "/audit/", "/account/sessions/", "/account/logout/",
    "/account/2fa/",
)  # fmt: skip


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    return shop


@pytest.fixture
def client(shop: Shop, sign_in: SignIn) -> Client:
    return in_arabic(sign_in(Role.ADMIN))


def plain(page: str) -> str:
    """The page without its tags and invisible signs, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>|[\u2066-\u2069]", " ", page))


def test_no_page_says_anything_in_english(client: Client) -> None:
    left = {place: latin_in(told(client, place)) - SAME - DATA for place in PAGES}
    assert {place: words for place, words in left.items() if words} == {}


def test_home_says_how_an_org_is_protected_and_what_was_lost(client: Client) -> None:
    page = plain(told(client, "/"))
    assert "محمية" in page
    assert re.search(r"فُقدت? .{0,30}منذ النسخة الاحتياطية السابقة", page)
    assert "إنشاء نسخة احتياطية من sales الآن" in page


def test_a_record_tells_its_story(client: Client) -> None:
    page = told(client, RECORD)
    assert "مفقود" in page
    assert "معاينة استعادة هذا السجل" in page
    assert re.search(r'<time dir="ltr" datetime="[^"]+" title="[^"]+ UTC">', page)
    assert f'<bdi dir="ltr" class="code">{CUSTOMER}</bdi>' in page


def test_nights_are_compared(client: Client) -> None:
    assert "الجداول المختلفة" in told(client, "/orgs/sales/compare/")
    page = told(client, "/orgs/sales/compare/?table=Account&kind=deleted")
    assert "مفقود" in page
    assert "\u2066" in page, "nights in a list are isolated too"


def test_a_restore_is_previewed_run_and_told(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = choose(client, what="records", record=f"Account/{CUSTOMER}")
    page = told(client, plan)
    assert "استعادة 4 سجلات إلى \u2068sales\u2069" in page
    assert "السجلات المراد استعادتها" in page
    assert "أقل من دقيقة" in page
    records = told(client, f"{plan}records/Account/")
    assert "سيُنشأ بمعرّف جديد" in records or "سيُلغى حذفه" in records
    run = start(client, plan, typed="sales")
    serve(shop, run)
    job = told(client, f"/runs/{run}/")
    assert "استعادة إلى" in job
    assert "النتيجة" in job
    monkeypatch.setattr("unlost.app.actions.restores.outcome.journal_of", lambda *_: None)
    gone = told(client, f"/runs/{run}/")
    assert "مُحي سجل" in gone
    left = latin_in(page) | latin_in(records) | latin_in(job) | latin_in(told(client, "/runs/"))
    left |= latin_in(gone)
    assert left - SAME - DATA == set()


def test_notes_of_single_records_are_translated(shop: Shop, client: Client) -> None:
    """They were marked as English, and stayed English."""
    shop.org.update("Account", "A40018", {"Phone": "+41 1"}, by="U1")
    shop.night()
    shop.org.update("Account", "A40018", {"Phone": "by hand"})
    client.post("/orgs/sales/watched/", {"name": "Mine", "record": "Account/A40018"})
    answer = client.post("/orgs/sales/watched/Mine/take-back/", {"user": "U1"})
    page = told(client, f"{answer['Location']}records/Account/")
    assert '<p class="small" dir="auto">' in page
    assert 'lang="en"' not in page


def test_errors_of_the_engine_are_translated(client: Client) -> None:
    page = told(client, "/orgs/sales/restores/no-such-plan/", status=404)
    assert "لم ينجح ذلك" in page
    assert re.search(r"<strong>لا توجد خطة '<bdi>[^<]*no-such-plan", page)
    assert latin_in(page) == set()


def test_what_the_console_says_itself_is_translated(client: Client) -> None:
    assert "الصفحة غير موجودة." in told(client, "/no/such/page/", status=404)
    answer = client.post("/orgs/sales/restores/", {"what": "records", "at": "2"})
    assert "لم يُحدَّد أي سجل." in answer.content.decode()
    assert 'lang="en"' not in answer.content.decode()


def test_an_error_of_the_engine_is_translated_beside_a_form(client: Client) -> None:
    wish = {"nightly": "on", "at": "02:00", "window": "60", "calls": "40", "blackout": "soon"}
    answer = client.post("/orgs/sales/schedule/", wish)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'lang="en"' not in page
    assert "<bdi>" in page
    assert "&lt;bdi" not in page


def test_a_notice_with_markup_survives_the_next_page(client: Client) -> None:
    run = re.search(r'<bdi dir="ltr" class="code">([^<]+)</bdi>', told(client, "/runs/"))
    assert run is not None
    answer = client.post("/orgs/sales/backup/", follow=True)
    page = answer.content.decode()
    assert 'lang="en"' not in page
    assert "<bdi>" in page
    assert "&lt;bdi" not in page


def test_the_door_speaks_arabic_too(world: World) -> None:
    client = in_arabic(browser())
    page = told(client, "/account/login/")
    assert "تسجيل الدخول" in page
    assert latin_in(page) == set()
    wrong = client.post("/account/login/", {"login": "nobody", "password": "wrong"})
    assert latin_in(wrong.content.decode()) == set()
    assert latin_in(told(client, "/start/used-up/", status=404)) == set()


def test_pages_of_the_second_factors_speak_it_too(world: World) -> None:
    person(world, "lena")
    client = in_arabic(browser())
    assert sign_in_as(client, "lena").status_code == 302
    again = "/account/reauthenticate/?next=/account/2fa/"
    assert latin_in(told(client, again)) <= {"lena"}
    assert client.post(again, {"password": PASSWORD}).status_code == 302
    places = ("password/change/", "2fa/totp/activate/", "2fa/webauthn/add/")
    left = {one: latin_in(told(client, f"/account/{one}")) - {"PIN", "lena"} for one in places}
    assert {place: words for place, words in left.items() if words} == {}


def test_a_chart_runs_from_left_to_right_and_is_read_in_arabic(
    world: World, sign_in: SignIn
) -> None:
    for day in range(6):
        source = world.connector.source("one")
        source.quota = (Quota("data storage", (0.5 + 0.01 * day) * GIB, GIB, "bytes"),)
        backup(world.app, "sales")
        world.clock.advance(days=1)
    page = told(in_arabic(sign_in()), "/orgs/sales/storage/")
    chart = re.search(r'<svg xmlns[^>]*aria-label="([^"]+)"', page)
    assert chart is not None
    assert chart[1].startswith("تخزين البيانات, sales: 55.0%, يمتلئ في ")
    assert re.search("\u2066[0-9.]+ MB\u2069", page)
    css = Path(__file__).parents[3] / "src/unlost/web/static/unlost/unlost.css"
    assert re.search(r"figure {[^}]*direction: ltr", css.read_text("utf-8"))


@pytest.mark.parametrize("asked", ["ar", "ar-EG", "ar-SA,ar;q=0.9,en;q=0.5", "xx, ar"])
def test_a_browser_of_any_arab_country_is_heard(world: World, asked: str) -> None:
    page = browser().get("/account/login/", headers={"accept-language": asked})
    assert page["Content-Language"] == "ar"


def test_who_chose_english_reads_english(client: Client) -> None:
    client.post("/settings/", {"language": "en", "theme": ""})
    answer = client.get("/")
    assert answer["Content-Language"] == "en"
    assert '<html lang="en" dir="ltr"' in answer.content.decode()
