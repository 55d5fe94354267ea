"""Searches are saved under a name by each person for themselves."""

import pytest

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import text
from unlost.app.actions.records import saved_searches as action
from unlost.app.actions.records.saved_searches import open_search, save_search, searches
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.models import SavedSearchRow
from unlost.catalog.vault.erasing import scrub
from unlost.model.access import Role
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.plan import RecordKey

SAVE, REMOVE = "/find/saved/", "/find/saved/remove/"


def test_a_search_is_saved_opened_and_removed(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    found = text(client.get("/find/", {"q": "schoko", "all": "1", "state": "live"}))
    assert "Save this search as" in found
    sent = {"q": "schoko", "state": "live", "name": "Chocolate <b>"}
    answer = client.post(SAVE, sent, follow=True)
    assert answer.redirect_chain[0][0] == "/find/?q=schoko&all=1&state=live" or (
        "q=schoko" in answer.redirect_chain[0][0] and "state=live" in answer.redirect_chain[0][0]
    )
    assert "Saved as “Chocolate &lt;b&gt;”." in text(answer)
    listed = text(client.get("/find/"))
    assert "<bdi>Chocolate &lt;b&gt;</bdi>" in listed
    assert "q=schoko" in listed
    assert "Chocolate" not in text(sign_in(Role.RESTORER).get("/find/")), "it is of one person"
    gone = text(client.post(REMOVE, {"name": "Chocolate <b>"}, follow=True))
    assert "was removed" in gone
    assert SavedSearchRow.objects.count() == 0


def test_what_cannot_be_saved_says_why(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert "must have 1 to 120 characters" in text(client.post(SAVE, {"q": "x"}, follow=True))
    assert "text is empty" in text(client.post(SAVE, {"name": "x"}, follow=True))
    assert "no saved search" in text(client.post(REMOVE, {"name": "x"}, follow=True))


def test_a_search_of_the_same_name_is_replaced(world: World) -> None:
    save_search(world.app, "mine", RecordSearch(text="a"))
    save_search(world.app, " mine ", RecordSearch(text=" b ", deleted_by="Ada"))
    (search,) = searches(world.app).searches
    assert search.query == RecordSearch(text="b", deleted_by="Ada")
    assert open_search(world.app, "mine") == search


def test_a_person_saves_a_limited_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "MOST", 1)
    save_search(world.app, "one", RecordSearch(text="a"))
    save_search(world.app, "one", RecordSearch(text="b"))
    with pytest.raises(Conflict) as caught:
        save_search(world.app, "two", RecordSearch(text="a"))
    assert caught.value.code == "searches-too-many"
    with pytest.raises(UsageError):
        save_search(world.app, "x" * 121, RecordSearch(text="a"))
    with pytest.raises(NotFound):
        open_search(world.app, "two")


def test_searches_for_ids_of_erased_records_are_deleted(world: World) -> None:
    save_search(world.app, "erased", RecordSearch(text="A40017"))
    save_search(world.app, "other", RecordSearch(text="A40018"))
    scrub("sales", [RecordKey("Account", "A40017")])
    assert [search.name for search in searches(world.app).searches] == ["other"]
