"""The search and the pages of a record."""

from homes import World
from unit.web.conftest import SignIn
from unlost.app.actions.backups.backup import backup


def test_a_number_opens_the_record(world: World, sign_in: SignIn) -> None:
    record = next(iter(world.org.tables["Account"].records))
    answer = sign_in().get("/find/", {"q": record}, follow=True)
    assert answer.redirect_chain[0][0].startswith(f"/orgs/sales/records/Account/{record}/")
    assert answer.status_code == 200
    assert record in answer.content.decode()


def test_home_shows_the_org(world: World, sign_in: SignIn) -> None:
    answer = sign_in().get("/")
    assert answer.status_code == 200
    assert "sales" in answer.content.decode()


def test_a_record_tells_its_story_fields_and_files(world: World, sign_in: SignIn) -> None:
    record = next(iter(world.org.tables["Account"].records))
    world.org.update("Account", record, {"Name": "Another <b>"})
    backup(world.app, "sales")
    client = sign_in()
    place = f"/orgs/sales/records/Account/{record}/"
    told = client.get(place).content.decode()
    assert "Another &lt;b&gt;" in told
    for part in ("fields/", "related/", "files/"):
        assert client.get(place + part).status_code == 200


def test_without_a_sign_in_nothing_is_shown(world: World, sign_in: SignIn) -> None:
    from django.test import Client

    answer = Client(SERVER_NAME="localhost").get("/")
    assert answer.status_code == 302
    assert answer["Location"] == "/account/login/?next=%2F"
