"""The search and the pages of a record."""

from dataclasses import replace

from homes import World
from unit.web.conftest import SignIn
from unlost.app.actions.backups.backup import backup
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Role
from unlost.model.source.schema import ColumnTrait, WireKind
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit


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


def test_a_restored_record_shows_one_story_on_both_of_its_pages(
    world: World, sign_in: SignIn
) -> None:
    lost = next(iter(world.org.tables["Account"].records))
    world.org.delete("Account", lost)
    world.clock.advance(days=1)
    backup(world.app, "sales")
    vault, oid, began = world.app.whole_vault, get_org("sales").oid, world.clock.now()
    world.clock.advance(seconds=60)
    live = world.org.create("Account", {"Name": "Back again"}, record="B1")
    commit = vault.begin(oid, run="run-1", kind=CommitKind.RESTORE, identity=vault.orgs()[oid])
    added = commit.lineage([Lineage("Account", lost, live, oid, "run-1")])
    commit.finish([TableCommit("$lineage", (added,))], as_of=began)
    backup(world.app, "sales")
    client = sign_in(Role.RESTORER)
    pages = [
        client.get(f"/orgs/sales/records/Account/{one}/").content.decode() for one in (lost, live)
    ]
    for page in pages:
        story = page.partition('<ol class="timeline">')[2]
        assert story.count("<li class=") == 3
        assert 'Restored as <bdi dir="ltr" class="code">B1</bdi>' in story
        assert 'href="/runs/run-1/"' in story
        assert f"/orgs/sales/records/Account/{lost}/fields/?at=1" in story
        assert f"/orgs/sales/records/Account/{live}/fields/?at=4" in story
        assert f'name="record" value="Account/{lost}"' in story, "its old versions can come back"
        assert f'name="record" value="Account/{live}"' not in story, "its newest is live"


def test_former_values_are_searched_on_request(world: World, sign_in: SignIn) -> None:
    record = next(iter(world.org.tables["Account"].records))
    world.org.update("Account", record, {"Name": "Formerly Known"})
    backup(world.app, "sales")
    world.org.update("Account", record, {"Name": "Another"})
    backup(world.app, "sales")
    client = sign_in()
    asked = {"q": "formerly", "all": "1"}
    none = client.get("/find/", asked).content.decode()
    assert "No records found" in none
    assert 'name="former" value="1"> Search former values too; this takes longer' in none
    found = client.get("/find/", asked | {"former": "1"}).content.decode()
    assert '<bdi>Formerly Known</bdi> <span class="pill">former value</span>' in found
    assert 'name="former" value="1" checked>' in found


def test_calculated_fields_say_when_they_were_read(world: World, sign_in: SignIn) -> None:
    record = next(iter(world.org.tables["Account"].records))
    world.org.add_column("Account", "Worth", WireKind.DECIMAL, value="1")
    columns = world.org.tables["Account"].columns
    traits = frozenset({ColumnTrait.VOLATILE, ColumnTrait.CALCULATED})
    columns["Worth"] = replace(columns["Worth"], traits=traits)
    world.org.update("Account", record, {"Name": "Another"})
    backup(world.app, "sales")
    client = sign_in()
    fields = client.get(f"/orgs/sales/records/Account/{record}/fields/").content.decode()
    assert 'Worth</span> <span class="pill">calculated</span>' in fields
    assert "change without a change of the record. They are as of" in fields
    proof = client.get("/orgs/sales/certificate/latest/").content.decode()
    assert "The org calculates 1 column of 1 table" in proof
