"""Settings, profile: language, light or dark, low rows; kept for each person."""

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import browser, clean, few_queries, text
from unlost.catalog.models import User
from unlost.model.access import Role


def test_a_profile_holds_in_every_browser(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    sent = {"language": "ar", "theme": "dark", "compact": "on"}
    answer = client.post("/settings/", sent, follow=True)
    clean(answer)
    page = text(answer)
    assert answer["Content-Language"] == "ar"
    assert '<html lang="ar" dir="rtl" data-theme="dark" data-rows="compact">' in page
    assert 'value="ar" selected' in page
    user = User.objects.get()
    elsewhere = browser()
    elsewhere.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert 'lang="ar" dir="rtl" data-theme="dark"' in text(elsewhere.get("/"))
    client.post("/account/logout/")
    assert 'lang="ar" dir="rtl" data-theme="dark"' in text(client.get("/account/login/"))
    assert 'lang="en"' in text(browser().get("/account/login/"))


def test_it_can_be_left_to_the_browser_again(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    client.post("/settings/", {"language": "ar", "theme": "dark"})
    client.post("/settings/", {"language": "", "theme": ""})
    page = text(client.get("/settings/", headers={"accept-language": "en"}))
    assert '<html lang="en" dir="ltr">' in page
    assert "theme" not in client.cookies or not client.cookies["theme"].value


def test_the_browsers_language_counts_where_none_was_chosen(world: World, sign_in: SignIn) -> None:
    page = text(sign_in(Role.VIEWER).get("/", headers={"accept-language": "ar"}))
    assert 'lang="ar" dir="rtl"' in page


def test_what_there_is_not_to_choose_comes_back(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    answer = client.post("/settings/", {"language": "xx", "theme": "pink"})
    assert answer.status_code == 400
    assert (User.objects.get().language, User.objects.get().theme) == ("", "")


def test_the_page_asks_few_questions(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    client.get("/")
    with few_queries():
        assert client.get("/settings/").status_code == 200
