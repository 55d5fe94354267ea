"""The search opens the record that was meant, and lists the others."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.staticfiles.finders import find as static_file

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, goes_on, live, queries
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.model.access import Role
from unlost.model.vault.snapshot import SearchHelp, SearchIndexState
from unlost.vault.reader import EncryptedReader


def with_firms(world: World) -> None:
    """Fifty firms, of which Ada deleted three; and a purged one."""
    live(world)
    for number in range(50):
        world.org.create("Account", {"Name": f"Firma {number:02}"}, record=f"F{number:02}")
    backup(world.app, "sales")
    world.clock.advance(days=1)
    for number in range(3):
        world.org.delete("Account", f"F{number:02}", by="U1")
    world.org.purge("Account", "F03")
    backup(world.app, "sales")


fifty_firms = scene(with_firms)


@pytest.fixture
def firms(world: World, fifty_firms: Lead) -> Iterator[World]:
    """Fifty firms, of which Ada deleted three; and a purged one."""
    with goes_on(world, fifty_firms):
        yield world


def shown(page: str) -> str:
    """The words of a page."""
    bare = re.sub(r"<[^>]+>", " ", page.partition("<main")[2])
    return " ".join(bare.split())


def test_records_of_the_same_name_are_told_apart(shop: Shop, sign_in: SignIn) -> None:
    """Two contacts were called Zoë O'Reilly, and the list showed the same twice."""
    for account in ("A40018", "A40019"):
        shop.org.create("Contact", {"Name": "Zoë Zander", "Account": account})
    shop.org.create("Contact", {"Name": "Zoë Zahn", "Account": "A40018"})
    shop.night()
    page = shown(sign_in().get("/find/", {"q": "zoë"}).content.decode())
    assert "Zoë Zander Account: Cacao Lyon" in page
    assert page.count("Account: ") == 2, "the third one has another name"


def test_more_than_a_page_has_a_total_and_links(firms: World, sign_in: SignIn) -> None:
    client = sign_in()
    first = client.get("/find/", {"q": "firma"}).content.decode()
    assert "50 records" in shown(first)
    assert "1 to 20 of 50" in shown(first)
    assert "Previous page" not in first
    (following,) = re.findall(r'href="([^"]*start=20[^"]*)"', first)
    second = client.get("/find/" + following.replace("&amp;", "&")).content.decode()
    assert "21 to 40 of 50" in shown(second)
    assert "start=0" in second
    names = [re.findall(r"<bdi>(Firma \d+)</bdi></a>", page) for page in (first, second)]
    assert len({*names[0], *names[1]}) == 40
    last = client.get("/find/", {"q": "firma", "start": "40"}).content.decode()
    assert "41 to 50 of 50" in shown(last)
    assert "Next page" not in last


def test_a_list_of_many_matches_asks_little(firms: World, sign_in: SignIn) -> None:
    client = sign_in()
    for place in ("/find/?q=firma", "/find/?q=deleted+by+ada", "/find/?q=nothing"):
        assert len(queries(client, place)) <= MOST_QUERIES


def test_filters_stand_in_the_address(firms: World, sign_in: SignIn) -> None:
    client = sign_in()
    wanted = {"q": "firma", "all": "1", "state": "deleted", "org": "sales", "table": "Account"}
    page = client.get("/find/", wanted).content.decode()
    assert "4 records" in shown(page)
    assert '<option value="deleted" selected>' in page
    assert '<input type="hidden" name="table" value="Account">' in page
    assert "Remove the filters" in page
    live = client.get("/find/", wanted | {"state": "live"}).content.decode()
    assert "46 records" in shown(live)
    odd = client.get("/find/", wanted | {"state": "odd", "start": "x"}).content.decode()
    assert "50 records" in shown(odd)
    none = client.get("/find/", wanted | {"since": "2099-01-01"}).content.decode()
    assert "Filters are set." in shown(none)
    assert '<a href="/find/?all=1&amp;q=firma">Search without filters.</a>' in none
    assert client.get("/find/", wanted | {"since": "soon"}).status_code == 400


def test_tables_are_links_with_counts(firms: World, sign_in: SignIn) -> None:
    firms.org.create("User", {"Name": "Firma User"}, record="U9")
    backup(firms.app, "sales")
    client = sign_in()
    page = client.get("/find/", {"q": "firma"}).content.decode()
    assert '<bdi>Accounts</bdi> <span class="count">50</span>' in page
    (link,) = re.findall(r'href="(\?[^"]*table=User[^"]*)"', page)
    users = client.get("/find/" + link.replace("&amp;", "&")).content.decode()
    assert "1 record " in shown(users), "a single match of a filter is listed"
    assert 'aria-current="page"><bdi>User</bdi>' in users


def test_deletions_are_told_in_words(firms: World, sign_in: SignIn) -> None:
    client = sign_in()
    page = shown(client.get("/find/", {"q": "firma", "state": "deleted"}).content.decode())
    assert re.search(r"deleted by Ada Admin on 2026-03-\d\d", page)
    assert re.search(r"deleted between .* and .* · user unknown", page)
    by_ada = client.get("/find/", {"q": "deleted by ada"}).content.decode()
    assert "3 records" in shown(by_ada)
    filtered = client.get("/find/", {"q": "", "by": "Ada"}).content.decode()
    assert "Records deleted by “Ada”" in shown(filtered)
    assert "3 records" in shown(filtered)


def test_it_is_said_that_earlier_deletions_were_not_searched(firms: World, sign_in: SignIn) -> None:
    firms.clock.advance(days=100)
    backup(firms.app, "sales")
    client = sign_in()
    page = shown(client.get("/find/", {"q": "deleted by ada"}).content.decode())
    assert "Only deletions in sales since" in page
    assert "choose an earlier first day" in page
    whole = client.get("/find/", {"q": "deleted by ada", "since": "2026-01-01"})
    assert "Only deletions" not in whole.content.decode()
    assert "3 records" in shown(whole.content.decode())


def test_nothing_found_says_what_was_searched(firms: World, sign_in: SignIn) -> None:
    hide(firms.app, "sales", "Account.Phone")
    page = sign_in(Role.VIEWER).get("/find/", {"q": "4140018"}).content.decode()
    words = shown(page)
    assert "No records found" in words
    assert "sales: the newest backup is of" in words
    assert "the next one starts" in words
    assert "e-mail addresses, telephone numbers" in words
    assert "The search left out 1 column hidden from your role." in words
    assert 'former=1">Search former values too.</a>' in page.replace("&amp;", "&")
    nobody = sign_in().get("/find/", {"q": "deleted by Nobody"}).content.decode()
    assert "No user has a name with Nobody." in shown(nobody)


def test_a_typing_mistake_has_links_to_what_was_meant(firms: World, sign_in: SignIn) -> None:
    client = sign_in()
    page = client.get("/find/", {"q": "schoco zurich"}).content.decode()
    assert "Did you mean:" in shown(page)
    (link,) = re.findall(r'<a href="(/find/\?q=[^"]*)"><bdi>(?i:schoko zurich)</bdi>', page)
    assert "Schoko Zürich" in client.get(link, follow=True).content.decode()


def test_an_index_in_renewal_is_told(
    firms: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in()
    told = "Older records of sales are still being indexed (50 % left)."
    assert told not in shown(client.get("/find/", {"q": "firma"}).content.decode())
    monkeypatch.setattr(
        EncryptedReader, "search_help", lambda *_: SearchHelp(SearchIndexState(1, 2))
    )
    assert told in shown(client.get("/find/", {"q": "firma"}).content.decode())


def test_an_exact_match_opens_and_an_inexact_one_is_listed(firms: World, sign_in: SignIn) -> None:
    client = sign_in()
    opened = client.get("/find/", {"q": "A40018"})
    assert opened.status_code == 302
    assert opened["Location"] == "/orgs/sales/records/Account/A40018/?q=A40018"
    assert client.get("/find/", {"q": "firma 49"}).status_code == 302, "its whole name"
    listed = client.get("/find/", {"q": "lyo"})
    assert listed.status_code == 200
    assert "1 record " in shown(listed.content.decode())


def test_keys_for_the_search_box_are_on_every_page(world: World, sign_in: SignIn) -> None:
    page = sign_in().get("/").content.decode()
    assert '<script src="/static/unlost/keys.js" defer></script>' in page
    assert 'aria-keyshortcuts="/ Control+K"' in page
    assert static_file("unlost/keys.js")
